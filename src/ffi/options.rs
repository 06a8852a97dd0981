//! Options of a call.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText, c_string, guard_quiet, not_null};
use super::cancel::mcp_cancel;
use super::error::mcp_error;
use super::guard::guard;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::client::{CallOptions, ProgressCallback};
use crate::queue::QueueTarget;
use crate::status::mcp_status;
use crate::sys::callback;

/// `mcp_options` contains the options of a call; NULL means the defaults. One object may be used
/// for any number of calls, also at the same time, as long as no thread changes it while a
/// call blocks or is submitted.
///
/// Since 0.1.0.
#[derive(Clone, Default)]
pub struct mcp_options {
    inner: CallOptions,
    /// The queue of the calls; `None` if they block.
    queue: Option<QueueTarget>,
}

impl mcp_options {
    pub(super) fn queue_target(&self) -> Option<&QueueTarget> {
        self.queue.as_ref()
    }

    /// Sets the queue of the calls; drops the old one.
    pub(super) fn set_queue_target(&mut self, target: Option<QueueTarget>) {
        self.queue = target;
    }

    pub(super) fn call_options(options: Option<&mcp_options>) -> CallOptions {
        options.map(|options| options.inner.clone()).unwrap_or_default()
    }
}

/// Creates options with the defaults, which the caller frees with `mcp_options_free`. The result is
/// never NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_new() -> Box<mcp_options> {
    Box::default()
}

/// Returns a copy of options, for example of a template with headers and timeouts that a call adds
/// to; new options for NULL. The caller frees it with `mcp_options_free`. The result is never NULL.
///
/// The copy has everything that was set, also the cancel token and the callbacks. Both share the
/// `userdata` of a callback: `destroy` runs when neither of them, nor a call, needs it.
///
/// Several threads may copy the same options, while no thread changes them. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_copy(options: Option<&mcp_options>) -> Box<mcp_options> {
    Box::new(options.cloned().unwrap_or_default())
}

/// Frees options; NULL is ignored. No blocking call may use them any more; calls of
/// queues have a copy.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_free(options: Option<Box<mcp_options>>) {
    guard_quiet((), || drop(options));
}

/// Sets the timeout of the call, in milliseconds; 0 means none. Default: the client's timeout
/// (`mcp_set_timeout`).
///
/// No other thread may use the options meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_timeout(
    options: Option<&mut mcp_options>,
    timeout_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        not_null(options, "options")?.inner.timeout_ms = Some(timeout_ms);
        Ok(())
    })
}

/// Sets the idle timeout of the call, in milliseconds: the call fails with `MCP_TIMEOUT` if it
/// waits this long without receiving a byte or, while it sends, without being able to send one. 0
/// means none. Default: the client's idle timeout (`mcp_set_idle_timeout`).
///
/// No other thread may use the options meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_idle_timeout(
    options: Option<&mut mcp_options>,
    timeout_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        not_null(options, "options")?.inner.idle_ms = Some(timeout_ms);
        Ok(())
    })
}

/// Sets the token that can cancel the call; NULL removes it. The options keep a reference to the
/// token: the caller may free its own at any time.
///
/// No other thread may use the options meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_cancel(
    options: Option<&mut mcp_options>,
    cancel: SharedHandle<mcp_cancel>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let options = not_null(options, "options")?;
        options.inner.cancel = cancel.object().map(mcp_cancel::signal);
        Ok(())
    })
}

/// Receives the progress of a call, and returns whether the call continues: false ends it with
/// `MCP_CANCELLED`, in the same way as a cancel token. `progress` increases with each notification;
/// `total` is its value at completion, or negative if the server does not know it; `message` is the
/// server's message, or NULL. The text is valid until the callback returns.
///
/// It runs in `mcp_queue_dispatch` if the call is queued, and then receives only the newest
/// progress; otherwise on the thread of the call. No lock is held. It may use the library, and make
/// calls on the same client. Its time does not count against any timeout. It must not throw an
/// exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_progress_fn = Option<
    unsafe extern "C-unwind" fn(userdata: *mut c_void, progress: f64, total: f64, message: *const c_char) -> bool,
>;

/// Requests progress notifications from the server, and sets the callback that receives them
/// (specification 2026-07-28, "Progress"). NULL requests none (the default).
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when neither the
/// options nor a call needs it: see `mcp_destroy_fn`.
///
/// No other thread may use the options meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_set_progress(
    options: Option<&mut mcp_options>,
    progress: mcp_progress_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    guard(error, || {
        let hook = progress.map(|progress_fn| {
            let hook: Arc<ProgressCallback> =
                Arc::new(move |progress: f64, total: Option<f64>, message: Option<&str>| {
                    let message = message.map(c_string);
                    let message = message.as_ref().map_or(std::ptr::null(), |message| message.as_ptr());
                    let total = total.unwrap_or(-1.0);
                    let continues = Cell::new(true);
                    // SAFETY: the header requires that the callback may be called with this userdata from any thread.
                    callback::call(|| continues.set(unsafe { progress_fn(owner.pointer(), progress, total, message) }));
                    continues.get()
                });
            hook
        });
        not_null(options, "options")?.inner.extras.progress = hook;
        Ok(())
    })
}

/// Sets members of the "_meta" of the call's requests, for example a trace context ("traceparent").
/// `meta` is the text of a JSON object of `length` bytes, or NUL-terminated if `length` is
/// `MCP_NUL_TERMINATED`; NULL means none. They override the members that the library sets.
///
/// Returns `MCP_INVALID_ARGUMENT` if `meta` is not a JSON object.
///
/// No other thread may use the options meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_meta(
    options: Option<&mut mcp_options>,
    meta: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let options = not_null(options, "options")?;
        options.inner.set_meta(meta.optional(length, "the _meta")?)
    })
}

/// Sets a pointer to an object of the application, by which callbacks recognize the call: a window,
/// for example, in which they show a dialog. `mcp_input_call_data`, `mcp_auth_request_call_data`,
/// `mcp_oauth_request_call_data` and `mcp_oauth_assertion_call_data` return it. NULL means none (the
/// default).
///
/// `destroy`, which may be NULL, is called with `data` when neither the options, nor a call, nor an
/// argument of a callback needs it: see `mcp_destroy_fn`.
///
/// No other thread may use the options meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_options_set_call_data(
    options: Option<&mut mcp_options>,
    data: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let data = Userdata::new(data, destroy);
    guard(error, || {
        not_null(options, "options")?.inner.extras.data = Some(Arc::new(data));
        Ok(())
    })
}

/// Sets a header for the HTTP requests of the call. It overrides a header of the same name of
/// `mcp_set_header`; "Authorization" also overrides the bearer token. A NULL `value` removes the
/// header from the options: that of the client is then sent. With a server process, headers are
/// ignored.
///
/// Returns `MCP_INVALID_ARGUMENT` for a name or a value that `mcp_set_header` does not accept.
///
/// No other thread may use the options meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_options_set_header(
    options: Option<&mut mcp_options>,
    name: CText,
    value: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let options = not_null(options, "options")?;
        options.inner.set_header(name.required("name")?, value.optional("value")?)
    })
}
