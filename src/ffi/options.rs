//! What may be set for a single call.

use super::cancel::mcp_cancel;
use super::error::mcp_error;
use super::guard::{guard, guard_quiet, live_mut};
use crate::client::CallOptions;
use crate::status::mcp_status;

/// Options of a call. NULL in their place means the defaults. One object may serve any number of
/// calls, at the same time too, as long as nobody changes it while a call uses it.
///
/// Since 0.1.0.
pub struct mcp_options {
    inner: CallOptions,
}

impl mcp_options {
    /// # Safety `options` is NULL or a live object.
    pub(super) unsafe fn call_options(options: *const mcp_options) -> CallOptions {
        // SAFETY: as the caller promises; NULL is no reference.
        unsafe { options.as_ref() }.map(|options| options.inner.clone()).unwrap_or_default()
    }
}

/// Makes options with the defaults. The caller frees them with `mcp_options_free`. Never NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_new() -> *mut mcp_options {
    Box::into_raw(Box::new(mcp_options { inner: CallOptions::default() }))
}

/// Frees options; NULL is ignored. No call may use them any more.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_free(options: *mut mcp_options) {
    guard_quiet((), || {
        if !options.is_null() {
            // SAFETY: the header says that the options were made by mcp_options_new and are not used any more.
            drop(unsafe { Box::from_raw(options) });
        }
    });
}

/// Sets the timeout of the call, in milliseconds; 0 means none. Unset: the client's.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_set_timeout(
    options: *mut mcp_options,
    timeout_ms: u64,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live object that nobody else uses now, or NULL.
    unsafe {
        guard(error, || {
            live_mut(options, "options")?.inner.timeout_ms = Some(timeout_ms);
            Ok(())
        })
    }
}

/// Sets the idle limit of the call, in milliseconds: it ends with `MCP_TIMEOUT` when that long no
/// byte comes from the server and none can be sent. 0, as at the start, means none.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_set_idle_timeout(
    options: *mut mcp_options,
    timeout_ms: u64,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live object that nobody else uses now, or NULL.
    unsafe {
        guard(error, || {
            live_mut(options, "options")?.inner.idle_ms = timeout_ms;
            Ok(())
        })
    }
}

/// Sets the token that can end the call early; NULL removes it. The options keep their own hold on
/// the token: the caller may free its own at any time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_set_cancel(
    options: *mut mcp_options,
    cancel: *mut mcp_cancel,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for live objects or NULL.
    unsafe {
        guard(error, || {
            let options = live_mut(options, "options")?;
            options.inner.cancel = cancel.as_ref().map(mcp_cancel::signal);
            Ok(())
        })
    }
}
