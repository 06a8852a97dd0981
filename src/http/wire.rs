//! A connection as ureq wants to see it: plain, through TLS, or to a proxy that passes requests on. ureq holds it for one answer;
//! then it rests where the lane keeps it.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};
use zeroize::Zeroizing;

use super::buffers::WireBuffers;
use super::lane::{LaneState, Phase};
use super::link::Link;
use crate::sys::lock::{Mutex, MutexGuard};

/// TLS gives no more than a record at a time.
const MOST_AT_ONCE: usize = 16 * 1024;

/// What a connection is made of: the link itself, or TLS over it.
pub trait Stream: Read + Write + Send + Sync + fmt::Debug + 'static {
    fn link(&mut self) -> &mut Link;

    fn link_ref(&self) -> &Link;

    /// Reads at most `most` bytes to the end of `body`.
    fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let before = body.len();
        body.resize(before + most.min(MOST_AT_ONCE), 0);
        let count = self.read(&mut body[before..]);
        body.truncate(before + *count.as_ref().unwrap_or(&0));
        count
    }

    /// Sends `bytes`; they may be held back until an answer is awaited.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    fn is_tls(&self) -> bool;
}

impl Stream for Link {
    fn link(&mut self) -> &mut Link {
        self
    }

    fn link_ref(&self) -> &Link {
        self
    }

    fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        self.receive(|socket| socket.receive_into(body, most))
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_now(bytes)
    }

    fn is_tls(&self) -> bool {
        false
    }
}

/// See the module.
pub struct Wire {
    stream: Box<dyn Stream>,
    /// Whose requests it carries.
    server: Option<(Scheme, Authority)>,
    lane: Arc<LaneState>,
    buffers: WireBuffers,
    /// Where a proxy passes requests on: what it wants to read of each.
    forwarding: Option<Forwarding>,
    /// The next output is the beginning of a request.
    begins: bool,
}

/// Where a wire rests between two answers.
#[derive(Clone, Debug, Default)]
pub struct Rest(Arc<Mutex<Option<Box<Wire>>>>);

impl Rest {
    /// The wire, if it leads to the server of `uri` and can carry another request.
    pub fn take_for(&self, uri: &Uri) -> Option<Box<Wire>> {
        self.take().filter(|wire| wire.server == server(uri)).filter(|wire| wire.is_quiet())
    }

    pub fn take(&self) -> Option<Box<Wire>> {
        self.lock().take()
    }

    pub fn put(&self, wire: Box<Wire>) {
        *self.lock() = Some(wire);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<Wire>>> {
        self.0.lock()
    }
}

fn server(uri: &Uri) -> Option<(Scheme, Authority)> {
    Some((uri.scheme()?.clone(), uri.authority()?.clone()))
}

/// A request that a proxy passes on names its target whole (RFC 9112, 3.2.2), and says who asks.
pub struct Forwarding {
    /// `http://host:port`
    pub origin: String,
    pub authorization: Option<Zeroizing<String>>,
}

impl Wire {
    pub fn new(
        stream: Box<dyn Stream>,
        uri: &Uri,
        lane: Arc<LaneState>,
        input_size: usize,
        forwarding: Option<Forwarding>,
    ) -> Box<Wire> {
        let (server, buffers) = (server(uri), WireBuffers::new(input_size));
        Box::new(Wire { stream, server, lane, buffers, forwarding, begins: true })
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
        let count = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count)
    }

    /// Whether nothing has come behind the last answer.
    fn is_quiet(&self) -> bool {
        self.buffers.input().is_empty() && self.stream.link_ref().is_quiet()
    }

    /// On a kept connection there was nothing to connect.
    fn note_sending(&mut self) {
        if self.lane.phase() < Phase::Send {
            self.lane.set_phase(Phase::Send);
        }
    }

    fn transmit(&mut self, amount: usize) -> io::Result<()> {
        self.note_sending();
        let begins = std::mem::take(&mut self.begins);
        let is_full = self.buffers.written(amount);
        if let Some(forwarding) = self.forwarding.as_ref().filter(|_| begins) {
            let outcome = forwarding.write_head(&mut *self.stream, self.buffers.pending());
            self.buffers.sent();
            return outcome;
        }
        if is_full { self.flush() } else { Ok(()) }
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

    fn receive(&mut self) -> Result<bool, ureq::Error> {
        if self.lane.phase() == Phase::Send {
            self.flush()?;
            self.stream.link().send_held()?;
            self.lane.set_phase(Phase::Head);
        }
        if self.lane.is_send_only() && self.lane.phase() == Phase::Head {
            return Err(self.lane.left());
        }
        // Read from the stream and not from the link: a server that closes a kept connection sends a TLS alert first, and that is
        // no byte of an answer.
        let room = self.buffers.input_append_buf();
        if room.is_empty() {
            // ureq can make nothing of so much: it says so.
            return Ok(false);
        }
        let count = self.stream.read(room);
        let count = count.inspect_err(|error| self.lane.note_end(error))?;
        self.buffers.input_appended(count);
        match count {
            0 => self.lane.note_end(&io::ErrorKind::UnexpectedEof.into()),
            _ => self.lane.note_received(),
        }
        Ok(count > 0)
    }
}

/// A wire in ureq's hands; when it lets go, the wire rests.
#[derive(Debug)]
pub struct Handle {
    wire: Option<Box<Wire>>,
    rest: Rest,
}

impl Handle {
    pub fn new(mut wire: Box<Wire>, rest: Rest) -> Handle {
        wire.begins = true;
        Handle { wire: Some(wire), rest }
    }

    fn wire(&mut self) -> &mut Wire {
        self.wire.as_deref_mut().expect("only a drop takes the wire away")
    }
}

impl Transport for Handle {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.wire().buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.wire().transmit(amount).map_err(ureq::Error::Io)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.wire().receive()
    }

    /// Not for ureq's own pool: see the module.
    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.stream.is_tls())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.wire.take().into_iter().for_each(|wire| self.rest.put(wire));
    }
}

impl Forwarding {
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

impl fmt::Debug for Wire {
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
        let forwarding = Forwarding { origin: "http://host:81".into(), authorization };
        let mut sent = Vec::new();
        forwarding.write_head(&mut sent, b"POST /mcp?a=b HTTP/1.1\r\nHost: host:81\r\n\r\n{}").unwrap();
        let want = "POST http://host:81/mcp?a=b HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\nHost: host:81\r\n\r\n{}";
        assert_eq!(String::from_utf8(sent).unwrap(), want);
    }
}
