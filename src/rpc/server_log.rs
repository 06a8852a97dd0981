//! The hook for the server's log messages, and their minimum level (2025-11-25 and 2026-07-28, "Logging").

use std::sync::Arc;

use crate::log::Log;
use crate::protocol::incoming::Notification;
use crate::protocol::json::Json;
use crate::sys::lock::RwLock;

/// Receives the parameters of `notifications/message`.
pub type ServerLogHook = dyn Fn(&Json) + Send + Sync;

/// The log hook and the log level of one client.
#[derive(Default)]
pub struct ServerLog {
    hook: RwLock<Option<Arc<ServerLogHook>>>,
    level: RwLock<Option<&'static str>>,
}

impl ServerLog {
    /// Replaces the hook and returns the old one, so that the caller drops it without holding a lock.
    pub fn set_hook(&self, hook: Option<Arc<ServerLogHook>>) -> Option<Arc<ServerLogHook>> {
        std::mem::replace(&mut *self.hook.write(), hook)
    }

    pub fn has_hook(&self) -> bool {
        self.hook.read().is_some()
    }

    /// Runs the hook with the parameters of the notification, where the hook of `log` runs, too.
    pub fn run_hook(&self, log: &Log, notification: &Notification) {
        let hook = self.hook.read().clone();
        let (Some(hook), Some(params)) = (hook, &notification.params) else { return };
        match log.forward() {
            None => hook(params),
            Some(forward) => {
                let params = params.clone();
                forward(Box::new(move || hook(&params)));
            }
        }
    }

    pub fn set_level(&self, level: &'static str) {
        *self.level.write() = Some(level);
    }

    /// The level that was set last.
    pub fn level(&self) -> Option<&'static str> {
        *self.level.read()
    }
}
