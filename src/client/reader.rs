//! The thread that reads the event stream of an HTTP+SSE connection: it hands answers to the calls that wait for them, and
//! answers what the server asks.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Client;
use super::answer::{Asked, read_messages};
use super::call::Call;
use super::channel::too_large;
use super::exchange::Speaking;
use super::line::{Delivered, Line};
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::event_stream::{Event, EventStream};
use crate::protocol::jsonrpc::{self, Message};
use crate::status::*;
use crate::sys::wait::Budget;
use crate::sys::{process, thread};
use crate::transport::response::Body;

/// The longest that the replies to what a server asks may take together: answers wait behind them.
const LIMIT: Duration = Duration::from_secs(2);

thread_local! {
    /// The client that this thread reads for, by its place.
    static READS_FOR: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is a reader of `client`: what it waited for would have to come through itself.
pub fn reads_for(client: &Client) -> bool {
    READS_FOR.get() == std::ptr::from_ref(client).addr()
}

/// The readers of one client, running or ended.
pub struct Readers {
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Where they run: in the child of a fork there are none.
    process: u32,
}

/// A stream to be read.
pub struct Reading {
    pub client: Weak<Client>,
    pub line: Arc<Line>,
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
        let started = thread::spawn("mcp-reader", || reading.run())
            .map_err(|error| Error::new(MCP_SYSTEM_ERROR, format!("the system refused a thread: {error}")))?;
        let mut threads = self.lock();
        threads.retain(|reader| !reader.is_finished());
        threads.push(started);
        Ok(())
    }

    /// Waits for the end of all readers, which have been told to stop.
    pub fn join(&self) {
        let threads = std::mem::take(&mut *self.lock());
        for reader in threads.into_iter().filter(|reader| !process::is_this_thread(reader)) {
            // Its panic, if it had one, was dealt with.
            let _ = reader.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        if self.process != process::id() {
            // The system knows nothing of them: nothing can be done with their handles.
            let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(std::mem::take(threads));
        }
    }
}

impl Reading {
    /// Reads until the stream ends, or nobody wants it any more.
    fn run(mut self) {
        READS_FOR.set(self.client.as_ptr().addr());
        // Also if this panics, nobody is left waiting.
        let mut end = End {
            line: Arc::clone(&self.line),
            why: Error::new(MCP_INTERNAL, "the reader of the event stream failed"),
        };
        end.why = self.read();
        if !self.line.stop.is_raised() {
            self.remark(Level::Info, || format!("the event stream has ended: {}", end.why));
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
            self.line.note_heard();
            if self.stream.feed(&buffer[..count], &mut self.events).is_err() {
                return too_large(self.limit);
            }
        }
    }

    fn take_events(&mut self) {
        let mut asked = Vec::new();
        for event in std::mem::take(&mut self.events) {
            match event.name.as_slice() {
                b"" | b"message" if !event.data.is_empty() => self.take_message(event.data, &mut asked),
                b"endpoint" => self.remark(Level::Warning, || {
                    "the server named an endpoint a second time; the first one is kept".into()
                }),
                _ => {}
            }
        }
        // Only now: whose answer is there already need not wait for a reply to the server.
        if !asked.is_empty() {
            self.with_call(|client, call| {
                let speaking = Speaking::on_line(&self.line);
                asked.iter().for_each(|asked| client.serve(call, &speaking, asked));
            });
        }
    }

    fn take_message(&self, text: Vec<u8>, asked: &mut Vec<Asked>) {
        let messages = match read_messages(text) {
            Ok(messages) => messages,
            Err(error) => {
                // Where one call waits, this was meant for it.
                if let Some(Delivered::Failed(error)) = self.line.deliver(None, Delivered::Failed(error)) {
                    self.remark(Level::Warning, || format!("an event that nobody can use was dropped: {error}"));
                }
                return;
            }
        };
        for message in messages {
            let left = match message {
                Message::Result { id, result } => match jsonrpc::number(&id) {
                    id @ Some(_) => self.line.deliver(id, Delivered::Result(result)).is_some(),
                    None => true,
                },
                Message::Error { id, error } => {
                    let id = id.as_deref().and_then(jsonrpc::number);
                    self.line.deliver(id, Delivered::Refused(error)).is_some()
                }
                Message::Request { id, method } => {
                    asked.push(Asked { id, method });
                    false
                }
                Message::Notification { method } => {
                    self.remark(Level::Debug, || format!("the server sent {method}, which nobody waits for"));
                    false
                }
            };
            if left {
                self.remark(Level::Debug, || "the server sent an answer that nobody waits for".into());
            }
        }
    }

    fn remark(&self, level: Level, text: impl FnOnce() -> String) {
        self.with_call(|_, call| call.remark(level, text));
    }

    /// What the reader does in its own name is bounded, ends with the line, and never asks the auth callback: that may take as
    /// long as it likes, and all answers come through here.
    fn with_call(&self, run: impl FnOnce(&Client, &Call)) {
        if let Some(client) = self.client.upgrade() {
            let closed = Some(Arc::clone(&self.line.stop));
            let budget = Budget { closed, allowed: Some(LIMIT), ..Budget::until(Instant::now() + LIMIT) };
            let call = Call::with_budget(&client, budget, false);
            self.line.carried(&call);
            run(&client, &call);
        }
    }
}

/// Ends the line, in whatever way its reader ends.
struct End {
    line: Arc<Line>,
    why: Error,
}

impl Drop for End {
    fn drop(&mut self) {
        self.line.end(&self.why);
    }
}
