//! Cancel tokens.

use std::sync::Arc;

use super::c_types::{SharedHandle, guard_quiet};
use crate::sys::pollable_event::PollableEvent;

/// `mcp_cancel` is a token that cancels the calls whose options contain it. It works once: after
/// `mcp_cancel_trigger`, every current and later call with this token fails with `MCP_CANCELLED`,
/// except one that does not have to wait, such as a call that is answered from the cache.
///
/// A blocked call returns within 50 ms of the trigger, regardless of what it waits for, unless a
/// callback of the application runs. The server is notified as its protocol version requires; the
/// client does not wait for its response. The client stays usable.
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

/// Creates a token, which the caller frees with `mcp_cancel_free`. Returns NULL if no file
/// descriptor is available.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_new() -> Option<Box<mcp_cancel>> {
    guard_quiet(None, || PollableEvent::new().ok().map(|signal| Box::new(mcp_cancel { signal: Arc::new(signal) })))
}

/// Triggers a token; NULL is ignored. A second call has no effect.
///
/// Thread-safe. It may also be called from a signal handler: it is async-signal-safe and preserves
/// errno. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_trigger(cancel: SharedHandle<mcp_cancel>) {
    // No guard: a signal handler may call this, and nothing in it can panic.
    if let Some(cancel) = cancel.object() {
        cancel.signal.set();
    }
}

/// Frees the caller's reference to a token; NULL is ignored. Options and calls that contain the
/// token keep it alive. The caller must make sure that no thread is about to trigger it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_free(cancel: Option<Box<mcp_cancel>>) {
    guard_quiet((), || drop(cancel));
}
