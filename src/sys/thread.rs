//! The library's own threads: they handle none of the host's signals, and no panic of theirs is printed.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar};
use std::thread::{Builder, JoinHandle};

use super::lock::{Mutex, wait};
use super::panics::caught;
use super::process;

thread_local! {
    /// The work of this thread. `None` on threads of the host.
    static WORK: RefCell<Option<WorkGuard>> = const { RefCell::new(None) };
}

/// How far the work of a thread is.
const RUNNING: u8 = 0;
const DONE: u8 = 1;
/// A callback has ended the thread.
const ABANDONED: u8 = 2;

/// No channel: that would allocate where it waits.
#[derive(Default)]
struct ThreadProgress {
    /// Changed with the lock held. Atomic all the same: the race detector does not see what the standard library's condition variable
    /// locks.
    stage: AtomicU8,
    lock: Mutex<()>,
    changed: Condvar,
}

impl ThreadProgress {
    fn set(&self, stage: u8) {
        let _held = self.lock.lock();
        self.stage.store(stage, Ordering::Release);
        self.changed.notify_all();
    }

    /// Waits while the work is running.
    fn wait(&self) -> u8 {
        let mut held = self.lock.lock();
        loop {
            let stage = self.stage.load(Ordering::Acquire);
            if stage != RUNNING {
                return stage;
            }
            held = wait(&self.changed, held);
        }
    }
}

/// Abandoned when it is dropped before it is done.
struct WorkGuard(Option<Arc<ThreadProgress>>);

impl WorkGuard {
    fn done(mut self) {
        if let Some(progress) = self.0.take() {
            progress.set(DONE);
        }
    }
}

impl Drop for WorkGuard {
    fn drop(&mut self) {
        if let Some(progress) = self.0.take() {
            progress.set(ABANDONED);
        }
    }
}

/// A thread of the library's own.
pub struct Thread {
    handle: JoinHandle<()>,
    progress: Arc<ThreadProgress>,
}

impl Thread {
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Whether this thread is the one that asks.
    pub fn is_current(&self) -> bool {
        process::is_this_thread(&self.handle)
    }

    /// Waits until nothing of the thread's work runs any more: it is done, or a callback has ended the thread. A panic in it was
    /// dealt with.
    pub fn join(self) {
        if self.progress.wait() == DONE {
            let _ = self.handle.join();
        }
    }
}

/// Starts a thread. A panic in it ends it in silence: whoever waits for its work sees that by other means.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    let thread = Builder::new().name(name.into());
    let progress = Arc::new(ThreadProgress::default());
    let of_thread = WorkGuard(Some(Arc::clone(&progress)));
    let handle = with_signals_blocked(|| {
        thread.spawn(|| {
            WORK.set(Some(of_thread));
            let _ = caught(work);
            if let Some(work) = WORK.take() {
                work.done();
            }
        })
    })?;
    Ok(Thread { handle, progress })
}

/// Stops this thread until the process ends; what it owns is not freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn stop_for_ever() -> ! {
    // Fails where the thread's variables are gone already.
    let _ = WORK.try_with(RefCell::take).map(drop);
    loop {
        // SAFETY: takes nothing; it returns after a signal that the host handles.
        unsafe { libc::pause() };
    }
}

/// Runs `spawn` with every signal blocked, so that the thread it makes inherits that.
fn with_signals_blocked<T>(spawn: impl FnOnce() -> T) -> T {
    // SAFETY: an all-zero sigset_t is a valid place for sigfillset and pthread_sigmask to write to.
    let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = unsafe { std::mem::zeroed() };
    // SAFETY: both sets are valid for reading and writing.
    unsafe {
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
    }
    let result = spawn();
    // SAFETY: `before` was filled by the call above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) };
    result
}
