//! The auth callback of a client, which authorizes its requests.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle, c_string, guard_quiet, not_null};
use super::client::mcp_client;
use super::error::mcp_error;
use super::guard::guard;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::auth::auth_callback::{AuthCallback, AuthRequest};
use crate::error::Result;
use crate::status::mcp_status;
use crate::sys::callback;

/// The argument of an auth callback: describes the HTTP request, and receives its credentials. It
/// is valid until the callback returns, and only on the callback's thread.
///
/// Since 0.1.0.
pub struct mcp_auth_request<'a> {
    inner: &'a mut AuthRequest,
    url: CString,
    method: CString,
    challenge: Option<CString>,
}

/// Gives an HTTP request its credentials. The callback sets them with `mcp_auth_request_set_bearer`
/// and `mcp_auth_request_set_header`, or reports with `mcp_auth_request_fail` why there are none.
/// They override the credentials of the client and of the call for the same header; the others are
/// sent as well.
///
/// It runs on the thread of the call that makes the request, on one thread at a time for each
/// client, with no lock held. It may use the library, but must neither make a call on the same
/// client (`MCP_MISUSE`) nor wait for one on another thread. Its time does not count against any
/// timeout. It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_auth_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, request: *mut mcp_auth_request)>;

/// Sets the callback that authorizes requests, for tokens that expire, are fetched, or come from a
/// file. NULL removes it (the default). A callback replaces an `mcp_oauth` (`mcp_set_oauth`).
///
/// The callback is called before each HTTP request (attempt 1). If the server responds with 401, or
/// with 403 and `insufficient_scope` (RFC 6750, section 3.1), it is called again and can read the
/// server's challenge (attempt 2, and 3 after another rejection; then the call fails). The request
/// is then sent again with the new credentials, under a new request id.
///
/// If several calls are rejected at the same time, the callback is called once and all of them use
/// the result: a refresh token is used once. So the credentials may be used for other requests than
/// the one that the callback was called for. HTTP requests that belong to no call, such as the POST
/// with the response to a ping of the server, use the credentials that the callback gave last.
///
/// If the callback calls `mcp_auth_request_fail`, or the last setter called in it failed, the call
/// ends with `MCP_AUTH_FAILED`.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Returns `MCP_MISUSE` for a client of a server process.
///
/// Thread-safe; takes effect with the next request. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_auth(
    client: SharedHandle<mcp_client>,
    auth: mcp_auth_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        client.check_url("credentials and headers")?;
        let callback = auth.map(|auth| {
            let callback: Box<AuthCallback> = Box::new(move |request: &mut AuthRequest| {
                let mut c_request = mcp_auth_request::of(request);
                let c_request = &raw mut c_request;
                // SAFETY: the header requires that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { auth(owner.pointer(), c_request) });
            });
            callback
        });
        drop(client.auth().set_callback(callback));
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

/// Reads a request; returns `default` for NULL.
fn read<T: Copy>(
    request: Option<&mcp_auth_request>,
    default: T,
    read: impl FnOnce(&mcp_auth_request, &AuthRequest) -> T,
) -> T {
    guard_quiet(default, || request.map_or(default, |request| read(request, request.inner)))
}

/// Returns the URL of the request, including its query; NULL for NULL.
///
/// The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_url(request: Option<&mcp_auth_request>) -> *const c_char {
    read(request, std::ptr::null(), |request, _| request.url.as_ptr())
}

/// Returns the HTTP method of the request: "POST", "GET" or "DELETE"; NULL for NULL.
///
/// The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_method(request: Option<&mcp_auth_request>) -> *const c_char {
    read(request, std::ptr::null(), |request, _| request.method.as_ptr())
}

/// Returns 1 before a request, 2 or 3 after the server has rejected the credentials of the call; 0
/// for NULL.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_attempt(request: Option<&mcp_auth_request>) -> i32 {
    read(request, 0, |_, inner| i32::try_from(inner.attempt).unwrap_or(i32::MAX))
}

/// Returns the HTTP status of the rejection, 401 or 403; 0 if there was none.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_http_status(request: Option<&mcp_auth_request>) -> i32 {
    read(request, 0, |_, inner| inner.refusal.as_ref().map_or(0, |refusal| i32::from(refusal.http_status)))
}

/// Returns the server's challenge, the `WWW-Authenticate` header of the rejection (RFC 9110,
/// section 11.6.1); several headers are joined into one list. NULL if there was none.
///
/// The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_challenge(request: Option<&mcp_auth_request>) -> *const c_char {
    read(request, std::ptr::null(), |request, _| {
        request.challenge.as_ref().map_or(std::ptr::null(), |challenge| challenge.as_ptr())
    })
}

/// The request inside; NULL is an error.
fn inner_request<'a>(request: Option<&'a mut mcp_auth_request>) -> Result<&'a mut AuthRequest> {
    not_null(request, "request").map(|request| &mut *request.inner)
}

/// Sets the bearer token of the request, without the word "Bearer". NULL removes a token that this
/// function has set; that of `mcp_set_bearer` is then sent.
///
/// Returns `MCP_INVALID_ARGUMENT` for a token that `mcp_set_bearer` does not accept. If no later
/// setter succeeds, the call then ends with `MCP_AUTH_FAILED`.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_set_bearer(
    request: Option<&mut mcp_auth_request>,
    token: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let request = inner_request(request)?;
        let token = request.note(token.optional("token"))?;
        request.set_bearer(token)
    })
}

/// Sets a header of the request. A NULL `value` removes a header that this function has set; one of
/// `mcp_set_header` or of the call's options is then sent.
///
/// Returns `MCP_INVALID_ARGUMENT` for a name or a value that `mcp_set_header` does not accept. If
/// no later setter succeeds, the call then ends with `MCP_AUTH_FAILED`.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_set_header(
    request: Option<&mut mcp_auth_request>,
    name: CText,
    value: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let request = inner_request(request)?;
        let name = request.note(name.required("name"))?;
        let value = request.note(value.optional("value"))?;
        request.set_header(name, value)
    })
}

/// Reports that there are no credentials: the call ends with `MCP_AUTH_FAILED`, and its message
/// contains `reason`.
///
/// Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the call ends with
/// `MCP_AUTH_FAILED` then, too.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_fail(
    request: Option<&mut mcp_auth_request>,
    reason: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let request = inner_request(request)?;
        let reason = request.note(reason.required("reason"))?;
        request.fail(reason, None);
        Ok(())
    })
}

/// Reports that there are no credentials, as `mcp_auth_request_fail` does, and attaches an object
/// of the application, such as a caught exception. `mcp_error_cause` returns it from the error of
/// the call.
///
/// `destroy`, which may be NULL, is called with `cause` when neither an error nor the client refers
/// to it any more; immediately if this function fails. One failure may end several calls: their
/// errors share the cause, and several threads may read it.
///
/// Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the call ends with
/// `MCP_AUTH_FAILED` then, too.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_auth_request_fail_with(
    request: Option<&mut mcp_auth_request>,
    reason: CText,
    cause: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let cause = Userdata::new(cause, destroy);
    guard(error, || {
        let request = inner_request(request)?;
        let reason = request.note(reason.required("reason"))?;
        request.fail(reason, Some(Arc::new(cause)));
        Ok(())
    })
}
