//! The cookies of one server, kept for the client's life: load balancers use them to lead a session to the same machine
//! (RFC 6265). They come from one host and go back to it alone, so of the rules for domains one is left: no other domain.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use ::http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use crate::call::secrets::SecretTexts;
use crate::net::origin::without_brackets;
use crate::sys::lock::Mutex;

/// RFC 6265, section 6.1 asks for at least this many a domain, and this many bytes each; all together have to fit into the head of
/// a request, and servers take no more than this.
const MOST: usize = 50;
const LARGEST: usize = 4096;
const MAX_BYTES: usize = 16 * 1024;

/// Of what the jar has lost, so much is remembered: all of it is looked for in whatever is shown.
const MAX_LOST_BYTES: usize = 32 * 1024;

/// What one client keeps for its server.
#[derive(Default)]
pub struct CookieStore {
    jar: Mutex<CookieJar>,
    /// Most servers set none: then nothing is locked for a request.
    used: AtomicBool,
}

#[derive(Default)]
struct CookieJar {
    kept: Vec<Cookie>,
    /// The values that the jar has lost, the newest at the end: a server may still echo one.
    lost: VecDeque<String>,
    /// The values of both, as calls are told them; made when they are asked for.
    told: Option<Arc<SecretTexts>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    secure: bool,
    ends: Option<SystemTime>,
}

impl CookieStore {
    /// Takes what an answer from `from` sets; says whether that was anything.
    pub fn take(&self, from: &Endpoint, headers: &HeaderMap, now: impl Fn() -> SystemTime) -> bool {
        let mut has_taken = false;
        for value in headers.get_all(header::SET_COOKIE) {
            let now = now();
            let cookie =
                value.to_str().ok().filter(|text| text.len() <= LARGEST).and_then(|text| parse(text, from, now));
            if let Some(cookie) = cookie {
                self.jar.lock().put(cookie, now);
                self.used.store(true, Ordering::Relaxed);
                has_taken = true;
            }
        }
        has_taken
    }

    /// Adds what belongs to a request that goes to `to`, behind a `Cookie` header of the caller's own.
    pub fn add_to(&self, headers: &mut HeaderMap, to: &Endpoint, now: impl Fn() -> SystemTime) {
        if !self.used.load(Ordering::Relaxed) {
            return;
        }
        let now = now();
        let path = to.uri().path();
        let mut jar = self.jar.lock();
        jar.drop_all_but(|cookie| cookie.is_alive(now));
        let mut pairs: Vec<_> = jar.kept.iter().filter(|c| c.is_for(path, to.origin().https)).collect();
        // Longer paths first (RFC 6265, 5.4).
        pairs.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs = pairs.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value));
        let own = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = own.into_iter().chain(pairs).collect::<Vec<_>>().join("; ");
        if let Some(mut value) = HeaderValue::from_str(&text).ok().filter(|value| !value.is_empty()) {
            value.set_sensitive(true);
            headers.insert(header::COOKIE, value);
        }
    }

    /// The values that must not be shown: of all that are kept, and of those that the jar has lost.
    pub fn secrets(&self) -> Option<Arc<SecretTexts>> {
        if !self.used.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.jar.lock().secrets())
    }
}

impl CookieJar {
    fn secrets(&mut self) -> Arc<SecretTexts> {
        let CookieJar { kept, lost, told } = self;
        let values = || kept.iter().map(|cookie| &cookie.value).chain(&*lost).cloned().map(Zeroizing::new);
        Arc::clone(told.get_or_insert_with(|| SecretTexts::new(values().collect(), Vec::new())))
    }

    fn put(&mut self, cookie: Cookie, now: SystemTime) {
        self.drop_all_but(|old| old.is_alive(now) && (old.name != cookie.name || old.path != cookie.path));
        if cookie.is_alive(now) {
            self.kept.push(cookie);
            self.told = None;
        }
        // The oldest go first.
        while self.kept.len() > MOST || self.kept.iter().map(Cookie::size).sum::<usize>() > MAX_BYTES {
            let oldest = self.kept.remove(0);
            self.lose(oldest);
        }
    }

    fn drop_all_but(&mut self, stays: impl Fn(&Cookie) -> bool) {
        let dropped: Vec<_> = self.kept.extract_if(.., |old| !stays(old)).collect();
        dropped.into_iter().for_each(|cookie| self.lose(cookie));
    }

    fn lose(&mut self, cookie: Cookie) {
        self.told = None;
        self.lost.push_back(cookie.value);
        while self.lost.len() > MOST || self.lost.iter().map(String::len).sum::<usize>() > MAX_LOST_BYTES {
            self.lost.pop_front();
        }
    }
}

impl Cookie {
    fn is_alive(&self, now: SystemTime) -> bool {
        self.ends.is_none_or(|ends| ends > now)
    }

    /// What it takes in a request.
    fn size(&self) -> usize {
        self.name.len() + self.value.len() + "=; ".len()
    }

    /// RFC 6265, section 5.1.4.
    fn is_for(&self, path: &str, https: bool) -> bool {
        let below = path.strip_prefix(&self.path);
        let matches = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'));
        matches && (https || !self.secure)
    }
}

/// A `Set-Cookie` value (RFC 6265, section 5.2); `None` for what is to be ignored.
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
        ends: None,
    };
    let mut max_age = None;
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match attribute.trim().to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => cookie.path = value.into(),
            "secure" => cookie.secure = true,
            "domain" if !is_domain_of(value, &from.origin().host) => return None,
            "expires" => cookie.ends = httpdate::parse_http_date(value).ok(),
            "max-age" => max_age = value.parse::<i64>().ok(),
            _ => {}
        }
    }
    // Max-Age counts more than Expires (RFC 6265, 5.3).
    if let Some(seconds) = max_age {
        cookie.ends = match u64::try_from(seconds) {
            Ok(seconds) => now.checked_add(Duration::from_secs(seconds)),
            Err(_) => Some(SystemTime::UNIX_EPOCH),
        };
    }
    // Who sets it cannot have been asked in the clear.
    (from.origin().https || !cookie.secure).then_some(cookie)
}

/// The folder of a path (RFC 6265, section 5.1.4).
fn default_path(path: &str) -> String {
    match path.rfind('/') {
        Some(0) | None => "/".into(),
        Some(end) => path[..end].into(),
    }
}

/// Whether a cookie for `domain` may come from `host`.
fn is_domain_of(domain: &str, host: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    // An address has no domains above it (RFC 6265, 5.1.3).
    let bare = without_brackets(host);
    if domain.is_empty() || bare.parse::<IpAddr>().is_ok() {
        return domain.is_empty() || domain == bare;
    }
    let above = host.strip_suffix(&domain);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
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
        let mut headers = HeaderMap::new();
        cookies.add_to(&mut headers, &Endpoint::parse(url).unwrap(), || time(at));
        headers.get(header::COOKIE).map_or_else(String::new, |v| v.to_str().unwrap().to_owned())
    }

    fn time(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + seconds)
    }

    fn jar(url: &str, values: &[&str]) -> CookieStore {
        let cookies = CookieStore::default();
        cookies.take(&Endpoint::parse(url).unwrap(), &headers(values), || time(0));
        cookies
    }

    #[test]
    fn cookies_come_back_where_they_belong() {
        let cookies = jar("http://a.host/x/mcp", &["lb=1", "all=2; Path=/", "deep=3; path=/x/mcp/deep"]);
        assert_eq!(sent(&cookies, "http://a.host/x/mcp", 0), "lb=1; all=2");
        assert_eq!(sent(&cookies, "http://a.host/x/mcp/deep", 0), "deep=3; lb=1; all=2");
        assert_eq!(sent(&cookies, "http://a.host/xy", 0), "all=2");
        assert_eq!(cookies.secrets().unwrap().texts().collect::<Vec<_>>(), ["1", "2", "3"]);
        cookies.take(&Endpoint::parse("http://a.host/x/mcp").unwrap(), &headers(&["lb=4"]), || time(0));
        assert_eq!(cookies.secrets().unwrap().texts().collect::<Vec<_>>(), ["2", "3", "4", "1"], "with what is lost");
    }

    #[test]
    fn they_end() {
        let cookies = jar("http://h/", &["a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=2"]);
        assert_eq!(sent(&cookies, "http://h/", 9), "a=1; b=2");
        assert_eq!(sent(&cookies, "http://h/", 10), "b=2");
        let url = Endpoint::parse("http://h/").unwrap();
        cookies.take(&url, &headers(&["b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]), || time(10));
        assert_eq!(sent(&cookies, "http://h/", 10), "");
        cookies.take(&url, &headers(&["c=3; Max-Age=-1", "d=4; max-age=x"]), || time(10));
        assert_eq!(sent(&cookies, "http://h/", 10), "d=4");
    }

    #[test]
    fn some_are_not_taken() {
        let bad = ["novalue", "=x", "a=1; Domain=other", "a=1; Domain=ost", "a=1; Secure"];
        assert_eq!(sent(&jar("http://a.host/", &bad), "http://a.host/", 0), "");
        let large = format!("a={}", "x".repeat(5000));
        assert_eq!(sent(&jar("http://a.host/", &[&large]), "http://a.host/", 0), "");
        let good = ["a=1; Domain=.host", "b=2; Domain=A.host"];
        assert_eq!(sent(&jar("http://a.host/", &good), "http://a.host/", 0), "a=1; b=2");
        let secure = jar("https://h/", &["a=1; Secure"]);
        assert_eq!(sent(&secure, "https://h/", 0), "a=1");
        assert_eq!(sent(&secure, "http://h/", 0), "");
    }

    #[test]
    fn the_oldest_make_room() {
        let many: Vec<String> = (0..9).map(|number| format!("c{number}={}", "x".repeat(3000))).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let kept = sent(&jar("http://h/", &many), "http://h/", 0);
        assert!(kept.starts_with("c4=") && kept.contains("c8=") && kept.len() < 16 * 1024, "{}", kept.len());
    }

    #[test]
    fn the_callers_own_cookie_comes_first() {
        let cookies = jar("http://h/", &["lb=1"]);
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "mine=2".parse().unwrap());
        cookies.add_to(&mut headers, &Endpoint::parse("http://h/").unwrap(), || time(0));
        assert_eq!(headers[header::COOKIE], "mine=2; lb=1");
    }
}
