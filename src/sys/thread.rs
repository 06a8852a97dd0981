//! The library's own threads: they handle none of the host's signals, and no panic of theirs is printed.

use std::io;
use std::thread::{Builder, JoinHandle};

use super::panics::caught;

/// Starts a thread. A panic in it ends it in silence: whoever waits for its work sees that by other means.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let thread = Builder::new().name(name.into());
    with_signals_blocked(|| {
        thread.spawn(|| {
            let _ = caught(work);
        })
    })
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
