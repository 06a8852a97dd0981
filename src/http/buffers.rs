//! The buffers between ureq and one connection. ureq appends its output to what was not sent yet, so that a head and a
//! small body are sent together and copied only once.

use ureq::unversioned::transport::Buffers;

use crate::sys::memory::wipe;

/// The output is sent when less space than this is left in its buffer: a line of a head has to fit in.
const MIN_OUTPUT_SPACE: usize = 64 * 1024;

/// The size of large buffers. Pages that are never written cost nothing, if the allocator maps the buffer separately:
/// glibc writes zeros to memory from its heap, and the end of the heap often has a little more than 128 KiB free.
pub const LARGE_BUFFER: usize = 160 * 1024;

/// The size of the output buffer at first, and after the connection has sent a large body: with larger writes, client
/// and server wake each other up less often.
const OUTPUT: usize = LARGE_BUFFER;
const LARGE_OUTPUT: usize = 512 * 1024;

/// The size of the input buffer at first: enough for the response to a small call. Idle connections keep their buffers.
const SMALL_INPUT: usize = 2 * 1024;

/// The end of a line of a head.
pub const CRLF: &[u8] = b"\r\n";

/// The output and the input of a connection. Memory is allocated on first use.
pub struct HttpBuffers {
    output: Vec<u8>,
    /// The length of the output that was written and not sent yet.
    pending: usize,
    input: Vec<u8>,
    /// The size of the input buffer after a receive has filled it.
    input_size: usize,
    /// The input from `consumed` to `received` was received and is not used yet.
    consumed: usize,
    received: usize,
    /// The last call of `input_consume` has used some of the input.
    has_progress: bool,
}

impl HttpBuffers {
    pub fn new(input_size: usize) -> HttpBuffers {
        HttpBuffers {
            output: Vec::new(),
            pending: 0,
            input: Vec::new(),
            input_size,
            consumed: 0,
            received: 0,
            has_progress: false,
        }
    }

    /// Records that ureq has written `amount` bytes. Returns whether they must be sent before ureq writes more.
    pub fn record_written(&mut self, amount: usize) -> bool {
        self.pending += amount;
        if self.output.len() - self.pending >= MIN_OUTPUT_SPACE {
            return false;
        }
        if self.output.len() < LARGE_OUTPUT {
            self.enlarge();
        }
        self.output.len() - self.pending < MIN_OUTPUT_SPACE
    }

    fn enlarge(&mut self) {
        let mut larger = vec![0; LARGE_OUTPUT];
        larger[..self.pending].copy_from_slice(self.pending());
        // It may contain a token.
        wipe(&mut self.output[..self.pending]);
        self.output = larger;
    }

    /// Inserts header lines before the empty line at the end of a head, which ends the pending output. False if they do
    /// not fit into the part of the buffer that is wiped later.
    pub fn insert_lines(&mut self, lines: &[u8]) -> bool {
        let (empty_line, end) = (self.pending - CRLF.len(), self.pending + lines.len());
        if self.output.len() < end + MIN_OUTPUT_SPACE || end > OUTPUT {
            return false;
        }
        let (inserted, moved) = self.output[empty_line..end].split_at_mut(lines.len());
        inserted.copy_from_slice(lines);
        moved.copy_from_slice(CRLF);
        self.pending = end;
        true
    }

    pub fn pending(&self) -> &[u8] {
        &self.output[..self.pending]
    }

    /// Removes the pending output after it was sent. Its beginning is wiped: a head may contain a token.
    pub fn clear_pending(&mut self) {
        let head = self.pending.min(OUTPUT);
        wipe(&mut self.output[..head]);
        self.pending = 0;
    }

    /// Moves input into `buffer`, as much as fits. Returns the number of bytes.
    pub fn take_input(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.input().len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.input()[..count]);
        self.input_consume(count);
        count
    }

    fn allocate(&mut self) {
        if self.output.is_empty() {
            self.output = vec![0; OUTPUT];
            self.input = vec![0; self.input_size.min(SMALL_INPUT)];
        }
    }
}

impl Buffers for HttpBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.allocate();
        &mut self.output[self.pending..]
    }

    #[inline]
    fn input(&self) -> &[u8] {
        &self.input[self.consumed..self.received]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.allocate();
        if self.consumed > 0 {
            self.input.copy_within(self.consumed..self.received, 0);
            self.received -= self.consumed;
            self.consumed = 0;
        }
        &mut self.input[self.received..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.received += amount;
        if self.received == self.input.len() && self.received < self.input_size {
            let mut larger = vec![0; self.input_size];
            larger[..self.received].copy_from_slice(&self.input);
            self.input = larger;
        }
    }

    fn input_consume(&mut self, amount: usize) {
        self.has_progress = amount > 0;
        self.consumed += amount;
        assert!(self.consumed <= self.received, "ureq used more than there was");
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.allocate();
        // ureq needs temporary memory only for a body without a length, and all bodies have one.
        (&mut [], &mut self.output[self.pending..])
    }

    fn can_use_input(&self) -> bool {
        self.consumed < self.received && self.has_progress
    }
}

impl Drop for HttpBuffers {
    fn drop(&mut self) {
        self.clear_pending();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_would_not_be_wiped_are_not_inserted() {
        let head = b"GET / HTTP/1.1\r\n\r\n";
        for size in [OUTPUT, LARGE_OUTPUT] {
            for (length, fits) in [(1000, true), (OUTPUT, false)] {
                let mut buffers = HttpBuffers::new(1024);
                buffers.output = vec![0; size];
                buffers.output()[..head.len()].copy_from_slice(head);
                buffers.record_written(head.len());
                assert_eq!(buffers.insert_lines(&vec![b'x'; length]), fits, "{length} in {size}");
                buffers.clear_pending();
                assert!(buffers.output.iter().all(|byte| *byte == 0));
            }
        }
    }

    #[test]
    fn the_input_buffer_grows_when_a_receive_fills_it() {
        let mut buffers = HttpBuffers::new(LARGE_BUFFER);
        for (received, room) in [(SMALL_INPUT - 1, 1), (1, LARGE_BUFFER - SMALL_INPUT), (10, LARGE_BUFFER - 10)] {
            buffers.input_append_buf()[..received].fill(b'x');
            buffers.input_appended(received);
            assert_eq!(buffers.input_append_buf().len(), room);
            if buffers.input().len() >= SMALL_INPUT {
                assert_eq!(buffers.input(), [b'x'; SMALL_INPUT]);
                buffers.input_consume(SMALL_INPUT);
            }
        }
        let mut limited = HttpBuffers::new(10);
        limited.input_append_buf();
        limited.input_appended(10);
        assert!(limited.input_append_buf().is_empty());
    }
}
