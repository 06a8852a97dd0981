//! Ending a call from another thread.

use std::sync::Arc;

use super::guard::guard_quiet;
use crate::sys::signal::Signal;

/// A token that ends the calls whose options hold it. It works once: after `mcp_cancel_trigger`,
/// every call with this token, also a later one, returns `MCP_CANCELLED`.
///
/// A blocked call returns within 50 ms of the trigger, whatever it is waiting for. The server is
/// told as its protocol version wants it; its answer is not awaited. The client stays usable.
///
/// Since 0.1.0.
pub struct mcp_cancel {
    signal: Arc<Signal>,
}

impl mcp_cancel {
    pub(super) fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.signal)
    }
}

/// Makes a token. The caller frees it with `mcp_cancel_free`. NULL when the system gives no more
/// descriptors.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_new() -> *mut mcp_cancel {
    guard_quiet(std::ptr::null_mut(), || match Signal::new() {
        Ok(signal) => Box::into_raw(Box::new(mcp_cancel { signal: Arc::new(signal) })),
        Err(_) => std::ptr::null_mut(),
    })
}

/// Triggers a token; NULL is ignored, and so is a second time. Any thread, any time; also from a
/// signal handler (async-signal-safe, errno is kept).
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_cancel_trigger(cancel: *mut mcp_cancel) {
    // No guard: a signal handler may run it, and there is nothing in it that could panic.
    // SAFETY: the header asks for a live token or NULL.
    if let Some(cancel) = unsafe { cancel.as_ref() } {
        cancel.signal.raise();
    }
}

/// Frees the caller's hold on a token; NULL is ignored. Options and calls that hold it keep it
/// alive for themselves. The caller must be sure that no thread is about to trigger it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_cancel_free(cancel: *mut mcp_cancel) {
    guard_quiet((), || {
        if !cancel.is_null() {
            // SAFETY: the header says that the token was made by mcp_cancel_new and is not used any more.
            drop(unsafe { Box::from_raw(cancel) });
        }
    });
}
