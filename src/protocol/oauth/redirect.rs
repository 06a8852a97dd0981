//! Redirect URIs: where the authorization server sends the browser after a login (RFC 6749, section 3.1.2; RFC 8252,
//! section 7).

use super::quote::quote;
use super::url::{HttpUrl, is_uri_character};

/// A redirect URI, as the application sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    pub kind: RedirectKind,
}

/// Who receives the redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// A listener of the library on this host. Without a port, any free one is used.
    Loopback { host: LoopbackHost, port: Option<u16> },
    /// An https URL: the application's web server, or the application by an app link.
    Https,
    /// A scheme that the system associates with the application.
    PrivateScheme,
}

/// A host that means this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopbackHost {
    V4,
    V6,
    /// Browsers try both addresses.
    Name,
}

impl LoopbackHost {
    /// The host as URLs contain it.
    pub fn name(self) -> &'static str {
        match self {
            LoopbackHost::V4 => "127.0.0.1",
            LoopbackHost::V6 => "[::1]",
            LoopbackHost::Name => "localhost",
        }
    }
}

/// Schemes that belong to other protocols, or with which a browser would run or display the response.
const FOREIGN_SCHEMES: [&str; 15] = [
    "about",
    "blob",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "javascript",
    "mailto",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Works with all authorization servers that follow RFC 8252, section 7.3.
impl Default for RedirectUri {
    fn default() -> RedirectUri {
        let kind = RedirectKind::Loopback { host: LoopbackHost::V4, port: None };
        RedirectUri { text: "http://127.0.0.1/callback".into(), kind }
    }
}

impl RedirectUri {
    pub fn parse(text: &str) -> Result<RedirectUri, String> {
        let invalid = |why: &str| Err(format!("the redirect URI {} {why}", quote(text)));
        if !text.bytes().all(is_uri_character) {
            return invalid("contains a character that URIs cannot contain");
        }
        if text.contains('#') {
            return invalid("has a fragment, which RFC 6749 does not allow");
        }
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            return invalid("has no scheme");
        };
        let is_http = scheme.eq_ignore_ascii_case("http");
        let kind = if is_http || scheme.eq_ignore_ascii_case("https") {
            match HttpUrl::parse(text).map(|url| (loopback_host(&url), url)) {
                Err(why) => return invalid(why),
                Ok((_, url)) if url.https => RedirectKind::Https,
                Ok((Some(host), url)) => RedirectKind::Loopback { host, port: url.written_port },
                Ok((None, _)) => return invalid("uses http on a host other than 127.0.0.1, [::1] and localhost"),
            }
        } else if FOREIGN_SCHEMES.iter().any(|foreign| scheme.eq_ignore_ascii_case(foreign)) {
            return invalid("has a scheme that cannot belong to an application");
        } else if rest.is_empty() {
            return invalid("has nothing after its scheme");
        } else {
            RedirectKind::PrivateScheme
        };
        Ok(RedirectUri { text: text.to_owned(), kind })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The `application_type` of a client with this redirect URI (2026-07-28, "Application Type and Redirect URI
    /// Constraints").
    pub fn application_type(&self) -> &'static str {
        match self.kind {
            RedirectKind::Loopback { .. } | RedirectKind::PrivateScheme => "native",
            RedirectKind::Https => "web",
        }
    }

    /// The redirect URI with the port of the listener. Other kinds than loopback are returned unchanged.
    pub fn with_port(&self, port: u16) -> String {
        match (self.kind, HttpUrl::parse(&self.text)) {
            (RedirectKind::Loopback { .. }, Ok(url)) => {
                let rest = &self.text[url.origin.len()..];
                format!("http://{}:{port}{rest}", url.host)
            }
            _ => self.text.clone(),
        }
    }

    /// The path at which a listener expects the redirect.
    pub fn path(&self) -> &str {
        match HttpUrl::parse(&self.text) {
            Ok(url) if !url.path.is_empty() => url.path,
            // A request for a URL without a path has the path `/`.
            _ => "/",
        }
    }
}

fn loopback_host(url: &HttpUrl) -> Option<LoopbackHost> {
    let hosts = [LoopbackHost::V4, LoopbackHost::V6, LoopbackHost::Name];
    hosts.into_iter().find(|host| url.host.eq_ignore_ascii_case(host.name()))
}

/// `scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RedirectUri {
        RedirectUri::parse(text).unwrap()
    }

    #[test]
    fn the_kinds_of_redirect_uris_are_distinguished() {
        let loopback = |host, port| RedirectKind::Loopback { host, port };
        for (text, kind, application_type) in [
            ("http://127.0.0.1/callback", loopback(LoopbackHost::V4, None), "native"),
            ("http://localhost:8080/callback", loopback(LoopbackHost::Name, Some(8080)), "native"),
            ("HTTP://LOCALHOST", loopback(LoopbackHost::Name, None), "native"),
            ("http://[::1]:9/", loopback(LoopbackHost::V6, Some(9)), "native"),
            ("https://app.example/callback?x=1", RedirectKind::Https, "web"),
            ("com.example.app:/oauth", RedirectKind::PrivateScheme, "native"),
            ("cursor://anysphere.cursor/callback", RedirectKind::PrivateScheme, "native"),
        ] {
            let uri = parse(text);
            assert_eq!((uri.text(), uri.kind, uri.application_type()), (text, kind, application_type));
        }
    }

    #[test]
    fn the_default_redirect_uri_has_the_kind_of_its_text() {
        let uri = RedirectUri::default();
        assert_eq!(parse(uri.text()), uri);
    }

    #[test]
    fn invalid_redirect_uris_are_rejected() {
        for text in [
            "",
            "/callback",
            "callback",
            "1a:/x",
            "com.example.app:",
            "http://app.example/callback",
            "http://127.0.0.2/",
            "http://localhost.example/",
            "http:/callback",
            "https:///x",
            "http://127.0.0.1:0/",
            "http://127.0.0.1/#x",
            "com.example.app:/x#y",
            "com.example.app:/x y",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "file:///tmp/x",
        ] {
            let message = RedirectUri::parse(text).unwrap_err();
            assert!(message.starts_with("the redirect URI \""), "{message}");
        }
    }

    #[test]
    fn the_port_of_the_listener_is_inserted() {
        assert_eq!(parse("http://127.0.0.1/callback").with_port(8123), "http://127.0.0.1:8123/callback");
        assert_eq!(parse("http://localhost:1?x=/y").with_port(2), "http://localhost:2?x=/y");
        assert_eq!(parse("http://[::1]:/a").with_port(3), "http://[::1]:3/a");
        assert_eq!(parse("com.example.app:/oauth").with_port(4), "com.example.app:/oauth");
        assert_eq!(parse("https://h:5/").with_port(6), "https://h:5/");
        assert_eq!((parse("http://localhost?x").path(), parse("http://localhost/a/b?x").path()), ("/", "/a/b"));
    }
}
