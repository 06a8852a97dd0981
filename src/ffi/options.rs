//! What may be set for a single call.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText, c_string, given, guard_quiet};
use super::cancel::mcp_cancel;
use super::error::mcp_error;
use super::guard::guard;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::client::{CallOptions, ProgressCallback};
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
    pub(super) fn call_options(options: Option<&mcp_options>) -> CallOptions {
        options.map(|options| options.inner.clone()).unwrap_or_default()
    }
}

/// Makes options with the defaults. The caller frees them with `mcp_options_free`. Never NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_new() -> Box<mcp_options> {
    Box::new(mcp_options { inner: CallOptions::default() })
}

/// Frees options; NULL is ignored. No call may use them any more.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_free(options: Option<Box<mcp_options>>) {
    guard_quiet((), || drop(options));
}

/// Sets the timeout of the call, in milliseconds; 0 means none. Unset: the client's.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_timeout(
    options: Option<&mut mcp_options>,
    timeout_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        given(options, "options")?.inner.timeout_ms = Some(timeout_ms);
        Ok(())
    })
}

/// Sets the idle limit of the call, in milliseconds: it ends with `MCP_TIMEOUT` when that long no
/// byte comes from the server and none can be sent. 0, as at the start, means none.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_idle_timeout(
    options: Option<&mut mcp_options>,
    timeout_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        given(options, "options")?.inner.idle_ms = timeout_ms;
        Ok(())
    })
}

/// Sets the token that can end the call early; NULL removes it. The options keep their own hold on
/// the token: the caller may free its own at any time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_cancel(
    options: Option<&mut mcp_options>,
    cancel: SharedHandle<mcp_cancel>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let options = given(options, "options")?;
        options.inner.cancel = cancel.object().map(mcp_cancel::signal);
        Ok(())
    })
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
    options: Option<&mut mcp_options>,
    progress: mcp_progress_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Made first: whatever happens now, its end runs `destroy`.
    let owner = Userdata::new(userdata, destroy);
    guard(error, || {
        let hook = progress.map(|tell| {
            let hook: Arc<ProgressCallback> =
                Arc::new(move |progress: f64, total: Option<f64>, message: Option<&str>| {
                    let message = message.map(c_string);
                    let message = message.as_ref().map_or(std::ptr::null(), |message| message.as_ptr());
                    // SAFETY: the registration promises that the callback may be called with this userdata from any thread.
                    callback::call(|| unsafe { tell(owner.pointer(), progress, total.unwrap_or(-1.0), message) });
                });
            hook
        });
        given(options, "options")?.inner.extras.progress = hook;
        Ok(())
    })
}

/// Sets members of the "_meta" of the call's requests: the text of a JSON object of `length` bytes,
/// `SIZE_MAX` for a NUL-terminated one, such as a trace context ("traceparent"); NULL means none.
/// They beat what the library puts there by itself.
///
/// Returns `MCP_INVALID_ARGUMENT` for what is no JSON object. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_meta(
    options: Option<&mut mcp_options>,
    meta: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let options = given(options, "options")?;
        options.inner.set_meta(meta.optional(length, "the _meta")?)
    })
}

/// Sets a header that the requests of the call carry; a NULL value removes it. The same rules and
/// errors as those of `mcp_set_header`, which it beats. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_header(
    options: Option<&mut mcp_options>,
    name: CText,
    value: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let options = given(options, "options")?;
        options.inner.set_header(name.required("name")?, value.optional("value")?)
    })
}
