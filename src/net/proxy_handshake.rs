//! The handshakes with proxies: HTTP CONNECT (RFC 9110, section 9.3.6) and SOCKS5 (RFC 1928, RFC 1929).

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

use zeroize::Zeroizing;

use super::proxy::{Proxy, ProxyLogin};
use crate::error::Error;
use crate::status::*;

/// The `User-Agent` of requests to proxies and servers.
pub const USER_AGENT: &str = concat!("libmcp/", env!("CARGO_PKG_VERSION"));

/// The limit for the head of a proxy's response to CONNECT, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// The server that a proxy should connect to.
pub enum ProxyTarget<'a> {
    Name(&'a str, u16),
    Address(SocketAddr),
}

/// The failure of a handshake with a proxy.
#[derive(Debug)]
pub enum ProxyHandshakeError {
    /// The connection to the proxy failed.
    Io(io::Error),
    /// The proxy refused the connection, or its response is invalid.
    Failed(Error),
}

impl From<io::Error> for ProxyHandshakeError {
    fn from(error: io::Error) -> ProxyHandshakeError {
        ProxyHandshakeError::Io(error)
    }
}

/// Requests a connection to `host` from an HTTP proxy. After success, the stream is connected to the server.
pub fn connect(
    stream: &mut (impl Read + Write),
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<(), ProxyHandshakeError> {
    let mut request = Zeroizing::new(Vec::with_capacity(512));
    write!(request, "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {USER_AGENT}\r\n")?;
    if let Some(authorization) = proxy.authorization() {
        write!(request, "Proxy-Authorization: {}\r\n", *authorization)?;
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request)?;

    let mut head = Vec::new();
    // The length of the informational responses so far.
    let mut skipped = 0;
    let mut buffer = vec![0; 2048];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(ProxyHandshakeError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        head.extend_from_slice(&buffer[..count]);
        while let Some((status, length)) = parse_head(&head).map_err(|why| unusable(proxy, &why))? {
            // Skip informational responses (RFC 9110, section 15.2), but not 101, which is final.
            if (100..200).contains(&status) && status != 101 {
                skipped += length;
                head.drain(..length);
                continue;
            }
            if !(200..300).contains(&status) {
                return Err(refused(proxy, status));
            }
            // The server cannot have sent anything yet: more bytes would be mistaken for its response.
            let is_clean = length == head.len();
            return if is_clean { Ok(()) } else { Err(unusable(proxy, "it sent data after the response to CONNECT")) };
        }
        if skipped + head.len() > MAX_HEAD {
            return Err(unusable(proxy, "the head of its response to CONNECT is too long"));
        }
    }
}

/// The status and the length of a complete head; `None` if it is incomplete.
fn parse_head(head: &[u8]) -> Result<Option<(u16, usize)>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(head) {
        Ok(httparse::Status::Complete(length)) => Ok(Some((response.code.unwrap_or_default(), length))),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => Err(format!("its response to CONNECT is not valid HTTP: {error}")),
    }
}

fn refused(proxy: &Proxy, http_status: u16) -> ProxyHandshakeError {
    let shown = proxy.shown_with_source();
    let error = match http_status {
        // Some proxies send 401 for wrong credentials. The server cannot have sent it: it has not received anything.
        401 | 407 if proxy.login().is_some() => {
            let why = format!("the proxy {shown} refuses the user name or password in its URL (HTTP {http_status})");
            Error::new(MCP_PROXY_AUTH_REQUIRED, why)
        }
        401 | 407 => {
            let why = format!(
                "the proxy {shown} requires a user name and password (HTTP {http_status}): put them into its URL, \
                 http://user:password@host:port"
            );
            Error::new(MCP_PROXY_AUTH_REQUIRED, why)
        }
        403 => Error::new(MCP_PROXY_FAILED, format!("the proxy {shown} does not allow this connection (HTTP 403)")),
        502..=504 => {
            Error::new(MCP_PROXY_FAILED, format!("the proxy {shown} could not reach the server (HTTP {http_status})"))
        }
        _ => Error::new(MCP_PROXY_FAILED, format!("the proxy {shown} refuses the connection (HTTP {http_status})")),
    };
    ProxyHandshakeError::Failed(error.with_http_status(http_status))
}

fn unusable(proxy: &Proxy, why: &str) -> ProxyHandshakeError {
    ProxyHandshakeError::Failed(Error::new(
        MCP_PROXY_FAILED,
        format!("the proxy {} cannot be used: {why}", proxy.shown_with_source()),
    ))
}

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
/// The proxy accepts none of the offered methods (RFC 1928, section 3).
const NO_ACCEPTABLE_METHOD: u8 = 255;

/// Requests a connection to `target` from a SOCKS5 proxy.
pub fn socks5(
    stream: &mut (impl Read + Write),
    proxy: &Proxy,
    target: &ProxyTarget,
) -> Result<(), ProxyHandshakeError> {
    let methods: &[u8] =
        if proxy.login().is_some() { &[NO_AUTHENTICATION, USER_AND_PASSWORD] } else { &[NO_AUTHENTICATION] };
    stream.write_all(&[&[VERSION, methods.len() as u8], methods].concat())?;
    let [version, method] = read(stream)?;
    check_version(proxy, version)?;
    match (method, proxy.login()) {
        (NO_AUTHENTICATION, _) => {}
        (USER_AND_PASSWORD, Some(login)) => log_in(stream, proxy, login)?,
        (NO_ACCEPTABLE_METHOD, None) => {
            let why = format!(
                "the SOCKS proxy {} requires a user name and password: put them into its URL, \
                 socks5h://user:password@host:port",
                proxy.shown_with_source()
            );
            return Err(ProxyHandshakeError::Failed(Error::new(MCP_PROXY_AUTH_REQUIRED, why)));
        }
        (NO_ACCEPTABLE_METHOD, Some(_)) => {
            return Err(unusable(proxy, "it accepts neither password authentication nor no authentication"));
        }
        _ => return Err(unusable(proxy, "it selected an authentication method that was not offered")),
    }

    let mut request = vec![VERSION, 1, 0];
    let port = match target {
        ProxyTarget::Name(name, port) => {
            let length =
                u8::try_from(name.len()).map_err(|_| unusable(proxy, "the server's name is too long for SOCKS5"))?;
            request.extend_from_slice(&[3, length]);
            request.extend_from_slice(name.as_bytes());
            *port
        }
        ProxyTarget::Address(address) => {
            match address.ip() {
                IpAddr::V4(ip) => request.extend_from_slice(&[&[1], &ip.octets()[..]].concat()),
                IpAddr::V6(ip) => request.extend_from_slice(&[&[4], &ip.octets()[..]].concat()),
            }
            address.port()
        }
    };
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request)?;

    let [version, reply, _, kind] = read(stream)?;
    check_version(proxy, version)?;
    if reply != 0 {
        let why = format!("the SOCKS proxy {} refuses the connection: {}", proxy.shown_with_source(), reason(reply));
        return Err(ProxyHandshakeError::Failed(Error::new(MCP_PROXY_FAILED, why)));
    }
    // The address that the proxy has bound is not needed, but must be read.
    match kind {
        1 => read::<{ 4 + 2 }>(stream).map(|_| ())?,
        4 => read::<{ 16 + 2 }>(stream).map(|_| ())?,
        3 => {
            let [length] = read(stream)?;
            stream.read_exact(&mut vec![0; usize::from(length) + 2])?;
        }
        _ => return Err(unusable(proxy, "its reply contains an unknown address type")),
    }
    Ok(())
}

fn log_in(stream: &mut (impl Read + Write), proxy: &Proxy, login: &ProxyLogin) -> Result<(), ProxyHandshakeError> {
    let mut request = Zeroizing::new(Vec::with_capacity(3 + 2 * 255));
    request.push(1);
    for part in [&login.user, &login.password] {
        request.push(part.len() as u8);
        request.extend_from_slice(part.as_bytes());
    }
    stream.write_all(&request)?;
    let [_, status] = read(stream)?;
    if status == 0 {
        return Ok(());
    }
    let why = format!("the SOCKS proxy {} refuses the user name or password in its URL", proxy.shown_with_source());
    Err(ProxyHandshakeError::Failed(Error::new(MCP_PROXY_AUTH_REQUIRED, why)))
}

fn check_version(proxy: &Proxy, version: u8) -> Result<(), ProxyHandshakeError> {
    if version == VERSION { Ok(()) } else { Err(unusable(proxy, "it does not speak SOCKS5")) }
}

fn read<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The text for a reply code (RFC 1928, section 6).
fn reason(reply: u8) -> String {
    let words = match reply {
        1 => "general failure",
        2 => "its rules do not allow this connection",
        3 => "the network is unreachable",
        4 => "the host is unreachable, or its name cannot be resolved",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        other => return format!("reply {other}"),
    };
    words.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A proxy with fixed responses.
    struct ScriptedProxy {
        responses: io::Cursor<Vec<u8>>,
        sent: Vec<u8>,
    }

    impl Read for ScriptedProxy {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // One byte at a time: the handshake must accept responses in pieces of any size.
            self.responses.read(&mut buffer[..1])
        }
    }

    impl Write for ScriptedProxy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.sent.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn script(responses: &[u8]) -> ScriptedProxy {
        ScriptedProxy { responses: io::Cursor::new(responses.to_vec()), sent: Vec::new() }
    }

    fn status(outcome: Result<(), ProxyHandshakeError>) -> Status {
        match outcome {
            Ok(()) => MCP_OK,
            Err(ProxyHandshakeError::Failed(error)) => error.status(),
            Err(ProxyHandshakeError::Io(_)) => MCP_DISCONNECTED,
        }
    }

    #[test]
    fn connect_sends_the_credentials() {
        let proxy = Proxy::parse("http://u:p@proxy").unwrap();
        let mut stream = script(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
        assert_eq!(status(connect(&mut stream, &proxy, "host", 443)), MCP_OK);
        let sent = String::from_utf8(stream.sent).unwrap();
        assert!(sent.starts_with("CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\n"), "{sent}");
        assert!(sent.ends_with("Proxy-Authorization: Basic dTpw\r\n\r\n"), "{sent}");
    }

    #[test]
    fn connect_fails_unless_the_final_response_is_a_success() {
        let proxy = Proxy::parse("proxy").unwrap();
        let outcome = |response: &[u8]| status(connect(&mut script(response), &proxy, "host", 443));
        assert_eq!(outcome(b"HTTP/1.1 407 No\r\n\r\n"), MCP_PROXY_AUTH_REQUIRED);
        assert_eq!(outcome(b"HTTP/1.1 403 No\r\n\r\n"), MCP_PROXY_FAILED);
        assert_eq!(outcome(b"SSH-2.0-x\r\n\r\n"), MCP_PROXY_FAILED);
        assert_eq!(outcome(b"HTTP/1.1 101 X\r\n\r\n"), MCP_PROXY_FAILED);
        assert_eq!(outcome(b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 103 X\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), MCP_OK);
        assert_eq!(outcome(b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 403 No\r\n\r\n"), MCP_PROXY_FAILED);
        assert_eq!(outcome(&b"HTTP/1.1 102 X\r\n\r\n".repeat(2000)), MCP_PROXY_FAILED);
        assert_eq!(outcome(&b"HTTP/1.1 200 OK\r\nX: y\r\n".repeat(2000)), MCP_PROXY_FAILED);
        assert_eq!(outcome(b"HTTP/1.1 200 OK\r\n"), MCP_DISCONNECTED);
    }

    #[test]
    fn socks5_requests_names_and_addresses() {
        let proxy = Proxy::parse("socks5h://u:pw@proxy").unwrap();
        let mut stream = script(&[5, 2, 1, 0, 5, 0, 0, 3, 1, b'x', 0, 0]);
        assert_eq!(status(socks5(&mut stream, &proxy, &ProxyTarget::Name("host", 0x1234))), MCP_OK);
        let greeting = [5, 2, 0, 2];
        let login = [&[1, 1, b'u', 2][..], b"pw"].concat();
        let request = [&[5, 1, 0, 3, 4][..], b"host", &[0x12, 0x34]].concat();
        assert_eq!(stream.sent, [&greeting[..], &login, &request].concat());

        let proxy = Proxy::parse("socks5://proxy").unwrap();
        let mut stream = script(&[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let target = ProxyTarget::Address("127.0.0.1:80".parse().unwrap());
        assert_eq!(status(socks5(&mut stream, &proxy, &target)), MCP_OK);
        assert_eq!(stream.sent, [5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80]);
    }

    #[test]
    fn socks5_refusals_and_invalid_replies_are_errors() {
        let proxy = Proxy::parse("socks5h://u:p@proxy").unwrap();
        let outcome = |response: &[u8]| status(socks5(&mut script(response), &proxy, &ProxyTarget::Name("host", 80)));
        assert_eq!(outcome(&[5, 255]), MCP_PROXY_FAILED);
        assert_eq!(outcome(&[5, 1]), MCP_PROXY_FAILED);
        let bare = Proxy::parse("socks5h://proxy").unwrap();
        let without = socks5(&mut script(&[5, 255]), &bare, &ProxyTarget::Name("host", 80));
        assert_eq!(status(without), MCP_PROXY_AUTH_REQUIRED);
        assert_eq!(outcome(&[5, 2, 1, 1]), MCP_PROXY_AUTH_REQUIRED);
        assert_eq!(outcome(b"HTTP"), MCP_PROXY_FAILED);
        assert_eq!(outcome(&[5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0]), MCP_PROXY_FAILED);
        assert_eq!(outcome(&[5, 0, 5, 0, 0, 9]), MCP_PROXY_FAILED);
        assert_eq!(outcome(&[5, 0, 5]), MCP_DISCONNECTED);
    }
}
