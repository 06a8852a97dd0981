//! Splits http and https URLs (RFC 3986). The URLs are not normalized.

use std::net::{IpAddr, Ipv6Addr};

use super::leniency::Leniency;
use super::quote::quote;

/// The parts of a URL, as written. No `Debug`: the query may contain a secret.
#[derive(Clone, Copy)]
pub struct HttpUrl<'a> {
    pub https: bool,
    /// Scheme, host and port.
    pub origin: &'a str,
    /// An IPv6 address has its brackets.
    pub host: &'a str,
    /// The port that the URL contains.
    pub written_port: Option<u16>,
    /// Empty, or begins with a slash.
    pub path: &'a str,
    /// Without its question mark.
    pub query: Option<&'a str>,
    /// Without its number sign.
    pub fragment: Option<&'a str>,
}

impl<'a> HttpUrl<'a> {
    /// The error continues a sentence about the URL, and does not repeat it.
    pub fn parse(url: &'a str) -> Result<HttpUrl<'a>, &'static str> {
        if !url.bytes().all(is_uri_character) {
            return Err("contains a character that URLs cannot contain");
        }
        let (scheme, rest) = url.split_once("://").ok_or("does not begin with https://")?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return Err("is neither an https nor an http URL");
        }
        let authority_length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(authority_length);
        let (host, written_port) = split_authority(authority)?;
        let (rest, fragment) = split_off(rest, '#');
        let (path, query) = split_off(rest, '?');
        let origin = &url[..scheme.len() + "://".len() + authority_length];
        Ok(HttpUrl { https, origin, host, written_port, path, query, fragment })
    }

    pub fn port(&self) -> u16 {
        self.written_port.unwrap_or(if self.https { 443 } else { 80 })
    }

    /// Whether scheme, host and port are the same (RFC 6454, section 4).
    pub fn has_origin_of(&self, other: &HttpUrl) -> bool {
        self.https == other.https && self.host.eq_ignore_ascii_case(other.host) && self.port() == other.port()
    }

    /// Whether requests to the URL do not leave this machine (RFC 6761, section 6.3).
    pub fn is_loopback(&self) -> bool {
        let name = self.host.strip_suffix('.').unwrap_or(self.host);
        let last_label = name.rsplit('.').next().unwrap_or_default();
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        last_label.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Checks the URL of an authorization server, which is called `what` in the error: https, or http on this machine, and
/// without a fragment (RFC 6749, section 3.1).
pub fn check_server_url<'a>(what: &str, url: &'a str, leniency: Leniency) -> Result<HttpUrl<'a>, String> {
    let parsed = HttpUrl::parse(url).map_err(|why| format!("the {what} {} {why}", quote(url)))?;
    if parsed.fragment.is_some() {
        return Err(format!("the {what} {} has a fragment, which is not allowed", quote(url)));
    }
    if !parsed.https && !parsed.is_loopback() && !leniency.plain_http {
        return Err(format!(
            "the {what} {} is not an https URL; MCP_OAUTH_PLAIN_HTTP allows http, for test networks",
            quote(url)
        ));
    }
    Ok(parsed)
}

/// Splits `host[:port]`.
fn split_authority(authority: &str) -> Result<(&str, Option<u16>), &'static str> {
    const INVALID_HOST: &str = "has an invalid host";
    if authority.contains('@') {
        return Err("contains a user name or a password");
    }
    let host_length = match authority.strip_prefix('[') {
        Some(address) => address.find(']').ok_or(INVALID_HOST)? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(host_length);
    let is_host_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let is_valid = match host.strip_prefix('[').and_then(|address| address.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => is_host_name(host) && !host.is_empty(),
    };
    if !is_valid {
        return Err(INVALID_HOST);
    }
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        None => return Err(INVALID_HOST),
        // An empty port is the default port (RFC 3986, section 3.2.3).
        Some("") => None,
        Some(digits) => Some(port_number(digits).ok_or("has a port that is not a number from 1 to 65535")?),
    };
    Ok((host, port))
}

/// Parses digits only: Rust's integer parser also accepts a sign.
fn port_number(digits: &str) -> Option<u16> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| is_number && *port != 0)
}

/// Splits at the first separator, which belongs to neither part.
fn split_off(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Whether a URI may contain the character (RFC 3986, appendix A).
pub fn is_uri_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> HttpUrl<'_> {
        HttpUrl::parse(url).unwrap_or_else(|why| panic!("{url} {why}"))
    }

    #[test]
    fn urls_are_split() {
        let url = parse("HTTPS://Auth.Example:8443/a/b?c=/d?e#f?g#h");
        assert_eq!((url.https, url.origin, url.host), (true, "HTTPS://Auth.Example:8443", "Auth.Example"));
        assert_eq!((url.path, url.query, url.fragment), ("/a/b", Some("c=/d?e"), Some("f?g#h")));
        let url = parse("http://[::1]:8000");
        assert_eq!((url.host, url.port(), url.path, url.query, url.fragment), ("[::1]", 8000, "", None, None));
        assert_eq!((parse("https://h:/").port(), parse("http://h?x").port()), (443, 80));
        assert_eq!((parse("http://h?x/y").path, parse("http://h?x/y").query), ("", Some("x/y")));
    }

    #[test]
    fn invalid_urls_are_rejected() {
        let invalid = [
            "",
            "h",
            "/a",
            "//h/a",
            "https:/h",
            "ftp://h",
            "javascript://h",
            "https://",
            "https:///a",
            "https://:80",
            "https://h:0",
            "https://h:65536",
            "https://h:+1",
            "https://h:1:2",
            "https://u@h",
            "https://u:p@h",
            "https://h\\@g",
            "https://h h",
            "https://h/\n",
            "https://é",
            "https://h/é",
            "https://[::1",
            "https://[x]",
            "https://[::1]x",
            "https://h%2e",
            "https://h*",
            "https://{tenant}/",
            "https://h/<x>",
        ];
        for url in invalid {
            assert!(HttpUrl::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn origins_are_compared_without_case_and_default_ports() {
        assert!(parse("HTTPS://H/a").has_origin_of(&parse("https://h:443?b")));
        for other in ["http://h", "https://h:444", "https://g", "https://h."] {
            assert!(!parse("https://h").has_origin_of(&parse(other)), "{other}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for url in ["http://localhost", "http://a.LOCALHOST.:1", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]"]
        {
            assert!(parse(url).is_loopback(), "{url}");
        }
        for url in ["http://localhost.example", "http://127.1", "http://2130706433", "http://0.0.0.0", "http://[::2]"] {
            assert!(!parse(url).is_loopback(), "{url}");
        }
    }

    #[test]
    fn servers_use_https_except_on_this_machine() {
        let check = |url, leniency| check_server_url("token_endpoint", url, leniency).map(|_| ());
        let (strict, lenient) = (Leniency::default(), Leniency { plain_http: true, ..Leniency::default() });
        for url in ["https://h/token", "http://127.0.0.1:9000/token", "http://localhost/token"] {
            assert_eq!(check(url, strict), Ok(()));
        }
        let error = check("http://h/token", strict).unwrap_err();
        assert!(error.starts_with("the token_endpoint \"http://h/token\" is not an https URL"), "{error}");
        assert_eq!(check("http://h/token", lenient), Ok(()));
        assert!(check("https://h/token#x", lenient).is_err());
    }
}
