//! What a server asks of the program.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use super::client::mcp_client;
use super::error::mcp_error;
use super::guard::{guard, guard_quiet, live_mut};
use super::json::{Owned, mcp_json};
use super::text::{c_string, optional_text_of_length, text, text_of_length};
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::error::Result;
use crate::protocol::incoming::InputKind;
use crate::rpc::handlers::{Handler, Input};
use crate::status::mcp_status;
use crate::sys::callback;

/// What a handler is asked, and the place for its answer. It lives as long as the handler runs, and
/// belongs to that thread.
///
/// Since 0.1.0.
pub struct mcp_input {
    /// Belongs to whoever runs the handler.
    inner: *mut Input,
    method: CString,
    params: Owned,
}

/// Answers what a server asks, with `mcp_input_accept`, `mcp_input_decline` or `mcp_input_cancel`
/// for an elicitation, with `mcp_input_respond` for everything, or with `mcp_input_fail`. A handler
/// that gives no answer cancels an elicitation, and fails everything else.
///
/// It runs on the thread of the call that the server needs the input for; on the library's reader
/// thread where the server asks by itself. No lock is held; it may use the library, but on the
/// reader thread make no call on the same client (`MCP_MISUSE`). It may take its time: that counts
/// against no timeout. No exception and no longjmp may leave it.
pub type mcp_input_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, input: *mut mcp_input)>;

/// Sets the handler that asks a person (specification 2026-07-28, "Elicitation"). The parameters
/// have a "message", and either a "requestedSchema", for a form, or the "mode" "url" and a "url"
/// that the person is to open. Show which server asks, let the person decline, and open no URL
/// unasked.
///
/// `userdata` is handed to the handler as it is, and to `destroy`, which may be NULL, when it is not
/// needed any more.
///
/// NULL, as at the start, is none: the server is told that this client cannot do it. Returns
/// `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_elicitation(
    client: *mut mcp_client,
    handler: mcp_input_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live client or NULL.
    unsafe { set_handler(client, InputKind::Elicitation, (handler, userdata, destroy), error) }
}

/// Sets the handler that asks a model (specification 2026-07-28, "Sampling"): the parameters have
/// "messages", "maxTokens" and more, perhaps "tools". The answer is an object with "role",
/// "content", "model" and perhaps "stopReason". A person should see both, and be able to say no.
///
/// `userdata` is handed to the handler as it is, and to `destroy`, which may be NULL, when it is not
/// needed any more.
///
/// NULL, as at the start, is none: the server is told that this client cannot do it. Returns
/// `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_sampling(
    client: *mut mcp_client,
    handler: mcp_input_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live client or NULL.
    unsafe { set_handler(client, InputKind::Sampling, (handler, userdata, destroy), error) }
}

/// Sets the handler that tells which folders the server may look at (specification 2026-07-28,
/// "Roots"). The answer is an object with "roots", an array: each has a "uri" that begins with
/// "file://", and perhaps a "name".
///
/// `userdata` is handed to the handler as it is, and to `destroy`, which may be NULL, when it is not
/// needed any more.
///
/// NULL, as at the start, is none: the server is told that this client cannot do it. Returns
/// `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_roots(
    client: *mut mcp_client,
    handler: mcp_input_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live client or NULL.
    unsafe { set_handler(client, InputKind::Roots, (handler, userdata, destroy), error) }
}

/// # Safety `client` is NULL or live, `error` NULL or writable.
unsafe fn set_handler(
    client: *mut mcp_client,
    kind: InputKind,
    (handler, userdata, destroy): (mcp_input_fn, *mut c_void, mcp_destroy_fn),
    error: *mut *mut mcp_error,
) -> mcp_status {
    // Made first: whatever happens now, its end runs `destroy`.
    let owner = Userdata::new(userdata, destroy);
    // SAFETY: as the caller promises.
    unsafe {
        mcp_client::set(client, error, |client| {
            let handler = handler.map(|handler| {
                let handler: Arc<Handler> = Arc::new(move |input: &mut Input| {
                    let mut shown = mcp_input::of(input);
                    let shown = &raw mut shown;
                    // SAFETY: the registration promises that the handler may be called with this userdata from any thread.
                    callback::call(|| handler(owner.pointer(), shown));
                });
                handler
            });
            client.settings.set_handler(kind, handler)
        })
    }
}

impl mcp_input {
    fn of(input: &mut Input) -> mcp_input {
        mcp_input {
            method: c_string(input.kind.method()),
            params: Owned::new(input.params.clone()),
            inner: std::ptr::from_mut(input),
        }
    }
}

/// What is asked: "elicitation/create", "sampling/createMessage" or "roots/list". Lives as long as
/// the input. NULL for NULL. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_method(input: *const mcp_input) -> *const c_char {
    // SAFETY: the header asks for a live input or NULL.
    let input = unsafe { input.as_ref() };
    guard_quiet(std::ptr::null(), || input.map_or(std::ptr::null(), |input| input.method.as_ptr()))
}

/// The parameters, an object. They live as long as the input. NULL for NULL. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_params(input: *const mcp_input) -> *const mcp_json {
    // SAFETY: the header asks for a live input or NULL.
    let input = unsafe { input.as_ref() };
    guard_quiet(std::ptr::null(), || input.map_or(std::ptr::null(), |input| input.params.pointer()))
}

/// Whether an answer would come too late: the server has cancelled its request, or the call that
/// needs the input was cancelled, or its client closed. A handler that waits for a person asks from
/// time to time, and returns without an answer then. It may be asked from another thread as long as
/// the handler waits for that. Over Streamable HTTP a cancellation that the server sends with the
/// answer to the call itself is read only behind the handler. False for NULL. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_is_cancelled(input: *const mcp_input) -> bool {
    // SAFETY: the header asks for a live input or NULL; the inner one lives as long as the handler runs.
    let inner = unsafe { input.as_ref().and_then(|input| input.inner.as_ref()) };
    guard_quiet(false, || inner.is_some_and(Input::is_cancelled))
}

/// The input to answer.
///
/// # Safety `input` is NULL or the one that a handler was called with.
unsafe fn answered<'a>(input: *mut mcp_input) -> Result<&'a mut Input> {
    // SAFETY: as the caller promises; the inner one lives as long as the handler runs.
    unsafe { live_mut(live_mut(input, "input")?.inner, "input") }
}

/// Accepts an elicitation. `content` is what the person has filled in: the text of a JSON object of
/// `length` bytes, `SIZE_MAX` for a NUL-terminated one. What it leaves out gets the schema's
/// default, where that has one; NULL leaves everything out, as it is for a URL.
///
/// Returns `MCP_INVALID_ARGUMENT` for what is no JSON object, and `MCP_MISUSE` where something else
/// is asked. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_accept(
    input: *mut mcp_input,
    content: *const c_char,
    length: usize,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live input and a readable text, or NULL.
    unsafe { guard(error, || answered(input)?.accept(optional_text_of_length(content, length, "the content")?)) }
}

/// Declines an elicitation: the person has said no. Errors as for `mcp_input_accept`. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_decline(input: *mut mcp_input, error: *mut *mut mcp_error) -> mcp_status {
    // SAFETY: the header asks for a live input or NULL.
    unsafe { guard(error, || answered(input)?.refuse("decline")) }
}

/// Cancels an elicitation: the person has made no choice. Errors as for `mcp_input_accept`. Since
/// 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_cancel(input: *mut mcp_input, error: *mut *mut mcp_error) -> mcp_status {
    // SAFETY: the header asks for a live input or NULL.
    unsafe { guard(error, || answered(input)?.refuse("cancel")) }
}

/// Answers with a whole result: the text of a JSON object of `length` bytes, `SIZE_MAX` for a
/// NUL-terminated one.
///
/// Returns `MCP_INVALID_ARGUMENT`, and takes no answer, for what is no result of this kind. Since
/// 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_respond(
    input: *mut mcp_input,
    result: *const c_char,
    length: usize,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live input and a readable text, or NULL.
    unsafe { guard(error, || answered(input)?.respond(text_of_length(result, length, "the result")?)) }
}

/// Says that there is no answer. A legacy server gets a JSON-RPC error with `code` and `message`,
/// and the call goes on; on a modern one the call ends with `MCP_INPUT_FAILED`. -1 is the code for a
/// person who has refused (specification 2026-07-28, "Sampling": Error Handling), -32603 that for
/// something that broke. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_input_fail(
    input: *mut mcp_input,
    code: i64,
    message: *const c_char,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for a live input and a NUL-terminated text, or NULL.
    unsafe {
        guard(error, || {
            let message = text(message, "message")?;
            answered(input)?.fail(code, message);
            Ok(())
        })
    }
}
