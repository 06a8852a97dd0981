//! What is known of a server and may become stale, and who wants to hear of that.

use super::cache::Cache;
use super::subscriptions::SubscriptionRegistry;
use super::tool_registry::ToolRegistry;
use crate::protocol::incoming::Notification;
use crate::rpc::dispatch::ChangeObserver;

/// See the module.
#[derive(Default)]
pub struct ServerState {
    pub cache: Cache,
    pub tools: ToolRegistry,
    pub changes: SubscriptionRegistry,
}

impl ChangeObserver for ServerState {
    fn invalidate(&self, notice: &Notification) {
        self.cache.invalidate(notice);
        if notice.method == "notifications/tools/list_changed" {
            self.tools.forget();
        }
    }

    fn notify(&self, notice: &Notification) {
        self.changes.tell(notice);
    }
}
