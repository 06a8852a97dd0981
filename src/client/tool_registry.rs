//! Information about the server's tools: the headers that their calls carry, and whether they are called as tasks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::cache::CacheContext;
use crate::protocol::header_arguments::HeaderArgument;
use crate::sys::lock::{Mutex, MutexGuard};

/// Information about the tools of one server.
#[derive(Default)]
pub struct ToolRegistry(Mutex<ToolEntries>);

#[derive(Default)]
struct ToolEntries {
    tools: HashMap<String, ToolInfo>,
    /// The time until which all entries are fresh, and the credentials for which they are: a call need not check each
    /// entry. `None` after a change.
    validity: Option<(Option<Instant>, Option<CacheContext>)>,
    /// All pages of `tools/list` were read: other tools do not exist.
    is_complete: bool,
    /// The tools that can be called as tasks, on servers of version 2025-11-25 with tasks. `None` until the list was
    /// read.
    task_support: Option<Arc<HashMap<String, TaskSupport>>>,
}

/// Whether a tool may or must be called as a task (2025-11-25, "Tasks": Tool-Level Negotiation). Other tools must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskSupport {
    Optional,
    Required,
}

pub struct ToolInfo {
    /// The arguments that a call repeats in headers.
    pub header_arguments: Arc<[HeaderArgument]>,
    /// The end of the list's `ttlMs`. `None`: valid until the server refuses a call for its headers.
    pub expiry: Option<Instant>,
    /// The credentials that a private list was requested with; `None` for a public list.
    pub context: Option<CacheContext>,
}

impl ToolRegistry {
    pub fn clear(&self) {
        *self.lock() = ToolEntries::default();
    }

    /// The arguments that a call of a tool repeats in headers; `None` if the tool list has to be read first.
    pub fn header_arguments(&self, name: &str, context: &CacheContext) -> Option<Arc<[HeaderArgument]>> {
        let mut entries = self.lock();
        let now = Instant::now();
        let is_valid = |expiry: Option<Instant>, owner: Option<&CacheContext>| {
            expiry.is_none_or(|expiry| now < expiry) && owner.is_none_or(|owner| owner.matches(context))
        };
        if !entries.validity.as_ref().is_some_and(|(expiry, owner)| is_valid(*expiry, owner.as_ref())) {
            if entries.tools.values().any(|tool| !is_valid(tool.expiry, tool.context.as_ref())) {
                *entries = ToolEntries::default();
                return None;
            }
            let is_private = entries.tools.values().any(|tool| tool.context.is_some());
            let expiry = entries.tools.values().filter_map(|tool| tool.expiry).min();
            entries.validity = Some((expiry, is_private.then(|| context.clone())));
        }
        let no_headers = || entries.is_complete.then(|| Arc::from([]));
        entries.tools.get(name).map(|tool| Arc::clone(&tool.header_arguments)).or_else(no_headers)
    }

    /// Records that all pages of `tools/list` were read.
    pub fn record_complete(&self) {
        self.lock().is_complete = true;
    }

    pub fn add(&self, tools: Vec<(String, ToolInfo)>) {
        let mut entries = self.lock();
        entries.tools.extend(tools);
        entries.validity = None;
    }

    pub fn task_support(&self) -> Option<Arc<HashMap<String, TaskSupport>>> {
        self.lock().task_support.clone()
    }

    pub fn record_task_support(&self, support: Arc<HashMap<String, TaskSupport>>) {
        self.lock().task_support = Some(support);
    }

    fn lock(&self) -> MutexGuard<'_, ToolEntries> {
        self.0.lock()
    }
}
