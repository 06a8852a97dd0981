//! Ending a call from another thread.

use std::sync::Arc;

use super::c_types::{SharedHandle, guard_quiet};
use crate::sys::pollable_event::PollableEvent;

/// A token that ends the calls whose options hold it. It works once: after `mcp_cancel_trigger`,
/// every call with this token, also a later one, returns `MCP_CANCELLED`.
///
/// A blocked call returns within 50 ms of the trigger, whatever it is waiting for. The server is
/// told as its protocol version wants it; its answer is not awaited. The client stays usable.
///
/// Since 0.1.0.
pub struct mcp_cancel {
    signal: Arc<PollableEvent>,
}

impl mcp_cancel {
    pub(super) fn signal(&self) -> Arc<PollableEvent> {
        Arc::clone(&self.signal)
    }
}

/// Makes a token. The caller frees it with `mcp_cancel_free`. NULL when the system gives no more
/// descriptors.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_new() -> Option<Box<mcp_cancel>> {
    guard_quiet(None, || PollableEvent::new().ok().map(|signal| Box::new(mcp_cancel { signal: Arc::new(signal) })))
}

/// Triggers a token; NULL is ignored, and so is a second time. Any thread, any time; also from a
/// signal handler (async-signal-safe, errno is kept).
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_trigger(cancel: SharedHandle<mcp_cancel>) {
    // No guard: a signal handler may run it, and there is nothing in it that could panic.
    if let Some(cancel) = cancel.object() {
        cancel.signal.set();
    }
}

/// Frees the caller's hold on a token; NULL is ignored. Options and calls that hold it keep it
/// alive for themselves. The caller must be sure that no thread is about to trigger it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_free(cancel: Option<Box<mcp_cancel>>) {
    guard_quiet((), || drop(cancel));
}
