//! The reader threads of a client.

use crate::error::{Error, Result};
use crate::status::MCP_SYSTEM_ERROR;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::process;
use crate::sys::thread::{self, Thread};

/// The reader threads of one client, running or finished.
pub struct ReaderThreads {
    threads: Mutex<Vec<Thread>>,
    /// The process that started them. After a fork, they do not exist in the child.
    process: u32,
}

impl ReaderThreads {
    pub fn new(process: u32) -> ReaderThreads {
        ReaderThreads { threads: Mutex::default(), process }
    }

    /// Runs `work` on a new thread.
    pub fn start(&self, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let started = thread::spawn("mcp-reader", work)
            .map_err(|error| Error::new(MCP_SYSTEM_ERROR, format!("cannot create a thread: {error}")))?;
        let mut threads = self.lock();
        threads.retain(|reader| !reader.is_finished());
        threads.push(started);
        Ok(())
    }

    /// Waits until all readers have finished. The caller has requested them to stop.
    pub fn join(&self) {
        let threads = std::mem::take(&mut *self.lock());
        threads.into_iter().filter(|reader| !reader.is_current()).for_each(Thread::join);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Thread>> {
        self.threads.lock()
    }
}

impl Drop for ReaderThreads {
    fn drop(&mut self) {
        if self.process != process::id() {
            // The threads do not exist in this process, so their handles must not be used.
            let threads = self.threads.get_mut();
            std::mem::forget(std::mem::take(threads));
        }
    }
}
