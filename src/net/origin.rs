//! Origins: scheme, host and port.

use std::net::{IpAddr, Ipv6Addr};

/// The origin that credentials are bound to (RFC 6454, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub https: bool,
    /// In lower case. An IPv6 address has its brackets.
    pub host: String,
    pub port: u16,
}

impl Origin {
    /// The beginning of a URL of this origin.
    pub fn shown(&self) -> String {
        let (scheme, port) = (if self.https { "https" } else { "http" }, self.port);
        if port == default_port(self.https) {
            format!("{scheme}://{}", self.host)
        } else {
            format!("{scheme}://{}:{port}", self.host)
        }
    }

    /// Whether credentials for this origin may be sent to `other`: if it is the same, or the https origin of the same
    /// host, both on the default ports.
    pub fn may_send_credentials_to(&self, other: &Origin) -> bool {
        let upgraded = !self.https && other.https && self.host == other.host && (self.port, other.port) == (80, 443);
        self == other || upgraded
    }

    /// Whether data sent to this origin does not leave this machine.
    pub fn is_loopback(&self) -> bool {
        let bare = without_brackets(&self.host);
        is_localhost(bare) || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Whether a name always means this machine (RFC 6761, section 6.3). Such names are not looked up.
pub fn is_localhost(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

/// The port of an origin whose URL contains none.
pub fn default_port(https: bool) -> u16 {
    if https { 443 } else { 80 }
}

/// Removes the brackets of an IPv6 address. Other hosts are returned unchanged.
pub fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Splits `host[:port]`, where the host may be an IPv6 address in brackets.
pub fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or("the URL's IPv6 address lacks its closing bracket")?;
        let (host, rest) = authority.split_at(end + 1);
        let address = &host[1..end];
        address.parse::<Ipv6Addr>().map_err(|_| "the URL's host in brackets is not an IPv6 address")?;
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

/// Parses the port of a URL: digits only. Rust's integer parser also accepts a sign.
pub fn port_number(digits: &str) -> Option<u16> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| is_number && *port != 0)
}
