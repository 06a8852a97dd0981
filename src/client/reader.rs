//! The threads that read for a client, and the event stream of an HTTP+SSE connection.

use super::answer::is_named;
use super::receiver::{Owed, Receiver};
use crate::call::failure::unheld_event;
use crate::error::{Error, Result};
use crate::http::response::Body;
use crate::log::Level;
use crate::protocol::event_stream::{Event, EventStream};
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::process;
use crate::sys::thread::{self, Thread};

/// The readers of one client, running or ended.
pub struct Readers {
    threads: Mutex<Vec<Thread>>,
    /// Where they run: in the child of a fork there are none.
    process: u32,
}

/// A stream to be read.
pub struct Reading {
    pub to: Receiver,
    pub body: Body,
    pub stream: EventStream,
    /// What `stream` allows for one event, in bytes.
    pub limit: usize,
    /// Events that have come already.
    pub events: Vec<Event>,
}

impl Readers {
    pub fn new(process: u32) -> Readers {
        Readers { threads: Mutex::default(), process }
    }

    pub fn start(&self, reading: Reading) -> Result<()> {
        self.start_other(|| reading.run())
    }

    /// Runs something else that reads.
    pub fn start_other(&self, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let started = thread::spawn("mcp-reader", work)
            .map_err(|error| Error::new(MCP_SYSTEM_ERROR, format!("the system refused a thread: {error}")))?;
        let mut threads = self.lock();
        threads.retain(|reader| !reader.is_finished());
        threads.push(started);
        Ok(())
    }

    /// Waits for the end of all readers, which have been told to stop.
    pub fn join(&self) {
        let threads = std::mem::take(&mut *self.lock());
        threads.into_iter().filter(|reader| !reader.is_current()).for_each(Thread::join);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Thread>> {
        self.threads.lock()
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        if self.process != process::id() {
            // The system knows nothing of them: nothing can be done with their handles.
            let threads = self.threads.get_mut();
            std::mem::forget(std::mem::take(threads));
        }
    }
}

impl Reading {
    /// Reads until the stream ends, or nobody wants it any more.
    fn run(mut self) {
        let reading = self.to.begin();
        let why = self.read();
        let text = format!("the event stream has ended: {why}");
        // First: a call that comes now must not be sent for an answer on this stream.
        reading.end(why);
        if !self.to.line.stop.is_raised() {
            self.to.remark(Level::Info, || text);
        }
    }

    /// The reason for the end.
    fn read(&mut self) -> Error {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            self.take_events();
            let count = match self.body.read(&mut buffer) {
                Ok(0) => return Error::new(MCP_DISCONNECTED, "the server ended the event stream"),
                Ok(count) => count,
                Err(mut error) => {
                    if error.status() == MCP_TRUNCATED {
                        error.report_mut().status = MCP_DISCONNECTED;
                        error.report_mut().message = format!("the event stream broke off: {error}");
                    }
                    return error;
                }
            };
            self.to.line.note_heard();
            if let Err(why) = self.stream.feed(&buffer[..count], &mut self.events) {
                return unheld_event(why, self.limit);
            }
        }
    }

    fn take_events(&mut self) {
        let mut owed = Owed::default();
        for event in std::mem::take(&mut self.events) {
            match event.name.as_slice() {
                b"endpoint" => self.to.remark(Level::Warning, || {
                    "the server named an endpoint a second time; the first one is kept".into()
                }),
                _ => {
                    let is_named = is_named(&event);
                    self.to.take_message(event.data, is_named, &mut owed);
                }
            }
        }
        self.to.answer(&owed);
    }
}
