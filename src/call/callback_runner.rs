//! Where the application's callbacks run that may wait for a person or a network: not on the thread of a call, which
//! must notice that the call was cancelled or its client closed.

use std::sync::Arc;

use super::callback_scope::in_same_callbacks;
use crate::error::{Error, Result};
use crate::status::{MCP_SYSTEM_ERROR, Status};
use crate::sys::thread_pool::{ThreadPool, Work};

/// Ends what a call waits for, with the status by which the call has ended.
pub type EndHook = dyn Fn(Status) + Send + Sync;

/// Runs callbacks of calls.
pub trait CallbackRunner: Send + Sync {
    /// Runs a callback that may take long, soon and on another thread. If it never runs, it is dropped.
    fn run(&self, callback: Work) -> Result<()>;

    /// Runs a callback that returns at once: soon, or on this thread.
    fn notify(&self, callback: Work);

    /// Runs work that starts a callback and waits for it, on a thread of the library.
    fn start_waiting(&self, work: Work) -> Result<()>;

    /// Runs `wait`, which waits for a callback on the thread of a call. Meanwhile, other calls may use its place.
    fn while_waiting(&self, wait: &mut dyn FnMut());

    /// Sets what to run if the call is ended from outside while it waits for a callback: before its end is delivered.
    fn set_end_hook(&self, _hook: Option<Arc<EndHook>>) {}
}

/// The threads for the callbacks of one client, for calls that do not belong to a queue.
pub struct CallbackThreads(ThreadPool);

impl Default for CallbackThreads {
    fn default() -> CallbackThreads {
        CallbackThreads(ThreadPool::new("mcp-callback", None, usize::MAX))
    }
}

impl CallbackThreads {
    /// Ends the threads that run no callback. Does not wait for the others: a callback may never return.
    pub fn shut_down(&self) {
        self.0.stop();
        self.0.join_idle();
    }
}

impl CallbackRunner for CallbackThreads {
    fn run(&self, callback: Work) -> Result<()> {
        self.0
            .run(in_same_callbacks(callback))
            .map_err(|error| Error::new(MCP_SYSTEM_ERROR, format!("cannot create a thread for a callback: {error}")))
    }

    fn notify(&self, callback: Work) {
        callback();
    }

    fn start_waiting(&self, work: Work) -> Result<()> {
        self.run(work)
    }

    fn while_waiting(&self, wait: &mut dyn FnMut()) {
        wait();
    }
}
