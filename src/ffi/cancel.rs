//! Cancel tokens.

use std::sync::Arc;

use super::c_types::{SharedHandle, guard_quiet};
use crate::sys::pollable_event::PollableEvent;

/// `mcp_cancel` is a token that cancels the calls whose options contain it: after
/// `mcp_cancel_trigger`, every current and later call with this token fails with `MCP_CANCELLED`,
/// except one that does not have to wait, such as a call that is answered from the cache.
///
/// A blocked call returns within 50 ms of the trigger, regardless of what it waits for, unless a
/// callback of the application runs on its thread (for progress, changes, the log, a store or an
/// assertion). To cancel the calls of a queue, `mcp_queue_cancel` is usually simpler. The server is
/// notified as its protocol version requires; the client does not wait for its response. The client
/// stays usable.
///
/// A token has a file descriptor from the first time that a call waits with it. If none is
/// available then, the call fails with `MCP_SYSTEM_ERROR`.
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

/// Creates a token, which the caller frees with `mcp_cancel_free`. The result is never NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_new() -> Box<mcp_cancel> {
    Box::new(mcp_cancel { signal: Arc::default() })
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

/// Returns whether a token is triggered; false for NULL.
///
/// Thread-safe. It may also be called from a signal handler. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_is_triggered(cancel: Option<&mcp_cancel>) -> bool {
    cancel.is_some_and(|cancel| cancel.signal.is_set())
}

/// Makes a triggered token usable again, for later calls and for options that contain it; NULL is
/// ignored. For a program that cancels the current call on Ctrl-C, and continues: the signal
/// handler triggers the token, and the program resets it when the call has returned.
///
/// Reset it when all calls that it cancels have returned: a call that has not noticed the trigger
/// yet continues. If another thread triggers it at the same time, it is triggered or not afterwards.
///
/// Thread-safe, but not for signal handlers. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_reset(cancel: SharedHandle<mcp_cancel>) {
    guard_quiet((), || {
        if let Some(cancel) = cancel.object() {
            cancel.signal.reset();
        }
    });
}

/// Frees the caller's reference to a token; NULL is ignored. Options and calls that contain the
/// token keep it alive. The caller must make sure that no thread is about to trigger it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_free(cancel: Option<Box<mcp_cancel>>) {
    guard_quiet((), || drop(cancel));
}
