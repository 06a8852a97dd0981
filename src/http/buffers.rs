//! The bytes on their way between ureq and one connection. ureq writes its output right behind what was not sent yet, so that a
//! head and a small body leave together and are copied once.

use ureq::unversioned::transport::Buffers;

use crate::sys::memory::wipe;

/// With so little room left, the output is sent: a line of a head has to fit in.
const LEAST_ROOM: usize = 64 * 1024;

/// What a connection has at first, and once it has sent something large: the server need not begin before it has a good part of
/// that, and each wakes the other up less often.
const OUTPUT: usize = 128 * 1024;
const LARGE_OUTPUT: usize = 512 * 1024;

/// What ureq wants for reading pieces of a body into.
const LEAST_SCRAP: usize = 10 * 1024;

/// What is to be sent, and what has come. Memory is taken when it is needed, and what is not written to costs nothing.
pub struct HttpBuffers {
    output: Vec<u8>,
    /// Up to here the output has been written, and not sent.
    pending: usize,
    input: Vec<u8>,
    input_size: usize,
    /// What lies between these two has come, and nobody has used it.
    consumed: usize,
    received: usize,
    /// The last look at the input has used some of it.
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

    /// Takes what ureq has written since, and says whether it has to be sent before there is more.
    pub fn written(&mut self, amount: usize) -> bool {
        self.pending += amount;
        if self.output.len() - self.pending >= LEAST_ROOM {
            return false;
        }
        if self.output.len() < LARGE_OUTPUT {
            self.enlarge();
        }
        self.output.len() - self.pending < LEAST_ROOM
    }

    fn enlarge(&mut self) {
        let mut larger = vec![0; LARGE_OUTPUT];
        larger[..self.pending].copy_from_slice(self.pending());
        // It may hold a token.
        wipe(&mut self.output[..self.pending]);
        self.output = larger;
    }

    pub fn pending(&self) -> &[u8] {
        &self.output[..self.pending]
    }

    /// Forgets what was sent; for good where a head may be, for that may hold a token.
    pub fn sent(&mut self) {
        let head = self.pending.min(OUTPUT);
        wipe(&mut self.output[..head]);
        self.pending = 0;
    }

    /// Gives what has come, as far as it fits.
    pub fn take_input(&mut self, buffer: &mut [u8]) -> usize {
        let count = self.input().len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.input()[..count]);
        self.input_consume(count);
        count
    }

    fn allocate(&mut self) {
        if self.output.is_empty() {
            self.output = vec![0; OUTPUT];
            self.input = vec![0; self.input_size];
        }
    }
}

impl Buffers for HttpBuffers {
    fn output(&mut self) -> &mut [u8] {
        self.allocate();
        &mut self.output[self.pending..]
    }

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
    }

    fn input_consume(&mut self, amount: usize) {
        self.has_progress = amount > 0;
        self.consumed += amount;
        assert!(self.consumed <= self.received, "ureq used more than there was");
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.allocate();
        // A server may send before it is asked.
        if self.input.len() - self.received < LEAST_SCRAP {
            self.input.resize(self.received + LEAST_SCRAP, 0);
        }
        (&mut self.input[self.received..], &mut self.output[self.pending..])
    }

    fn can_use_input(&self) -> bool {
        self.consumed < self.received && self.has_progress
    }
}

impl Drop for HttpBuffers {
    fn drop(&mut self) {
        self.sent();
    }
}
