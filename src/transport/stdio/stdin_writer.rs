//! What is to be written to the stdin of a process: no call waits for a server that does not read.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::call::new_signal;
use crate::error::{Error, Result};
use crate::protocol::message_text::MessageText;
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pipe::WriteEnd;
use crate::sys::pollable_event::PollableEvent;

/// Of what a server has not read, in bytes.
const MAX_WAITING: usize = 64 * 1024 * 1024;

/// What is to be written.
pub struct StdinWriter {
    outbox: Mutex<OutputQueue>,
    /// Rung when something waits.
    wakeup: PollableEvent,
}

#[derive(Default)]
struct OutputQueue {
    stdin: Option<Arc<WriteEnd>>,
    /// Bytes that did not fit; the first has been written up to `written`.
    waiting: VecDeque<Vec<u8>>,
    /// How many bytes that are.
    size: usize,
    written: usize,
    /// Nobody reads any more.
    broken: bool,
}

impl StdinWriter {
    pub fn new(stdin: Option<WriteEnd>) -> Result<StdinWriter> {
        let outbox = OutputQueue { stdin: stdin.map(Arc::new), ..OutputQueue::default() };
        Ok(StdinWriter { outbox: Mutex::new(outbox), wakeup: new_signal()? })
    }

    /// Writes a message, or leaves it to the reader. That the server is gone is seen there; fails where it reads nothing.
    pub fn write(&self, message: &MessageText) -> Result<()> {
        let mut line = Vec::with_capacity(message.len() + 1);
        // A line break between two tokens of a caller's JSON is white space; inside a text none can be.
        let in_line = |byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
        message.pieces().for_each(|piece| line.extend(piece.bytes().map(in_line)));
        line.push(b'\n');
        let mut outbox = self.lock();
        let waiting = outbox.size;
        if waiting > 0 && waiting + line.len() > MAX_WAITING {
            let why = format!("the server does not read its stdin: {waiting} bytes are queued");
            return Err(Error::new(MCP_PROCESS_FAILED, why));
        }
        outbox.push(line);
        outbox.flush();
        if !outbox.waiting.is_empty() || outbox.broken {
            drop(outbox);
            self.wakeup.set();
        }
        Ok(())
    }

    /// Writes what fits now.
    pub fn flush(&self) {
        self.wakeup.clear();
        self.lock().flush();
    }

    /// Raised when something waits that has to be written.
    pub fn wakeup(&self) -> &PollableEvent {
        &self.wakeup
    }

    /// The server's stdin, where something waits for it.
    pub fn waits_for(&self) -> Option<Arc<WriteEnd>> {
        let outbox = self.lock();
        outbox.stdin.clone().filter(|_| !outbox.waiting.is_empty())
    }

    /// Nobody reads any more.
    pub fn is_broken(&self) -> bool {
        self.lock().broken
    }

    /// Ends the server's stdin.
    pub fn close(&self) {
        self.lock().stdin = None;
    }

    fn lock(&self) -> MutexGuard<'_, OutputQueue> {
        self.outbox.lock()
    }
}

impl OutputQueue {
    fn push(&mut self, line: Vec<u8>) {
        self.size += line.len();
        self.waiting.push_back(line);
    }

    fn clear(&mut self) {
        self.waiting.clear();
        (self.size, self.written) = (0, 0);
    }

    /// Writes what fits.
    fn flush(&mut self) {
        let Some(stdin) = &self.stdin else { return self.clear() };
        while let Some(first) = self.waiting.front() {
            match stdin.send(&first[self.written..]) {
                Ok(count) if self.written + count < first.len() => self.written += count,
                Ok(_) => {
                    self.size -= first.len();
                    self.waiting.pop_front();
                    self.written = 0;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.broken = true;
                    return self.clear();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use super::*;
    use crate::sys::pipe;

    #[test]
    fn the_outbox_knows_how_much_waits() {
        let (ours, theirs) = pipe::to_child().unwrap();
        let mut theirs = File::from(theirs);
        let pipe = StdinWriter::new(Some(ours)).unwrap();
        let line = "x".repeat(100_000);
        let check = || {
            let outbox = pipe.lock();
            assert_eq!(outbox.size, outbox.waiting.iter().map(Vec::len).sum::<usize>());
            outbox.size
        };
        for _ in 0..20 {
            pipe.write(&line.as_str().into()).unwrap();
            check();
        }
        assert!(check() > 0, "the system takes everything");
        let mut buffer = vec![0; 70_000];
        while check() > 0 {
            let _ = theirs.read(&mut buffer);
            pipe.lock().flush();
        }
        drop(theirs);
        pipe.write(&line.as_str().into()).unwrap();
        assert_eq!(check(), 0, "nobody reads any more");
    }
}
