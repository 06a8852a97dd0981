//! Proxies: their URLs, and which one to use for a server, from the client's settings or the environment.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::no_proxy::NoProxy;
use super::origin::{Origin, port_number, split_port};

/// The port of a proxy whose URL has none; curl's default for all kinds of proxies.
const DEFAULT_PORT: u16 = 1080;

/// The length of a user name or a password is one byte (RFC 1929).
const MAX_SOCKS_CREDENTIAL: usize = 255;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    Http,
    /// SOCKS5; the client does the DNS lookup.
    Socks5,
    /// SOCKS5; the proxy does the DNS lookup.
    Socks5h,
}

/// A proxy.
#[derive(Clone)]
pub struct Proxy {
    pub kind: ProxyKind,
    /// In lower case. An IPv6 address has its brackets.
    pub host: String,
    pub port: u16,
    login: Option<ProxyLogin>,
    /// The function or the environment variable that the URL is from.
    set_by: &'static str,
}

/// User name and password. No `Debug`: they must not be printed.
#[derive(Clone)]
pub struct ProxyLogin {
    pub user: Zeroizing<String>,
    pub password: Zeroizing<String>,
}

/// The proxy setting of a client.
#[derive(Clone, Default)]
pub enum ProxyChoice {
    #[default]
    Environment,
    None,
    Set(Arc<Proxy>),
}

/// The proxies of one client. The environment is read before the client's first connection.
#[derive(Clone, Default)]
pub struct ProxySettings {
    http: Option<ProxyLookup>,
    https: Option<ProxyLookup>,
    except: NoProxy,
}

/// A proxy, or why its URL in the environment is invalid.
type ProxyLookup = Result<Arc<Proxy>, String>;

impl Proxy {
    /// Parses `[scheme://][user[:password]@]host[:port]`. Errors do not quote the URL, which may contain a password.
    pub fn parse(url: &str) -> Result<Proxy, String> {
        if !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("it contains a space, a control character or a character outside ASCII".into());
        }
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let kind = match scheme.to_ascii_lowercase().as_str() {
            "http" => ProxyKind::Http,
            "socks5" => ProxyKind::Socks5,
            "socks5h" => ProxyKind::Socks5h,
            // The error does not quote the scheme: it may be part of a secret.
            _ => return Err("its scheme is not http, socks5 or socks5h".into()),
        };
        // The path of a proxy's URL is ignored.
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (login, authority) = match rest.rsplit_once('@') {
            Some((login, authority)) => (Some(ProxyLogin::parse(login, kind)?), authority),
            None => (None, rest),
        };
        let (host, port) = split_port(authority)?;
        if host.is_empty() {
            return Err("it has no host".into());
        }
        let port = match port {
            None | Some("") => DEFAULT_PORT,
            Some(digits) => port_number(digits).ok_or("its port is not a number from 1 to 65535")?,
        };
        Ok(Proxy { kind, host: host.to_ascii_lowercase(), port, login, set_by: "mcp_set_proxy" })
    }

    /// The URL for messages, without credentials.
    pub fn shown(&self) -> String {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Socks5 => "socks5",
            ProxyKind::Socks5h => "socks5h",
        };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// The URL for messages, without credentials, and where it was set.
    pub fn shown_with_source(&self) -> String {
        format!("{} (set by {})", self.shown(), self.set_by)
    }

    /// Whether the proxy forwards requests to `origin`. Otherwise it is used to open a connection to the server.
    pub fn forwards(&self, origin: &Origin) -> bool {
        self.kind == ProxyKind::Http && !origin.https
    }

    pub fn login(&self) -> Option<&ProxyLogin> {
        self.login.as_ref()
    }

    /// The value of `Proxy-Authorization` (RFC 7617, section 2).
    pub fn authorization(&self) -> Option<Zeroizing<String>> {
        let login = self.login.as_ref()?;
        let pair = Zeroizing::new(format!("{}:{}", *login.user, *login.password));
        Some(Zeroizing::new(format!("Basic {}", *Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes())))))
    }

    /// The secrets to redact: the password, and the `Basic` credentials.
    pub fn secrets(&self) -> Vec<Zeroizing<String>> {
        let Some(login) = &self.login else { return Vec::new() };
        let basic =
            self.authorization().and_then(|value| Some(Zeroizing::new(value.strip_prefix("Basic ")?.to_owned())));
        basic.into_iter().chain([login.password.clone()]).collect()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl ProxyLogin {
    fn parse(text: &str, kind: ProxyKind) -> Result<ProxyLogin, String> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        let login = ProxyLogin { user: percent_decoded(user)?, password: percent_decoded(password)? };
        let longest = login.user.len().max(login.password.len());
        if kind != ProxyKind::Http && longest > MAX_SOCKS_CREDENTIAL {
            return Err("its user name or password is longer than SOCKS5 allows (255 bytes)".into());
        }
        Ok(login)
    }
}

/// Decodes percent-encoding (RFC 3986, section 2.1).
fn percent_decoded(text: &str) -> Result<Zeroizing<String>, String> {
    let invalid = || "its user name or password is not percent-encoded UTF-8".to_owned();
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let digits = [rest.next().ok_or_else(invalid)?, rest.next().ok_or_else(invalid)?];
                let digits = str::from_utf8(&digits).map_err(|_| invalid())?;
                u8::from_str_radix(digits, 16).map_err(|_| invalid())?
            }
            other => other,
        };
        bytes.push(byte);
    }
    if bytes.iter().any(u8::is_ascii_control) {
        return Err("its user name or password contains a control character".into());
    }
    String::from_utf8(bytes.to_vec()).map(Zeroizing::new).map_err(|_| invalid())
}

impl ProxySettings {
    /// The proxies for `choice`. `variable` returns the value of an environment variable.
    pub fn new(choice: &ProxyChoice, variable: impl Fn(&str) -> Option<String>) -> ProxySettings {
        match choice {
            ProxyChoice::None => ProxySettings::default(),
            ProxyChoice::Set(proxy) => {
                let one = Some(Ok(Arc::clone(proxy)));
                ProxySettings { http: one.clone(), https: one, except: NoProxy::default() }
            }
            ProxyChoice::Environment => ProxySettings::from_environment(variable),
        }
    }

    /// Reads the environment by curl's rules: lower-case names first, and `http_proxy` only in lower case, because in a
    /// CGI program HTTP_PROXY contains the `Proxy` header of the request.
    fn from_environment(variable: impl Fn(&str) -> Option<String>) -> ProxySettings {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let url = variable(name).filter(|url| !url.is_empty())?;
                Some(
                    Proxy::parse(&url)
                        .map(|proxy| Arc::new(Proxy { set_by: name, ..proxy }))
                        .map_err(|why| format!("the proxy in {name} cannot be used: {why}")),
                )
            })
        };
        let except = ["no_proxy", "NO_PROXY"].iter().find_map(|name| variable(name).filter(|list| !list.is_empty()));
        ProxySettings {
            http: first(&["http_proxy", "all_proxy", "ALL_PROXY"]),
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            except: except.map_or_else(NoProxy::default, |list| NoProxy::parse(&list)),
        }
    }

    pub fn all(&self) -> impl Iterator<Item = &Proxy> {
        [&self.http, &self.https].into_iter().flatten().filter_map(|found| found.as_deref().ok())
    }

    /// The proxy to use for `origin`. Fails if its URL is invalid.
    pub fn proxy_for(&self, origin: &Origin) -> Result<Option<&Arc<Proxy>>, &str> {
        let found = if origin.https { &self.https } else { &self.http };
        match found {
            Some(_) if self.except.covers(&origin.host) => Ok(None),
            Some(Ok(proxy)) => Ok(Some(proxy)),
            Some(Err(why)) => Err(why),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        Proxy::parse(url).unwrap().shown()
    }

    #[test]
    fn proxy_urls_are_parsed() {
        assert_eq!(shown("proxy"), "http://proxy:1080");
        assert_eq!(shown("Proxy:3128/some/path"), "http://proxy:3128");
        assert_eq!(shown("socks5h://u:p@[::1]:9"), "socks5h://[::1]:9");
        let proxy = Proxy::parse("http://us%40er:p%3Aw@h:1").unwrap();
        let login = proxy.login().unwrap();
        assert_eq!((login.user.as_str(), login.password.as_str()), ("us@er", "p:w"));
        assert_eq!(proxy.authorization().unwrap().as_str(), "Basic dXNAZXI6cDp3");
        assert_eq!(format!("{proxy:?}"), "http://h:1");
        let long = format!("socks5://{}:x@h", "u".repeat(256));
        assert_eq!(proxy.shown_with_source(), "http://h:1 (set by mcp_set_proxy)");
        assert_eq!(shown("proxy:"), "http://proxy:1080");
        let invalid = [
            "",
            "http://",
            "ftp://zqxw@h",
            "http://h:0",
            "h:+80",
            "http://h:x",
            "zqxw:80:80",
            "http://u:zqxw%0@h",
            &long,
        ];
        for url in invalid.into_iter().chain(["http://u:zqxw%0A@h", "http://zq xw", "zqxwü"]) {
            let why = Proxy::parse(url).expect_err(url);
            assert!(!why.contains("zqxw"), "{why}");
        }
    }

    fn origin(url: &str) -> Origin {
        let (scheme, host) = url.trim_end_matches('/').split_once("://").unwrap();
        Origin { https: scheme == "https", host: host.into(), port: 80 }
    }

    fn proxy_for(variables: &[(&str, &str)], url: &str) -> String {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let proxies = ProxySettings::new(&ProxyChoice::Environment, variable);
        match proxies.proxy_for(&origin(url)) {
            Ok(proxy) => proxy.map_or_else(|| "none".into(), |proxy| proxy.host.clone()),
            Err(why) => why.to_owned(),
        }
    }

    #[test]
    fn the_environment_is_read_by_the_rules_of_curl() {
        assert_eq!(proxy_for(&[], "http://x/"), "none");
        assert_eq!(proxy_for(&[("HTTP_PROXY", "a")], "http://x/"), "none");
        assert_eq!(proxy_for(&[("http_proxy", "a"), ("https_proxy", "b")], "http://x/"), "a");
        assert_eq!(proxy_for(&[("http_proxy", "a")], "https://x/"), "none");
        assert_eq!(proxy_for(&[("HTTPS_PROXY", "a"), ("https_proxy", "b")], "https://x/"), "b");
        assert_eq!(proxy_for(&[("HTTPS_PROXY", "a"), ("https_proxy", "")], "https://x/"), "a");
        assert_eq!(proxy_for(&[("ALL_PROXY", "a"), ("all_proxy", "b")], "http://x/"), "b");
        assert_eq!(proxy_for(&[("all_proxy", "a"), ("NO_PROXY", "y,x")], "http://x/"), "none");
        assert_eq!(proxy_for(&[("all_proxy", "a"), ("NO_PROXY", "x"), ("no_proxy", "y")], "http://x/"), "a");
        let why = proxy_for(&[("all_proxy", "ftp://zqxw")], "http://x/");
        assert!(why.contains("all_proxy") && !why.contains("zqxw"), "{why}");
    }

    #[test]
    fn a_proxy_that_was_set_is_used_for_all_origins() {
        let proxy = Arc::new(Proxy::parse("p").unwrap());
        let proxies = ProxySettings::new(&ProxyChoice::Set(proxy), |_| Some("*".into()));
        assert!(proxies.proxy_for(&origin("https://x/")).unwrap().is_some());
        let none = ProxySettings::new(&ProxyChoice::None, |_| Some("p".into()));
        assert!(none.proxy_for(&origin("https://x/")).unwrap().is_none());
    }
}
