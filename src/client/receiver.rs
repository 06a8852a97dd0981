//! What comes on a line, on the thread that reads it: answers go to the calls that wait for them, and what the server asks is
//! answered.

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::Client;
use super::answer::read_messages;
use super::call::Call;
use super::exchange::Speaking;
use super::incoming::{Asked, Notice};
use super::inputs::Kind;
use super::line::{Delivered, Line};
use crate::error::Error;
use crate::log::Level;
use crate::protocol::jsonrpc::{self, Message};
use crate::status::MCP_INTERNAL;
use crate::sys::wait::Budget;

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

/// See the module.
pub struct Receiver {
    pub client: Weak<Client>,
    pub line: Arc<Line>,
}

impl Receiver {
    /// Notes that this thread reads. Whatever ends it, nobody is left waiting.
    pub fn begin(&self) -> Reads {
        READS_FOR.set(self.client.as_ptr().addr());
        Reads {
            line: Arc::clone(&self.line),
            why: Error::new(MCP_INTERNAL, "the reader of the server's messages failed"),
        }
    }

    /// Takes the text of messages that has come by itself.
    pub fn take_text(&self, text: Vec<u8>) {
        let mut asked = Vec::new();
        self.take_message(text, &mut asked);
        self.serve(&asked);
    }

    /// Answers what the server asks; after everything that has come with it: whose answer is there already need not wait.
    pub fn serve(&self, asked: &[Asked]) {
        if !asked.is_empty() {
            self.with_call(|client, call| {
                let speaking = Speaking::on_line(&self.line);
                asked.iter().for_each(|asked| client.serve(call, &speaking, asked));
            });
        }
    }

    pub fn take_message(&self, text: Vec<u8>, asked: &mut Vec<Asked>) {
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
                Message::Result { id, answered } => match jsonrpc::number(&id) {
                    id @ Some(_) => self.line.deliver(id, Delivered::Result(answered)).is_some(),
                    None => true,
                },
                Message::Error { id, error } => {
                    let id = id.as_deref().and_then(jsonrpc::number);
                    self.line.deliver(id, Delivered::Refused(error)).is_some()
                }
                Message::Request { id, method, params } => {
                    let request = Asked { id, method, params };
                    let is_input = Kind::of(&request.method).is_some();
                    let left = if is_input { self.line.deliver_asked(request) } else { Some(request) };
                    asked.extend(left);
                    false
                }
                Message::Notification { method, params } => {
                    if let Some(notice) = self.line.deliver_notice(Notice { method, params }) {
                        self.with_call(|client, call| client.take_notice(call, &notice));
                    }
                    false
                }
            };
            if left {
                self.remark(Level::Debug, || "the server sent an answer that nobody waits for".into());
            }
        }
    }

    pub fn remark(&self, level: Level, text: impl FnOnce() -> String) {
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
pub struct Reads {
    line: Arc<Line>,
    why: Error,
}

impl Reads {
    pub fn end(mut self, why: Error) {
        self.why = why;
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        self.line.end(&self.why);
    }
}
