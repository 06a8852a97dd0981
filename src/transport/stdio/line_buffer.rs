//! Splits the output of a process into lines.

use memchr::memchr;

use crate::protocol::event_stream::{BufferError, append};
use crate::sys::pipe::ReadEnd;

/// The bytes that were read and not yet returned as lines.
#[derive(Default)]
pub struct LineBuffer {
    buffer: Vec<u8>,
    /// The start of the first line that was not returned yet.
    start: usize,
    /// There is no line break between `start` and this position.
    scanned: usize,
    pub is_open: bool,
}

impl LineBuffer {
    pub fn open() -> LineBuffer {
        LineBuffer { is_open: true, ..LineBuffer::default() }
    }

    /// Reads the available bytes; true if there were any. Fails if there are more than `limit` bytes without a line
    /// break.
    pub fn read(&mut self, from: &ReadEnd, limit: usize) -> Result<bool, BufferError> {
        // The returned lines are removed together, to move the rest only once.
        self.buffer.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        let mut chunk = [0; 16 * 1024];
        match from.receive(&mut chunk) {
            Ok(0) => self.is_open = false,
            Ok(count) => {
                append(&mut self.buffer, &chunk[..count])?;
                let is_within_limit = self.buffer.len() <= limit || self.buffer[self.scanned..].contains(&b'\n');
                return if is_within_limit { Ok(true) } else { Err(BufferError::TooLarge) };
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => self.is_open = false,
        }
        Ok(false)
    }

    /// Discards all bytes.
    pub fn discard(&mut self) {
        self.buffer.clear();
        (self.start, self.scanned) = (0, 0);
    }

    /// Skips blank lines and the white space at the start of a line, without copying.
    fn skip_whitespace(&mut self) {
        let is_nonblank = |byte: &u8| !byte.is_ascii_whitespace();
        let blank = self.buffer[self.start..].iter().position(is_nonblank);
        self.start = blank.map_or(self.buffer.len(), |blank| self.start + blank);
        self.scanned = self.scanned.max(self.start);
    }

    /// The bytes after the lines that were returned. There is no line break in them if no complete line is left.
    pub fn unfinished_line(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The next line that is not blank, if it is complete.
    pub fn next_nonblank(&mut self) -> Option<Vec<u8>> {
        self.skip_whitespace();
        self.next()
    }

    /// The next complete line. At the end of the stream, the rest counts as a line.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        let Some(at) = memchr(b'\n', &self.buffer[self.scanned..]).map(|at| at + self.scanned) else {
            self.scanned = self.buffer.len();
            let is_rest = !self.is_open && self.start < self.buffer.len();
            return is_rest.then(|| {
                let rest = self.buffer.split_off(self.start);
                self.discard();
                rest
            });
        };
        let rest_length = self.buffer.len() - (at + 1);
        let mut line = if self.start == 0 && rest_length <= at {
            // Copy the smaller of the two parts.
            let rest = self.buffer.split_off(at + 1);
            let mut line = std::mem::replace(&mut self.buffer, rest);
            line.truncate(at);
            self.scanned = 0;
            line
        } else {
            let line = self.buffer[self.start..at].to_vec();
            self.start = at + 1;
            self.scanned = self.start;
            line
        };
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }
}

/// Whether the last line is the beginning of a message: the server exited while it wrote. The error then reports the
/// exit, not an invalid message. Text that cannot be a message is not cut off: the error quotes it.
pub fn is_cut_off(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'{' | b'['))
        && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::sys::pipe;

    #[test]
    fn lines_do_not_depend_on_how_the_input_is_split() {
        let input = b"\n  \r\n{\"a\":1}\r\n\n [2]\n\n\nlast";
        for size in 1..=input.len() {
            let (ours, theirs) = pipe::from_child().unwrap();
            let mut theirs = File::from(theirs);
            let mut lines = LineBuffer::open();
            let mut found = Vec::new();
            for piece in input.chunks(size) {
                std::io::Write::write_all(&mut theirs, piece).unwrap();
                assert!(lines.read(&ours, 100).unwrap());
                found.extend(std::iter::from_fn(|| lines.next_nonblank()));
            }
            drop(theirs);
            assert!(!lines.read(&ours, 100).unwrap());
            found.extend(std::iter::from_fn(|| lines.next_nonblank()));
            assert_eq!(found, [&b"{\"a\":1}"[..], b"[2]", b"last"], "{size}");
        }
    }

    #[test]
    fn only_the_beginning_of_a_message_is_cut_off() {
        for (line, expected) in [("{\"a\"", true), ("[1,", true), ("{}", false), ("{x", false), ("tru", false)] {
            assert_eq!(is_cut_off(line.as_bytes()), expected, "{line}");
        }
    }
}
