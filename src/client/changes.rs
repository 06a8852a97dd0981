//! What servers say of changes, and who wants to know: lists that are not what they were, resources that have new contents.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::call::backlog::Backlog;
use crate::call::new_signal;
use crate::error::Result;
use crate::protocol::incoming::Notice;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::signal::Signal;

/// So many changes wait for one listener; of those that come faster than it takes them, the oldest are dropped.
const MOST_WAITING: usize = 1024;

/// The listeners of one client.
#[derive(Default)]
pub struct Changes {
    inboxes: Mutex<Vec<Arc<Inbox>>>,
    /// The resources that a legacy server was asked to watch, and by how many listeners.
    uris: Mutex<HashMap<String, usize>>,
}

/// Where the changes for one listener wait.
pub struct Inbox {
    pub signal: Signal,
    waiting: Mutex<Backlog<Notice>>,
    /// How many had to go.
    dropped: AtomicU64,
}

/// A listener's inbox, which gets nothing any more when this is dropped.
pub struct Subscribed<'a> {
    changes: &'a Changes,
    pub inbox: Arc<Inbox>,
}

impl Changes {
    pub fn subscribe(&self) -> Result<Subscribed<'_>> {
        let inbox = Arc::new(Inbox {
            signal: new_signal()?,
            waiting: Mutex::new(Backlog::new(MOST_WAITING)),
            dropped: AtomicU64::new(0),
        });
        self.lock().push(Arc::clone(&inbox));
        Ok(Subscribed { changes: self, inbox })
    }

    pub fn tell(&self, notice: &Notice) {
        for inbox in self.lock().iter() {
            let gone = inbox.lock().push_instead(notice.clone(), Notice::says_the_same, |kept| Some(kept.worth()));
            inbox.dropped.fetch_add(gone, Ordering::Relaxed);
            inbox.signal.raise();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Inbox>>> {
        self.inboxes.lock()
    }

    /// Notes what a legacy server watches for a listener.
    pub fn note_uris(&self, uris: &[String]) {
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

impl Inbox {
    /// How many changes came faster than they were taken, and had to go.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What has come since the last time.
    pub fn take(&self) -> VecDeque<Notice> {
        self.signal.lower();
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Backlog<Notice>> {
        self.waiting.lock()
    }
}

impl Drop for Subscribed<'_> {
    fn drop(&mut self) {
        self.changes.lock().retain(|inbox| !Arc::ptr_eq(inbox, &self.inbox));
    }
}
