//! The ids of the current process and thread. A client that was created before `fork` must not be used in the child
//! process.

use std::os::unix::thread::JoinHandleExt;
use std::thread::JoinHandle;

/// The id of the current process. Not cached, because a fork changes it.
pub fn id() -> u32 {
    std::process::id()
}

/// Identifies a running thread. An integer, because `pthread_t` is a pointer on musl and macOS, which is not `Send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadId(usize);

impl ThreadId {
    fn of(thread: libc::pthread_t) -> ThreadId {
        // `pthread_t` is an integer or a pointer, and has the size of a pointer on all systems.
        ThreadId(thread as usize)
    }
}

/// The current thread. Rust's `thread::current` would allocate memory in each thread of the host process and keep it.
pub fn thread() -> ThreadId {
    // SAFETY: has no arguments, and cannot fail.
    ThreadId::of(unsafe { libc::pthread_self() })
}

/// Whether `handle` belongs to the current thread.
pub fn is_this_thread(handle: &JoinHandle<()>) -> bool {
    ThreadId::of(handle.as_pthread_t() as libc::pthread_t) == thread()
}
