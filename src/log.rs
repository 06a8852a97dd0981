//! The log of a client, which passes messages to the hook that the application set.

use std::sync::Arc;

use crate::sys::lock::RwLock;

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the numbers are part of the C interface, including unused levels")]
pub enum LogLevel {
    Error = 1,
    Warning = 2,
    Info = 3,
    Debug = 4,
}

/// Receives messages. It is dropped when no thread can call it any more.
pub type LogHook = dyn Fn(LogLevel, &str) + Send + Sync;

/// The hook of one client, which can be replaced at any time.
#[derive(Default)]
pub struct Log(RwLock<Option<Arc<LogHook>>>);

impl Log {
    /// Replaces the hook. Returns the old one, so that the caller drops it without holding the lock.
    pub fn set(&self, hook: Option<Arc<LogHook>>) -> Option<Arc<LogHook>> {
        std::mem::replace(&mut *self.0.write(), hook)
    }

    /// Whether a hook is set.
    pub fn has_hook(&self) -> bool {
        self.0.read().is_some()
    }

    /// Logs a message. `text` is only called if a hook is set. No lock is held while the hook runs.
    pub fn line(&self, level: LogLevel, text: impl FnOnce() -> String) {
        if let Some(hook) = self.hook() {
            hook(level, &text());
        }
    }

    /// Not inlined: dozens of places log a message.
    #[inline(never)]
    fn hook(&self) -> Option<Arc<LogHook>> {
        self.0.read().clone()
    }
}
