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

/// If more calls than this are in flight, their threads are woken later: they would delay the program, which is about
/// to dispatch the ends of the calls, and each wake-up wakes all of them.
const FEW_THREADS: usize = 16;

/// How much later.
const WAKE_DELAY: Duration = Duration::from_millis(10);

pub struct QueueCore {
    pub inbox: Inbox,
    pub threads: ThreadPool,
    /// Wakes the threads whose calls have ended from outside.
    pub wake_group: Arc<WakeGroup>,
    /// Threads are to be woken.
    wake_is_due: AtomicBool,
    is_freed: AtomicBool,
}

impl QueueCore {
    pub fn new() -> Result<QueueCore> {
        let threads = ThreadPool::new("mcp-queue", Some(STACK_SIZE), DEFAULT_THREADS);
        Ok(QueueCore {
            inbox: Inbox::new()?,
            threads,
            wake_group: Arc::default(),
            wake_is_due: AtomicBool::new(false),
            is_freed: AtomicBool::new(false),
        })
    }

    /// The program has freed the queue: nothing more is delivered.
    pub fn set_freed(&self) {
        self.is_freed.store(true, Ordering::SeqCst);
    }

    pub fn is_freed(&self) -> bool {
        self.is_freed.load(Ordering::SeqCst)
    }

    /// Wakes the threads of calls that have ended from outside: at once if few calls are in flight, and otherwise a
    /// little later, once for all that end meanwhile.
    pub fn wake_threads(self: &Arc<Self>, in_flight: usize) {
        if in_flight <= FEW_THREADS {
            return self.wake_group.wake();
        }
        if self.wake_is_due.swap(true, Ordering::SeqCst) {
            return;
        }
        let own = Arc::clone(self);
        let wake_later = move || {
            // Nothing interrupts it.
            let _ = WaitContext::default().wait_any(&[], Some(WAKE_DELAY));
            own.wake_if_due();
        };
        if self.threads.run(Box::new(wake_later)).is_err() {
            self.wake_if_due();
        }
    }

    fn wake_if_due(&self) {
        self.wake_is_due.store(false, Ordering::SeqCst);
        self.wake_group.wake();
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
