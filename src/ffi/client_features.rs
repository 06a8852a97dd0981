//! Handlers for requests of the server: elicitation, sampling and roots.

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText, c_string, guard_quiet};
use super::client::mcp_client;
use super::document::{OwnedDocument, mcp_json};
use super::error::mcp_error;
use super::guard::guard;
use super::userdata::{Userdata, mcp_destroy_fn, mcp_over_fn, over_callback};
use crate::protocol::incoming::InputKind;
use crate::rpc::handlers::{Handler, InputRequest};
use crate::status::mcp_status;
use crate::sys::callback;

/// The argument of a handler: describes the server's request, and receives the response. It is
/// valid until the handler returns, or until `mcp_input_free` if the handler called
/// `mcp_input_defer`. It is used by one thread at a time, except for `mcp_input_is_over`.
///
/// Since 0.1.0.
pub struct mcp_input {
    inner: Arc<InputRequest>,
    method: CString,
    client_name: CString,
    params: OwnedDocument,
}

/// Responds to a request of the server: to an elicitation with `mcp_input_accept`,
/// `mcp_input_decline` or `mcp_input_cancel`, to any request with `mcp_input_respond` or
/// `mcp_input_fail`. The last response before the handler returns counts; after `mcp_input_defer`,
/// the first. A handler that sets no response cancels an elicitation, and fails any other request.
///
/// A handler that asks a person may wait for the answer, or call `mcp_input_defer` and return (and
/// `mcp_input_set_over`, to close the dialog): the program then responds later, from any thread. The
/// call that needs the input waits meanwhile, and ends within 50 ms if it is cancelled or its client
/// is closed; `mcp_input_set_over` reports that.
///
/// It runs in `mcp_queue_dispatch` if the call is queued, or if the request belongs to no call and
/// the client has a queue (`mcp_set_queue`); otherwise on a thread of the library. Never on the
/// thread of a call. It may run on several threads at the same time, with no lock held, and may use
/// the library. Its time, and that of a deferred answer, do not count against any timeout: see
/// `mcp_set_input_timeout`. It must not throw an exception or call longjmp.
///
/// At most 32 requests of one client are open. For further ones, a legacy server receives an error;
/// with a modern server the call fails with `MCP_INPUT_FAILED`.
///
/// Since 0.1.0.
pub type mcp_input_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, input: *mut mcp_input)>;

/// Sets the handler for elicitations, which asks the user for input (specification 2026-07-28,
/// "Elicitation"). The parameters have a "message", and either a "requestedSchema", the JSON schema
/// of a form, or "mode" = "url" and a "url" for the user to open. Show which server asks, let the
/// user decline, and open no URL without consent.
///
/// NULL removes the handler (the default). Without it, the client does not declare to the server
/// that it supports elicitation. `userdata` is passed to the handler, and to `destroy` (which may
/// be NULL) when it is no longer needed: see `mcp_destroy_fn`.
///
/// Returns `MCP_MISUSE` after the first call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_elicitation(
    client: SharedHandle<mcp_client>,
    handler: mcp_input_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // SAFETY: the header requires that the handler may be called with this userdata from any thread.
    unsafe { set_handler(client, InputKind::Elicitation, (handler, userdata, destroy), error) }
}

/// Sets the handler for sampling, which asks the application's language model (specification
/// 2026-07-28, "Sampling"). The parameters have "messages", "maxTokens" and more, optionally
/// "tools". The response (`mcp_input_respond`) is an object with "role", "content", "model" and
/// optionally "stopReason". Let the user see the request and the response, and refuse either.
///
/// NULL removes the handler (the default). Without it, the client does not declare to the server
/// that it supports sampling. `userdata` is passed to the handler, and to `destroy` (which may be
/// NULL) when it is no longer needed: see `mcp_destroy_fn`.
///
/// Returns `MCP_MISUSE` after the first call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_sampling(
    client: SharedHandle<mcp_client>,
    handler: mcp_input_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // SAFETY: the header requires that the handler may be called with this userdata from any thread.
    unsafe { set_handler(client, InputKind::Sampling, (handler, userdata, destroy), error) }
}

/// Sets the handler that lists the folders that the server may use (specification 2026-07-28,
/// "Roots"). The response (`mcp_input_respond`) is an object with "roots", an array; each root has
/// a "uri" that begins with "file://", and optionally a "name". If the folders change, notify a
/// legacy server with `mcp_notify` and "notifications/roots/list_changed".
///
/// NULL removes the handler (the default). Without it, the client does not declare to the server
/// that it supports roots. `userdata` is passed to the handler, and to `destroy` (which may be
/// NULL) when it is no longer needed: see `mcp_destroy_fn`.
///
/// Returns `MCP_MISUSE` after the first call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_roots(
    client: SharedHandle<mcp_client>,
    handler: mcp_input_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // SAFETY: the header requires that the handler may be called with this userdata from any thread.
    unsafe { set_handler(client, InputKind::Roots, (handler, userdata, destroy), error) }
}

/// # Safety
///
/// The handler may be called with the userdata from any thread, until `destroy` is called.
unsafe fn set_handler(
    client: SharedHandle<mcp_client>,
    kind: InputKind,
    (handler, userdata, destroy): (mcp_input_fn, *mut c_void, mcp_destroy_fn),
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let handler = handler.map(|handler| {
            let handler: Arc<Handler> = Arc::new(move |input: &Arc<InputRequest>| {
                let (userdata, c_input) = (owner.pointer(), Box::into_raw(Box::new(mcp_input::of(input))));
                // SAFETY: the caller of `set_handler` promises it.
                callback::call(|| unsafe { handler(userdata, c_input) });
                if !input.is_deferred() {
                    // SAFETY: created above, and only a deferred request belongs to the application.
                    drop(unsafe { Box::from_raw(c_input) });
                }
            });
            handler
        });
        client.settings.set_handler(kind, handler)
    })
}

/// Limits the time for the answer to each request of the server, in milliseconds; 0 means no limit
/// (the default), because a person may take long. When it has passed, the server gets the same
/// response as from a handler that gives none.
///
/// Returns `MCP_MISUSE` after the first call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_input_timeout(
    client: SharedHandle<mcp_client>,
    timeout_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| client.settings.set_input_timeout(timeout_ms))
}

impl mcp_input {
    fn of(input: &Arc<InputRequest>) -> mcp_input {
        mcp_input {
            method: c_string(input.kind.method()),
            client_name: c_string(&*input.client_name),
            params: OwnedDocument::new(input.params.clone()),
            inner: Arc::clone(input),
        }
    }
}

/// Returns the method of the request: "elicitation/create", "sampling/createMessage" or
/// "roots/list"; NULL for NULL.
///
/// The result is valid as long as the input. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_method(input: Option<&mcp_input>) -> *const c_char {
    guard_quiet(null(), || input.map_or(null(), |input| input.method.as_ptr()))
}

/// Returns the parameters of the request, an object; NULL for NULL.
///
/// The result is valid as long as the input, and must not be freed separately. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_params(input: Option<&mcp_input>) -> *const mcp_json {
    guard_quiet(null(), || input.map_or(null(), |input| input.params.pointer()))
}

/// Returns the name of the client whose server asks: show it to the user. By default it is the host
/// of the server's URL, or the program. NULL for NULL.
///
/// The result is valid as long as the input. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_client_name(input: Option<&mcp_input>) -> *const c_char {
    guard_quiet(null(), || input.map_or(null(), |input| input.client_name.as_ptr()))
}

/// Returns the pointer that `mcp_options_set_call_data` has set on the options of the call that
/// needs the input; NULL if there is none, if the request belongs to no call, and for NULL. Over
/// HTTP+SSE and stdio, a legacy server does not say which call its request is for: the call is the
/// oldest one that waits for a response, and has no other request to handle.
///
/// The object is valid as long as the input. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_call_data(input: Option<&mcp_input>) -> *mut c_void {
    guard_quiet(null_mut(), || Userdata::pointer_of(input.and_then(|input| input.inner.call_data.as_ref())))
}

/// Returns whether a response would be too late: the request has ended, for a reason that
/// `mcp_over_fn` lists. False for NULL, and after a response that was in time.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_is_over(input: Option<&mcp_input>) -> bool {
    guard_quiet(false, || input.is_some_and(|input| input.inner.is_over()))
}

/// Takes over the input: called in the handler, it keeps the input valid after the handler has
/// returned. The program responds later, from any thread, with one of the functions for that, and
/// then frees the input with `mcp_input_free`. The first response counts; one that the handler has
/// set before is final.
///
/// Returns `MCP_MISUSE` if it was deferred before, and the status by which the request has ended, if
/// it has: the input stays valid only until the handler returns.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_defer(input: SharedHandle<mcp_input>, error: OutParam<*mut mcp_error>) -> mcp_status {
    guard(error, || input.required("input")?.inner.defer())
}

/// Frees a deferred input; NULL is ignored, and so is an input that was not deferred. Without a
/// response before, the server gets the same as from a handler that gives none. A callback of
/// `mcp_input_set_over` does not run any more.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_free(input: Option<Box<mcp_input>>) {
    guard_quiet((), || {
        let Some(input) = input else { return };
        if input.inner.is_deferred() {
            let answered = input.inner.release();
            drop(input);
            drop(answered);
        } else {
            // It belongs to the caller of the handler.
            Box::leak(input);
        }
    });
}

/// Sets a callback for the end of a request without an answer. NULL removes it. If the request has
/// ended already, the callback is called at once; in a queue, by the next `mcp_queue_dispatch`.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_set_over(
    input: SharedHandle<mcp_input>,
    over: mcp_over_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    guard(error, || {
        // The callback may free the input.
        let request = Arc::clone(&input.required("input")?.inner);
        request.set_over(over.map(|over| over_callback(over, owner)));
        Ok(())
    })
}

/// Accepts an elicitation. `content` contains the fields that the user filled in: the text of a JSON
/// object of `length` bytes, or NUL-terminated if `length` is `MCP_NUL_TERMINATED`. Missing fields
/// get the defaults of the schema, if there are any. NULL means no fields, as for "mode" = "url".
///
/// Returns `MCP_INVALID_ARGUMENT` if `content` is not a JSON object, and `MCP_MISUSE` if the
/// request is not an elicitation.
///
/// If the request has ended, returns the status by which it has; nothing is sent. Returns
/// `MCP_MISUSE` if it was deferred and answered before.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_accept(
    input: SharedHandle<mcp_input>,
    content: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || input.required("input")?.inner.accept(content.optional(length, "the content")?))
}

/// Declines an elicitation: the user refused.
///
/// Returns `MCP_MISUSE` if the request is not an elicitation.
///
/// If the request has ended, returns the status by which it has; nothing is sent. Returns
/// `MCP_MISUSE` if it was deferred and answered before.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_decline(input: SharedHandle<mcp_input>, error: OutParam<*mut mcp_error>) -> mcp_status {
    guard(error, || input.required("input")?.inner.refuse("decline"))
}

/// Cancels an elicitation: the user made no choice.
///
/// Returns `MCP_MISUSE` if the request is not an elicitation.
///
/// If the request has ended, returns the status by which it has; nothing is sent. Returns
/// `MCP_MISUSE` if it was deferred and answered before.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_cancel(input: SharedHandle<mcp_input>, error: OutParam<*mut mcp_error>) -> mcp_status {
    guard(error, || input.required("input")?.inner.refuse("cancel"))
}

/// Responds with a complete result: the text of a JSON object of `length` bytes, or NUL-terminated
/// if `length` is `MCP_NUL_TERMINATED`.
///
/// Returns `MCP_INVALID_ARGUMENT`, and sets no response, if it is not an object or lacks a required
/// member: "action" ("accept", "decline" or "cancel") for an elicitation; "role", "content" and
/// "model" for sampling; "roots" for roots.
///
/// If the request has ended, returns the status by which it has; nothing is sent. Returns
/// `MCP_MISUSE` if it was deferred and answered before.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_respond(
    input: SharedHandle<mcp_input>,
    result: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || input.required("input")?.inner.respond(result.required(length, "the result")?))
}

/// Reports that there is no response. A legacy server receives a JSON-RPC error with `code` and
/// `message`, and the call continues; with a modern server the call fails with `MCP_INPUT_FAILED`.
/// Use -1 if the user refused (specification 2026-07-28, "Sampling": Error Handling), and -32603
/// for a failure.
///
/// Returns `MCP_INVALID_ARGUMENT` if `message` is NULL or not UTF-8.
///
/// If the request has ended, returns the status by which it has; nothing is sent. Returns
/// `MCP_MISUSE` if it was deferred and answered before.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_fail(
    input: SharedHandle<mcp_input>,
    code: i64,
    message: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let message = message.required("message")?;
        input.required("input")?.inner.fail(code, message, None)
    })
}

/// Reports that there is no response, as `mcp_input_fail` does, and attaches an object of the
/// application, such as a caught exception. `mcp_error_cause` returns it from the error of a call of
/// a modern server.
///
/// `destroy`, which may be NULL, is called with `cause` when no error refers to it any more;
/// immediately if this function fails.
///
/// Returns `MCP_INVALID_ARGUMENT` if `message` is NULL or not UTF-8; otherwise as `mcp_input_fail`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_fail_with(
    input: SharedHandle<mcp_input>,
    code: i64,
    message: CText,
    cause: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let cause = Userdata::new(cause, destroy);
    guard(error, || {
        let message = message.required("message")?;
        input.required("input")?.inner.fail(code, message, Some(Arc::new(cause)))
    })
}
