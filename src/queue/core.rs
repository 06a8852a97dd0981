//! What the calls of a queue share: the inbox in which they are delivered, and the threads that run them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::inbox::Inbox;
use crate::error::{Error, Result};
use crate::status::MCP_SYSTEM_ERROR;
use crate::sys::thread_pool::{ThreadPool, Work};
use crate::sys::wait::WaitContext;
use crate::sys::wake_group::WakeGroup;

/// How many calls of a queue run at the same time, unless the program sets another number.
const DEFAULT_THREADS: usize = 64;

/// The stack of a thread, in bytes. A thousand calls must not need much memory; unoptimized code needs more.
const STACK_SIZE: usize = if cfg!(debug_assertions) { 1024 * 1024 } else { 256 * 1024 };

/// More threads than this are woken later: they would delay the program, which is about to dispatch the ends of their
/// calls.
const FEW_THREADS: usize = 16;

/// How long they are not woken if the program does not dispatch.
const WAKE_DELAY: Duration = Duration::from_millis(10);

pub struct QueueCore {
    pub inbox: Inbox,
    pub threads: ThreadPool,
    /// Wakes the threads whose calls have ended from outside.
    pub wake_group: Arc<WakeGroup>,
    /// Threads are to be woken.
    wake_is_due: AtomicBool,
}

impl QueueCore {
    pub fn new() -> Result<QueueCore> {
        let threads = ThreadPool::new("mcp-queue", Some(STACK_SIZE), DEFAULT_THREADS);
        Ok(QueueCore { inbox: Inbox::new()?, threads, wake_group: Arc::default(), wake_is_due: AtomicBool::new(false) })
    }

    /// Wakes the threads of calls that have ended from outside: few at once, and many when the program has dispatched
    /// their ends.
    pub fn wake_threads(self: &Arc<Self>, count: usize) {
        self.wake_is_due.store(true, Ordering::SeqCst);
        let own = Arc::clone(self);
        let wake_later = move || {
            // Nothing interrupts it.
            let _ = WaitContext::default().wait_any(&[], Some(WAKE_DELAY));
            own.wake_if_due();
        };
        if count <= FEW_THREADS || self.threads.run(Box::new(wake_later)).is_err() {
            self.wake_if_due();
        }
    }

    /// Wakes the threads that wait for it.
    pub fn wake_if_due(&self) {
        if self.wake_is_due.swap(false, Ordering::SeqCst) {
            self.wake_group.wake();
        }
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
