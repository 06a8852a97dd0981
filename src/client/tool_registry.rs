//! What is known of the tools of a server: which headers calls of them want, and which are called as tasks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::cache::CacheContext;
use crate::protocol::header_arguments::HeaderArgument;
use crate::sys::lock::{Mutex, MutexGuard};

/// What is known of the tools of one server.
#[derive(Default)]
pub struct ToolRegistry(Mutex<ToolEntries>);

#[derive(Default)]
struct ToolEntries {
    tools: HashMap<String, ToolInfo>,
    /// Until when, and with which credentials if they matter, all of them can be used: a call does not look at each.
    usable: Option<(Option<Instant>, Option<CacheContext>)>,
    /// All pages were read; a tool that is not among them does not exist.
    is_complete: bool,
    /// Whether tools are called as tasks, on servers of 2025-11-25 that have tasks.
    task_support: Option<Arc<HashMap<String, TaskSupport>>>,
}

/// Whether a tool may or must be called as a task (2025-11-25, "Tasks": Tool-Level Negotiation). What says nothing may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskSupport {
    Optional,
    Required,
}

pub struct ToolInfo {
    pub wanted: Arc<[HeaderArgument]>,
    /// Where the server says how long its list is fresh. Otherwise it is kept until a call is refused for its headers.
    pub until: Option<Instant>,
    /// What a private list was asked for with.
    pub context: Option<CacheContext>,
}

impl ToolRegistry {
    pub fn forget(&self) {
        *self.lock() = ToolEntries::default();
    }

    /// The headers that a call of a tool wants; `None` where that is not known.
    pub fn wanted(&self, name: &str, context: &CacheContext) -> Option<Arc<[HeaderArgument]>> {
        let mut known = self.lock();
        let now = Instant::now();
        let is_usable = |until: Option<Instant>, theirs: Option<&CacheContext>| {
            until.is_none_or(|until| now < until) && theirs.is_none_or(|theirs| theirs.is(context))
        };
        if !known.usable.as_ref().is_some_and(|(until, theirs)| is_usable(*until, theirs.as_ref())) {
            if known.tools.values().any(|tool| !is_usable(tool.until, tool.context.as_ref())) {
                *known = ToolEntries::default();
                return None;
            }
            let is_private = known.tools.values().any(|tool| tool.context.is_some());
            let until = known.tools.values().filter_map(|tool| tool.until).min();
            known.usable = Some((until, is_private.then(|| context.clone())));
        }
        let unknown = || known.is_complete.then(|| Arc::from([]));
        known.tools.get(name).map(|tool| Arc::clone(&tool.wanted)).or_else(unknown)
    }

    /// All pages have been read.
    pub fn record_complete(&self) {
        self.lock().is_complete = true;
    }

    pub fn note(&self, tools: Vec<(String, ToolInfo)>) {
        let mut known = self.lock();
        known.tools.extend(tools);
        known.usable = None;
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
