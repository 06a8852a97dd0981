//! What is known of a server and may become stale, and who wants to hear of that.

use super::cache::Cache;
use super::changes::Changes;
use super::known_tools::Tools;
use crate::protocol::incoming::Notice;
use crate::rpc::dispatch::OnChange;

/// See the module.
#[derive(Default)]
pub struct Known {
    pub cache: Cache,
    pub tools: Tools,
    pub changes: Changes,
}

impl OnChange for Known {
    fn forget(&self, notice: &Notice) {
        self.cache.invalidate(notice);
        if notice.method == "notifications/tools/list_changed" {
            self.tools.forget();
        }
    }

    fn tell(&self, notice: &Notice) {
        self.changes.tell(notice);
    }
}
