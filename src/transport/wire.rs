//! The bytes of one connection, as ureq wants to see them: output is held back until an answer is awaited, so that a request is
//! one write, and every wait can be interrupted.

use std::fmt;
use std::io;
use std::sync::Arc;

use ureq::config::Config;
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};
use zeroize::Zeroize;

use super::lane::{LaneState, Phase, interrupted};
use crate::sys::socket::Socket;
use crate::sys::wait::Interest;

/// More than this is sent at once: holding back a large body would only double it in memory.
const HOLD_BACK: usize = 64 * 1024;

/// See the module.
pub struct Wire {
    socket: Socket,
    lane: Arc<LaneState>,
    buffers: LazyBuffers,
    held: Vec<u8>,
    /// Nothing was sent or received since ureq last asked whether the connection is open.
    at_rest: bool,
}

impl Wire {
    pub fn new(socket: Socket, lane: Arc<LaneState>, config: &Config) -> Wire {
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        lane.set_connected(true);
        Wire { socket, lane, buffers, held: Vec::new(), at_rest: false }
    }

    fn flush(&mut self) -> Result<(), ureq::Error> {
        if self.held.is_empty() {
            return Ok(());
        }
        // What was held may hold a token.
        let mut held = std::mem::take(&mut self.held);
        let sent = self.send_all(&held);
        held.zeroize();
        self.held = held;
        sent
    }

    fn send_all(&self, mut bytes: &[u8]) -> Result<(), ureq::Error> {
        while !bytes.is_empty() {
            match self.socket.send(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(Interest::Write)?,
                Err(error) => return Err(ureq::Error::Io(error)),
            }
        }
        Ok(())
    }

    fn wait(&self, interest: Interest) -> Result<(), ureq::Error> {
        self.lane.budget().wait(self.socket.fd(), interest).map_err(|stop| self.lane.stopped(stop))
    }

    /// On a kept connection there was nothing to connect; and the handshake of TLS is not the request yet.
    fn note_sending(&mut self) {
        self.at_rest = false;
        if self.lane.phase() < Phase::Tls {
            self.lane.set_phase(Phase::Send);
        }
    }
}

impl Transport for Wire {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.note_sending();
        self.held.extend_from_slice(&self.buffers.output()[..amount]);
        if self.held.len() > HOLD_BACK { self.flush() } else { Ok(()) }
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.at_rest = false;
        self.flush()?;
        if self.lane.phase() == Phase::Send {
            self.lane.set_phase(Phase::Head);
        }
        if self.lane.is_send_only() && self.lane.phase() == Phase::Head {
            return Err(interrupted());
        }
        loop {
            self.wait(Interest::Read)?;
            match self.socket.receive(self.buffers.input_append_buf()) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    if count > 0 && self.lane.phase() >= Phase::Head {
                        self.lane.note_received();
                    }
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(ureq::Error::Io(error)),
            }
        }
    }

    /// ureq asks when it puts a connection away and again when it takes it out; only the second answer matters.
    fn is_open(&mut self) -> bool {
        if !std::mem::replace(&mut self.at_rest, true) {
            return true;
        }
        self.socket.is_quiet()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.lane.set_connected(false);
        self.held.zeroize();
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the buffers: they may hold a token.
        f.debug_struct("Wire").field("socket", &self.socket).finish_non_exhaustive()
    }
}
