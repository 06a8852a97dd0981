//! The ids of the current process and thread. A client that was created before `fork` must not be used in the child
//! process.

use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;

/// The id of the current process; zero if it is not known, which a fork makes it in the child.
static CACHED_ID: AtomicU32 = AtomicU32::new(0);

/// The id of the current process. Cached, because each call of the application needs it, and the system call takes
/// 130 ns. A child that was not created by `fork`, but by a raw system call, must not use this library.
pub fn id() -> u32 {
    match CACHED_ID.load(Ordering::Relaxed) {
        0 => cache_id(),
        id => id,
    }
}

/// Reads the id of the current process, and caches it if a fork clears the cache.
#[cold]
fn cache_id() -> u32 {
    // Not a lock: a child in which another thread had locked it would wait forever.
    static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
    static IS_CLEARED_BY_FORK: AtomicBool = AtomicBool::new(false);
    let id = std::process::id();
    if !HAS_BEGUN.swap(true, Ordering::Relaxed) {
        // SAFETY: the handler is valid as long as this library is loaded, and only stores an atomic value.
        let outcome = unsafe { libc::pthread_atfork(None, None, Some(clear_cached_id)) };
        IS_CLEARED_BY_FORK.store(outcome == 0, Ordering::Release);
    }
    if IS_CLEARED_BY_FORK.load(Ordering::Acquire) {
        CACHED_ID.store(id, Ordering::Relaxed);
    }
    id
}

extern "C" fn clear_cached_id() {
    CACHED_ID.store(0, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_child_of_a_fork_has_its_own_id() {
        assert_eq!((id(), id()), (std::process::id(), std::process::id()));
        // SAFETY: the child calls only functions that are safe after a fork of a process with threads.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let has_own_id = id() == std::process::id() && id() == std::process::id();
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(i32::from(!has_own_id)) }
        }
        let mut status = -1;
        // SAFETY: the status is a valid variable.
        let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!((ended, status), (child, 0));
    }
}
