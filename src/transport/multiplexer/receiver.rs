//! What comes on a line, on the thread that reads it: answers go to the calls that wait for them, and what the server asks is
//! answered.

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::pending::{Delivered, Line, MOST_QUESTIONS, Undelivered};
use crate::call::context::Call;
use crate::call::skipped;
use crate::error::Error;
use crate::log::Level;
use crate::protocol::ids;
use crate::protocol::incoming::{Asked, InputKind, Notice};
use crate::protocol::jsonrpc::Message;
use crate::status::MCP_INTERNAL;
use crate::sys::wait::Budget;
use crate::transport::host::Host;
use crate::transport::interface::Transport;
use crate::transport::messages::{Taken, sort};
use crate::transport::reply::Asking;

/// The longest that the replies to what a server asks may take together: answers wait behind them.
const LIMIT: Duration = Duration::from_secs(2);

thread_local! {
    /// Whose transports this thread reads for, by its place.
    static READS_FOR: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is a reader of a client's: what it waited for would have to come through itself.
pub fn reads_for(host: &Host) -> bool {
    READS_FOR.get() == std::ptr::from_ref(host).addr()
}

/// What the server asks that no call deals with.
#[derive(Default)]
pub struct Owed {
    unserved: Vec<Asked>,
    /// The ids of those for which there is no room.
    refused: Vec<String>,
}

/// See the module.
pub struct Receiver {
    host: Weak<Host>,
    transport: Weak<dyn Transport>,
    pub line: Arc<Line>,
    /// What the server asks, and no call deals with, belongs to the stream.
    asking: Asking,
}

impl Receiver {
    pub fn new(host: &Arc<Host>, transport: Weak<dyn Transport>, line: &Arc<Line>) -> Receiver {
        Receiver { host: Arc::downgrade(host), transport, line: Arc::clone(line), asking: Asking::default() }
    }

    /// Notes that this thread reads. Whatever ends it, nobody is left waiting.
    pub fn begin(&self) -> Reads {
        READS_FOR.set(self.host.as_ptr().addr());
        Reads {
            line: Arc::clone(&self.line),
            why: Error::new(MCP_INTERNAL, "the reader of the server's messages failed"),
        }
    }

    /// Takes the text of messages that has come by itself.
    pub fn take_text(&self, text: Vec<u8>) {
        let mut owed = Owed::default();
        self.take_message(text, false, &mut owed);
        self.answer(&owed);
    }

    /// Answers what the server asks; after everything that has come with it: whose answer is there already need not wait.
    pub fn answer(&self, owed: &Owed) {
        let Owed { unserved, refused } = owed;
        if !unserved.is_empty() || !refused.is_empty() {
            self.with_call(|host, call| {
                let Some(transport) = self.transport.upgrade() else { return };
                let speaking = self.line.speaking();
                let why = "too many requests wait for an answer already";
                host.refuse(&*transport, call, &speaking, refused, why);
                for asked in unserved {
                    let slot = self.asking.slot(Arc::clone(&transport), &speaking, call);
                    host.inbound.server_request(call, asked, slot);
                }
            });
        }
    }

    /// Takes the data of an event, or a line; `is_named` says whether the event has a name that says nothing of messages.
    pub fn take_message(&self, text: Vec<u8>, is_named: bool, owed: &mut Owed) {
        let number = |id: Option<&str>| id.and_then(ids::number);
        let is_ours = |id: Option<&str>| number(id).is_some_and(|id| self.line.is_awaited(id));
        let rest = sort(text, is_ours, |taken| match taken {
            Taken::Message(message) => {
                self.take_one(message, owed);
                true
            }
            // Without an id, and where one call waits, it is meant for that.
            Taken::Broken { id: None, error } => self.line.deliver(None, Delivered::Failed(error)).is_none(),
            Taken::Broken { id, error } => {
                number(id.as_deref()).is_some_and(|id| self.line.deliver(Some(id), Delivered::Failed(error)).is_none())
            }
        });
        if let Some(rest) = rest {
            let rest = Arc::new(rest);
            let level = self.line.note_skipped(&rest, is_named);
            self.remark_with(level, |call| skipped::remark(call, self.line.place(), &rest));
        }
    }

    fn take_one(&self, message: Message, owed: &mut Owed) {
        if self.line.stop.is_raised() {
            return;
        }
        let left = match message {
            Message::Result { id, answered } => match ids::number(&id) {
                id @ Some(_) => self.line.deliver(id, Delivered::Result(answered)).is_some(),
                None => true,
            },
            Message::Error { id, error } => {
                let id = id.as_deref().and_then(ids::number);
                self.line.deliver(id, Delivered::Refused(error)).is_some()
            }
            Message::Request { id, method, .. } if self.line.is_echo(&id, &method) => {
                if self.line.note_echo() {
                    self.remark(Level::Warning, || {
                        "the server's terminal echoes what is sent to it, and the requests that come back are not answered; start it without a terminal (docker run -i, not -it)".into()
                    });
                }
                false
            }
            Message::Request { id, method, params } => {
                let request = Asked { id, method, params };
                let is_input = InputKind::of(&request.method).is_some();
                let delivered =
                    if is_input { self.line.deliver_asked(request) } else { Err(Undelivered::NoCallWaits(request)) };
                match delivered {
                    Ok(()) => {}
                    Err(Undelivered::NoCallWaits(asked)) if owed.unserved.len() < MOST_QUESTIONS => {
                        owed.unserved.push(asked);
                    }
                    Err(Undelivered::NoCallWaits(asked) | Undelivered::TooMany(asked)) => owed.refused.push(asked.id),
                }
                false
            }
            Message::Notification { method, params } => {
                let notice = Notice { method, params };
                if let Some(id) = notice.cancelled() {
                    owed.unserved.retain(|asked| !ids::is_same_id(&asked.id, id));
                    self.line.forget_asked(id);
                }
                if let Some(host) = self.host.upgrade() {
                    host.inbound.note_arrival(&notice);
                }
                if let Some(notice) = self.line.deliver_notice(notice) {
                    self.with_call(|host, call| host.inbound.notification(call, &notice));
                }
                false
            }
        };
        if left {
            self.remark(Level::Debug, || "the server sent an answer that nobody waits for".into());
        }
    }

    pub fn remark(&self, level: Level, text: impl FnOnce() -> String) {
        self.remark_with(level, |_| text());
    }

    /// The same for what has to be shown without secrets. Nothing is put together where there is no log.
    pub fn remark_with(&self, level: Level, text: impl FnOnce(&Call) -> String) {
        if self.host.upgrade().is_some_and(|host| host.calls.log.has_hook()) {
            self.with_call(|_, call| call.remark(level, || text(call)));
        }
    }

    /// What the reader does in its own name is bounded, ends with the line, and never asks the auth callback: that may take as
    /// long as it likes, and all answers come through here.
    pub fn with_call(&self, run: impl FnOnce(&Host, &Call)) {
        if let Some(host) = self.host.upgrade() {
            let closed = Some(Arc::clone(&self.line.stop));
            let budget = Budget { closed, allowed: Some(LIMIT), ..Budget::until(Instant::now() + LIMIT) };
            let call = host.calls.own(budget);
            self.line.carried(&call);
            run(&host, &call);
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
