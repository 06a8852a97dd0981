//! What a process writes, cut into lines.

use memchr::memchr;

use crate::protocol::event_stream::{BufferError, append};
use crate::sys::pipe::ReadEnd;

/// Bytes of which some are lines already.
#[derive(Default)]
pub struct LineBuffer {
    buffer: Vec<u8>,
    /// Where the first line begins that was not given yet.
    start: usize,
    /// So far no line break was found behind that.
    looked: usize,
    pub is_open: bool,
}

impl LineBuffer {
    pub fn open() -> LineBuffer {
        LineBuffer { is_open: true, ..LineBuffer::default() }
    }

    /// Reads what is there: at most `limit` bytes without a line break. Whether there was something.
    pub fn read(&mut self, from: &ReadEnd, limit: usize) -> Result<bool, BufferError> {
        // What was given goes, all at once.
        self.buffer.drain(..self.start);
        self.looked -= self.start;
        self.start = 0;
        let mut chunk = [0; 16 * 1024];
        match from.receive(&mut chunk) {
            Ok(0) => self.is_open = false,
            Ok(count) => {
                append(&mut self.buffer, &chunk[..count])?;
                let is_held = self.buffer.len() <= limit || self.buffer[self.looked..].contains(&b'\n');
                return if is_held { Ok(true) } else { Err(BufferError::TooLarge) };
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.is_open = false,
        }
        Ok(false)
    }

    pub fn drop_rest(&mut self) {
        self.buffer.clear();
        (self.start, self.looked) = (0, 0);
    }

    /// Passes blank lines, and the blanks at the beginning of a line: many of them cost little then.
    fn skip_blank(&mut self) {
        let is_there = |byte: &u8| !byte.is_ascii_whitespace();
        let blank = self.buffer[self.start..].iter().position(is_there);
        self.start = blank.map_or(self.buffer.len(), |blank| self.start + blank);
        self.looked = self.looked.max(self.start);
    }

    /// The next line that is not blank.
    pub fn next_filled(&mut self) -> Option<Vec<u8>> {
        self.skip_blank();
        self.next()
    }

    /// The next whole line; at the end of the stream also one without a line break.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        let Some(at) = memchr(b'\n', &self.buffer[self.looked..]).map(|at| at + self.looked) else {
            self.looked = self.buffer.len();
            let is_rest = !self.is_open && self.start < self.buffer.len();
            return is_rest.then(|| {
                let rest = self.buffer.split_off(self.start);
                self.drop_rest();
                rest
            });
        };
        let behind = self.buffer.len() - (at + 1);
        let mut line = if self.start == 0 && behind <= at {
            // The smaller part is copied.
            let rest = self.buffer.split_off(at + 1);
            let mut line = std::mem::replace(&mut self.buffer, rest);
            line.truncate(at);
            self.looked = 0;
            line
        } else {
            let line = self.buffer[self.start..at].to_vec();
            self.start = at + 1;
            self.looked = self.start;
            line
        };
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }
}

/// Whether a last line is the beginning of a message: the server ended while it wrote, and why is said otherwise.
pub fn is_cut_off(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::sys::pipe;

    #[test]
    fn lines_are_the_same_however_they_come() {
        let said = b"\n  \r\n{\"a\":1}\r\n\n [2]\n\n\nlast";
        for size in 1..=said.len() {
            let (ours, theirs) = pipe::from_child().unwrap();
            let mut theirs = File::from(theirs);
            let mut lines = LineBuffer::open();
            let mut found = Vec::new();
            for piece in said.chunks(size) {
                std::io::Write::write_all(&mut theirs, piece).unwrap();
                assert!(lines.read(&ours, 100).unwrap());
                found.extend(std::iter::from_fn(|| lines.next_filled()));
            }
            drop(theirs);
            assert!(!lines.read(&ours, 100).unwrap());
            found.extend(std::iter::from_fn(|| lines.next_filled()));
            assert_eq!(found, [&b"{\"a\":1}"[..], b"[2]", b"last"], "{size}");
        }
    }
}
