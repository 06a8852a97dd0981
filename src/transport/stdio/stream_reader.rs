//! The reader thread of streams that the application has opened: it reads messages, and writes those that did not fit
//! into the stream at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::line_buffer::{LineBuffer, is_cut_off};
use super::stdin_writer::StdinWriter;
use crate::call::failure::buffer_error;
use crate::error::Error;
use crate::log::LogLevel;
use crate::status::*;
use crate::sys::pipe::ReadEnd;
use crate::sys::wait::{Interest, WaitContext};
use crate::transport::multiplexer::message_router::MessageRouter;

/// How long to read on if the server does not read any more: it may have sent responses before.
const DRAIN_LIMIT: Duration = Duration::from_millis(200);

/// Reads a stream, which is closed when this is dropped.
pub struct StreamReader {
    pub router: MessageRouter,
    pub writer: Arc<StdinWriter>,
    pub stream: ReadEnd,
    /// The maximum size of a message, in bytes.
    pub limit: usize,
}

impl StreamReader {
    /// Reads until the stream ends or the connection is closed.
    pub fn run(self) {
        let reading = self.router.start_reading();
        let reason = self.read();
        if !self.router.pending.stop.is_set() {
            self.router.log(LogLevel::Info, || reason.to_string());
        }
        reading.end(reason);
        self.writer.close();
    }

    fn read(&self) -> Error {
        let wait_context =
            WaitContext { closed: Some(Arc::clone(&self.router.pending.stop)), ..WaitContext::default() };
        let mut lines = LineBuffer::open();
        let mut broken_since: Option<Instant> = None;
        while lines.is_open {
            let blocked = self.writer.blocked_stdin();
            let waitables: Vec<_> = [
                Some((self.writer.wakeup().waitable(), Interest::Read)),
                blocked.as_deref().map(|write| (write.waitable(), Interest::Write)),
                Some((self.stream.waitable(), Interest::Read)),
            ]
            .into_iter()
            .flatten()
            .collect();
            let max_wait = broken_since.map(|since| DRAIN_LIMIT.saturating_sub(since.elapsed()));
            if wait_context.wait_any(&waitables, max_wait).is_err() {
                return Error::new(MCP_CLOSED, "the connection was closed");
            }
            self.writer.flush();
            match lines.read(&self.stream, self.limit) {
                Ok(true) => self.router.pending.record_received(),
                Ok(false) => {}
                Err(why) => return buffer_error(why, "a message of the server", self.limit),
            }
            while let Some(line) = lines.next_nonblank() {
                if lines.is_open || !is_cut_off(&line) {
                    self.router.take_text(line);
                }
            }
            if self.writer.is_broken() {
                // New calls fail at once.
                self.router.pending.retire();
                if broken_since.get_or_insert_with(Instant::now).elapsed() >= DRAIN_LIMIT {
                    return Error::new(MCP_DISCONNECTED, "the server does not read its messages any more");
                }
            }
        }
        Error::new(MCP_DISCONNECTED, "the server has closed the stream")
    }
}
