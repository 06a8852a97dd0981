//! Response headers: challenges, cookies, `Retry-After` and `Keep-Alive`.

use std::time::{Duration, SystemTime};

use ::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::texts;
use crate::call::failure::quote;
use crate::call::request_headers::RequestHeaders;
use crate::call::secrets::Secrets;
use crate::error::Error;
use crate::http::cookies::CookieStore;
use crate::http::endpoint::Endpoint;
use crate::http::fields::{header_text, retry_after_ms};
use crate::http::pooled_connection::keep_alive_timeout;
use crate::status::MCP_UNAUTHORIZED;
use crate::transport::http_failure::challenge_words;

/// Each line is a `WWW-Authenticate` header. The text for error messages is one line of text from the challenge; for a
/// well-formed challenge, it is `error` and `error_description` (RFC 6750).
pub fn www_authenticate(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        headers.append(header::WWW_AUTHENTICATE, value);
    }
    let challenge = header_text(&headers, header::WWW_AUTHENTICATE).expect("a challenge");
    let words = challenge_words(Some(&challenge));
    assert!(is_quoted(&words, &challenge), "{words:?} of {challenge:?}");
    check_shown(&words, &challenge);
    if let Some(parameters) = parameters(&challenge) {
        let find = |name: &str| parameters.iter().find(|(known, value)| *known == name && !value.is_empty());
        let expected = match (find("error"), find("error_description")) {
            (Some((_, error)), Some((_, description))) => format!(", {error}: {description}"),
            (Some((_, error)), None) => format!(", {error}"),
            _ => String::new(),
        };
        assert_eq!(words, expected, "of {challenge:?}");
    }
}

/// Whether `, ERROR: DESCRIPTION`, or a part of it, is text of the challenge, apart from escapes.
fn is_quoted(words: &str, challenge: &str) -> bool {
    let (words, challenge) = (words.replace('\\', ""), challenge.replace('\\', ""));
    let words = words.strip_prefix(", ").unwrap_or(&words);
    let mut splits = words.match_indices(": ").map(|(at, _)| (&words[..at], &words[at + 2..]));
    challenge.contains(words)
        || splits.any(|(error, description)| challenge.contains(error) && challenge.contains(description))
}

fn check_shown(words: &str, challenge: &str) {
    let mut error = Error::new(MCP_UNAUTHORIZED, format!("the server refused the credentials (HTTP 401{words})"));
    error.report_mut().www_authenticate = Some(challenge.into());
    let error = Secrets::default().sanitize_error(error);
    let shown = [error.to_string(), error.report().www_authenticate.clone().unwrap_or_default()];
    assert!(shown.iter().all(|text| !text.contains(char::is_control)), "{shown:?}");
}

/// The parameters of a simple challenge: `Bearer a="b", c="d"` with unique names and without escapes. `None` for
/// others.
fn parameters(challenge: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = challenge.strip_prefix("Bearer ")?;
    let mut found: Vec<(&str, &str)> = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_value = value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'\\');
        if !is_name || !is_value || found.iter().any(|(known, _)| *known == name) {
            return None;
        }
        found.push((name, value));
        if after.is_empty() {
            return Some(found);
        }
        rest = after.strip_prefix(", ")?;
    }
}

/// Three lines: the URL of a server, the URL of the next request, and a value for several headers of the server's
/// response.
pub fn answer_headers(bytes: &[u8]) {
    let Some([first, second, value]) = texts(bytes) else { return };
    if let (Ok(first), Ok(second)) = (Endpoint::parse(first), Endpoint::parse(second)) {
        check_cookies(&first, &second, value);
    }
    if let Ok(value) = HeaderValue::from_str(value) {
        let headers = |name: HeaderName| HeaderMap::from_iter([(name, value.clone())]);
        // A date in `Retry-After` is compared with the `Date` header.
        let mut response = headers(header::RETRY_AFTER);
        response.insert(header::DATE, HeaderValue::from_static("Tue, 15 Nov 1994 08:12:31 GMT"));
        let wait = retry_after_ms(&response);
        if let Ok(seconds) = value.to_str().unwrap_or_default().trim().parse::<u64>() {
            assert_eq!(wait, seconds.checked_mul(1000));
        }
    }
    if let Some(seconds) = keep_alive_timeout(value) {
        assert!(value.contains('='), "{seconds} s in {value:?}");
    }
    if let Some(line) = quote(value) {
        assert!(!line.is_empty() && !line.contains(char::is_control) && line.chars().count() <= 203, "{line:?}");
    }
}

/// The `Cookie` header contains only cookies that the server has set. It is safe to send, not too long, and has no
/// `Secure` cookies over plain HTTP.
fn check_cookies(first: &Endpoint, second: &Endpoint, values: &str) {
    let now = || SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let mut set = HeaderMap::new();
    for value in values.split('\n').filter_map(|line| HeaderValue::from_str(line).ok()) {
        set.append(header::SET_COOKIE, value);
    }
    let cookies = CookieStore::default();
    cookies.store(first, &set, now);
    let mut request = RequestHeaders::default();
    cookies.add_to(&mut request, second, now);
    let Some(sent) = request.get(&header::COOKIE) else { return };
    let sent = sent.to_str().expect("visible ASCII");
    // A tab is allowed.
    let is_bad = |c: char| c.is_control() && c != '\t';
    assert!(sent.len() <= 16 * 1024 && !sent.contains(is_bad), "{sent:?}");
    for pair in sent.split("; ") {
        let (name, value) = pair.split_once('=').expect("a pair");
        let sets_it = |line: &&str| {
            let begins = line.trim_start().starts_with(name);
            begins && line.split(';').next().is_some_and(|pair| pair.trim_end().ends_with(value))
        };
        let line = values.split('\n').find(sets_it).unwrap_or_else(|| panic!("{pair:?} was never set"));
        let secure = line.split(';').skip(1).any(|part| part.trim().eq_ignore_ascii_case("secure"));
        let twice = values.split('\n').filter(sets_it).count() > 1;
        assert!(!secure || second.origin().https || twice, "the secure cookie {pair:?} is sent over http");
    }
    let secrets = cookies.secrets().unwrap_or_default();
    assert!(sent.split("; ").all(|pair| secrets.texts().any(|value| pair.ends_with(value))), "{sent:?}");
}
