//! How a proxy is asked for the way to a server: CONNECT of HTTP (RFC 9110, 9.3.6) and SOCKS5 (RFC 1928, RFC 1929).

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

use zeroize::Zeroizing;

use super::proxy::{Proxy, ProxyLogin};
use crate::error::Error;
use crate::status::*;

/// How this library calls itself, to proxies and to servers.
pub const USER_AGENT: &str = concat!("libmcp/", env!("CARGO_PKG_VERSION"));

/// The longest head that a proxy's answer to CONNECT may have.
const MAX_HEAD: usize = 16 * 1024;

/// What the proxy is asked to connect to.
pub enum ProxyTarget<'a> {
    Name(&'a str, u16),
    Address(SocketAddr),
}

/// Why there is no way through.
#[derive(Debug)]
pub enum ProxyHandshakeError {
    /// The connection to the proxy.
    Io(io::Error),
    /// What the proxy said.
    Said(Error),
}

impl From<io::Error> for ProxyHandshakeError {
    fn from(error: io::Error) -> ProxyHandshakeError {
        ProxyHandshakeError::Io(error)
    }
}

/// Asks an HTTP proxy. Behind its answer the connection is the server's.
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
    // The length of the informational answers so far.
    let mut passed = 0;
    let mut part = vec![0; 2048];
    loop {
        let count = stream.read(&mut part)?;
        if count == 0 {
            return Err(ProxyHandshakeError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        head.extend_from_slice(&part[..count]);
        while let Some((status, length)) = parse_head(&head).map_err(|why| said(proxy, &why))? {
            // The answer is still to come (RFC 9110, section 15.2); 101 would be one.
            if (100..200).contains(&status) && status != 101 {
                passed += length;
                head.drain(..length);
                continue;
            }
            if !(200..300).contains(&status) {
                return Err(refused(proxy, status));
            }
            // A server does not speak before it is spoken to: those bytes would be taken for its answer.
            let is_clean = length == head.len();
            return if is_clean { Ok(()) } else { Err(said(proxy, "it sent data after the response to CONNECT")) };
        }
        if passed + head.len() > MAX_HEAD {
            return Err(said(proxy, "the head of its response to CONNECT does not end"));
        }
    }
}

/// The status and the length of a whole head.
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
    let shown = proxy.named();
    let error = match http_status {
        // Some say 401 to wrong ones; only the proxy can have said it here.
        401 | 407 if proxy.login().is_some() => {
            let why = format!("the proxy {shown} refuses the user name or password in its URL (HTTP {http_status})");
            Error::new(MCP_PROXY_AUTH_REQUIRED, why)
        }
        401 | 407 => {
            let why = format!(
                "the proxy {shown} requires a user name and password (HTTP {http_status}): put them into its URL, http://user:password@host:port"
            );
            Error::new(MCP_PROXY_AUTH_REQUIRED, why)
        }
        403 => Error::new(MCP_PROXY_FAILED, format!("the proxy {shown} does not allow this connection (HTTP 403)")),
        502..=504 => {
            Error::new(MCP_PROXY_FAILED, format!("the proxy {shown} could not reach the server (HTTP {http_status})"))
        }
        _ => Error::new(MCP_PROXY_FAILED, format!("the proxy {shown} refuses the connection (HTTP {http_status})")),
    };
    ProxyHandshakeError::Said(error.with_http_status(http_status))
}

fn said(proxy: &Proxy, what: &str) -> ProxyHandshakeError {
    ProxyHandshakeError::Said(Error::new(
        MCP_PROXY_FAILED,
        format!("the proxy {} cannot be used: {what}", proxy.named()),
    ))
}

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const WITH_LOGIN: u8 = 2;
/// None of what was offered (RFC 1928, section 3).
const NOTHING: u8 = 255;

/// Asks a SOCKS5 proxy.
pub fn socks5(
    stream: &mut (impl Read + Write),
    proxy: &Proxy,
    target: &ProxyTarget,
) -> Result<(), ProxyHandshakeError> {
    let methods: &[u8] = if proxy.login().is_some() { &[NO_LOGIN, WITH_LOGIN] } else { &[NO_LOGIN] };
    stream.write_all(&[&[VERSION, methods.len() as u8], methods].concat())?;
    let [version, method] = read(stream)?;
    check_version(proxy, version)?;
    match (method, proxy.login()) {
        (NO_LOGIN, _) => {}
        (WITH_LOGIN, Some(login)) => log_in(stream, proxy, login)?,
        (NOTHING, None) => {
            let why = format!(
                "the SOCKS proxy {} requires a user name and password: put them into its URL, socks5h://user:password@host:port",
                proxy.named()
            );
            return Err(ProxyHandshakeError::Said(Error::new(MCP_PROXY_AUTH_REQUIRED, why)));
        }
        (NOTHING, Some(_)) => {
            return Err(said(proxy, "it accepts neither password authentication nor no authentication"));
        }
        _ => return Err(said(proxy, "it selected an authentication method that was not offered")),
    }

    let mut request = vec![VERSION, 1, 0];
    let port = match target {
        ProxyTarget::Name(name, port) => {
            let length =
                u8::try_from(name.len()).map_err(|_| said(proxy, "the server's name is too long for SOCKS5"))?;
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
        let why = format!("the SOCKS proxy {} refuses the connection: {}", proxy.named(), reason(reply));
        return Err(ProxyHandshakeError::Said(Error::new(MCP_PROXY_FAILED, why)));
    }
    // The address that the proxy bound is of no use here, but it has to be read.
    match kind {
        1 => read::<{ 4 + 2 }>(stream).map(|_| ())?,
        4 => read::<{ 16 + 2 }>(stream).map(|_| ())?,
        3 => {
            let [length] = read(stream)?;
            stream.read_exact(&mut vec![0; usize::from(length) + 2])?;
        }
        _ => return Err(said(proxy, "its reply contains an unknown address type")),
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
    let why = format!("the SOCKS proxy {} refuses the user name or password in its URL", proxy.named());
    Err(ProxyHandshakeError::Said(Error::new(MCP_PROXY_AUTH_REQUIRED, why)))
}

fn check_version(proxy: &Proxy, version: u8) -> Result<(), ProxyHandshakeError> {
    if version == VERSION { Ok(()) } else { Err(said(proxy, "it does not speak SOCKS5")) }
}

fn read<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// RFC 1928, section 6.
fn reason(reply: u8) -> String {
    let words = match reply {
        1 => "general failure",
        2 => "its rules do not allow this connection",
        3 => "the network is unreachable",
        4 => "the host is unreachable, or its name cannot be resolved",
        5 => "connection refused",
        6 => "TTL expired",
        7 | 8 => "command not supported",
        other => return format!("reply {other}"),
    };
    words.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A proxy whose words are known beforehand.
    struct ScriptedProxy {
        answers: io::Cursor<Vec<u8>>,
        asked: Vec<u8>,
    }

    impl Read for ScriptedProxy {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // A byte at a time: no answer may depend on how it is cut.
            self.answers.read(&mut buffer[..1])
        }
    }

    impl Write for ScriptedProxy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.asked.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn script(answers: &[u8]) -> ScriptedProxy {
        ScriptedProxy { answers: io::Cursor::new(answers.to_vec()), asked: Vec::new() }
    }

    fn status(outcome: Result<(), ProxyHandshakeError>) -> Status {
        match outcome {
            Ok(()) => MCP_OK,
            Err(ProxyHandshakeError::Said(error)) => error.status(),
            Err(ProxyHandshakeError::Io(_)) => MCP_DISCONNECTED,
        }
    }

    #[test]
    fn connect_asks_with_credentials() {
        let proxy = Proxy::parse("http://u:p@proxy").unwrap();
        let mut stream = script(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
        assert_eq!(status(connect(&mut stream, &proxy, "host", 443)), MCP_OK);
        let asked = String::from_utf8(stream.asked).unwrap();
        assert!(asked.starts_with("CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\n"), "{asked}");
        assert!(asked.ends_with("Proxy-Authorization: Basic dTpw\r\n\r\n"), "{asked}");
    }

    #[test]
    fn connect_refused() {
        let proxy = Proxy::parse("proxy").unwrap();
        let outcome = |answer: &[u8]| status(connect(&mut script(answer), &proxy, "host", 443));
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
    fn socks_asks_for_names_and_addresses() {
        let proxy = Proxy::parse("socks5h://u:pw@proxy").unwrap();
        let mut stream = script(&[5, 2, 1, 0, 5, 0, 0, 3, 1, b'x', 0, 0]);
        assert_eq!(status(socks5(&mut stream, &proxy, &ProxyTarget::Name("host", 0x1234))), MCP_OK);
        let greeting = [5, 2, 0, 2];
        let login = [&[1, 1, b'u', 2][..], b"pw"].concat();
        let request = [&[5, 1, 0, 3, 4][..], b"host", &[0x12, 0x34]].concat();
        assert_eq!(stream.asked, [&greeting[..], &login, &request].concat());

        let proxy = Proxy::parse("socks5://proxy").unwrap();
        let mut stream = script(&[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let target = ProxyTarget::Address("127.0.0.1:80".parse().unwrap());
        assert_eq!(status(socks5(&mut stream, &proxy, &target)), MCP_OK);
        assert_eq!(stream.asked, [5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80]);
    }

    #[test]
    fn socks_refused() {
        let proxy = Proxy::parse("socks5h://u:p@proxy").unwrap();
        let outcome = |answer: &[u8]| status(socks5(&mut script(answer), &proxy, &ProxyTarget::Name("host", 80)));
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
