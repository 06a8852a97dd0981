//! The bytes of one connection as they are on the wire: what is written in pieces is held back until an answer is awaited, so
//! that it is one write, and every wait can be interrupted.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use super::io_error::interrupted;
use super::progress::ConnectionProgress;
use crate::sys::memory::wipe;
use crate::sys::process;
use crate::sys::socket::Socket;
use crate::sys::wait::Interest;

/// More than this is sent at once: holding back a large body would only double it in memory.
const HOLD_BACK: usize = 64 * 1024;

/// Whoever writes less at a time may be waiting for its acknowledgement.
const SMALL_PIECE: usize = 4096;

/// TLS gives no more than a record at a time.
const MAX_AT_ONCE: usize = 16 * 1024;

/// What a connection is made of: the link itself, or TLS over it.
pub trait ByteStream: Read + Write + Send + Sync + fmt::Debug + 'static {
    fn link(&mut self) -> &mut BufferedSocket;

    fn link_ref(&self) -> &BufferedSocket;

    /// Reads at most `most` bytes to the end of `body`.
    fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let before = body.len();
        body.resize(before + most.min(MAX_AT_ONCE), 0);
        let count = self.read(&mut body[before..]);
        body.truncate(before + *count.as_ref().unwrap_or(&0));
        count
    }

    /// Sends `bytes`; they may be held back until an answer is awaited.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    fn is_tls(&self) -> bool;
}

/// A socket that sends in large pieces, and waits within a budget.
pub struct BufferedSocket {
    socket: Socket,
    progress: Arc<ConnectionProgress>,
    held: Vec<u8>,
    process: u32,
    /// What came last was a small piece, and more is to come.
    small_piece: bool,
}

impl BufferedSocket {
    pub fn new(socket: Socket, progress: Arc<ConnectionProgress>) -> BufferedSocket {
        BufferedSocket { socket, progress, held: Vec::new(), process: process::id(), small_piece: false }
    }

    /// Whether nothing has come since the last read.
    pub fn is_quiet(&self) -> bool {
        self.socket.is_quiet()
    }

    /// Sends what was held back.
    pub fn send_held(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.small_piece = false;
        let sent = self.send_all(&self.held);
        self.forget_held();
        sent
    }

    /// Sends `bytes`, behind what was held back.
    pub fn send_now(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_held()?;
        self.small_piece = false;
        self.send_all(bytes)
    }

    /// What was held may hold a token.
    fn forget_held(&mut self) {
        wipe(&mut self.held);
        self.held.clear();
    }

    fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.socket.send(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(Interest::Write)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits for bytes, and takes them with `take`.
    pub fn receive(&mut self, mut take: impl FnMut(&Socket) -> io::Result<usize>) -> io::Result<usize> {
        self.send_held()?;
        if std::mem::take(&mut self.small_piece) {
            self.socket.acknowledge_now();
        }
        loop {
            self.wait(Interest::Read)?;
            match take(&self.socket) {
                Ok(count) => {
                    self.small_piece = (1..SMALL_PIECE).contains(&count);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&self, interest: Interest) -> io::Result<()> {
        self.progress.wait_context().wait(self.socket.waitable(), interest).map_err(interrupted)
    }
}

impl Write for BufferedSocket {
    /// A buffer that grows by itself would leave a copy of what is in it behind.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.held.len() + bytes.len();
        if needed > self.held.capacity() {
            let mut larger = Vec::with_capacity(needed.next_power_of_two());
            larger.extend_from_slice(&self.held);
            self.forget_held();
            self.held = larger;
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > HOLD_BACK {
            self.send_held()?;
        }
        Ok(bytes.len())
    }

    /// Does nothing: see the module.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for BufferedSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.receive(|socket| socket.receive(buffer))
    }
}

impl ByteStream for BufferedSocket {
    fn link(&mut self) -> &mut BufferedSocket {
        self
    }

    fn link_ref(&self) -> &BufferedSocket {
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

impl Drop for BufferedSocket {
    fn drop(&mut self) {
        self.forget_held();
        // A child of a fork may hold a copy of the descriptor, and the server would not see the end. In that child, this is no end.
        if self.process == process::id() {
            self.socket.shut_down();
        }
    }
}

impl fmt::Debug for BufferedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not what is held: it may be a token.
        f.debug_struct("Link").field("socket", &self.socket).finish_non_exhaustive()
    }
}
