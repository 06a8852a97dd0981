//! What servers say of changes, and who wants to know: lists that are not what they were, resources that have new contents.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::call::bounded_queue::BoundedQueue;
use crate::call::new_signal;
use crate::error::Result;
use crate::protocol::incoming::Notification;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;

/// So many changes wait for one listener; of those that come faster than it takes them, the oldest are dropped.
const MAX_WAITING: usize = 1024;

/// The listeners of one client.
#[derive(Default)]
pub struct SubscriptionRegistry {
    inboxes: Mutex<Vec<Arc<SubscriptionQueue>>>,
    /// The resources that a legacy server was asked to watch, and by how many listeners.
    uris: Mutex<HashMap<String, usize>>,
}

/// Where the changes for one listener wait.
pub struct SubscriptionQueue {
    pub signal: PollableEvent,
    waiting: Mutex<BoundedQueue<Notification>>,
    /// How many had to go.
    dropped: AtomicU64,
}

/// A listener's inbox, which gets nothing any more when this is dropped.
pub struct SubscriptionGuard<'a> {
    changes: &'a SubscriptionRegistry,
    pub inbox: Arc<SubscriptionQueue>,
}

impl SubscriptionRegistry {
    pub fn subscribe(&self) -> Result<SubscriptionGuard<'_>> {
        let inbox = Arc::new(SubscriptionQueue {
            signal: new_signal()?,
            waiting: Mutex::new(BoundedQueue::new(MAX_WAITING)),
            dropped: AtomicU64::new(0),
        });
        self.lock().push(Arc::clone(&inbox));
        Ok(SubscriptionGuard { changes: self, inbox })
    }

    pub fn tell(&self, notice: &Notification) {
        for inbox in self.lock().iter() {
            let gone =
                inbox.lock().push_instead(notice.clone(), Notification::supersedes, |kept| Some(kept.queue_priority()));
            inbox.dropped.fetch_add(gone, Ordering::Relaxed);
            inbox.signal.set();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<SubscriptionQueue>>> {
        self.inboxes.lock()
    }

    /// Notes what a legacy server watches for a listener.
    pub fn record_uris(&self, uris: &[String]) {
        let mut known = self.lock_uris();
        uris.iter().for_each(|uri| *known.entry(uri.clone()).or_default() += 1);
    }

    /// The listener has ended; gives what nobody wants any more.
    pub fn forget_uris(&self, uris: &[String]) -> Vec<String> {
        let mut known = self.lock_uris();
        for uri in uris {
            if let Some(count) = known.get_mut(uri) {
                *count -= 1;
            }
        }
        let unwanted = uris.iter().filter(|uri| known.get(*uri) == Some(&0)).cloned().collect();
        known.retain(|_, count| *count > 0);
        unwanted
    }

    /// What a new session with the server has to watch.
    pub fn uris(&self) -> Vec<String> {
        self.lock_uris().keys().cloned().collect()
    }

    fn lock_uris(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.uris.lock()
    }
}

impl SubscriptionQueue {
    /// How many changes came faster than they were taken, and had to go.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What has come since the last time.
    pub fn take(&self) -> VecDeque<Notification> {
        self.signal.clear();
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, BoundedQueue<Notification>> {
        self.waiting.lock()
    }
}

impl Drop for SubscriptionGuard<'_> {
    fn drop(&mut self) {
        self.changes.lock().retain(|inbox| !Arc::ptr_eq(inbox, &self.inbox));
    }
}
