//! Server data that change notifications can make stale.

use super::cache::Cache;
use super::subscriptions::SubscriptionRegistry;
use super::tool_registry::ToolRegistry;
use crate::protocol::incoming::Notification;
use crate::rpc::dispatch::ChangeObserver;

/// The cached data of one server, and the subscriptions to its changes.
#[derive(Default)]
pub struct ServerState {
    pub cache: Cache,
    pub tools: ToolRegistry,
    pub subscriptions: SubscriptionRegistry,
}

impl ChangeObserver for ServerState {
    fn invalidate(&self, notification: &Notification) {
        self.cache.invalidate(notification);
        if notification.method == "notifications/tools/list_changed" {
            self.tools.clear();
        }
    }

    fn notify(&self, notification: &Notification) {
        self.subscriptions.publish(notification);
    }
}
