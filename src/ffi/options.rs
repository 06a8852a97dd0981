//! What may be set for a single call.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::cancel::mcp_cancel;
use super::error::mcp_error;
use super::guard::{guard, guard_quiet, live_mut};
use super::text::{c_string, optional_text, optional_text_of_length, text};
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::client::{CallOptions, Progress};
use crate::status::mcp_status;
use crate::sys::callback;

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

/// Receives how far an operation has come: `progress` grows with each call, `total` is where it
/// ends, or negative where the server does not know, and `message` is what the server says of it,
/// or NULL. The text is gone when the callback returns.
///
/// Called on the thread of the call, no lock held; its time counts against no timeout. It may make
/// calls, on this client as well. No exception and no longjmp may leave it.
pub type mcp_progress_fn =
    Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, progress: f64, total: f64, message: *const c_char)>;

/// Asks the server to tell how far it has come, and sets the callback that is told (specification
/// 2026-07-28, "Progress"). NULL, as at the start, asks for nothing.
///
/// `userdata` is handed to the callback as it is, and to `destroy`, which may be NULL, when neither
/// the options nor a call needs it any more.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_set_progress(
    options: *mut mcp_options,
    progress: mcp_progress_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // Made first: whatever happens now, its end runs `destroy`.
    let owner = Userdata::new(userdata, destroy);
    // SAFETY: the header asks for a live object that nobody else uses now, or NULL.
    unsafe {
        guard(error, || {
            let hook = progress.map(|tell| {
                let hook: Arc<Progress> = Arc::new(move |progress: f64, total: Option<f64>, message: Option<&str>| {
                    let message = message.map(c_string);
                    let message = message.as_ref().map_or(std::ptr::null(), |message| message.as_ptr());
                    // SAFETY: the registration promises that the callback may be called with this userdata from any thread.
                    callback::call(|| tell(owner.pointer(), progress, total.unwrap_or(-1.0), message));
                });
                hook
            });
            live_mut(options, "options")?.inner.extras.progress = hook;
            Ok(())
        })
    }
}

/// Sets members of the "_meta" of the call's requests: the text of a JSON object of `length` bytes,
/// `SIZE_MAX` for a NUL-terminated one, such as a trace context ("traceparent"); NULL means none.
/// They beat what the library puts there by itself.
///
/// Returns `MCP_INVALID_ARGUMENT` for what is no JSON object. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_set_meta(
    options: *mut mcp_options,
    meta: *const c_char,
    length: usize,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live object that nobody else uses now, and a readable text, or NULL.
    unsafe {
        guard(error, || {
            let options = live_mut(options, "options")?;
            options.inner.set_meta(optional_text_of_length(meta, length, "the _meta")?)
        })
    }
}

/// Sets a header that the requests of the call carry; a NULL value removes it. The same rules and
/// errors as those of `mcp_set_header`, which it beats. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_set_header(
    options: *mut mcp_options,
    name: *const c_char,
    value: *const c_char,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live object that nobody else uses now, and NUL-terminated texts, or NULL.
    unsafe {
        guard(error, || {
            let options = live_mut(options, "options")?;
            options.inner.set_header(text(name, "name")?, optional_text(value, "value")?)
        })
    }
}
