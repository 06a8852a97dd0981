//! A caller's own way to authorise requests.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle, c_string, given, guard_quiet};
use super::client::mcp_client;
use super::error::mcp_error;
use super::guard::guard;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::auth::auth_callback::{AuthCallback, AuthRequest};
use crate::error::Result;
use crate::status::mcp_status;
use crate::sys::callback;

/// What an auth callback is asked, and the place for its answer. It lives as long as the callback
/// runs, and belongs to that thread.
///
/// Since 0.1.0.
pub struct mcp_auth_request<'a> {
    inner: &'a mut AuthRequest,
    url: CString,
    method: CString,
    challenge: Option<CString>,
}

/// Gives a request its credentials: sets them with `mcp_auth_request_set_bearer` and
/// `mcp_auth_request_set_header`, or says with `mcp_auth_request_fail` why there are none. What it
/// sets beats what was set on the client; whoever sets nothing adds nothing.
///
/// It runs on the thread of the call that makes the request, on one thread at a time for each
/// client, with no lock held. It may use the library, but not make a call on the same client, nor
/// wait for one (`MCP_MISUSE`). It may take its time: that counts against no timeout. No exception
/// and no longjmp may leave it.
pub type mcp_auth_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, request: *mut mcp_auth_request)>;

/// Sets the callback that authorises requests, where a fixed token does not do: tokens that expire,
/// are fetched, or come from a file. NULL, as at the start, is none.
///
/// The callback is asked before each HTTP request (attempt 1); and when the server answers 401, or
/// 403 with `insufficient_scope` (RFC 6750, section 3.1), once more for something better, with the
/// server's challenge at hand (attempt 2, and 3 after another refusal; then the call fails). The
/// request is sent again with what it gives, under a new request id. However many calls are refused
/// at the same time, one of them asks, and all others take the outcome: a refresh token is spent
/// once. So an answer may go with other requests than the one that it was asked for. Requests that
/// belong to no call, such as the answer to a ping of the server, carry what the callback gave last.
///
/// A callback that fails, or a setter in it that fails and is not followed by one that does not,
/// ends the call with `MCP_AUTH_FAILED`.
///
/// `userdata` is handed to the callback as it is, and to `destroy`, which may be NULL, when it is
/// not needed any more.
///
/// Any thread, any time; counts from the next request. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_auth(
    client: SharedHandle<mcp_client>,
    auth: mcp_auth_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Made first: whatever happens now, its end runs `destroy`.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        client.check_url("credentials and headers")?;
        let callback = auth.map(|auth| {
            let callback: Box<AuthCallback> = Box::new(move |request: &mut AuthRequest| {
                let mut shown = mcp_auth_request::of(request);
                let shown = &raw mut shown;
                // SAFETY: the registration promises that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { auth(owner.pointer(), shown) });
            });
            callback
        });
        drop(client.auth().custom_auth.set(callback));
        Ok(())
    })
}

impl mcp_auth_request<'_> {
    fn of(request: &mut AuthRequest) -> mcp_auth_request<'_> {
        let challenge = request.refusal.as_ref().and_then(|refusal| refusal.challenge.as_deref());
        mcp_auth_request {
            url: c_string(&request.url),
            method: c_string(request.method.as_str()),
            challenge: challenge.map(c_string),
            inner: request,
        }
    }
}

/// What `look` sees in a request; `otherwise` for NULL.
fn seen<T: Copy>(
    request: Option<&mcp_auth_request>,
    otherwise: T,
    look: impl FnOnce(&mcp_auth_request, &AuthRequest) -> T,
) -> T {
    guard_quiet(otherwise, || request.map_or(otherwise, |request| look(request, request.inner)))
}

/// Where the request goes: the whole URL, with its query. Lives as long as the request. NULL for
/// NULL. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_url(request: Option<&mcp_auth_request>) -> *const c_char {
    seen(request, std::ptr::null(), |request, _| request.url.as_ptr())
}

/// The HTTP method of the request: "POST", "GET" or "DELETE". Lives as long as the request. NULL
/// for NULL. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_method(request: Option<&mcp_auth_request>) -> *const c_char {
    seen(request, std::ptr::null(), |request, _| request.method.as_ptr())
}

/// 1 before a request; 2 or 3 after the server has refused what this call came with. 0 for NULL.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_attempt(request: Option<&mcp_auth_request>) -> i32 {
    seen(request, 0, |_, inner| i32::try_from(inner.attempt).unwrap_or(i32::MAX))
}

/// The HTTP status of the refusal, 401 or 403; 0 where there was none. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_http_status(request: Option<&mcp_auth_request>) -> i32 {
    seen(request, 0, |_, inner| inner.refusal.as_ref().map_or(0, |refusal| i32::from(refusal.http_status)))
}

/// The server's challenge, the `WWW-Authenticate` header of the refusal (RFC 9110, section 11.6.1);
/// several are one list. Lives as long as the request. NULL where there was none. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_challenge(request: Option<&mcp_auth_request>) -> *const c_char {
    seen(request, std::ptr::null(), |request, _| {
        request.challenge.as_ref().map_or(std::ptr::null(), |challenge| challenge.as_ptr())
    })
}

/// The request to answer.
fn answered<'a>(request: Option<&'a mut mcp_auth_request>) -> Result<&'a mut AuthRequest> {
    given(request, "request").map(|request| &mut *request.inner)
}

/// Gives the request a bearer token, without the word "Bearer"; NULL takes it away again. The same
/// rules and errors as those of `mcp_set_bearer`. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_set_bearer(
    request: Option<&mut mcp_auth_request>,
    token: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let request = answered(request)?;
        let token = request.note(token.optional("token"))?;
        request.set_bearer(token)
    })
}

/// Gives the request a header; a NULL value takes it away again. The same rules and errors as those
/// of `mcp_set_header`. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_set_header(
    request: Option<&mut mcp_auth_request>,
    name: CText,
    value: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let request = answered(request)?;
        let name = request.note(name.required("name"))?;
        let value = request.note(value.optional("value"))?;
        request.set_header(name, value)
    })
}

/// Says that there are no credentials: the call ends with `MCP_AUTH_FAILED`, and `reason` in its
/// message. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_fail(
    request: Option<&mut mcp_auth_request>,
    reason: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let request = answered(request)?;
        let reason = request.note(reason.required("reason"))?;
        request.fail(reason, None);
        Ok(())
    })
}

/// As `mcp_auth_request_fail`, with an object of the program's own behind it, such as the exception
/// that was caught: `mcp_error_cause` gives it to whoever gets the error.
///
/// `destroy`, which may be NULL, is called with `cause` when neither an error nor the client refers
/// to it any more; at once, when this function fails. One failure may end many calls: their errors
/// share the cause, and may be read on several threads.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_auth_request_fail_with(
    request: Option<&mut mcp_auth_request>,
    reason: CText,
    cause: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Made first: whatever happens now, its end runs `destroy`.
    let cause = Userdata::new(cause, destroy);
    guard(error, || {
        let request = answered(request)?;
        let reason = request.note(reason.required("reason"))?;
        request.fail(reason, Some(Arc::new(cause)));
        Ok(())
    })
}
