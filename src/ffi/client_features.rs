//! What a server asks of the program.

use std::ffi::{CString, c_char, c_void};
use std::ptr::null;
use std::sync::Arc;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText, c_string, given, guard_quiet};
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

/// What a handler is asked, and the place for its answer. It lives as long as the handler runs, and
/// belongs to that thread.
///
/// Since 0.1.0.
pub struct mcp_input<'a> {
    inner: &'a mut InputRequest,
    method: CString,
    params: OwnedDocument,
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
    client: SharedHandle<mcp_client>,
    handler: mcp_input_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // SAFETY: the registration promises that the handler may be called with this userdata from any thread.
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
    client: SharedHandle<mcp_client>,
    handler: mcp_input_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // SAFETY: the registration promises that the handler may be called with this userdata from any thread.
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
    client: SharedHandle<mcp_client>,
    handler: mcp_input_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // SAFETY: the registration promises that the handler may be called with this userdata from any thread.
    unsafe { set_handler(client, InputKind::Roots, (handler, userdata, destroy), error) }
}

/// # Safety
/// The handler may be called with the userdata from any thread, until `destroy` is.
unsafe fn set_handler(
    client: SharedHandle<mcp_client>,
    kind: InputKind,
    (handler, userdata, destroy): (mcp_input_fn, *mut c_void, mcp_destroy_fn),
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Made first: whatever happens now, its end runs `destroy`.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let handler = handler.map(|handler| {
            let handler: Arc<Handler> = Arc::new(move |input: &mut InputRequest| {
                let mut shown = mcp_input::of(input);
                let shown = &raw mut shown;
                // SAFETY: as the caller promises.
                callback::call(|| unsafe { handler(owner.pointer(), shown) });
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

/// What is asked: "elicitation/create", "sampling/createMessage" or "roots/list". Lives as long as
/// the input. NULL for NULL. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_method(input: Option<&mcp_input>) -> *const c_char {
    guard_quiet(null(), || input.map_or(null(), |input| input.method.as_ptr()))
}

/// The parameters, an object. They live as long as the input. NULL for NULL. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_params(input: Option<&mcp_input>) -> *const mcp_json {
    guard_quiet(null(), || input.map_or(null(), |input| input.params.pointer()))
}

/// Whether an answer would come too late: the server has cancelled its request, or the call that
/// needs the input was cancelled, or its client closed. A handler that waits for a person asks from
/// time to time, and returns without an answer then. It may be asked from another thread as long as
/// the handler waits for that. Over Streamable HTTP a cancellation that the server sends with the
/// answer to the call itself is read only behind the handler. False for NULL. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_is_cancelled(input: Option<&mcp_input>) -> bool {
    guard_quiet(false, || input.is_some_and(|input| input.inner.is_cancelled()))
}

/// The input to answer.
fn answered<'a>(input: Option<&'a mut mcp_input>) -> Result<&'a mut InputRequest> {
    given(input, "input").map(|input| &mut *input.inner)
}

/// Accepts an elicitation. `content` is what the person has filled in: the text of a JSON object of
/// `length` bytes, `SIZE_MAX` for a NUL-terminated one. What it leaves out gets the schema's
/// default, where that has one; NULL leaves everything out, as it is for a URL.
///
/// Returns `MCP_INVALID_ARGUMENT` for what is no JSON object, and `MCP_MISUSE` where something else
/// is asked. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_accept(
    input: Option<&mut mcp_input>,
    content: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || answered(input)?.accept(content.optional(length, "the content")?))
}

/// Declines an elicitation: the person has said no. Errors as for `mcp_input_accept`. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_decline(input: Option<&mut mcp_input>, error: OutParam<*mut mcp_error>) -> mcp_status {
    guard(error, || answered(input)?.refuse("decline"))
}

/// Cancels an elicitation: the person has made no choice. Errors as for `mcp_input_accept`. Since
/// 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_cancel(input: Option<&mut mcp_input>, error: OutParam<*mut mcp_error>) -> mcp_status {
    guard(error, || answered(input)?.refuse("cancel"))
}

/// Answers with a whole result: the text of a JSON object of `length` bytes, `SIZE_MAX` for a
/// NUL-terminated one.
///
/// Returns `MCP_INVALID_ARGUMENT`, and takes no answer, for what is no result of this kind. Since
/// 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_respond(
    input: Option<&mut mcp_input>,
    result: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || answered(input)?.respond(result.required(length, "the result")?))
}

/// Says that there is no answer. A legacy server gets a JSON-RPC error with `code` and `message`,
/// and the call goes on; on a modern one the call ends with `MCP_INPUT_FAILED`. -1 is the code for a
/// person who has refused (specification 2026-07-28, "Sampling": Error Handling), -32603 that for
/// something that broke. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_input_fail(
    input: Option<&mut mcp_input>,
    code: i64,
    message: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let message = message.required("message")?;
        answered(input)?.fail(code, message);
        Ok(())
    })
}
