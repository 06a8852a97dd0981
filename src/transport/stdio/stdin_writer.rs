//! Writes messages to the stdin of a process. Messages that do not fit are queued, so that no call blocks on a server
//! that does not read.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::call::new_event;
use crate::error::{Error, Result};
use crate::protocol::message_text::MessageText;
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pipe::WriteEnd;
use crate::sys::pollable_event::PollableEvent;

/// The maximum size of the queue, in bytes.
const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;

/// The stdin of a process, and the queue for it.
pub struct StdinWriter {
    queue: Mutex<OutputQueue>,
    /// Set when messages are queued, or stdin is broken.
    wakeup: PollableEvent,
    is_process: bool,
}

#[derive(Default)]
struct OutputQueue {
    stdin: Option<Arc<WriteEnd>>,
    lines: VecDeque<Vec<u8>>,
    /// The size of `lines`, in bytes.
    size: usize,
    /// How many bytes of the first line were written.
    written: usize,
    /// The server has closed its stdin.
    is_broken: bool,
}

impl StdinWriter {
    /// `is_process` says that the server is a process, for errors.
    pub fn new(stdin: Option<WriteEnd>, is_process: bool) -> Result<StdinWriter> {
        let queue = OutputQueue { stdin: stdin.map(Arc::new), ..OutputQueue::default() };
        Ok(StdinWriter { queue: Mutex::new(queue), wakeup: new_event()?, is_process })
    }

    /// Writes a message, or queues it for the reader thread. Fails if the queue is full. If the server has exited, the
    /// message is lost, and the reader thread reports the exit.
    pub fn write(&self, message: &MessageText) -> Result<()> {
        let mut line = Vec::with_capacity(message.len() + 1);
        // Line breaks in the application's JSON are white space between tokens: strings cannot contain them unescaped.
        let in_line = |byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
        message.pieces().for_each(|piece| line.extend(piece.bytes().map(in_line)));
        line.push(b'\n');
        let mut queue = self.lock();
        let size = queue.size;
        if size > 0 && size + line.len() > MAX_QUEUED_BYTES {
            let (status, what) = match self.is_process {
                true => (MCP_PROCESS_FAILED, "stdin"),
                false => (MCP_DISCONNECTED, "messages"),
            };
            return Err(Error::new(status, format!("the server does not read its {what}: {size} bytes are queued")));
        }
        queue.push(line);
        queue.flush();
        if !queue.lines.is_empty() || queue.is_broken {
            drop(queue);
            self.wakeup.set();
        }
        Ok(())
    }

    /// Writes as much of the queue as the pipe accepts now.
    pub fn flush(&self) {
        self.wakeup.clear();
        self.lock().flush();
    }

    /// Set when messages are queued, or stdin is broken.
    pub fn wakeup(&self) -> &PollableEvent {
        &self.wakeup
    }

    /// The server's stdin, if messages for it are queued.
    pub fn blocked_stdin(&self) -> Option<Arc<WriteEnd>> {
        let queue = self.lock();
        queue.stdin.clone().filter(|_| !queue.lines.is_empty())
    }

    /// Whether the server has closed its stdin.
    pub fn is_broken(&self) -> bool {
        self.lock().is_broken
    }

    /// Closes the server's stdin.
    pub fn close(&self) {
        self.lock().stdin = None;
    }

    fn lock(&self) -> MutexGuard<'_, OutputQueue> {
        self.queue.lock()
    }
}

impl OutputQueue {
    fn push(&mut self, line: Vec<u8>) {
        self.size += line.len();
        self.lines.push_back(line);
    }

    fn clear(&mut self) {
        self.lines.clear();
        (self.size, self.written) = (0, 0);
    }

    /// Writes as much as the pipe accepts now.
    fn flush(&mut self) {
        let Some(stdin) = &self.stdin else { return self.clear() };
        while let Some(first) = self.lines.front() {
            match stdin.send(&first[self.written..]) {
                Ok(count) if self.written + count < first.len() => self.written += count,
                Ok(_) => {
                    self.size -= first.len();
                    self.lines.pop_front();
                    self.written = 0;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.is_broken = true;
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
    fn the_size_of_the_queue_is_the_size_of_its_lines() {
        let (ours, theirs) = pipe::to_child().unwrap();
        let mut theirs = File::from(theirs);
        let writer = StdinWriter::new(Some(ours), true).unwrap();
        let line = "x".repeat(100_000);
        let check = || {
            let queue = writer.lock();
            assert_eq!(queue.size, queue.lines.iter().map(Vec::len).sum::<usize>());
            queue.size
        };
        for _ in 0..20 {
            writer.write(&line.as_str().into()).unwrap();
            check();
        }
        assert!(check() > 0, "the pipe accepted everything");
        let mut buffer = vec![0; 70_000];
        while check() > 0 {
            let _ = theirs.read(&mut buffer);
            writer.lock().flush();
        }
        drop(theirs);
        writer.write(&line.as_str().into()).unwrap();
        assert_eq!(check(), 0, "a message is queued for a closed stdin");
    }
}
