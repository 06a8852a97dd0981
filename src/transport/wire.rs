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

/// Whoever writes less at a time may be waiting for its acknowledgement.
const SMALL_PIECE: usize = 4096;

/// See the module.
pub struct Wire {
    socket: Socket,
    lane: Arc<LaneState>,
    buffers: LazyBuffers,
    held: Vec<u8>,
    /// Bytes of an answer, and not of the TLS around it: those say nothing of an answer yet.
    is_plain: bool,
    /// Nothing was sent or received since ureq last asked whether the connection is open.
    at_rest: bool,
    /// The bytes of this answer came in a small piece, and more is to come.
    small_piece: bool,
}

impl Wire {
    pub fn new(socket: Socket, lane: Arc<LaneState>, config: &Config, is_plain: bool) -> Wire {
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        lane.set_connected(true);
        Wire { socket, lane, buffers, held: Vec::new(), is_plain, at_rest: false, small_piece: false }
    }

    /// Takes `amount` bytes of ureq's output. A buffer that grows by itself would leave a copy of them behind.
    fn hold(&mut self, amount: usize) {
        let needed = self.held.len() + amount;
        if needed > self.held.capacity() {
            let mut larger = Vec::with_capacity(needed.next_power_of_two());
            larger.extend_from_slice(&self.held);
            self.held.zeroize();
            self.held = larger;
        }
        self.held.extend_from_slice(&self.buffers.output()[..amount]);
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
        self.small_piece = false;
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
        self.hold(amount);
        if self.held.len() > HOLD_BACK { self.flush() } else { Ok(()) }
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.at_rest = false;
        self.flush()?;
        if std::mem::take(&mut self.small_piece) {
            self.socket.acknowledge_now();
        }
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
                        if self.is_plain {
                            self.lane.note_received();
                        }
                        self.small_piece = count < SMALL_PIECE;
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
