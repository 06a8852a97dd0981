//! An HTTP connection: plain, over TLS, or to a proxy that forwards requests. ureq uses it for a request and the head
//! of the response; the body is read here.

use std::fmt;
use std::io::{self, Write};

use ::http::Uri;
use ::http::uri::{Authority, Scheme};
use ureq::unversioned::transport::Buffers;
use zeroize::Zeroizing;

use super::buffers::{CRLF, HttpBuffers};
use super::header_lines::HeaderLines;
use crate::net::buffered_socket::ByteStream;
use crate::net::origin::Origin;
use crate::net::proxy::Proxy;

/// A connection with its buffers.
pub struct HttpConnection {
    /// `None` while the reader of a request body sends the body.
    stream: Option<Box<dyn ByteStream>>,
    /// The server that requests on it are for.
    server: Option<(Scheme, Authority)>,
    buffers: HttpBuffers,
    /// If a proxy forwards the requests: what each of them must contain.
    forwarding: Option<ProxyForwarding>,
    /// The next output is the beginning of a request.
    at_request_start: bool,
    /// Lines that are added to the head that ureq writes; empty after that.
    lines: HeaderLines,
}

/// The stream of a connection. Fails while the reader of a request body has it.
fn connected(stream: &mut Option<Box<dyn ByteStream>>) -> io::Result<&mut dyn ByteStream> {
    Ok(&mut **stream.as_mut().ok_or(io::ErrorKind::NotConnected)?)
}

fn server(uri: &Uri) -> Option<(Scheme, Authority)> {
    Some((uri.scheme()?.clone(), uri.authority()?.clone()))
}

/// What a forwarding proxy needs in each request: the absolute form of the target (RFC 9112, section 3.2.2), and the
/// credentials for the proxy.
pub struct ProxyForwarding {
    /// `http://host:port`
    pub origin: String,
    pub authorization: Option<Zeroizing<String>>,
}

impl HttpConnection {
    pub fn new(
        stream: Box<dyn ByteStream>,
        uri: &Uri,
        input_size: usize,
        forwarding: Option<ProxyForwarding>,
    ) -> Box<HttpConnection> {
        let (server, buffers) = (server(uri), HttpBuffers::new(input_size));
        Box::new(HttpConnection {
            stream: Some(stream),
            server,
            buffers,
            forwarding,
            at_request_start: true,
            lines: HeaderLines::default(),
        })
    }

    pub fn has_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// The output of ureq that is not sent yet.
    pub fn pending(&self) -> &[u8] {
        self.buffers.pending()
    }

    pub fn take_stream(&mut self) -> Option<Box<dyn ByteStream>> {
        self.stream.take()
    }

    /// Takes the output of ureq that is not sent yet.
    pub fn take_pending(&mut self) -> Zeroizing<Vec<u8>> {
        let pending = Zeroizing::new(self.buffers.pending().to_vec());
        self.buffers.clear_pending();
        pending
    }

    pub fn put_stream(&mut self, stream: Box<dyn ByteStream>) {
        self.stream = Some(stream);
    }

    /// Reads bytes of a body, without ureq. Returns zero if the server has closed the connection.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.buffers.take_input(buffer) {
            0 => connected(&mut self.stream)?.read(buffer),
            count => Ok(count),
        }
    }

    /// Appends at most `most` bytes of a body to `body`, without ureq. Returns zero if the server has closed the
    /// connection.
    pub fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let buffered = self.buffers.input().len().min(most);
        if buffered == 0 {
            return connected(&mut self.stream)?.read_into(body, most);
        }
        body.try_reserve(buffered).map_err(|_| io::ErrorKind::OutOfMemory)?;
        body.extend_from_slice(&self.buffers.input()[..buffered]);
        self.buffers.input_consume(buffered);
        Ok(buffered)
    }

    /// The bytes that were received and not read yet.
    pub fn buffered(&self) -> &[u8] {
        self.buffers.input()
    }

    /// Removes `count` bytes from the buffered input.
    pub fn consume(&mut self, count: usize) {
        self.buffers.input_consume(count);
    }

    /// Waits for bytes and buffers them. Returns zero if the server has closed the connection.
    pub fn fill(&mut self) -> io::Result<usize> {
        // Count decrypted bytes, not bytes of the socket: a server that closes an idle connection sends a TLS alert,
        // which is not part of a response.
        let count = connected(&mut self.stream)?.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count)
    }

    /// Whether a request to `uri` can be sent on this connection: it is for the same server, and nothing was received
    /// after the last response.
    pub fn can_serve(&self, uri: &Uri) -> bool {
        self.server == server(uri)
            && self.buffers.input().is_empty()
            && self.stream.as_ref().is_some_and(|stream| stream.socket().is_quiet())
    }

    pub fn is_tls(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| stream.is_tls())
    }

    pub fn buffers(&mut self) -> &mut HttpBuffers {
        &mut self.buffers
    }

    /// Whether the input buffer has free space.
    pub fn has_room(&mut self) -> bool {
        !self.buffers.input_append_buf().is_empty()
    }

    /// Marks the next output as the beginning of a request. `set_lines` sets the header lines to add to it.
    pub fn begin_request(&mut self, set_lines: impl FnOnce(&mut HeaderLines)) {
        self.at_request_start = true;
        self.lines.clear();
        set_lines(&mut self.lines);
    }

    /// Accepts `amount` bytes that were written to the output buffer, and sends them if the buffer is nearly full.
    pub fn transmit(&mut self, amount: usize) -> io::Result<()> {
        let at_request_start = std::mem::take(&mut self.at_request_start);
        let is_full = self.buffers.record_written(amount);
        let is_forwarded = at_request_start && self.forwarding.is_some();
        // ureq may write a long head in several parts: the lines are added to the last one.
        let has_lines = !self.lines.bytes().is_empty() && self.buffers.pending().ends_with(b"\r\n\r\n");
        if is_forwarded || (has_lines && !self.buffers.insert_lines(self.lines.bytes())) {
            return self.write_head(is_forwarded, has_lines);
        }
        if has_lines {
            self.lines.clear();
        }
        if is_full { self.flush() } else { Ok(()) }
    }

    /// Writes the pending output, which is the end of a head if `has_lines`: then with the lines.
    fn write_head(&mut self, is_forwarded: bool, has_lines: bool) -> io::Result<()> {
        let stream = connected(&mut self.stream)?;
        let pending = self.buffers.pending();
        let (head, end) = pending.split_at(pending.len() - if has_lines { CRLF.len() } else { 0 });
        let begun = match &self.forwarding {
            Some(forwarding) if is_forwarded => forwarding.write_head(stream, head),
            _ => stream.write_all(head),
        };
        let lines = if has_lines { self.lines.bytes() } else { &[] };
        let outcome = begun.and_then(|()| stream.write_all(lines)).and_then(|()| stream.write_all(end));
        self.buffers.clear_pending();
        if has_lines {
            self.lines.clear();
        }
        outcome
    }

    /// Sends all output, including what the socket has buffered.
    pub fn send_all(&mut self) -> io::Result<()> {
        self.flush()?;
        connected(&mut self.stream)?.socket_mut().send_buffered()
    }

    /// Sends the output that ureq has written.
    fn flush(&mut self) -> io::Result<()> {
        if self.buffers.pending().is_empty() {
            return Ok(());
        }
        let outcome = connected(&mut self.stream)?.send(self.buffers.pending());
        self.buffers.clear_pending();
        outcome
    }
}

impl ProxyForwarding {
    /// What `proxy` needs in requests to `origin`.
    pub fn new(origin: &Origin, proxy: &Proxy) -> ProxyForwarding {
        ProxyForwarding { origin: origin.shown(), authorization: proxy.authorization() }
    }

    /// Writes the beginning of a request, with its target in absolute form, and the proxy's credentials as the first
    /// header.
    fn write_head(&self, stream: &mut (impl Write + ?Sized), output: &[u8]) -> io::Result<()> {
        let path = output.iter().position(|b| *b == b' ').map_or(0, |space| space + 1);
        let line = output.iter().position(|b| *b == b'\n').map_or(output.len(), |end| end + 1);
        stream.write_all(&output[..path])?;
        stream.write_all(self.origin.as_bytes())?;
        stream.write_all(&output[path..line])?;
        if let Some(authorization) = &self.authorization {
            stream.write_all(b"Proxy-Authorization: ")?;
            stream.write_all(authorization.as_bytes())?;
            stream.write_all(b"\r\n")?;
        }
        stream.write_all(&output[line..])
    }
}

impl fmt::Debug for HttpConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the buffers: they may contain a token.
        f.debug_struct("HttpConnection").field("stream", &self.stream).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use ::http::{HeaderName, HeaderValue};

    use super::*;
    use crate::call::request_headers::RequestHeaders;
    use crate::net::buffered_socket::BufferedSocket;
    use crate::sys::lock::Mutex;

    fn forwarding() -> ProxyForwarding {
        ProxyForwarding {
            origin: "http://host:81".into(),
            authorization: Some(Zeroizing::new("Basic eA==".to_owned())),
        }
    }

    #[test]
    fn forwarded_requests_have_an_absolute_target() {
        let mut sent = Vec::new();
        forwarding().write_head(&mut sent, b"POST /mcp?a=b HTTP/1.1\r\nHost: host:81\r\n\r\n{}").unwrap();
        let expected =
            "POST http://host:81/mcp?a=b HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\nHost: host:81\r\n\r\n{}";
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }

    /// Records what is sent.
    #[derive(Debug)]
    struct Recorder(Arc<Mutex<Vec<u8>>>);

    impl Write for Recorder {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Recorder {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            unreachable!("nothing is read")
        }
    }

    impl ByteStream for Recorder {
        fn socket_mut(&mut self) -> &mut BufferedSocket {
            unreachable!("it has no socket")
        }

        fn socket(&self) -> &BufferedSocket {
            unreachable!("it has no socket")
        }

        fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.write_all(bytes)
        }

        fn is_tls(&self) -> bool {
            false
        }
    }

    #[test]
    fn header_lines_are_added_to_a_head_of_any_length() {
        let end_of_head = "host: host:81\r\n\r\n";
        for (path, value) in [(10, 20), (10, 300_000), (70_000, 20), (70_000, 300_000)] {
            let (path, value) = ("p".repeat(path), "v".repeat(value));
            let request_line = |before: &str| format!("POST {before}/{path} HTTP/1.1\r\n");
            for parts in [vec![request_line("") + end_of_head], vec![request_line(""), end_of_head.into()]] {
                for is_forwarded in [false, true] {
                    let recorded = Arc::new(Mutex::new(Vec::new()));
                    let stream = Box::new(Recorder(Arc::clone(&recorded)));
                    let uri = Uri::from_static("http://host:81/");
                    let mut connection = HttpConnection::new(stream, &uri, 1024, is_forwarded.then(forwarding));
                    let mut headers = RequestHeaders::default();
                    headers.push(HeaderName::from_static("x-a"), HeaderValue::from_str(&value).unwrap());
                    connection.begin_request(|lines| lines.set(&headers, &[]));
                    for part in parts.iter().map(String::as_str).chain(["{}\r\n\r\n"]) {
                        connection.buffers().output()[..part.len()].copy_from_slice(part.as_bytes());
                        connection.transmit(part.len()).unwrap();
                    }
                    connection.flush().unwrap();
                    let (origin, authorization) = match is_forwarded {
                        true => ("http://host:81", "Proxy-Authorization: Basic eA==\r\n"),
                        false => ("", ""),
                    };
                    let head = request_line(origin) + authorization + "host: host:81\r\n";
                    let expected = head + &format!("x-a: {value}\r\n\r\n{{}}\r\n\r\n");
                    assert!(*recorded.lock() == expected.as_bytes(), "{} and {}", path.len(), value.len());
                }
            }
        }
    }
}
