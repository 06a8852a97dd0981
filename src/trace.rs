//! The trace of a client: the messages that it sends and receives, for the hook that the application set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::lock::RwLock;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceDirection {
    Sent = 1,
    Received = 2,
}

/// Receives messages. It is dropped when no thread can call it any more.
pub type TraceHook = dyn Fn(TraceDirection, &str) + Send + Sync;

/// The hook of one client, which can be replaced at any time.
#[derive(Default)]
pub struct Trace {
    hook: RwLock<Option<Arc<TraceHook>>>,
    /// Whether there is a hook: most clients have none, and check only this.
    is_set: AtomicBool,
}

impl Trace {
    /// Replaces the hook. Returns the old one, so that the caller drops it without holding the lock.
    pub fn set(&self, hook: Option<Arc<TraceHook>>) -> Option<Arc<TraceHook>> {
        let mut current = self.hook.write();
        self.is_set.store(hook.is_some(), Ordering::Release);
        std::mem::replace(&mut *current, hook)
    }

    #[inline]
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// The hook. No lock is held while it runs.
    pub fn hook(&self) -> Option<Arc<TraceHook>> {
        self.hook.read().clone()
    }
}
