//! Handlers for requests of the server: elicitation, sampling and roots.

use std::ffi::{CString, c_char, c_void};
use std::ptr::null;
use std::sync::Arc;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText, c_string, guard_quiet, not_null};
use super::client::mcp_client;
use super::document::{OwnedDocument, mcp_json};
use super::error::mcp_error;
use super::guard::guard;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::error::Result;
use crate::protocol::incoming::InputKind;
use crate::rpc::handlers::{Handler, InputRequest};
use crate::status::mcp_status;
use crate::sys::callback;

/// The argument of a handler: describes the server's request, and receives the response. It is
/// valid until the handler returns, and only on the handler's thread, except for
/// `mcp_input_is_cancelled`.
///
/// Since 0.1.0.
pub struct mcp_input<'a> {
    inner: &'a mut InputRequest,
    method: CString,
    params: OwnedDocument,
}

/// Responds to a request of the server: to an elicitation with `mcp_input_accept`,
/// `mcp_input_decline` or `mcp_input_cancel`, to any request with `mcp_input_respond` or
/// `mcp_input_fail`. The last response counts. A handler that sets no response cancels an
/// elicitation, and fails any other request.
///
/// It runs on the thread of the call that needs the input. If the request belongs to no call, it
/// runs on a reader thread of the library, where it must not make calls on the same client
/// (`MCP_MISUSE`). It may run on several threads at the same time, with no lock held, and may use
/// the library. Its time does not count against any timeout. It must not throw an exception or call
/// longjmp.
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
            let handler: Arc<Handler> = Arc::new(move |input: &mut InputRequest| {
                let mut c_input = mcp_input::of(input);
                let c_input = &raw mut c_input;
                // SAFETY: the caller of `set_handler` promises it.
                callback::call(|| unsafe { handler(owner.pointer(), c_input) });
            });
            handler
        });
        client.settings.set_handler(kind, handler)
    })
}

impl mcp_input<'_> {
    fn of(input: &mut InputRequest) -> mcp_input<'_> {
        mcp_input {
            method: c_string(input.kind.method()),
            params: OwnedDocument::new(input.params.clone()),
            inner: input,
        }
    }
}

/// Returns the method of the request: "elicitation/create", "sampling/createMessage" or
/// "roots/list"; NULL for NULL.
///
/// The result is valid until the handler returns. Only on the handler's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_method(input: Option<&mcp_input>) -> *const c_char {
    guard_quiet(null(), || input.map_or(null(), |input| input.method.as_ptr()))
}

/// Returns the parameters of the request, an object; NULL for NULL.
///
/// The result is valid until the handler returns, and must not be freed separately. Only on the
/// handler's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_params(input: Option<&mcp_input>) -> *const mcp_json {
    guard_quiet(null(), || input.map_or(null(), |input| input.params.pointer()))
}

/// Returns whether a response would be too late: the server cancelled its request, the call that
/// needs the input was cancelled, or its client was closed. A handler that waits for the user
/// should check this from time to time, and return without a response. False for NULL.
///
/// Another thread may also call it, while the handler waits for that thread. Over Streamable HTTP,
/// a cancellation on the event stream of the call's own response is not read until the handler has
/// returned.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_is_cancelled(input: Option<&mcp_input>) -> bool {
    guard_quiet(false, || input.is_some_and(|input| input.inner.is_cancelled()))
}

/// The request inside; NULL is an error.
fn inner_request<'a>(input: Option<&'a mut mcp_input>) -> Result<&'a mut InputRequest> {
    not_null(input, "input").map(|input| &mut *input.inner)
}

/// Accepts an elicitation. `content` contains the fields that the user filled in: the text of a
/// JSON object of `length` bytes, or NUL-terminated if `length` is `SIZE_MAX`. Missing fields get
/// the defaults of the schema, if there are any. NULL means no fields, as for "mode" = "url".
///
/// Returns `MCP_INVALID_ARGUMENT` if `content` is not a JSON object, and `MCP_MISUSE` if the
/// request is not an elicitation.
///
/// Only on the handler's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_accept(
    input: Option<&mut mcp_input>,
    content: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || inner_request(input)?.accept(content.optional(length, "the content")?))
}

/// Declines an elicitation: the user refused.
///
/// Returns `MCP_MISUSE` if the request is not an elicitation.
///
/// Only on the handler's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_decline(input: Option<&mut mcp_input>, error: OutParam<*mut mcp_error>) -> mcp_status {
    guard(error, || inner_request(input)?.refuse("decline"))
}

/// Cancels an elicitation: the user made no choice.
///
/// Returns `MCP_MISUSE` if the request is not an elicitation.
///
/// Only on the handler's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_cancel(input: Option<&mut mcp_input>, error: OutParam<*mut mcp_error>) -> mcp_status {
    guard(error, || inner_request(input)?.refuse("cancel"))
}

/// Responds with a complete result: the text of a JSON object of `length` bytes, or NUL-terminated
/// if `length` is `SIZE_MAX`.
///
/// Returns `MCP_INVALID_ARGUMENT`, and sets no response, if it is not an object or lacks a required
/// member: "action" ("accept", "decline" or "cancel") for an elicitation; "role", "content" and
/// "model" for sampling; "roots" for roots.
///
/// Only on the handler's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_respond(
    input: Option<&mut mcp_input>,
    result: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || inner_request(input)?.respond(result.required(length, "the result")?))
}

/// Reports that there is no response. A legacy server receives a JSON-RPC error with `code` and
/// `message`, and the call continues; with a modern server the call fails with `MCP_INPUT_FAILED`.
/// Use -1 if the user refused (specification 2026-07-28, "Sampling": Error Handling), and -32603
/// for a failure.
///
/// Returns `MCP_INVALID_ARGUMENT` if `message` is NULL or not UTF-8.
///
/// Only on the handler's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_fail(
    input: Option<&mut mcp_input>,
    code: i64,
    message: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let message = message.required("message")?;
        inner_request(input)?.fail(code, message);
        Ok(())
    })
}
