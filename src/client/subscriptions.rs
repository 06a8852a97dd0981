//! Delivers change notifications of the server to the listeners of a client: changed lists, and updated resources.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::call::bounded_queue::BoundedQueue;
use crate::call::new_event;
use crate::error::Result;
use crate::protocol::incoming::Notification;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;

/// The most changes that are queued for one listener. If it is too slow, the oldest ones are dropped.
const MAX_QUEUED: usize = 1024;

/// The subscriptions of one client.
#[derive(Default)]
pub struct SubscriptionRegistry {
    queues: Mutex<Vec<Arc<SubscriptionQueue>>>,
    /// The resources to which the client is subscribed on a legacy server, with the number of listeners of each.
    uri_counts: Mutex<HashMap<String, usize>>,
}

/// The queue of changes for one listener.
pub struct SubscriptionQueue {
    /// Set when a change was queued.
    pub wakeup: PollableEvent,
    changes: Mutex<BoundedQueue<Notification>>,
    dropped: AtomicU64,
}

/// A listener's queue. Dropping this removes the queue from the registry.
pub struct SubscriptionGuard<'a> {
    registry: &'a SubscriptionRegistry,
    pub queue: Arc<SubscriptionQueue>,
}

impl SubscriptionRegistry {
    pub fn subscribe(&self) -> Result<SubscriptionGuard<'_>> {
        let queue = Arc::new(SubscriptionQueue {
            wakeup: new_event()?,
            changes: Mutex::new(BoundedQueue::new(MAX_QUEUED)),
            dropped: AtomicU64::new(0),
        });
        self.lock().push(Arc::clone(&queue));
        Ok(SubscriptionGuard { registry: self, queue })
    }

    /// Adds a change to the queues of all listeners.
    pub fn publish(&self, notification: &Notification) {
        for queue in self.lock().iter() {
            let dropped = queue
                .lock()
                .push_instead(notification.clone(), Notification::supersedes, |queued| Some(queued.queue_priority()));
            queue.dropped.fetch_add(dropped, Ordering::Relaxed);
            queue.wakeup.set();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<SubscriptionQueue>>> {
        self.queues.lock()
    }

    /// Counts a listener for each of these resources.
    pub fn add_uris(&self, uris: &[String]) {
        let mut counts = self.lock_uri_counts();
        uris.iter().for_each(|uri| *counts.entry(uri.clone()).or_default() += 1);
    }

    /// Removes a listener from the count of each of these resources. Returns those without a listener.
    pub fn remove_uris(&self, uris: &[String]) -> Vec<String> {
        let mut counts = self.lock_uri_counts();
        let mut unused = Vec::new();
        for uri in uris {
            let Some(count) = counts.get_mut(uri) else { continue };
            *count -= 1;
            if *count == 0 {
                counts.remove(uri);
                unused.push(uri.clone());
            }
        }
        unused
    }

    /// The resources to which a new session has to subscribe.
    pub fn uris(&self) -> Vec<String> {
        self.lock_uri_counts().keys().cloned().collect()
    }

    fn lock_uri_counts(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.uri_counts.lock()
    }
}

impl SubscriptionQueue {
    /// The number of changes that were dropped because the listener was too slow.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Removes all queued changes and returns them.
    pub fn take(&self) -> VecDeque<Notification> {
        self.wakeup.clear();
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, BoundedQueue<Notification>> {
        self.changes.lock()
    }
}

impl Drop for SubscriptionGuard<'_> {
    fn drop(&mut self) {
        self.registry.lock().retain(|queue| !Arc::ptr_eq(queue, &self.queue));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_unused_after_its_last_listener_was_removed() {
        let registry = SubscriptionRegistry::default();
        let uris = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        registry.add_uris(&uris(&["a", "b", "b"]));
        registry.add_uris(&uris(&["b"]));
        assert_eq!(registry.remove_uris(&uris(&["a", "b", "b", "c"])), ["a"]);
        assert_eq!(registry.uris(), ["b"]);
        assert_eq!(registry.remove_uris(&uris(&["b"])), ["b"]);
        assert!(registry.uris().is_empty());
    }
}
