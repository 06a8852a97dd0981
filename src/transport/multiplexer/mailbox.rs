//! The messages that arrive for one call on a shared stream before its response.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::call::bounded_queue::{BoundedQueue, MemoryUse};
use crate::call::new_event;
use crate::error::Result;
use crate::protocol::ids;
use crate::protocol::incoming::{Notification, ServerRequest};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;

/// How many messages may wait for one call.
const MAX_MESSAGES: usize = 256;

/// A message for a call, other than its response.
pub enum InboundMessage {
    Notification(Notification),
    ServerRequest(ServerRequest),
}

/// The messages that wait for one call.
pub struct Mailbox {
    /// Set while messages wait, and when the response has arrived. Set and cleared only while the state of the
    /// `PendingRequests` is locked.
    pub wakeup: PollableEvent,
    queue: Mutex<BoundedQueue<InboundMessage>>,
    /// How many notifications were dropped.
    dropped: AtomicU64,
}

impl Mailbox {
    pub fn new() -> Result<Mailbox> {
        Ok(Mailbox {
            wakeup: new_event()?,
            queue: Mutex::new(BoundedQueue::new(MAX_MESSAGES)),
            dropped: AtomicU64::new(0),
        })
    }

    /// How many notifications were dropped because others arrived faster than the call handled them.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Adds a notification. If too many wait, the oldest ones are dropped.
    pub fn put_notification(&self, notification: Notification) {
        let supersedes = |new: &InboundMessage, kept: &InboundMessage| {
            new.notification().zip(kept.notification()).is_some_and(|(new, kept)| new.supersedes(kept))
        };
        let priority = |kept: &InboundMessage| kept.notification().map(Notification::queue_priority);
        let dropped = self.lock().push_instead(InboundMessage::Notification(notification), supersedes, priority);
        self.wakeup.set();
        self.dropped.fetch_add(dropped, Ordering::Relaxed);
    }

    /// Adds a server request. The caller adds the next one only after the call has handled this one.
    pub fn put_server_request(&self, request: ServerRequest) {
        self.lock().push_instead(InboundMessage::ServerRequest(request), |_, _| false, |_| None);
        self.wakeup.set();
    }

    /// Removes the oldest message. Without one, clears `wakeup` until something arrives.
    pub fn take_first(&self) -> Option<InboundMessage> {
        if self.wakeup.is_set() {
            self.wakeup.clear();
        }
        let mut queue = self.lock();
        let first = queue.pop();
        if !queue.is_empty() {
            self.wakeup.set();
        }
        first
    }

    /// Empties the mailbox; the server requests from it.
    pub fn take_server_requests(&self) -> Vec<ServerRequest> {
        self.lock().take().into_iter().filter_map(InboundMessage::into_server_request).collect()
    }

    /// Drops the server request with this id; false if there is none.
    pub fn forget_server_request(&self, id: &str) -> bool {
        let mut is_found = false;
        self.lock().retain(|message| {
            let is_meant =
                matches!(message, InboundMessage::ServerRequest(request) if ids::is_same_id(&request.id, id));
            is_found |= is_meant;
            !is_meant
        });
        is_found
    }

    #[cfg(test)]
    pub fn has_server_request(&self) -> bool {
        self.lock().iter().any(|message| matches!(message, InboundMessage::ServerRequest(_)))
    }

    fn lock(&self) -> MutexGuard<'_, BoundedQueue<InboundMessage>> {
        self.queue.lock()
    }
}

impl InboundMessage {
    fn notification(&self) -> Option<&Notification> {
        match self {
            InboundMessage::Notification(notification) => Some(notification),
            InboundMessage::ServerRequest(_) => None,
        }
    }

    fn into_server_request(self) -> Option<ServerRequest> {
        match self {
            InboundMessage::Notification(_) => None,
            InboundMessage::ServerRequest(request) => Some(request),
        }
    }
}

impl MemoryUse for InboundMessage {
    fn weight(&self) -> usize {
        match self {
            InboundMessage::Notification(notification) => notification.weight(),
            InboundMessage::ServerRequest(request) => request.weight(),
        }
    }

    fn alone(self) -> InboundMessage {
        match self {
            InboundMessage::Notification(notification) => InboundMessage::Notification(notification.alone()),
            InboundMessage::ServerRequest(request) => InboundMessage::ServerRequest(request.alone()),
        }
    }
}
