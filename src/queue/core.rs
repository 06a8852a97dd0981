//! What the calls of a queue share: the inbox in which they are delivered, and the threads that run them.

use std::sync::Arc;

use super::inbox::Inbox;
use crate::error::{Error, Result};
use crate::status::MCP_SYSTEM_ERROR;
use crate::sys::thread_pool::{ThreadPool, Work};
use crate::sys::wake_group::WakeGroup;

/// How many calls of a queue run at the same time, unless the program sets another number.
const DEFAULT_THREADS: usize = 64;

/// The stack of a thread, in bytes. A thousand calls must not need much memory; unoptimized code needs more.
const STACK_SIZE: usize = if cfg!(debug_assertions) { 1024 * 1024 } else { 256 * 1024 };

pub struct QueueCore {
    pub inbox: Inbox,
    pub threads: ThreadPool,
    /// Wakes the threads whose calls have ended from outside.
    pub wake_group: Arc<WakeGroup>,
}

impl QueueCore {
    pub fn new() -> Result<QueueCore> {
        let threads = ThreadPool::new("mcp-queue", Some(STACK_SIZE), DEFAULT_THREADS);
        Ok(QueueCore { inbox: Inbox::new()?, threads, wake_group: Arc::default() })
    }

    /// Runs work that counts towards the number of threads. Returns whether it has to wait.
    pub fn run_counted(&self, work: Work) -> Result<bool> {
        self.threads.run_counted(work).map_err(no_thread)
    }

    /// Runs work that does not count.
    pub fn run_uncounted(&self, work: Work) -> Result<()> {
        self.threads.run(work).map_err(no_thread)
    }
}

fn no_thread(error: std::io::Error) -> Error {
    Error::new(MCP_SYSTEM_ERROR, format!("cannot create a thread for the call: {error}"))
}
