//! An HTTP connection: plain, through TLS, or to a proxy that passes requests on. ureq has it for a request and the head of the
//! answer; what follows the head is read here.

use std::fmt;
use std::io::{self, Write};

use ::http::Uri;
use ::http::uri::{Authority, Scheme};
use ureq::unversioned::transport::Buffers;
use zeroize::Zeroizing;

use super::buffers::HttpBuffers;
use crate::net::buffered_socket::ByteStream;
use crate::net::origin::Origin;
use crate::net::proxy::Proxy;

/// A connection with what was read ahead on it.
pub struct HttpConnection {
    stream: Box<dyn ByteStream>,
    /// Whose requests it carries.
    server: Option<(Scheme, Authority)>,
    buffers: HttpBuffers,
    /// Where a proxy passes requests on: what it wants to read of each.
    forwarding: Option<ProxyForwarding>,
    /// The next output is the beginning of a request.
    begins: bool,
}

fn server(uri: &Uri) -> Option<(Scheme, Authority)> {
    Some((uri.scheme()?.clone(), uri.authority()?.clone()))
}

/// A request that a proxy passes on names its target whole (RFC 9112, 3.2.2), and says who asks.
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
        Box::new(HttpConnection { stream, server, buffers, forwarding, begins: true })
    }

    /// Reads bytes that follow a head, past ureq; zero where the server has closed.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.buffers.take_input(buffer) {
            0 => self.stream.read(buffer),
            count => Ok(count),
        }
    }

    /// The same, appended to `body`: at most `most` bytes, and into memory that nobody has written to before.
    pub fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let buffered = self.buffers.input().len().min(most);
        if buffered == 0 {
            return self.stream.read_into(body, most);
        }
        body.extend_from_slice(&self.buffers.input()[..buffered]);
        self.buffers.input_consume(buffered);
        Ok(buffered)
    }

    /// What has come and was not read.
    pub fn buffered(&self) -> &[u8] {
        self.buffers.input()
    }

    /// Takes so many bytes off what is buffered.
    pub fn consume(&mut self, count: usize) {
        self.buffers.input_consume(count);
    }

    /// Waits for bytes, and buffers them; zero where the server has closed.
    pub fn fill(&mut self) -> io::Result<usize> {
        // Read from the stream and not from the link: a server that closes a kept connection sends a TLS alert first, and that is
        // no byte of an answer.
        let count = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count)
    }

    /// Whether it leads to the server of `uri` and can carry another request: nothing has come behind the last answer.
    pub fn can_serve(&self, uri: &Uri) -> bool {
        self.server == server(uri) && self.buffers.input().is_empty() && self.stream.link_ref().is_quiet()
    }

    pub fn is_tls(&self) -> bool {
        self.stream.is_tls()
    }

    pub fn buffers(&mut self) -> &mut HttpBuffers {
        &mut self.buffers
    }

    /// Whether more can be buffered.
    pub fn has_room(&mut self) -> bool {
        !self.buffers.input_append_buf().is_empty()
    }

    /// The next output is the beginning of a request.
    pub fn begin_request(&mut self) {
        self.begins = true;
    }

    /// Takes so many bytes of output, and sends them when there are enough.
    pub fn transmit(&mut self, amount: usize) -> io::Result<()> {
        let begins = std::mem::take(&mut self.begins);
        let is_full = self.buffers.written(amount);
        if let Some(forwarding) = self.forwarding.as_ref().filter(|_| begins) {
            let outcome = forwarding.write_head(&mut *self.stream, self.buffers.pending());
            self.buffers.sent();
            return outcome;
        }
        if is_full { self.flush() } else { Ok(()) }
    }

    /// Sends what was written, and what was held back of it.
    pub fn send_all(&mut self) -> io::Result<()> {
        self.flush()?;
        self.stream.link().send_held()
    }

    /// Sends what ureq has written.
    fn flush(&mut self) -> io::Result<()> {
        if self.buffers.pending().is_empty() {
            return Ok(());
        }
        let sent = self.stream.send(self.buffers.pending());
        self.buffers.sent();
        sent
    }
}

impl ProxyForwarding {
    /// What `proxy` wants of requests to `origin`.
    pub fn new(origin: &Origin, proxy: &Proxy) -> ProxyForwarding {
        ProxyForwarding { origin: origin.shown(), authorization: proxy.authorization() }
    }

    /// Writes the beginning of a request, with the target whole in its first line, and the credentials behind that line.
    fn write_head(&self, stream: &mut (impl Write + ?Sized), output: &[u8]) -> std::io::Result<()> {
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
        // Not the buffers: they may hold a token.
        f.debug_struct("Wire").field("stream", &self.stream).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_request_names_its_target_whole() {
        let authorization = Some(Zeroizing::new("Basic eA==".to_owned()));
        let forwarding = ProxyForwarding { origin: "http://host:81".into(), authorization };
        let mut sent = Vec::new();
        forwarding.write_head(&mut sent, b"POST /mcp?a=b HTTP/1.1\r\nHost: host:81\r\n\r\n{}").unwrap();
        let want = "POST http://host:81/mcp?a=b HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\nHost: host:81\r\n\r\n{}";
        assert_eq!(String::from_utf8(sent).unwrap(), want);
    }
}
