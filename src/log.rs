//! Where a client's remarks go: to the hook that its owner set, or nowhere.

use std::sync::Arc;

use crate::sys::lock::RwLock;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the numbers are part of the C interface, also those that nothing logs at yet")]
pub enum LogLevel {
    Error = 1,
    Warning = 2,
    Info = 3,
    Debug = 4,
}

/// Receives finished lines; dropped once nobody can call it any more.
pub type LogHook = dyn Fn(LogLevel, &str) + Send + Sync;

/// The hook of one client, replaceable at any time.
#[derive(Default)]
pub struct Log(RwLock<Option<Arc<LogHook>>>);

impl Log {
    /// Replaces the hook. The old one is handed back instead of dropped here, so that its end runs under no lock.
    pub fn set(&self, hook: Option<Arc<LogHook>>) -> Option<Arc<LogHook>> {
        let mut place = self.0.write();
        std::mem::replace(&mut *place, hook)
    }

    /// Whether anybody listens.
    pub fn has_hook(&self) -> bool {
        self.0.read().is_some()
    }

    /// Logs a line, which is only put together where somebody listens. No lock is held while the hook runs.
    pub fn line(&self, level: LogLevel, text: impl FnOnce() -> String) {
        let hook = self.0.read().clone();
        if let Some(hook) = hook {
            hook(level, &text());
        }
    }
}
