//! A socket that buffers its output: small writes are sent together when a response is awaited. Every wait can be
//! interrupted.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use super::io_error::interrupted;
use super::progress::ConnectionProgress;
use crate::sys::memory::wipe;
use crate::sys::process;
use crate::sys::socket::Socket;
use crate::sys::wait::Interest;

/// Larger output is sent immediately: buffering a large body would only double its memory.
const MAX_BUFFERED: usize = 64 * 1024;

/// A peer that sends less at a time may wait for the acknowledgement before it sends more (Nagle's algorithm).
const SMALL_READ: usize = 4096;

/// The largest read with TLS: a read returns at most one record.
const MAX_RECORD: usize = 16 * 1024;

/// The byte stream of a connection: a socket, or TLS over a socket.
pub trait ByteStream: Read + Write + Send + Sync + fmt::Debug + 'static {
    fn socket_mut(&mut self) -> &mut BufferedSocket;

    fn socket(&self) -> &BufferedSocket;

    /// Reads at most `most` bytes and appends them to `body`.
    fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        let before = body.len();
        body.resize(before + most.min(MAX_RECORD), 0);
        let count = self.read(&mut body[before..]);
        body.truncate(before + *count.as_ref().unwrap_or(&0));
        count
    }

    /// Sends `bytes`. They may be buffered until a response is awaited.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Sends `pieces` one after another. They may be buffered until a response is awaited.
    fn send_pieces(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        pieces.iter().try_for_each(|piece| self.send(piece))
    }

    fn is_tls(&self) -> bool;
}

/// A socket with an output buffer. Its waits have the limits of the current request.
pub struct BufferedSocket {
    socket: Socket,
    progress: Arc<ConnectionProgress>,
    /// Output that is not sent yet.
    output: Vec<u8>,
    /// The id of the process that opened the socket.
    process: u32,
    /// The last read returned few bytes.
    last_read_was_small: bool,
}

impl BufferedSocket {
    pub fn new(socket: Socket, progress: Arc<ConnectionProgress>) -> BufferedSocket {
        BufferedSocket { socket, progress, output: Vec::new(), process: process::id(), last_read_was_small: false }
    }

    /// Whether nothing was received since the last read.
    pub fn is_quiet(&self) -> bool {
        self.socket.is_quiet()
    }

    /// Sends the buffered output.
    pub fn send_buffered(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        self.last_read_was_small = false;
        let outcome = self.send_all(&self.output);
        self.clear_output();
        outcome
    }

    /// Sends the buffered output and then `bytes`.
    pub fn send_now(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_buffered()?;
        self.last_read_was_small = false;
        self.send_all(bytes)
    }

    /// Wipes the output buffer, which may contain a token.
    fn clear_output(&mut self) {
        wipe(&mut self.output);
        self.output.clear();
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

    /// Waits until the socket is readable, and reads with `take`. Sends the buffered output first.
    pub fn receive(&mut self, mut take: impl FnMut(&Socket) -> io::Result<usize>) -> io::Result<usize> {
        self.send_buffered()?;
        if std::mem::take(&mut self.last_read_was_small) {
            self.socket.acknowledge_now();
        }
        loop {
            self.wait(Interest::Read)?;
            match take(&self.socket) {
                Ok(count) => {
                    self.last_read_was_small = (1..SMALL_READ).contains(&count);
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
    /// Buffers `bytes`. A larger buffer is allocated here and not by the vector, which would leave a copy of its
    /// content in memory.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.output.len() + bytes.len();
        if needed > self.output.capacity() {
            let mut larger = Vec::with_capacity(needed.next_power_of_two());
            larger.extend_from_slice(&self.output);
            self.clear_output();
            self.output = larger;
        }
        self.output.extend_from_slice(bytes);
        if self.output.len() > MAX_BUFFERED {
            self.send_buffered()?;
        }
        Ok(bytes.len())
    }

    /// Does nothing, so that small writes are sent together: [`BufferedSocket::send_buffered`] sends them.
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
    fn socket_mut(&mut self) -> &mut BufferedSocket {
        self
    }

    fn socket(&self) -> &BufferedSocket {
        self
    }

    fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        self.receive(|socket| socket.receive_into(body, most))
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_now(bytes)
    }

    /// Sends them immediately, and together: with one system call if the system accepts all bytes.
    fn send_pieces(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        self.send_buffered()?;
        self.last_read_was_small = false;
        let slices = pieces.iter().filter(|piece| !piece.is_empty());
        let mut slices: Vec<IoSlice> = slices.map(|piece| IoSlice::new(piece)).collect();
        let mut rest = slices.as_mut_slice();
        while !rest.is_empty() {
            match self.socket.send_slices(rest) {
                Ok(count) => IoSlice::advance_slices(&mut rest, count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(Interest::Write)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_tls(&self) -> bool {
        false
    }
}

impl Drop for BufferedSocket {
    fn drop(&mut self) {
        self.clear_output();
        // Shut the connection down, because a forked child process may have a copy of the descriptor. In that child,
        // leave the connection open for the parent.
        if self.process == process::id() {
            self.socket.shut_down();
        }
    }
}

impl fmt::Debug for BufferedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the output, which may contain a token.
        f.debug_struct("BufferedSocket").field("socket", &self.socket).finish_non_exhaustive()
    }
}
