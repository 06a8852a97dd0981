//! The threads of the library. They block all signals, so that they run no signal handlers of the host process, and
//! print no panics.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar};
use std::thread::{Builder, JoinHandle};

use super::lock::{Mutex, wait};
use super::panics::caught;
use super::process;

thread_local! {
    /// The progress of this thread; `None` in threads of the host process.
    static WORK: RefCell<Option<WorkGuard>> = const { RefCell::new(None) };
}

// The stages of a thread's work.
const RUNNING: u8 = 0;
const DONE: u8 = 1;
/// A callback ended the thread.
const ABANDONED: u8 = 2;

/// Shared by a thread and its [`Thread`]. Not a channel, which would allocate memory in `join`.
#[derive(Default)]
struct ThreadProgress {
    /// Changed with the lock held. Atomic only for the race detector, which does not see the locking of the standard
    /// library's condition variable.
    stage: AtomicU8,
    lock: Mutex<()>,
    changed: Condvar,
}

impl ThreadProgress {
    fn set(&self, stage: u8) {
        let _guard = self.lock.lock();
        self.stage.store(stage, Ordering::Release);
        self.changed.notify_all();
    }

    /// Waits until the work is not running any more.
    fn wait(&self) -> u8 {
        let mut guard = self.lock.lock();
        loop {
            let stage = self.stage.load(Ordering::Acquire);
            if stage != RUNNING {
                return stage;
            }
            guard = wait(&self.changed, guard);
        }
    }
}

/// Marks the work as abandoned if it is dropped before `done`.
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

/// The handle of a thread of the library.
pub struct Thread {
    handle: JoinHandle<()>,
    progress: Arc<ThreadProgress>,
}

impl Thread {
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Whether this is the current thread.
    pub fn is_current(&self) -> bool {
        process::is_this_thread(&self.handle)
    }

    /// Waits until the thread's work has ended: it is done, or a callback ended the thread. A panic in the thread is
    /// ignored: it was caught there.
    pub fn join(self) {
        if self.progress.wait() == DONE {
            let _ = self.handle.join();
        }
    }
}

/// Starts a thread. A panic ends it and is not reported: code that waits for its work must notice that in another way.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    spawn_boxed(Builder::new().name(name.into()), Box::new(work))
}

/// Starts a thread with a stack of `stack_size` bytes.
pub fn spawn_with_stack(name: &str, stack_size: usize, work: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    spawn_boxed(Builder::new().name(name.into()).stack_size(stack_size), Box::new(work))
}

/// Not generic: a copy of the code that starts a thread has about 3 KB.
fn spawn_boxed(thread: Builder, work: Box<dyn FnOnce() + Send>) -> io::Result<Thread> {
    let progress = Arc::new(ThreadProgress::default());
    let work_guard = WorkGuard(Some(Arc::clone(&progress)));
    let handle = with_signals_blocked(|| {
        thread.spawn(|| {
            WORK.set(Some(work_guard));
            let _ = caught(work);
            if let Some(work) = WORK.take() {
                work.done();
            }
        })
    })?;
    Ok(Thread { handle, progress })
}

/// Suspends this thread until the process ends. Memory that it owns is not freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn suspend_forever() -> ! {
    // Fails if the thread-local variables were already destroyed.
    let _ = WORK.try_with(RefCell::take).map(drop);
    loop {
        // SAFETY: has no arguments. It returns after a signal that the host process handles.
        unsafe { libc::pause() };
    }
}

/// Calls `spawn` with all signals blocked: the new thread inherits that.
fn with_signals_blocked<T>(spawn: impl FnOnce() -> T) -> T {
    // SAFETY: an all-zero sigset_t is valid memory for sigfillset and pthread_sigmask to write to.
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
