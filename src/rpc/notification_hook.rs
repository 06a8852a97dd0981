//! The hook for all notifications of the server.

use std::sync::Arc;

use crate::log::Log;
use crate::protocol::incoming::Notification;
use crate::protocol::json::Json;
use crate::sys::lock::RwLock;

/// Receives the method of a notification, and its parameters if it has any.
pub type NotificationHook = dyn Fn(&str, Option<&Json>) + Send + Sync;

/// The hook of one client.
#[derive(Default)]
pub struct NotificationHooks(RwLock<Option<Arc<NotificationHook>>>);

impl NotificationHooks {
    /// Replaces the hook and returns the old one, so that the caller drops it without holding a lock.
    pub fn set(&self, hook: Option<Arc<NotificationHook>>) -> Option<Arc<NotificationHook>> {
        std::mem::replace(&mut *self.0.write(), hook)
    }

    pub fn is_set(&self) -> bool {
        self.0.read().is_some()
    }

    /// Runs the hook with a notification, where the hook of `log` runs, too.
    pub fn run(&self, log: &Log, notification: &Notification) {
        let Some(hook) = self.0.read().clone() else { return };
        match log.forward() {
            None => hook(&notification.method, notification.params.as_ref()),
            Some(forward) => {
                let notification = notification.clone();
                forward(Box::new(move || hook(&notification.method, notification.params.as_ref())));
            }
        }
    }
}
