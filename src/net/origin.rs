//! What a connection leads to: scheme, host and port.

use std::net::{IpAddr, Ipv6Addr};

/// What credentials are bound to (RFC 6454, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub https: bool,
    /// Lower case; an IPv6 address keeps its brackets.
    pub host: String,
    pub port: u16,
}

impl Origin {
    /// As it stands at the beginning of a URL.
    pub fn shown(&self) -> String {
        let (scheme, port) = (if self.https { "https" } else { "http" }, self.port);
        if port == default_port(self.https) {
            format!("{scheme}://{}", self.host)
        } else {
            format!("{scheme}://{}:{port}", self.host)
        }
    }

    /// Whether credentials that were set for this origin may go to `other`: the same one, or its https form on the default ports.
    pub fn may_follow_to(&self, other: &Origin) -> bool {
        let upgraded = !self.https && other.https && self.host == other.host && (self.port, other.port) == (80, 443);
        self == other || upgraded
    }

    /// Whether what is sent there stays on this machine.
    pub fn is_loopback(&self) -> bool {
        let bare = without_brackets(&self.host);
        is_localhost(bare) || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Whether a name stands for this machine whatever a resolver says of it (RFC 6761, section 6.3): none is asked.
pub fn is_localhost(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

/// The port that an origin has when its URL names none.
pub fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

/// An IPv6 address as it stands outside of a URL; other hosts as they are.
pub fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Splits `host[:port]`, where the host may be an IPv6 address in brackets.
pub fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or("the URL's IPv6 address lacks its closing bracket")?;
        let (host, rest) = authority.split_at(end + 1);
        let address = &host[1..end];
        address.parse::<Ipv6Addr>().map_err(|_| "the URL's host in brackets is no IPv6 address")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("the URL's host is malformed".into()),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

/// A port as it stands in a URL: digits alone, which Rust's own rule is not.
pub fn port_number(digits: &str) -> Option<u16> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| is_number && *port != 0)
}
