//! Which process this is, for a client made before `fork` must not be used in the child; and which thread.

use std::os::unix::thread::JoinHandleExt;
use std::thread::JoinHandle;

/// The process id, asked for each time (libc keeps no copy, and a fork changes it).
pub fn id() -> u32 {
    std::process::id()
}

/// A thread, as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(libc::pthread_t);

/// The thread that asks. Rust's own `thread::current` would leave an allocation behind on each of the host's threads.
pub fn thread() -> ThreadId {
    // SAFETY: takes nothing, and cannot fail.
    ThreadId(unsafe { libc::pthread_self() })
}

/// Whether it is the asking thread that `handle` would wait for.
pub fn is_this_thread(handle: &JoinHandle<()>) -> bool {
    ThreadId(handle.as_pthread_t() as libc::pthread_t) == thread()
}
