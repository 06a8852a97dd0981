//! The URL of a server: validated once, and not normalized. Messages contain it without the query and without path
//! segments that may be secret.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use ::http::header::InvalidHeaderValue;
use ::http::{HeaderValue, Uri};
use zeroize::Zeroizing;

use crate::call::secrets::SecretTexts;
use crate::net::origin::{Origin, default_port, port_number, split_port};
use crate::protocol::version;

/// The URL that requests are sent to.
#[derive(Clone)]
pub struct Endpoint {
    uri: Uri,
    /// The `Host` header of requests.
    host_header: HeaderValue,
    origin: Origin,
    shown: String,
    secrets: Arc<SecretTexts>,
}

/// For messages of tests: without secrets.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Endpoint {
    pub fn parse(url: &str) -> Result<Endpoint, String> {
        if url.is_empty() {
            return Err("the URL is empty".into());
        }
        if !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(invalid_character(url).into());
        }
        let (scheme, rest) =
            url.split_once("://").ok_or("the URL has no scheme; it begins with http:// or https://")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err("the URL's scheme is neither http nor https".into()),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(
                "the URL contains a user name or password; set credentials with mcp_set_bearer or mcp_set_header"
                    .into(),
            );
        }
        let (host, port) = split_port(authority)?;
        if host.is_empty() {
            return Err("the URL has no host".into());
        }
        let number = match port {
            // An empty port is the default port (RFC 3986, section 3.2.3).
            None | Some("") => default_port(https),
            Some(digits) => port_number(digits).ok_or("the URL's port is not a number from 1 to 65535")?,
        };
        // The fragment is not sent to the server (RFC 9110, section 4.2.4).
        let sent = url.split('#').next().unwrap_or_default();
        let sent = match port {
            Some("") => Cow::Owned(format!("{scheme}://{host}{}", &sent[scheme.len() + 3 + authority.len()..])),
            _ => Cow::Borrowed(sent),
        };
        let uri: Uri = sent.parse().map_err(|error| format!("the URL cannot be used: {error}"))?;
        let origin = Origin { https, host: host.to_ascii_lowercase(), port: number };
        let query = uri.query().map(|query| Zeroizing::new(query.to_owned()));
        let secrets = SecretTexts::new(query.into_iter().collect(), path_secrets(uri.path()));
        let host_header = host_header(&uri, https).map_err(|error| format!("the URL cannot be used: {error}"))?;
        Ok(Endpoint { shown: show(&uri), uri, host_header, origin, secrets })
    }

    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    pub fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether the path's last segment is `name`. Trailing slashes are ignored.
    pub fn ends_with_segment(&self, name: &str) -> bool {
        self.uri.path().trim_end_matches('/').rsplit('/').next() == Some(name)
    }

    /// The URL for messages: without the query, and without path segments that may be secret.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The secrets that [`Endpoint::shown`] leaves out.
    pub fn secrets(&self) -> &Arc<SecretTexts> {
        &self.secrets
    }

    /// Resolves the `Location` of a redirect from this URL.
    pub fn resolve(&self, location: &str) -> Result<Endpoint, String> {
        let scheme = if self.origin.https { "https" } else { "http" };
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let path = self.uri.path();
        let absolute = if has_scheme(location) {
            location.to_owned()
        } else if let Some(network_path) = location.strip_prefix("//") {
            format!("{scheme}://{network_path}")
        } else if location.starts_with('/') {
            format!("{scheme}://{authority}{location}")
        } else if location.starts_with('?') {
            format!("{scheme}://{authority}{path}{location}")
        } else {
            let folder = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
            let (relative, rest) = location.split_at(location.find(['?', '#']).unwrap_or(location.len()));
            format!("{scheme}://{authority}{}{rest}", without_dots(&format!("{folder}{relative}")))
        };
        Endpoint::parse(&absolute)
    }
}

/// The origin of a URL that was validated before.
pub fn origin_of(uri: &Uri) -> Option<Origin> {
    let https = uri.scheme_str()?.eq_ignore_ascii_case("https");
    let port = uri.port_u16().unwrap_or(default_port(https));
    Some(Origin { https, host: uri.host()?.to_ascii_lowercase(), port })
}

/// The value of `Host`: without a port that is the default (RFC 9110, section 7.2).
fn host_header(uri: &Uri, https: bool) -> Result<HeaderValue, InvalidHeaderValue> {
    let host = uri.host().unwrap_or_default();
    match uri.port().filter(|port| port.as_u16() != default_port(https)) {
        Some(port) => format!("{host}:{port}").try_into(),
        None => HeaderValue::from_str(host),
    }
}

/// Whether a reference begins with a scheme (RFC 3986, section 3.1), and so is an absolute URL.
fn has_scheme(reference: &str) -> bool {
    let Some((scheme, _)) = reference.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// A path without its `.` and `..` segments (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut result: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    for (at, segment) in segments.iter().enumerate() {
        match *segment {
            "." => {}
            ".." => {
                result.pop();
            }
            other => result.push(other),
        }
        // A path that ends in a dot segment ends in a slash.
        if matches!(*segment, "." | "..") && at + 1 == segments.len() {
            result.push("");
        }
    }
    format!("/{}", result.join("/"))
}

/// The error for a URL that contains anything except printable ASCII.
fn invalid_character(url: &str) -> &'static str {
    let authority =
        url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.is_ascii() {
        "the URL contains a space, a control character or a character outside ASCII; percent-encode it"
    } else {
        "the URL's host contains a character outside ASCII; write the name in its ASCII form, which begins with xn-- \
         (as in xn--bcher-kva.example)"
    }
}

fn show(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let query = if uri.query().is_some() { "?..." } else { "" };
    let mut before = "";
    let mut path = String::with_capacity(uri.path().len());
    for (at, segment) in uri.path().split('/').enumerate() {
        path.push_str(if at > 0 { "/" } else { "" });
        path.push_str(if may_be_secret(before, segment) { HIDDEN } else { segment });
        before = segment;
    }
    format!("{scheme}://{authority}{path}{query}")
}

/// The replacement for a path segment that may be secret.
const HIDDEN: &str = "***";

/// A segment of at least this length, in bytes, with a letter and a digit is probably a key and not a name.
const KEY_LENGTH: usize = 16;

/// Segments after which the next one is a secret.
const BEFORE_SECRETS: [&str; 4] = ["s", "t", "key", "token"];

/// Common names of endpoints, which are never treated as secrets.
const ENDPOINTS: [&str; 2] = ["mcp", "sse"];

/// The least length of a path secret that is redacted in other texts, with a digit and without: shorter ones may be
/// ordinary words.
const SHORTEST: usize = 4;
const SHORTEST_WORD: usize = 8;

/// Longer words that are frequent in messages, and so are not redacted.
const WORDS: [&str; 2] = ["messages", "protocol"];

/// The secret segments of a path that are redacted in other texts, percent-encoded and decoded.
fn path_secrets(path: &str) -> Vec<String> {
    let mut secrets = Vec::new();
    for segment in secret_segments(path) {
        let decoded = percent_decoded(segment);
        if is_distinctive(&decoded) {
            if decoded != segment {
                secrets.push(decoded);
            }
            secrets.push(segment.to_owned());
        }
    }
    secrets
}

fn secret_segments(path: &str) -> impl Iterator<Item = &str> {
    let segments = path.split('/');
    segments.clone().skip(1).zip(segments).filter(|(segment, before)| may_be_secret(before, segment)).map(|pair| pair.0)
}

fn may_be_secret(before: &str, segment: &str) -> bool {
    if segment.is_empty() || ENDPOINTS.iter().any(|name| segment.eq_ignore_ascii_case(name)) {
        return false;
    }
    let decoded = percent_decoded(segment);
    let is_key = segment.len() >= KEY_LENGTH
        && decoded.bytes().any(|byte| byte.is_ascii_alphabetic())
        && decoded.bytes().any(|byte| byte.is_ascii_digit());
    is_key || BEFORE_SECRETS.iter().any(|name| before.eq_ignore_ascii_case(name))
}

/// Whether a secret is unlikely to be an ordinary word of a message.
fn is_distinctive(secret: &str) -> bool {
    let has_digit = secret.bytes().any(|byte| byte.is_ascii_digit());
    let shortest = if has_digit { SHORTEST } else { SHORTEST_WORD };
    secret.len() >= shortest && version::known(secret).is_none() && !WORDS.contains(&secret)
}

/// Decodes percent-encoding (RFC 3986, section 2.1).
fn percent_decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, behind) = match value.filter(|_| byte == b'%') {
            Some(value) => (value, &behind[2..]),
            None => (byte, behind),
        };
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_parsed() {
        let parse = |url: &str| Endpoint::parse(url).unwrap();
        assert_eq!(parse("http://Host:81/a/?k=secret#f").shown(), "http://Host:81/a/?...");
        assert_eq!(parse("https://host").origin(), &Origin { https: true, host: "host".into(), port: 443 });
        assert_eq!(parse("http://[::1]:8000/mcp").origin().port, 8000);
        assert!(parse("http://[::1]/").origin().is_loopback());
        assert!(parse("http://127.9.9.9/").origin().is_loopback());
        for name in ["localhost", "a.b.LocalHost", "localhost."] {
            assert!(parse(&format!("http://{name}:81/")).origin().is_loopback(), "{name}");
        }
        for name in ["localhost.example", "notlocalhost", "a.localhost.b"] {
            assert!(!parse(&format!("http://{name}/")).origin().is_loopback(), "{name}");
        }
        let bare = parse("http://host:/mcp?x#y");
        assert_eq!((bare.origin().port, bare.uri().to_string()), (80, "http://host/mcp?x".into()));
        assert_eq!(parse("https://[::1]:").origin().port, 443);
        assert_eq!(parse("http://host:0080/").origin().port, 80);
    }

    #[test]
    fn the_host_header_has_a_port_unless_it_is_the_default() {
        let rows = [
            ("http://Host:81/a?b", "Host:81"),
            ("http://host:0080/", "host"),
            ("https://host:443", "host"),
            ("https://host:80", "host:80"),
            ("http://[::1]:8000/mcp", "[::1]:8000"),
            ("http://[::1]:/", "[::1]"),
        ];
        for (url, expected) in rows {
            assert_eq!(Endpoint::parse(url).unwrap().host_header(), expected, "{url}");
        }
    }

    #[test]
    fn path_secrets_are_hidden() {
        let parse = |path: &str| Endpoint::parse(&format!("http://h{path}")).unwrap();
        let with_secrets = [
            ("/sk-0123456789abcdef/mcp", "/***/mcp", &["sk-0123456789abcdef"][..]),
            ("/s/x1/mcp?k=v", "/s/***/mcp?...", &[]),
            ("/Token/hunter2/s/correcthorse/", "/Token/***/s/***/", &["hunter2", "correcthorse"]),
            ("/key/a%2Fb%2fc-0", "/key/***", &["a/b/c-0", "a%2Fb%2fc-0"]),
            ("/t/legacy/t/messages/t/2025-11-25", "/t/***/t/***/t/***", &[]),
        ];
        for (path, shown, secrets) in with_secrets {
            let endpoint = parse(path);
            assert_eq!(
                (endpoint.shown(), path_secrets(endpoint.uri().path())),
                (&*format!("http://h{shown}"), secrets.iter().map(|s| s.to_string()).collect()),
                "{path}"
            );
        }
        let without_secrets = [
            "/mcp",
            "/messages/",
            "/s/",
            "/s/mcp",
            "/key/SSE",
            "/modelcontextprotocol-servers/x",
            "/my%20other%20projects/mcp",
            "/2025112500000000000",
            "/v1.2.3/a1",
        ];
        for path in without_secrets {
            let endpoint = parse(path);
            assert_eq!((endpoint.shown(), path_secrets(endpoint.uri().path()).len()), (&*format!("http://h{path}"), 0));
        }
    }

    #[test]
    fn invalid_urls_are_rejected() {
        let invalid = [
            "",
            "host",
            "/mcp",
            "httpfoo://host/",
            "ftp://host/",
            "http://",
            "http:///mcp",
            "http://:80/",
            "http://user@host/",
            "http://user:pw@host/",
            "http://host:0/",
            "http://host:99999/",
            "http://host:x/",
            "http://host:+80/",
            "http://host:-80/",
            "http://:/",
            "http://ho st/",
            "http://höst/",
            "http://host/\r\n",
            "http://[::1/",
            "http://[::1]x/",
            "http://[x]/",
            "://host",
        ];
        for url in invalid {
            let message = Endpoint::parse(url).expect_err(url);
            assert!(!message.contains("pw"), "{message}");
        }
    }

    #[test]
    fn redirect_locations_are_resolved() {
        let base = Endpoint::parse("http://host:81/a/mcp?x=1").unwrap();
        let resolve = |location| base.resolve(location).unwrap().uri().to_string();
        assert_eq!(resolve("/a/mcp/"), "http://host:81/a/mcp/");
        assert_eq!(resolve("b"), "http://host:81/a/b");
        assert_eq!(resolve("?y=2"), "http://host:81/a/mcp?y=2");
        assert_eq!(resolve("../b/./c?y=../z"), "http://host:81/b/c?y=../z");
        assert_eq!(resolve("../../.."), "http://host:81/");
        assert_eq!(resolve("/login?next=http://x/"), "http://host:81/login?next=http://x/");
        assert!(base.resolve("mailto:x@host").is_err());
        assert_eq!(resolve("./"), "http://host:81/a/");
        assert_eq!(resolve("//other/x"), "http://other/x");
        assert_eq!(resolve("https://other/x"), "https://other/x");
    }

    #[test]
    fn credentials_are_sent_only_to_their_origin() {
        let origin = |url| Endpoint::parse(url).unwrap().origin().clone();
        let plain = origin("http://host/");
        assert!(plain.may_send_credentials_to(&origin("http://HOST:80/x")));
        assert!(plain.may_send_credentials_to(&origin("https://host/")));
        for other in ["http://host:81/", "https://host:8443/", "http://other/", "https://other/"] {
            assert!(!plain.may_send_credentials_to(&origin(other)), "{other}");
        }
        assert!(!origin("https://host/").may_send_credentials_to(&plain));
        assert!(!origin("http://host:8080/").may_send_credentials_to(&origin("https://host/")));
    }
}
