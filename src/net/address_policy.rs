//! Which servers this client may be directed to. An MCP server names the authorization servers, so it could direct
//! requests to hosts that it cannot reach, but this client can (server-side request forgery: MCP 2026-07-28, "Security
//! Best Practices").

use std::net::{IpAddr, SocketAddr};

use super::address_scope::AddressScope;
use super::origin::{Origin, without_brackets};

/// What the application allows beyond the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressExceptions {
    /// Addresses of all scopes.
    pub private_addresses: bool,
    /// Plain http, and servers on this machine.
    pub plain_http: bool,
}

/// The rules for connections to servers that are not set by the application.
#[derive(Clone, Debug)]
pub struct AddressPolicy {
    /// The scope of the MCP server's own address.
    server: AddressScope,
    exceptions: AddressExceptions,
    plain_http_origin: Option<Origin>,
}

impl AddressPolicy {
    /// The policy for servers that an MCP server at an address of the scope `server` names.
    pub fn new(server: AddressScope, exceptions: AddressExceptions) -> AddressPolicy {
        AddressPolicy { server, exceptions, plain_http_origin: None }
    }

    /// The policy with plain http allowed to `origin`. Its addresses are checked as those of other origins.
    pub fn with_plain_http_to(self, origin: Origin) -> AddressPolicy {
        AddressPolicy { plain_http_origin: Some(origin), ..self }
    }

    /// Checks what can be checked before a DNS lookup: the scheme, and a host that is an IP address or a name of this
    /// machine. If a proxy does the lookup, there is no other check. The error says why the origin is refused.
    pub fn check_origin(&self, origin: &Origin) -> Result<(), String> {
        let may_be_plain =
            self.exceptions.plain_http || origin.is_loopback() || self.plain_http_origin.as_ref() == Some(origin);
        if !origin.https && !may_be_plain {
            return Err(format!(
                "requests to {} would be sent unencrypted; use https, or allow plain http with mcp_oauth_allow and \
                 MCP_OAUTH_PLAIN_HTTP",
                origin.shown()
            ));
        }
        match AddressScope::of_host(&origin.host) {
            Some(scope) => self.check_scope(scope, || format!("the host {}", origin.host)),
            None if is_number(&origin.host) => Err(format!("the host {} is not a valid IP address", origin.host)),
            None => Ok(()),
        }
    }

    /// The addresses of `host` that may be connected to, in the same order. Fails if there are addresses, but none that
    /// is allowed.
    pub fn permitted(&self, host: &str, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
        let (mut permitted, mut first_refusal) = (Vec::with_capacity(addresses.len()), None);
        for address in addresses {
            match self.check_address(host, address.ip()) {
                Ok(()) => permitted.push(address),
                Err(why) => first_refusal = first_refusal.or(Some(why)),
            }
        }
        match first_refusal {
            Some(why) if permitted.is_empty() => Err(why),
            _ => Ok(permitted),
        }
    }

    /// Checks an address of `host`.
    fn check_address(&self, host: &str, address: IpAddr) -> Result<(), String> {
        self.check_scope(AddressScope::of(address), || format!("the host {host} ({address})"))
    }

    fn check_scope(&self, scope: AddressScope, host: impl FnOnce() -> String) -> Result<(), String> {
        if self.exceptions.private_addresses || self.is_within_reach(scope) {
            return Ok(());
        }
        let (host, name) = (host(), scope.name());
        Err(format!(
            "{host} has a {name} address, and the MCP server is not known to have one; if you trust the MCP server, \
             allow this with mcp_oauth_allow and MCP_OAUTH_PRIVATE_ADDRESSES"
        ))
    }

    /// Whether the MCP server may direct requests to addresses of this scope.
    fn is_within_reach(&self, scope: AddressScope) -> bool {
        match scope {
            AddressScope::Global => true,
            // A server on this machine or link is part of the same site.
            AddressScope::Private => !matches!(self.server, AddressScope::Global | AddressScope::Reserved),
            AddressScope::Loopback => self.server == AddressScope::Loopback || self.exceptions.plain_http,
            AddressScope::LinkLocal | AddressScope::Reserved => self.server == scope,
        }
    }
}

/// Whether the last label of a host is a number. No public name is like that, but system resolvers and proxies read
/// such a host as an IPv4 address (URL standard, "ends-in-a-number checker"): `127.1`, `0x7f000001` and `2130706433`
/// are 127.0.0.1.
fn is_number(host: &str) -> bool {
    let host = without_brackets(host);
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AddressScope::*;

    const NONE: AddressExceptions = AddressExceptions { private_addresses: false, plain_http: false };
    const PRIVATE_ADDRESSES: AddressExceptions = AddressExceptions { private_addresses: true, ..NONE };
    const PLAIN_HTTP: AddressExceptions = AddressExceptions { plain_http: true, ..NONE };

    /// One address of each scope.
    const ADDRESSES: [(AddressScope, &str); 5] = [
        (Global, "1.1.1.1"),
        (Private, "::ffff:10.0.0.1"),
        (LinkLocal, "169.254.169.254"),
        (Loopback, "127.0.0.1"),
        (Reserved, "198.18.0.1"),
    ];

    fn origin(https: bool, host: &str) -> Origin {
        Origin { https, host: host.into(), port: 443 }
    }

    fn permitted_scopes(server: AddressScope, exceptions: AddressExceptions) -> Vec<AddressScope> {
        let policy = AddressPolicy::new(server, exceptions);
        let may_use = |address: &str| policy.check_address("as.example", address.parse().unwrap()).is_ok();
        ADDRESSES.iter().filter(|(_, address)| may_use(address)).map(|(scope, _)| *scope).collect()
    }

    #[test]
    fn the_address_of_the_mcp_server_decides_which_addresses_it_may_name() {
        assert_eq!(permitted_scopes(Global, NONE), [Global]);
        assert_eq!(permitted_scopes(Private, NONE), [Global, Private]);
        assert_eq!(permitted_scopes(LinkLocal, NONE), [Global, Private, LinkLocal]);
        assert_eq!(permitted_scopes(Loopback, NONE), [Global, Private, Loopback]);
        assert_eq!(permitted_scopes(Reserved, NONE), [Global, Reserved]);
    }

    #[test]
    fn exceptions_permit_more_addresses() {
        for (server, _) in ADDRESSES {
            assert_eq!(permitted_scopes(server, PRIVATE_ADDRESSES), ADDRESSES.map(|(scope, _)| scope));
        }
        assert_eq!(permitted_scopes(Global, PLAIN_HTTP), [Global, Loopback]);
    }

    #[test]
    fn plain_http_is_permitted_on_this_machine_only() {
        let policy = AddressPolicy::new(Loopback, NONE);
        for host in ["localhost", "as.localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(policy.check_origin(&origin(false, host)), Ok(()), "{host}");
        }
        for host in ["as.example", "10.0.0.1", "1.1.1.1", "0.0.0.0", "[::ffff:127.0.0.1]", "localhost.example"] {
            let why = policy.check_origin(&origin(false, host)).expect_err(host);
            assert!(why.contains(host) && why.contains("MCP_OAUTH_PLAIN_HTTP"), "{why}");
        }
        assert_eq!(AddressPolicy::new(Global, PLAIN_HTTP).check_origin(&origin(false, "as.example")), Ok(()));
    }

    #[test]
    fn plain_http_to_one_origin_does_not_permit_its_address() {
        let policy = AddressPolicy::new(Global, NONE).with_plain_http_to(origin(false, "mcp.example"));
        assert_eq!(policy.check_origin(&origin(false, "mcp.example")), Ok(()));
        assert!(policy.check_origin(&origin(false, "as.example")).is_err());
        assert!(policy.check_address("mcp.example", "127.0.0.1".parse().unwrap()).is_err());
    }

    #[test]
    fn hosts_are_checked_before_a_lookup() {
        let policy = AddressPolicy::new(Global, NONE);
        for host in
            ["as.example", "1.1.1.1", "[2606:4700::1]", "as.example.", "0x.example", "a1", "x.1a", "xn--bcher-kva"]
        {
            assert_eq!(policy.check_origin(&origin(true, host)), Ok(()), "{host}");
        }
        for host in ["localhost", "127.0.0.1", "10.0.0.1", "[::ffff:10.0.0.1]", "[64:ff9b::a9fe:a9fe]", "0.0.0.0"] {
            let why = policy.check_origin(&origin(true, host)).expect_err(host);
            assert!(why.contains(host) && why.contains("MCP_OAUTH_PRIVATE_ADDRESSES"), "{why}");
        }
    }

    #[test]
    fn hosts_that_resolvers_read_as_addresses_are_refused() {
        let policy = AddressPolicy::new(Loopback, AddressExceptions { private_addresses: true, plain_http: true });
        for host in ["127.1", "2130706433", "0x7f000001", "0X7F.0.0.1", "0177.0.0.1", "127.0.0.1.", "1.0x", "a.1"] {
            assert!(policy.check_origin(&origin(true, host)).is_err(), "{host}");
        }
    }

    #[test]
    fn only_permitted_addresses_of_a_name_are_used() {
        let policy = AddressPolicy::new(Global, NONE);
        let parse = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let mixed = parse(&["10.0.0.1:443", "1.1.1.1:443", "[::1]:443", "[2606:4700::1]:443"]);
        assert_eq!(policy.permitted("as.example", mixed), Ok(parse(&["1.1.1.1:443", "[2606:4700::1]:443"])));
        let why = policy.permitted("as.example", parse(&["10.0.0.1:443", "127.0.0.1:443"])).unwrap_err();
        assert!(why.contains("as.example (10.0.0.1) has a private address"), "{why}");
        assert_eq!(policy.permitted("as.example", Vec::new()), Ok(Vec::new()));
    }
}
