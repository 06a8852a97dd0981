//! Calls of the host's callbacks, and what becomes of a thread that such a callback ends.
//!
//! CPython before 3.14 ends a thread with `pthread_exit` when the thread enters the interpreter while that is shutting down. glibc
//! unwinds the whole stack then (a forced unwind, which nothing may stop), and Rust aborts the process where it would catch a
//! panic. So the thread is stopped before the first of the library's frames is unwound: it sleeps until the process ends, as such
//! threads do in CPython 3.14.
//!
//! What is registered is a cleanup handler of the thread, and no value whose drop does it: a C++ exception that leaves a callback
//! runs drops as well. That is a bug of the host, and aborts the process instead of hanging the thread.
//!
//! musl and macOS do not unwind: the thread ends there, and no code of the library runs on it any more.

/// Calls a callback. `Copy`, so that it owns nothing that would have to be dropped: it calls the function pointer and does nothing
/// else. It must not panic.
pub fn call(callback: impl FnOnce() + Copy) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::call(callback);
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    callback();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    use std::ffi::{c_int, c_void};
    use std::mem::MaybeUninit;
    use std::ptr::null_mut;

    use crate::sys::thread;

    /// `struct _pthread_cleanup_buffer` of pthread.h.
    #[repr(C)]
    struct CleanupBuffer {
        routine: Option<unsafe extern "C" fn(*mut c_void)>,
        argument: *mut c_void,
        cancel_type: c_int,
        previous: *mut CleanupBuffer,
    }

    // Not in pthread.h any more, whose macros are for C compilers; part of the ABI all the same (Linux Standard Base, libpthread).
    unsafe extern "C" {
        fn _pthread_cleanup_push(
            buffer: *mut CleanupBuffer,
            routine: unsafe extern "C" fn(*mut c_void),
            argument: *mut c_void,
        );
        fn _pthread_cleanup_pop(buffer: *mut CleanupBuffer, execute: c_int);
    }

    unsafe extern "C" fn stop(_: *mut c_void) {
        thread::stop_for_ever();
    }

    /// glibc runs the handler when the frame that holds the buffer has been unwound, and before the caller's is looked at. So this
    /// is a frame of its own, and has nothing to drop.
    #[inline(never)]
    pub fn call(callback: impl FnOnce() + Copy) {
        let mut buffer = MaybeUninit::<CleanupBuffer>::uninit();
        // SAFETY: the buffer stays where it is until it is taken off the thread's list below; `stop` may be called with NULL.
        unsafe { _pthread_cleanup_push(buffer.as_mut_ptr(), stop, null_mut()) };
        callback();
        // SAFETY: the last buffer that this thread pushed: callbacks nest, and none is left by longjmp or an exception.
        unsafe { _pthread_cleanup_pop(buffer.as_mut_ptr(), 0) };
    }
}
