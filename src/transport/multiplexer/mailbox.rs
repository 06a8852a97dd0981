//! What comes for one call on a shared stream beside its answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::call::bounded_queue::{BoundedQueue, MemoryUse};
use crate::call::new_signal;
use crate::error::Result;
use crate::protocol::ids;
use crate::protocol::incoming::{Notification, ServerRequest};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;

/// So much waits for one call.
const MOST: usize = 256;

/// What comes for a call beside its answer.
pub enum InboundMessage {
    Notification(Notification),
    ServerRequest(ServerRequest),
}

/// Those of one call.
pub struct Mailbox {
    pub wakeup: PollableEvent,
    waiting: Mutex<BoundedQueue<InboundMessage>>,
    /// The call has something to deal with, and takes nothing else meanwhile. Changed with the state of the line locked.
    is_busy: AtomicBool,
    /// How many notifications had to go.
    dropped: AtomicU64,
}

impl Mailbox {
    /// Those of a call that is still being sent: it takes nothing before it waits.
    pub fn new() -> Result<Mailbox> {
        Ok(Mailbox {
            wakeup: new_signal()?,
            waiting: Mutex::new(BoundedQueue::new(MOST)),
            is_busy: AtomicBool::new(true),
            dropped: AtomicU64::new(0),
        })
    }

    pub fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    pub fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// How many notifications had to go because others came faster than the call took them.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Adds a notification. Where too many wait, the oldest go.
    pub fn put_notice(&self, notice: Notification) {
        let is_same = |new: &InboundMessage, kept: &InboundMessage| {
            new.notice().zip(kept.notice()).is_some_and(|(new, kept)| new.supersedes(kept))
        };
        let worth = |kept: &InboundMessage| kept.notice().map(Notification::queue_priority);
        let gone = self.lock().push_instead(InboundMessage::Notification(notice), is_same, worth);
        self.wakeup.set();
        self.dropped.fetch_add(gone, Ordering::Relaxed);
    }

    /// Adds what the server asks: one at a time, which is dealt with before there is another.
    pub fn put_asked(&self, asked: ServerRequest) {
        self.lock().push_instead(InboundMessage::ServerRequest(asked), |_, _| false, |_| None);
        self.wakeup.set();
    }

    /// The one that has waited longest.
    pub fn take_first(&self) -> Option<InboundMessage> {
        self.wakeup.clear();
        let mut waiting = self.lock();
        let first = waiting.pop();
        if !waiting.is_empty() {
            self.wakeup.set();
        }
        first
    }

    /// What the server has asked, where no call deals with it yet.
    pub fn take_asked(&self) -> Vec<ServerRequest> {
        self.lock().take().into_iter().filter_map(InboundMessage::into_asked).collect()
    }

    /// Drops what the server has asked under an id.
    pub fn forget_asked(&self, id: &str) {
        self.lock().retain(
            |message| !matches!(message, InboundMessage::ServerRequest(asked) if ids::is_same_id(&asked.id, id)),
        );
    }

    fn lock(&self) -> MutexGuard<'_, BoundedQueue<InboundMessage>> {
        self.waiting.lock()
    }
}

impl InboundMessage {
    fn notice(&self) -> Option<&Notification> {
        match self {
            InboundMessage::Notification(notice) => Some(notice),
            InboundMessage::ServerRequest(_) => None,
        }
    }

    fn into_asked(self) -> Option<ServerRequest> {
        match self {
            InboundMessage::Notification(_) => None,
            InboundMessage::ServerRequest(asked) => Some(asked),
        }
    }
}

impl MemoryUse for InboundMessage {
    fn weight(&self) -> usize {
        match self {
            InboundMessage::Notification(notice) => notice.weight(),
            InboundMessage::ServerRequest(asked) => asked.weight(),
        }
    }

    fn alone(self) -> InboundMessage {
        match self {
            InboundMessage::Notification(notice) => InboundMessage::Notification(notice.alone()),
            InboundMessage::ServerRequest(asked) => InboundMessage::ServerRequest(asked.alone()),
        }
    }
}
