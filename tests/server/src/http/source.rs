//! A buffered reader that returns whole heads and bodies.

use super::head::MAX_HEAD;
use super::{Framing, Head, Scanner};
use std::io::{self, Read};

/// The size of one read. A small request usually fits into it.
const BLOCK: usize = 64 * 1024;

/// A buffer of bytes that were read but not used yet.
pub struct Source {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Default for Source {
    fn default() -> Self {
        Self { buffer: vec![0; BLOCK], start: 0, end: 0 }
    }
}

impl Source {
    /// The bytes that were read but not used yet.
    pub fn buffered(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Marks bytes as used.
    pub fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Reads once. Returns 0 at the end of the connection.
    pub fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            } else {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        loop {
            match from.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
            }
        }
    }

    /// Reads the next head. Returns false if the connection has ended between two messages.
    pub fn read_head(&mut self, from: &mut impl Read, head: &mut Head) -> io::Result<bool> {
        let mut searched = 0;
        loop {
            if let Some(end) = Head::find_end(self.buffered(), searched) {
                let start = self.start;
                head.parse(&self.buffer[start..start + end]).map_err(invalid)?;
                self.consume(end);
                return Ok(true);
            }
            searched = self.buffered().len();
            if searched > MAX_HEAD {
                return Err(invalid("the head is too large"));
            }
            if self.fill(from)? == 0 {
                return if searched == 0 { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// Reads a whole body into `out`.
    pub fn read_body(&mut self, from: &mut impl Read, framing: Framing, out: &mut Vec<u8>) -> io::Result<()> {
        let mut scanner = Scanner::new(framing);
        out.reserve(scanner.expected().min(64 << 20));
        loop {
            let used = scanner.feed(self.buffered(), out).map_err(invalid)?;
            self.consume(used);
            if scanner.is_done() {
                return Ok(());
            }
            if self.fill(from)? == 0 {
                return if scanner.may_end() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}

/// An error for invalid data from the peer.
pub fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}
