//! Sends a large request body from the caller's memory, without a copy into ureq's output buffer.
//!
//! ureq copies a body into the buffer of its transport. The transport cannot send the caller's memory itself: it must
//! be `'static`, and the memory is valid only during the call. The reader from which ureq copies the body can: ureq
//! only borrows it. So the transport hands the stream to the reader when ureq has written the head. The reader sends
//! the head and the body together, hands the stream back, and reports the number of bytes to ureq without writing them.
//! The transport does not send bytes that were only reported.

use std::fmt;
use std::io::{self, Read};

use zeroize::Zeroizing;

use super::http_connection::HttpConnection;
use crate::net::buffered_socket::ByteStream;
use crate::protocol::message_text::MessageText;
use crate::sys::lock::Mutex;

/// The state that the transport and the reader of a body share.
#[derive(Default)]
pub struct BodyHandover(Mutex<HandoverState>);

#[derive(Default)]
enum HandoverState {
    /// The body is copied by ureq.
    #[default]
    Copied,
    /// The reader can send the body, which has this length.
    Offered(u64),
    /// For the reader: the stream, and the head to send.
    HeadWritten(Box<dyn ByteStream>, Zeroizing<Vec<u8>>),
    /// For the transport: the stream. The reader has sent a body of this length.
    Sent(Box<dyn ByteStream>, u64),
}

/// The reader of a large body.
pub struct BodySender<'a, Reader> {
    handover: &'a BodyHandover,
    body: &'a MessageText<'a>,
    /// Reads the body if ureq copies it.
    reader: Reader,
    /// The bytes that were sent and not reported to ureq yet.
    unreported: Option<u64>,
}

impl BodyHandover {
    /// Offers to send a body of `length` bytes.
    fn offer(&self, length: usize) {
        *self.0.lock() = HandoverState::Offered(length as u64);
    }

    /// Ends the request: drops what is left of it.
    fn end(&self) {
        *self.0.lock() = HandoverState::Copied;
    }

    /// Hands the stream of `connection` to the reader, if the reader can send the body: ureq has written all of the
    /// head, and the head announces the body in the form in which the reader sends it.
    pub fn hand_over(&self, connection: &mut HttpConnection) {
        let mut state = self.0.lock();
        let HandoverState::Offered(length) = *state else { return };
        if announces_body(connection.pending(), length)
            && let Some(stream) = connection.take_stream()
        {
            *state = HandoverState::HeadWritten(stream, connection.take_pending());
        }
    }

    /// Returns the stream to `connection`, and the length of the body that was sent. If the reader was not used, sends
    /// the head, and the length is zero.
    pub fn take_back(&self, connection: &mut HttpConnection) -> io::Result<u64> {
        let (stream, length) = match std::mem::take(&mut *self.0.lock()) {
            HandoverState::HeadWritten(mut stream, head) => {
                stream.send(&head)?;
                (stream, 0)
            }
            HandoverState::Sent(stream, length) => (stream, length),
            HandoverState::Copied | HandoverState::Offered(_) => return Ok(0),
        };
        connection.put_stream(stream);
        Ok(length)
    }
}

impl fmt::Debug for BodyHandover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the head, which may contain a token.
        f.debug_struct("BodyHandover").finish_non_exhaustive()
    }
}

/// Whether the head of a request is complete and is followed by a body of `length` bytes, without chunks, and without
/// waiting for the server's consent.
fn announces_body(head: &[u8], length: u64) -> bool {
    let (mut lengths, mut has_other_framing) = (0, false);
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            lengths += 1;
            has_other_framing |= value != length.to_string().as_bytes();
        }
        has_other_framing |= name.eq_ignore_ascii_case(b"transfer-encoding") || name.eq_ignore_ascii_case(b"expect");
    }
    head.ends_with(b"\r\n\r\n") && lengths == 1 && !has_other_framing
}

impl<'a, Reader: Read> BodySender<'a, Reader> {
    /// The sender of `body`, which `reader` reads if ureq has to copy it.
    pub fn new(handover: &'a BodyHandover, body: &'a MessageText<'a>, reader: Reader) -> BodySender<'a, Reader> {
        handover.offer(body.len());
        BodySender { handover, body, reader, unreported: None }
    }

    /// Sends the head and the body if the transport has handed its stream over. Returns the length of the body.
    fn send(&mut self) -> io::Result<Option<u64>> {
        let mut state = self.handover.0.lock();
        let HandoverState::HeadWritten(mut stream, head) = std::mem::take(&mut *state) else { return Ok(None) };
        drop(state);
        let pieces: Vec<&[u8]> =
            std::iter::once(head.as_slice()).chain(self.body.pieces().map(str::as_bytes)).collect();
        stream.send_pieces(&pieces)?;
        let length = self.body.len() as u64;
        *self.handover.0.lock() = HandoverState::Sent(stream, length);
        Ok(Some(length))
    }
}

impl<Reader: Read> Read for BodySender<'_, Reader> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unreported.is_none() {
            self.unreported = self.send()?;
        }
        let Some(unreported) = &mut self.unreported else { return self.reader.read(buffer) };
        let count = usize::try_from(*unreported).unwrap_or(usize::MAX).min(buffer.len());
        *unreported -= count as u64;
        Ok(count)
    }
}

impl<Reader> Drop for BodySender<'_, Reader> {
    fn drop(&mut self) {
        self.handover.end();
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::io::Write;
    use std::net::{SocketAddr, TcpListener};
    use std::sync::Arc;
    use std::thread::JoinHandle;
    use std::time::Duration;

    use ::http::Method;
    use ureq::unversioned::transport::Buffers;

    use super::*;
    use crate::call::known_secrets::KnownSecrets;
    use crate::http::buffers::LARGE_BUFFER;
    use crate::http::client::Http;
    use crate::http::endpoint::Endpoint;
    use crate::http::error::HttpError;
    use crate::http::send::OutgoingRequest;
    use crate::net::connection_factory::ConnectionOptions;
    use crate::net::proxy::{Proxy, ProxyChoice};
    use crate::status::*;
    use crate::sys::wait::WaitContext;

    /// More than the buffers of a socket.
    const LARGE: usize = 12 << 20;

    /// The size of a large piece.
    const LARGE_PIECE: usize = 100_000;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn client(address: SocketAddr, proxy: ProxyChoice) -> Http {
        let options = ConnectionOptions { proxy, ..ConnectionOptions::default() };
        let endpoint = Endpoint::parse(&format!("http://{address}/mcp")).unwrap();
        Http::new(Arc::new(endpoint), options, Arc::new(KnownSecrets::default()))
    }

    /// Posts `body`. Returns the status of the response, or the error.
    fn post(http: &Http, body: &MessageText, timeout: Duration) -> Result<u16, HttpError> {
        let outgoing = OutgoingRequest { to: http.endpoint(), method: Method::POST, headers: Cow::default(), body };
        let mut response = http.send(&outgoing, &WaitContext::default().within(timeout))?;
        response.read_all(100).unwrap();
        Ok(response.status)
    }

    /// Reads `count` requests on one connection, and answers each of them. Returns their heads and bodies.
    fn serve(listener: TcpListener, count: usize) -> JoinHandle<Vec<(String, String)>> {
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut requests = Vec::new();
            for _ in 0..count {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    socket.read_exact(&mut byte).unwrap();
                    head.extend(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let mut body = vec![0; length.parse().unwrap()];
                socket.read_exact(&mut body).unwrap();
                socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
                requests.push((head, String::from_utf8(body).unwrap()));
            }
            requests
        })
    }

    /// A body with two large pieces, and texts between them.
    fn body<'a>(first: &'a str, second: &'a str) -> MessageText<'a> {
        let mut body = MessageText::from("{\"a\":");
        body.splice(first);
        body.push(",\"b\":");
        body.splice(second);
        body.push("}");
        body
    }

    #[test]
    fn large_bodies_are_sent_unchanged_and_the_connection_is_reused() {
        let (first, second) = ("1".repeat(LARGE), "2".repeat(LARGE_PIECE));
        let body = body(&first, &second);
        let one_piece = MessageText::from("3".repeat(LARGE_PIECE));
        let small = MessageText::from("4");
        let bodies = [&body, &small, &one_piece, &body];
        for is_forwarded in [false, true] {
            let (listener, address) = listener();
            let proxy = match is_forwarded {
                true => ProxyChoice::Set(Arc::new(Proxy::parse(&format!("http://{address}")).unwrap())),
                false => ProxyChoice::None,
            };
            let http = client(address, proxy);
            let server = serve(listener, bodies.len());
            for body in bodies {
                assert_eq!(post(&http, body, Duration::from_secs(20)).unwrap(), 200);
            }
            for ((head, received), sent) in server.join().unwrap().into_iter().zip(bodies) {
                assert!(received == sent.clone().into_string(), "{} of {} bytes", received.len(), sent.len());
                let target = if is_forwarded { format!("http://{address}/mcp") } else { "/mcp".into() };
                assert!(head.starts_with(&format!("POST {target} HTTP/1.1\r\n")), "{head}");
            }
        }
    }

    #[test]
    fn a_large_body_is_not_copied() {
        let (listener, address) = listener();
        let http = client(address, ProxyChoice::None);
        let server = serve(listener, 1);
        let text = "x".repeat(LARGE);
        post(&http, &body(&text, ""), Duration::from_secs(20)).unwrap();
        server.join().unwrap();
        let pooled = http.pool().take(&WaitContext::default()).unwrap();
        let mut connection = pooled.notes.take_connection().unwrap();
        // It would have been enlarged.
        assert_eq!(connection.buffers().output().len(), LARGE_BUFFER);
    }

    #[test]
    fn a_server_that_does_not_read_the_body_ends_the_request() {
        let (listener, address) = listener();
        let http = client(address, ProxyChoice::None);
        let text = "x".repeat(LARGE);
        let body = body(&text, "");
        let late = post(&http, &body, Duration::from_millis(50)).unwrap_err();
        assert_eq!((late.error.status(), late.stale, late.sent), (MCP_TIMEOUT, false, true));
        assert!(late.error.to_string().contains("while sending the request"), "{}", late.error);
        drop(listener.accept().unwrap());
        let closing = std::thread::spawn(move || drop(listener.accept().unwrap()));
        let ended = post(&http, &body, Duration::from_secs(20)).unwrap_err();
        assert_eq!((ended.error.status(), ended.stale, ended.sent), (MCP_DISCONNECTED, false, true));
        closing.join().unwrap();
    }

    #[test]
    fn only_a_complete_head_with_the_length_of_the_body_announces_it() {
        let cases = [
            ("POST / HTTP/1.1\r\nContent-Length: 20000\r\n\r\n", true),
            ("POST / HTTP/1.1\r\nhost: a:1\r\ncontent-length:20000 \r\naccept: */*\r\n\r\n", true),
            ("POST / HTTP/1.1\r\ncontent-length: 20000\r\n", false),
            ("POST / HTTP/1.1\r\ncontent-length: 20001\r\n\r\n", false),
            ("POST / HTTP/1.1\r\ncontent-length: 20000\r\ncontent-length: 20000\r\n\r\n", false),
            ("POST / HTTP/1.1\r\ncontent-length: 20000\r\nTransfer-Encoding: chunked\r\n\r\n", false),
            ("POST / HTTP/1.1\r\ncontent-length: 20000\r\nexpect: 100-continue\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nhost: a\r\n\r\n", false),
            ("", false),
        ];
        for (head, announces) in cases {
            assert_eq!(announces_body(head.as_bytes(), 20_000), announces, "{head:?}");
        }
    }
}
