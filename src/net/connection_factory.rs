//! The settings for connections, and what all connections of a client share.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use once_cell::sync::OnceCell;
use rustls::ClientConfig;
use zeroize::Zeroizing;

use super::address_policy::AddressPolicy;
use super::address_scope::AddressScope;
use super::dns::{DnsCache, addresses};
use super::origin::Origin;
use super::proxy::{Proxy, ProxyChoice, ProxySettings};
use super::tls::TlsOptions;
use crate::sys::lock::Mutex;
use crate::sys::wait::WaitContext;

/// The default limit for the head of a response, in bytes.
pub const DEFAULT_MAX_HEAD: usize = 64 * 1024;

/// Settings for the connections of a client.
#[derive(Clone)]
pub struct ConnectionOptions {
    pub proxy: ProxyChoice,
    pub tls: TlsOptions,
    pub unix_socket: Option<PathBuf>,
    pub max_head: usize,
}

impl Default for ConnectionOptions {
    fn default() -> ConnectionOptions {
        ConnectionOptions {
            proxy: ProxyChoice::default(),
            tls: TlsOptions::default(),
            unix_socket: None,
            max_head: DEFAULT_MAX_HEAD,
        }
    }
}

/// Opens the connections of one client: those to its own server, or those to foreign servers, which its server names.
pub struct ConnectionFactory {
    shared: Arc<SharedConnectionState>,
    /// Connect to the client's own server here.
    unix_socket: Option<PathBuf>,
    /// Which foreign servers to connect to; `None` for the client's own server.
    policy: Option<AddressPolicy>,
}

/// What all connections of one client share: DNS cache, TLS configuration and proxies.
struct SharedConnectionState {
    dns: DnsCache,
    tls: TlsOptions,
    /// Created for the first connection that needs it.
    tls_config: OnceCell<Result<Arc<ClientConfig>, String>>,
    proxies: ProxySettings,
    /// The scope of the address at which the client's own server was reached without a proxy.
    server_scope: Mutex<Option<AddressScope>>,
}

/// What the socket of a connection connects to.
pub enum Route<'a> {
    Server,
    Unix(&'a PathBuf),
    Proxy(&'a Proxy),
}

impl ConnectionFactory {
    pub fn new(options: ConnectionOptions) -> ConnectionFactory {
        let proxies = ProxySettings::new(&options.proxy, |name| std::env::var(name).ok());
        let shared = SharedConnectionState {
            dns: DnsCache::default(),
            tls: options.tls,
            tls_config: OnceCell::new(),
            proxies,
            server_scope: Mutex::default(),
        };
        ConnectionFactory { shared: Arc::new(shared), unix_socket: options.unix_socket, policy: None }
    }

    /// The factory for connections of the same client to foreign servers. `policy` decides which.
    pub fn for_foreign_servers(&self, policy: AddressPolicy) -> ConnectionFactory {
        ConnectionFactory { shared: Arc::clone(&self.shared), unix_socket: None, policy: Some(policy) }
    }

    pub fn policy(&self) -> Option<&AddressPolicy> {
        self.policy.as_ref()
    }

    pub fn dns(&self) -> &DnsCache {
        &self.shared.dns
    }

    pub fn tls_config(&self) -> Result<Arc<ClientConfig>, String> {
        self.shared.tls_config.get_or_init(|| self.shared.tls.config()).clone()
    }

    /// Records the address of a connection that was opened to `origin`, if this is the client's own server.
    pub fn record_address(&self, origin: &Origin, address: IpAddr) {
        if self.policy.is_some() {
            return;
        }
        let scope = AddressScope::of(address);
        let is_authenticated = origin.https && !self.shared.tls.accepts_any_certificate;
        let mut recorded = self.shared.server_scope.lock();
        *recorded = Some(match *recorded {
            // Another host may respond after the server's name was changed to its address (DNS rebinding), so that the
            // server would seem to be on a private network. Keep the most public scope.
            Some(before) if !is_authenticated => before.min(scope),
            _ => scope,
        });
    }

    /// The scope of the address of the client's own server.
    pub fn server_scope(&self, server: &Origin, wait_context: &WaitContext) -> AddressScope {
        match self.route(server) {
            Ok(Route::Unix(_)) => AddressScope::Loopback,
            Ok(Route::Server) => {
                let recorded = *self.shared.server_scope.lock();
                recorded.unwrap_or_else(|| self.look_up_scope(server, wait_context))
            }
            // The proxy does the lookup.
            Ok(Route::Proxy(_)) | Err(_) => AddressScope::of_host(&server.host).unwrap_or(AddressScope::Global),
        }
    }

    /// The most public scope of the addresses of a server that was not connected to yet. If the lookup fails, the
    /// server counts as public.
    fn look_up_scope(&self, server: &Origin, wait_context: &WaitContext) -> AddressScope {
        let found = addresses(self.dns(), &server.host, server.port, wait_context).unwrap_or_default();
        found.iter().map(|address| AddressScope::of(address.ip())).min().unwrap_or(AddressScope::Global)
    }

    /// The route to `origin`.
    pub fn route(&self, origin: &Origin) -> Result<Route<'_>, &str> {
        if let Some(path) = &self.unix_socket {
            return Ok(Route::Unix(path));
        }
        Ok(self.shared.proxies.proxy_for(origin)?.map_or(Route::Server, |proxy| Route::Proxy(proxy)))
    }

    /// The proxy that forwards requests to `origin`, and that may send responses itself.
    pub fn forwarding_proxy(&self, origin: &Origin) -> Option<&Proxy> {
        match self.route(origin) {
            Ok(Route::Proxy(proxy)) if proxy.forwards(origin) => Some(proxy),
            _ => None,
        }
    }

    /// The credentials of the proxies, in the forms in which they are sent.
    pub fn proxy_secrets(&self) -> Vec<Zeroizing<String>> {
        self.shared.proxies.all().flat_map(Proxy::secrets).collect()
    }
}

impl fmt::Debug for ConnectionFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionFactory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AddressScope::*;

    fn origin(https: bool, host: &str) -> Origin {
        Origin { https, host: host.into(), port: 443 }
    }

    /// A factory without a proxy, unless `change` sets one.
    fn factory(change: impl FnOnce(&mut ConnectionOptions)) -> ConnectionFactory {
        let mut options = ConnectionOptions { proxy: ProxyChoice::None, ..ConnectionOptions::default() };
        change(&mut options);
        ConnectionFactory::new(options)
    }

    fn scope(factory: &ConnectionFactory, host: &str) -> AddressScope {
        factory.server_scope(&origin(true, host), &WaitContext::default())
    }

    #[test]
    fn the_last_authenticated_connection_decides_the_scope_of_the_server() {
        let record = |factory: &ConnectionFactory, https: bool, address: &str| {
            factory.record_address(&origin(https, "mcp.example"), address.parse().unwrap());
            scope(factory, "mcp.example")
        };
        let secure = factory(|_| ());
        assert_eq!(record(&secure, true, "1.1.1.1"), Global);
        assert_eq!(record(&secure, true, "10.0.0.1"), Private);
        let foreign = secure.for_foreign_servers(AddressPolicy::new(Private, Default::default()));
        assert_eq!(record(&foreign, true, "127.0.0.1"), Private);
        for (https, unauthenticated) in
            [(false, factory(|_| ())), (true, factory(|options| options.tls.accepts_any_certificate = true))]
        {
            assert_eq!(record(&unauthenticated, https, "127.0.0.1"), Loopback);
            assert_eq!(record(&unauthenticated, https, "10.0.0.1"), Private);
            assert_eq!(record(&unauthenticated, https, "1.1.1.1"), Global);
            assert_eq!(record(&unauthenticated, https, "10.0.0.1"), Global);
        }
    }

    #[test]
    fn before_the_first_connection_the_addresses_of_the_server_decide_its_scope() {
        let direct = factory(|_| ());
        assert_eq!(scope(&direct, "localhost"), Loopback);
        assert_eq!(scope(&direct, "[fc00::1]"), Private);
        direct.dns().add("mcp.example", &["10.0.0.1:443".parse().unwrap()]);
        assert_eq!(scope(&direct, "mcp.example"), Private);
        direct.dns().add("mcp.example", &["10.0.0.1:443".parse().unwrap(), "1.1.1.1:443".parse().unwrap()]);
        assert_eq!(scope(&direct, "mcp.example"), Global);
        // The lookup fails.
        assert_eq!(scope(&direct, &"x".repeat(300)), Global);
    }

    #[test]
    fn a_server_behind_a_unix_socket_is_on_this_machine_and_one_behind_a_proxy_is_public() {
        assert_eq!(scope(&factory(|options| options.unix_socket = Some("/x".into())), "mcp.example"), Loopback);
        let proxy = || ProxyChoice::Set(Arc::new(Proxy::parse("proxy").unwrap()));
        let behind_proxy = factory(|options| options.proxy = proxy());
        behind_proxy.dns().add("mcp.example", &["10.0.0.1:443".parse().unwrap()]);
        assert_eq!(scope(&behind_proxy, "mcp.example"), Global);
        assert_eq!(scope(&behind_proxy, "10.0.0.1"), Private);
    }
}
