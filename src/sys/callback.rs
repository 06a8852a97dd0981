//! Calls callbacks of the host process, and handles callbacks that end their thread.
//!
//! CPython before 3.14 calls `pthread_exit` in a thread that enters the interpreter while that is shutting down. glibc
//! then unwinds the whole stack (a forced unwind, which must not be stopped), and Rust aborts the process where it
//! would catch a panic. So the thread is suspended before the first stack frame of the library is unwound: it sleeps
//! until the process ends, as such threads do in CPython 3.14.
//!
//! This is done in a cleanup handler of the thread, not in a `drop`: a C++ exception that leaves a callback calls
//! `drop`, too. Such an exception is a bug of the host, and aborts the process instead of suspending the thread.
//!
//! musl and macOS do not unwind: the thread ends, and no more code of the library runs in it.

/// Calls a callback. `callback` only calls the function pointer, and must not panic. It is `Copy`, so that it owns
/// nothing that must be dropped.
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

    // pthread.h has only macros for C compilers, but these functions are part of the ABI (Linux Standard Base,
    // libpthread).
    unsafe extern "C" {
        fn _pthread_cleanup_push(
            buffer: *mut CleanupBuffer,
            routine: unsafe extern "C" fn(*mut c_void),
            argument: *mut c_void,
        );
        fn _pthread_cleanup_pop(buffer: *mut CleanupBuffer, execute: c_int);
    }

    unsafe extern "C" fn suspend(_: *mut c_void) {
        thread::suspend_forever();
    }

    /// glibc runs the handler after the stack frame that contains the buffer is unwound, and before that of its caller.
    /// So this function is not inlined, and owns nothing that must be dropped.
    #[inline(never)]
    pub fn call(callback: impl FnOnce() + Copy) {
        let mut buffer = MaybeUninit::<CleanupBuffer>::uninit();
        // SAFETY: the buffer is not moved before it is removed from the thread's list below; `suspend` may be called
        // with NULL.
        unsafe { _pthread_cleanup_push(buffer.as_mut_ptr(), suspend, null_mut()) };
        callback();
        // SAFETY: this is the last buffer that the thread pushed: callbacks nest, and must not be left by longjmp or an
        // exception.
        unsafe { _pthread_cleanup_pop(buffer.as_mut_ptr(), 0) };
    }
}
