//! Which process this is, for a client made before `fork` must not be used in the child; and which thread.

use std::os::unix::thread::JoinHandleExt;
use std::thread::JoinHandle;

/// The process id, asked for each time (libc keeps no copy, and a fork changes it).
pub fn id() -> u32 {
    std::process::id()
}

/// A thread, as long as it runs. A number: musl and macOS have a pointer, which could not go to another thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(usize);

impl ThreadId {
    fn of(thread: libc::pthread_t) -> ThreadId {
        // As large as a pointer everywhere, and mostly a number already.
        ThreadId(thread as usize)
    }
}

/// The thread that asks. Rust's own `thread::current` would leave an allocation behind on each of the host's threads.
pub fn thread() -> ThreadId {
    // SAFETY: takes nothing, and cannot fail.
    ThreadId::of(unsafe { libc::pthread_self() })
}

/// Whether it is the asking thread that `handle` would wait for.
pub fn is_this_thread(handle: &JoinHandle<()>) -> bool {
    ThreadId::of(handle.as_pthread_t() as libc::pthread_t) == thread()
}
