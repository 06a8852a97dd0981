//! A connection as ureq wants to see it: plain, through TLS, or to a proxy that passes requests on.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use ureq::config::Config;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};
use zeroize::Zeroizing;

use super::buffers::WireBuffers;
use super::lane::{LaneState, Phase};
use super::link::Link;

/// What a connection is made of: the link itself, or TLS over it.
pub trait Stream: Read + Write + Send + Sync + fmt::Debug + 'static {
    fn link(&mut self) -> &mut Link;

    /// Sends `bytes`; they may be held back until an answer is awaited.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    fn is_tls(&self) -> bool;
}

impl Stream for Link {
    fn link(&mut self) -> &mut Link {
        self
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_now(bytes)
    }

    fn is_tls(&self) -> bool {
        false
    }
}

/// See the module.
pub struct Wire<S> {
    stream: S,
    lane: Arc<LaneState>,
    buffers: WireBuffers,
    /// Where a proxy passes requests on: what it wants to read of each.
    forwarding: Option<Forwarding>,
    /// Nothing was sent or received since ureq last asked whether the connection is open.
    at_rest: bool,
    /// The next output is the beginning of a request.
    begins: bool,
    /// The head of a request is among what was not sent yet.
    holds_head: bool,
}

/// A request that a proxy passes on names its target whole (RFC 9112, 3.2.2), and says who asks.
pub struct Forwarding {
    /// `http://host:port`
    pub origin: String,
    pub authorization: Option<Zeroizing<String>>,
}

impl<S: Stream> Wire<S> {
    pub fn new(stream: S, lane: Arc<LaneState>, config: &Config, forwarding: Option<Forwarding>) -> Wire<S> {
        let buffers = WireBuffers::new(config.input_buffer_size());
        Wire { stream, lane, buffers, forwarding, at_rest: false, begins: true, holds_head: false }
    }

    /// On a kept connection there was nothing to connect.
    fn note_sending(&mut self) {
        self.at_rest = false;
        if self.lane.phase() < Phase::Send {
            self.lane.set_phase(Phase::Send);
        }
    }

    /// Sends what ureq has written.
    fn flush(&mut self) -> io::Result<()> {
        if self.buffers.pending().is_empty() {
            return Ok(());
        }
        let sent = self.stream.send(self.buffers.pending());
        self.buffers.sent(std::mem::take(&mut self.holds_head));
        sent
    }
}

impl<S: Stream> Transport for Wire<S> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.note_sending();
        let begins = std::mem::take(&mut self.begins);
        self.holds_head |= begins;
        let is_full = self.buffers.written(amount);
        if let Some(forwarding) = self.forwarding.as_ref().filter(|_| begins) {
            let outcome = forwarding.write_head(&mut self.stream, self.buffers.pending());
            self.buffers.sent(std::mem::take(&mut self.holds_head));
            outcome?;
        } else if is_full {
            self.flush()?;
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.at_rest = false;
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
        let count = self.stream.read(self.buffers.input_append_buf());
        let count = count.inspect_err(|error| self.lane.note_broken(error))?;
        self.buffers.input_appended(count);
        if count > 0 {
            self.lane.note_received();
        }
        Ok(count > 0)
    }

    /// ureq asks when it puts a connection away and again when it takes it out; only the second answer matters.
    fn is_open(&mut self) -> bool {
        self.begins = true;
        if !std::mem::replace(&mut self.at_rest, true) {
            return true;
        }
        self.stream.link().is_quiet()
    }

    fn is_tls(&self) -> bool {
        self.stream.is_tls()
    }
}

impl Forwarding {
    /// Writes the beginning of a request, with the target whole in its first line, and the credentials behind that line.
    fn write_head(&self, stream: &mut impl Write, output: &[u8]) -> std::io::Result<()> {
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

impl<S: Stream> fmt::Debug for Wire<S> {
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
