//! URLs, redirects and proxies, and the responses of proxies.

use std::io::{self, Read, Write};

use ::http::HeaderValue;

use super::texts;
use crate::http::endpoint::{Endpoint, origin_of};
use crate::net::no_proxy::NoProxy;
use crate::net::proxy::Proxy;
use crate::net::proxy_handshake::{ProxyHandshakeError, ProxyTarget, connect, socks5};
use crate::status::{MCP_PROXY_AUTH_REQUIRED, MCP_PROXY_FAILED};

/// In a user name, a password or a query of an input, which no error may show.
const SECRET: &str = "zqxw";

/// Four lines: a URL, the `Location` of a redirect, the URL of a proxy, and a `no_proxy` list.
pub fn addresses(bytes: &[u8]) {
    let Some([url, location, proxy, list]) = texts(bytes) else { return };
    let list = NoProxy::parse(list);
    match Endpoint::parse(url) {
        Ok(endpoint) => {
            check_endpoint(&endpoint);
            list.covers(&endpoint.origin().host);
            check_redirect(&endpoint, location);
        }
        Err(why) => check_error_text(&why),
    }
    match Proxy::parse(proxy) {
        Ok(proxy) => check_proxy(&proxy),
        Err(why) => check_error_text(&why),
    }
}

/// The origin is the one of the URI that is sent, and the query is not shown.
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
            assert!(
                !is_path || to.origin() == from.origin(),
                "the relative location {location:?} leads from {from:?} to {to:?}"
            );
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

/// The error for an invalid text is one line, and does not show its secret.
fn check_error_text(why: &str) {
    assert!(!why.is_empty() && !why.contains(char::is_control) && !why.contains(SECRET), "{why:?}");
}

/// A byte that selects the kind of proxy, and then all bytes that the proxy sends.
pub fn proxy_answers(bytes: &[u8]) {
    let Some((kind, input)) = bytes.split_first() else { return };
    let url = match kind % 4 {
        0 => "http://proxy",
        1 => "http://user:zqxw-password@proxy",
        2 => "socks5h://proxy",
        _ => "socks5h://user:zqxw-password@proxy",
    };
    let proxy = Proxy::parse(url).expect("a proxy");
    let handshake = |piece_size: usize| {
        let mut stream = ProxyScript { input, piece_size, received: Vec::new() };
        let outcome = if kind % 4 < 2 {
            connect(&mut stream, &proxy, "host", 443)
        } else {
            socks5(&mut stream, &proxy, &ProxyTarget::Name("host", 443))
        };
        check_outcome(&outcome);
        (outcome.is_ok(), stream)
    };
    let ((at_once, _), (bytewise, stream)) = (handshake(usize::MAX), handshake(1));
    // Byte by byte, the handshake may succeed where it fails at once: bytes after the response are not read yet.
    assert!(bytewise || !at_once, "the outcome depends on how the response is divided");
    let read = &input[..input.len() - stream.input.len()];
    if bytewise && kind % 4 < 2 {
        // Empty lines before the response are ignored (RFC 9112, section 2.2).
        let head = read.trim_ascii_start();
        let status = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(1..)).unwrap_or_default();
        // Informational responses are ignored, too (RFC 9110, section 15.2).
        let is_success = matches!(status.trim_ascii_start().first(), Some(b'1' | b'2'));
        assert!(is_success && head.ends_with(b"\n"), "{}", head.escape_ascii());
    } else if bytewise {
        assert!(at_once && read[0] == 5, "the response is not SOCKS5");
    }
    assert!(stream.received.len() < 1024);
}

fn check_outcome(outcome: &Result<(), ProxyHandshakeError>) {
    if let Err(ProxyHandshakeError::Failed(error)) = outcome {
        assert!(matches!(error.status(), MCP_PROXY_FAILED | MCP_PROXY_AUTH_REQUIRED));
        let message = error.to_string();
        assert!(!message.contains(char::is_control) && !message.contains(SECRET), "{message:?}");
    }
}

/// A proxy that sends prepared bytes, in pieces of a fixed size.
struct ProxyScript<'a> {
    /// The bytes that were not read yet.
    input: &'a [u8],
    piece_size: usize,
    received: Vec<u8>,
}

impl Read for ProxyScript<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = buffer.len().min(self.piece_size);
        self.input.read(&mut buffer[..size])
    }
}

impl Write for ProxyScript<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.received.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
