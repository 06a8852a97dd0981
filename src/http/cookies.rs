//! The cookies of one server (RFC 6265), stored as long as the client exists: load balancers use them to send the
//! requests of a session to the same machine. They are received from one host and sent only to it, so the only rule for
//! domains is that a cookie for another domain is rejected.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use ::http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use crate::call::request_headers::RequestHeaders;
use crate::call::secrets::SecretTexts;
use crate::net::origin::without_brackets;
use crate::sys::lock::Mutex;

/// Limits: RFC 6265, section 6.1 requires at least this number of cookies for a domain, and this size for each. All
/// together have to fit into the head of a request, and servers accept no more than this.
const MAX_COOKIES: usize = 50;
const MAX_COOKIE_BYTES: usize = 4096;
const MAX_BYTES: usize = 16 * 1024;

/// The limit for the values of removed cookies, which all messages are searched for.
const MAX_REMOVED_BYTES: usize = 32 * 1024;

/// The cookies of one client.
#[derive(Default)]
pub struct CookieStore {
    jar: Mutex<CookieJar>,
    /// A cookie was stored. Most servers set none, and then requests do not lock the jar.
    used: AtomicBool,
}

#[derive(Default)]
struct CookieJar {
    cookies: Vec<Cookie>,
    /// The values of removed cookies, the newest last: a server may still echo one.
    removed: VecDeque<String>,
    /// The values of both, for redaction; a cache.
    secrets: Option<Arc<SecretTexts>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    secure: bool,
    expires: Option<SystemTime>,
}

impl CookieStore {
    /// Stores the cookies of a response from `from`. Returns whether there were any.
    pub fn store(&self, from: &Endpoint, headers: &HeaderMap, now: impl Fn() -> SystemTime) -> bool {
        let mut has_stored = false;
        for value in headers.get_all(header::SET_COOKIE) {
            let now = now();
            let cookie = value
                .to_str()
                .ok()
                .filter(|text| text.len() <= MAX_COOKIE_BYTES)
                .and_then(|text| parse(text, from, now));
            if let Some(cookie) = cookie {
                self.jar.lock().store(cookie, now);
                self.used.store(true, Ordering::Relaxed);
                has_stored = true;
            }
        }
        has_stored
    }

    /// Whether requests may have cookies: one was stored.
    pub fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// Adds the cookies for a request to `to`, after those of a `Cookie` header that the application has set.
    pub fn add_to(&self, headers: &mut RequestHeaders, to: &Endpoint, now: impl Fn() -> SystemTime) {
        if !self.is_used() {
            return;
        }
        let now = now();
        let path = to.uri().path();
        let mut jar = self.jar.lock();
        jar.retain(|cookie| cookie.is_valid(now));
        let cookies: Vec<_> = jar.cookies.iter().filter(|c| c.is_for(path, to.origin().https)).collect();
        // Longer paths first (RFC 6265, section 5.4), then older cookies. `Secrets` sorts such pairs, too: code of a
        // stable sort would be 5 KB more.
        let lengths = cookies.iter().map(|cookie| usize::MAX - cookie.path.len());
        let mut order: Vec<(usize, usize)> = lengths.zip(0..).collect();
        order.sort_unstable();
        let pairs = order.iter().map(|(_, at)| format!("{}={}", cookies[*at].name, cookies[*at].value));
        let existing = headers.get(&header::COOKIE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = existing.into_iter().chain(pairs).collect::<Vec<_>>().join("; ");
        if let Some(mut value) = HeaderValue::from_str(&text).ok().filter(|value| !value.is_empty()) {
            value.set_sensitive(true);
            headers.set(header::COOKIE, value);
        }
    }

    /// The values to redact: those of all stored cookies, and of removed ones. `None` if no cookie was ever stored.
    pub fn secrets(&self) -> Option<Arc<SecretTexts>> {
        if !self.is_used() {
            return None;
        }
        Some(self.jar.lock().secrets())
    }
}

impl CookieJar {
    fn secrets(&mut self) -> Arc<SecretTexts> {
        let CookieJar { cookies, removed, secrets } = self;
        let values = || cookies.iter().map(|cookie| &cookie.value).chain(&*removed).cloned().map(Zeroizing::new);
        Arc::clone(secrets.get_or_insert_with(|| SecretTexts::new(values().collect(), Vec::new())))
    }

    fn store(&mut self, cookie: Cookie, now: SystemTime) {
        self.retain(|old| old.is_valid(now) && (old.name != cookie.name || old.path != cookie.path));
        if cookie.is_valid(now) {
            self.cookies.push(cookie);
            self.secrets = None;
        }
        // The oldest are removed first.
        while self.cookies.len() > MAX_COOKIES || self.cookies.iter().map(Cookie::size).sum::<usize>() > MAX_BYTES {
            let oldest = self.cookies.remove(0);
            self.record_removed(oldest);
        }
    }

    fn retain(&mut self, keep: impl Fn(&Cookie) -> bool) {
        let removed: Vec<_> = self.cookies.extract_if(.., |old| !keep(old)).collect();
        removed.into_iter().for_each(|cookie| self.record_removed(cookie));
    }

    fn record_removed(&mut self, cookie: Cookie) {
        self.secrets = None;
        self.removed.push_back(cookie.value);
        while self.removed.len() > MAX_COOKIES
            || self.removed.iter().map(String::len).sum::<usize>() > MAX_REMOVED_BYTES
        {
            self.removed.pop_front();
        }
    }
}

impl Cookie {
    fn is_valid(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    /// Its size in a request, in bytes.
    fn size(&self) -> usize {
        self.name.len() + self.value.len() + "=; ".len()
    }

    /// Whether the cookie is sent with a request for `path` (RFC 6265, section 5.1.4).
    fn is_for(&self, path: &str, https: bool) -> bool {
        let below = path.strip_prefix(&self.path);
        let matches = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'));
        matches && (https || !self.secure)
    }
}

/// Parses a `Set-Cookie` value (RFC 6265, section 5.2); `None` if it must be ignored.
fn parse(text: &str, from: &Endpoint, now: SystemTime) -> Option<Cookie> {
    let mut parts = text.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || value.contains(char::is_control) {
        return None;
    }
    let mut cookie = Cookie {
        name: name.into(),
        value: value.into(),
        path: default_path(from.uri().path()),
        secure: false,
        expires: None,
    };
    let mut max_age = None;
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match attribute.trim().to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => cookie.path = value.into(),
            "secure" => cookie.secure = true,
            "domain" if !is_domain_of(value, &from.origin().host) => return None,
            "expires" => cookie.expires = httpdate::parse_http_date(value).ok(),
            "max-age" => max_age = value.parse::<i64>().ok(),
            _ => {}
        }
    }
    // Max-Age takes precedence over Expires (RFC 6265, section 5.3).
    if let Some(seconds) = max_age {
        cookie.expires = match u64::try_from(seconds) {
            Ok(seconds) => now.checked_add(Duration::from_secs(seconds)),
            Err(_) => Some(SystemTime::UNIX_EPOCH),
        };
    }
    // Reject `Secure` cookies received over plain HTTP.
    (from.origin().https || !cookie.secure).then_some(cookie)
}

/// The default path of a cookie: the request's path without its last segment (RFC 6265, section 5.1.4).
fn default_path(path: &str) -> String {
    match path.rfind('/') {
        Some(0) | None => "/".into(),
        Some(end) => path[..end].into(),
    }
}

/// Whether `host` may set a cookie for `domain`.
fn is_domain_of(domain: &str, host: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    // An IP address has no parent domain (RFC 6265, section 5.1.3).
    let bare = without_brackets(host);
    if domain.is_empty() || bare.parse::<IpAddr>().is_ok() {
        return domain.is_empty() || domain == bare;
    }
    let prefix = host.strip_suffix(&domain);
    prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::SET_COOKIE, value.parse().unwrap());
        }
        headers
    }

    fn sent(cookies: &CookieStore, url: &str, at: u64) -> String {
        let mut headers = RequestHeaders::default();
        cookies.add_to(&mut headers, &Endpoint::parse(url).unwrap(), || time(at));
        headers.get(&header::COOKIE).map_or_else(String::new, |v| v.to_str().unwrap().to_owned())
    }

    fn time(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + seconds)
    }

    fn jar(url: &str, values: &[&str]) -> CookieStore {
        let cookies = CookieStore::default();
        cookies.store(&Endpoint::parse(url).unwrap(), &headers(values), || time(0));
        cookies
    }

    #[test]
    fn cookies_are_sent_to_matching_paths() {
        let cookies = jar("http://a.host/x/mcp", &["lb=1", "all=2; Path=/", "deep=3; path=/x/mcp/deep"]);
        assert_eq!(sent(&cookies, "http://a.host/x/mcp", 0), "lb=1; all=2");
        assert_eq!(sent(&cookies, "http://a.host/x/mcp/deep", 0), "deep=3; lb=1; all=2");
        assert_eq!(sent(&cookies, "http://a.host/xy", 0), "all=2");
        assert_eq!(cookies.secrets().unwrap().texts().collect::<Vec<_>>(), ["1", "2", "3"]);
        cookies.store(&Endpoint::parse("http://a.host/x/mcp").unwrap(), &headers(&["lb=4"]), || time(0));
        assert_eq!(
            cookies.secrets().unwrap().texts().collect::<Vec<_>>(),
            ["2", "3", "4", "1"],
            "including removed ones"
        );
    }

    #[test]
    fn expired_cookies_are_removed() {
        let cookies = jar("http://h/", &["a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=2"]);
        assert_eq!(sent(&cookies, "http://h/", 9), "a=1; b=2");
        assert_eq!(sent(&cookies, "http://h/", 10), "b=2");
        let url = Endpoint::parse("http://h/").unwrap();
        cookies.store(&url, &headers(&["b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]), || time(10));
        assert_eq!(sent(&cookies, "http://h/", 10), "");
        cookies.store(&url, &headers(&["c=3; Max-Age=-1", "d=4; max-age=x"]), || time(10));
        assert_eq!(sent(&cookies, "http://h/", 10), "d=4");
    }

    #[test]
    fn invalid_cookies_are_rejected() {
        let invalid = ["novalue", "=x", "a=1; Domain=other", "a=1; Domain=ost", "a=1; Secure"];
        assert_eq!(sent(&jar("http://a.host/", &invalid), "http://a.host/", 0), "");
        let large = format!("a={}", "x".repeat(5000));
        assert_eq!(sent(&jar("http://a.host/", &[&large]), "http://a.host/", 0), "");
        let valid = ["a=1; Domain=.host", "b=2; Domain=A.host"];
        assert_eq!(sent(&jar("http://a.host/", &valid), "http://a.host/", 0), "a=1; b=2");
        let secure = jar("https://h/", &["a=1; Secure"]);
        assert_eq!(sent(&secure, "https://h/", 0), "a=1");
        assert_eq!(sent(&secure, "http://h/", 0), "");
    }

    #[test]
    fn the_oldest_cookies_are_removed_first() {
        let many: Vec<String> = (0..9).map(|number| format!("c{number}={}", "x".repeat(3000))).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let header = sent(&jar("http://h/", &many), "http://h/", 0);
        assert!(header.starts_with("c4=") && header.contains("c8=") && header.len() < 16 * 1024, "{}", header.len());
    }

    #[test]
    fn the_cookies_of_the_application_come_first() {
        let cookies = jar("http://h/", &["lb=1"]);
        let mut headers = RequestHeaders::default();
        headers.set(header::COOKIE, "mine=2".parse().unwrap());
        cookies.add_to(&mut headers, &Endpoint::parse("http://h/").unwrap(), || time(0));
        assert_eq!(headers.get(&header::COOKIE).unwrap(), "mine=2; lb=1");
    }
}
