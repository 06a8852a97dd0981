//! URLs, redirects and proxies, and what proxies answer.

use std::io::{self, Read, Write};

use ::http::HeaderValue;

use super::texts;
use crate::http::endpoint::{Endpoint, origin_of};
use crate::net::no_proxy::NoProxy;
use crate::net::proxy::Proxy;
use crate::net::proxy_handshake::{ProxyHandshakeError, ProxyTarget, connect, socks5};
use crate::status::{MCP_PROXY_AUTH_REQUIRED, MCP_PROXY_FAILED};

/// Stands for a user name, a password or a query.
const SECRET: &str = "zqxw";

/// Four lines: a URL, where it redirects to, the URL of a proxy, and a list of what is reached without one.
pub fn addresses(bytes: &[u8]) {
    let Some([url, location, proxy, list]) = texts(bytes) else { return };
    let list = NoProxy::parse(list);
    match Endpoint::parse(url) {
        Ok(endpoint) => {
            check_endpoint(&endpoint);
            list.covers(&endpoint.origin().host);
            check_redirect(&endpoint, location);
        }
        Err(why) => check_words(&why),
    }
    match Proxy::parse(proxy) {
        Ok(proxy) => check_proxy(&proxy),
        Err(why) => check_words(&why),
    }
}

/// Where a request goes is where its URL says for others, too; and its query is not shown.
fn check_endpoint(endpoint: &Endpoint) {
    let uri = endpoint.uri();
    assert_eq!(origin_of(uri).as_ref(), Some(endpoint.origin()), "{uri}");
    let shown = endpoint.shown();
    assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown:?}");
    assert!(shown.split_once('?').is_none_or(|(_, query)| query == "..."), "{shown}");
    assert!(!uri.authority().is_some_and(|authority| authority.as_str().contains('@')), "{uri}");
    let again = Endpoint::parse(&endpoint.origin().shown()).expect("a URL");
    assert_eq!(again.origin(), endpoint.origin());
}

fn check_redirect(from: &Endpoint, location: &str) {
    match from.resolve(location) {
        Ok(to) => {
            check_endpoint(&to);
            let is_path = !location.contains("//") && !location.contains(':');
            assert!(!is_path || to.origin() == from.origin(), "{location:?} leads from {from:?} to {to:?}");
        }
        Err(why) => assert!(!why.contains(char::is_control), "{why:?}"),
    }
}

fn check_proxy(proxy: &Proxy) {
    let shown = format!("{proxy:?}");
    assert!(!shown.contains('@') && shown == proxy.shown(), "{shown}");
    if let Some(value) = proxy.authorization() {
        assert!(value.starts_with("Basic ") && HeaderValue::from_str(&value).is_ok());
    }
    if let Some(login) = proxy.login() {
        assert!(!login.user.contains(char::is_control) && !login.password.contains(char::is_control));
    }
}

/// What stands for a secret in a refused text is not in what is said about it.
fn check_words(why: &str) {
    assert!(!why.is_empty() && !why.contains(char::is_control) && !why.contains(SECRET), "{why:?}");
}

/// A byte that chooses the kind of proxy, and behind it all that the proxy says.
pub fn proxy_answers(bytes: &[u8]) {
    let Some((kind, said)) = bytes.split_first() else { return };
    let url = match kind % 4 {
        0 => "http://proxy",
        1 => "http://user:zqxw-password@proxy",
        2 => "socks5h://proxy",
        _ => "socks5h://user:zqxw-password@proxy",
    };
    let proxy = Proxy::parse(url).expect("a proxy");
    let ask = |piece: usize| {
        let mut stream = AddressScript { said, piece, asked: Vec::new() };
        let outcome = if kind % 4 < 2 {
            connect(&mut stream, &proxy, "host", 443)
        } else {
            socks5(&mut stream, &proxy, &ProxyTarget::Name("host", 443))
        };
        check_outcome(&outcome);
        (outcome.is_ok(), stream)
    };
    let ((whole, _), (single, stream)) = (ask(usize::MAX), ask(1));
    // Cut into bytes, what comes behind the answer has not been seen yet.
    assert!(single || !whole, "the way is open or not, however the answer is cut");
    let taken = &said[..said.len() - stream.said.len()];
    if single && kind % 4 < 2 {
        // Empty lines before it are let pass (RFC 9112, section 2.2).
        let head = taken.trim_ascii_start();
        let status = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(1..)).unwrap_or_default();
        // So are informational answers (RFC 9110, section 15.2).
        let is_open = matches!(status.trim_ascii_start().first(), Some(b'1' | b'2'));
        assert!(is_open && head.ends_with(b"\n"), "{}", head.escape_ascii());
    } else if single {
        assert!(whole && taken[0] == 5, "it speaks SOCKS5");
    }
    assert!(stream.asked.len() < 1024);
}

fn check_outcome(outcome: &Result<(), ProxyHandshakeError>) {
    if let Err(ProxyHandshakeError::Failed(error)) = outcome {
        assert!(matches!(error.status(), MCP_PROXY_FAILED | MCP_PROXY_AUTH_REQUIRED));
        let message = error.to_string();
        assert!(!message.contains(char::is_control) && !message.contains(SECRET), "{message:?}");
    }
}

/// A proxy whose words are known beforehand, and come in pieces.
struct AddressScript<'a> {
    said: &'a [u8],
    piece: usize,
    asked: Vec<u8>,
}

impl Read for AddressScript<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.piece);
        self.said.read(&mut buffer[..most])
    }
}

impl Write for AddressScript<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.asked.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
