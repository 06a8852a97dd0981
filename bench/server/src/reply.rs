//! A response, built in a reused buffer. A long text is not copied into the buffer, but sent from the request's buffer.

use std::io::{self, IoSlice, Write};
use std::mem;

/// For shorter texts, a copy is cheaper than an additional buffer in the system call.
const SHORT: usize = 16 * 1024;

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Whole,
    Json,
    Stream,
}

pub struct Reply<'a> {
    head: Vec<u8>,
    body: Vec<u8>,
    /// The text, and its offset in `body`.
    spliced: Option<(usize, &'a [u8])>,
    form: Form,
    has_result: bool,
}

impl<'a> Reply<'a> {
    pub fn new() -> Reply<'static> {
        Reply { head: Vec::new(), body: Vec::new(), spliced: None, form: Form::Whole, has_result: false }
    }

    /// A new response that reuses the buffers.
    pub fn again<'b>(mut self) -> Reply<'b> {
        self.head.clear();
        self.body.clear();
        Reply { head: mem::take(&mut self.head), body: mem::take(&mut self.body), ..Reply::new() }
    }

    /// A response without a body.
    pub fn plain(&mut self, status: &str, headers: &str) {
        self.head.extend_from_slice(b"HTTP/1.1 ");
        self.head.extend_from_slice(status.as_bytes());
        self.head.extend_from_slice(b"\r\n");
        self.head.extend_from_slice(headers.as_bytes());
        self.head.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    }

    /// A response with JSON as its body.
    pub fn json(&mut self, status: &str, body: &str) {
        self.start(status, Form::Json, "");
        self.body.extend_from_slice(body.as_bytes());
    }

    /// A JSON-RPC error. It is never sent as an event stream.
    pub fn error(&mut self, status: &str, id: &[u8], error: &str) {
        self.start(status, Form::Json, "");
        self.envelope(id, r#","error":"#);
        self.body.extend_from_slice(error.as_bytes());
    }

    /// Sends a message as an event, in a separate chunk, before the response. Call it after [`Reply::begin`].
    pub fn event(&mut self, message: &[&[u8]]) {
        const FIELDS: (&[u8], &[u8]) = (b"event: message\ndata: ", b"\n\n");
        let length = FIELDS.0.len() + message.iter().map(|piece| piece.len()).sum::<usize>() + FIELDS.1.len();
        push_hexadecimal(&mut self.head, length);
        self.head.extend_from_slice(b"\r\n");
        self.head.extend_from_slice(FIELDS.0);
        message.iter().for_each(|piece| self.head.extend_from_slice(piece));
        self.head.extend_from_slice(FIELDS.1);
        self.head.extend_from_slice(b"\r\n");
    }

    /// Begins a response with a result; the parts of the result follow.
    pub fn begin(&mut self, stream: bool, id: &[u8], headers: &str) {
        self.start("200 OK", if stream { Form::Stream } else { Form::Json }, headers);
        if stream {
            self.body.extend_from_slice(b"event: message\ndata: ");
        }
        self.envelope(id, r#","result":"#);
    }

    /// Appends a part of the result.
    pub fn result(&mut self, piece: &str) {
        self.body.extend_from_slice(piece.as_bytes());
    }

    /// Appends a number of `x` characters to the result.
    pub fn fill(&mut self, bytes: usize) {
        self.body.resize(self.body.len() + bytes, b'x');
    }

    /// Appends a text, usually that of the request, to the result.
    pub fn splice(&mut self, text: &'a [u8]) {
        if text.len() < SHORT {
            self.body.extend_from_slice(text);
        } else {
            self.spliced = Some((self.body.len(), text));
        }
    }

    /// Sends the response, in one write if the socket accepts that many bytes.
    pub fn send(&mut self, to: &mut impl Write) -> io::Result<()> {
        if mem::take(&mut self.has_result) {
            self.body.push(b'}');
        }
        if self.form == Form::Stream {
            self.body.extend_from_slice(b"\n\n");
        }
        let (at, text) = self.spliced.unwrap_or((self.body.len(), &[]));
        let length = self.body.len() + text.len();
        match self.form {
            Form::Whole => {}
            Form::Json => write!(self.head, "Content-Length: {length}\r\n\r\n")?,
            Form::Stream => {
                write!(self.head, "{length:x}\r\n")?;
                self.body.extend_from_slice(b"\r\n0\r\n\r\n");
            }
        }
        if text.is_empty() {
            self.head.extend_from_slice(&self.body);
            return to.write_all(&self.head);
        }
        self.head.extend_from_slice(&self.body[..at]);
        let mut pieces = [IoSlice::new(&self.head), IoSlice::new(text), IoSlice::new(&self.body[at..])];
        let mut left = pieces.as_mut_slice();
        while !left.is_empty() {
            match to.write_vectored(left)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                sent => IoSlice::advance_slices(&mut left, sent),
            }
        }
        Ok(())
    }

    fn start(&mut self, status: &str, form: Form, headers: &str) {
        let kind = if form == Form::Stream { "text/event-stream" } else { "application/json" };
        for part in ["HTTP/1.1 ", status, "\r\nContent-Type: ", kind, "\r\n", headers] {
            self.head.extend_from_slice(part.as_bytes());
        }
        if form == Form::Stream {
            self.head.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        }
        self.form = form;
    }

    fn envelope(&mut self, id: &[u8], next: &str) {
        self.body.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        self.body.extend_from_slice(id);
        self.body.extend_from_slice(next.as_bytes());
        self.has_result = true;
    }
}

/// Appends the digits of a number below 65,536. `write!` would take a third of the time of an event.
fn push_hexadecimal(out: &mut Vec<u8>, number: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = [12, 8, 4, 0].map(|shift| DIGITS[number >> shift & 15]);
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    out.extend_from_slice(&digits[zeros..]);
}
