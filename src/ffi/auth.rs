//! The auth callback of a client, which authorizes its requests.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle, c_string, guard_quiet};
use super::client::mcp_client;
use super::error::mcp_error;
use super::guard::guard;
use super::userdata::{Userdata, mcp_destroy_fn, mcp_over_fn, over_callback};
use crate::auth::auth_callback::AuthCallback;
use crate::auth::auth_request::AuthRequest;
use crate::auth::pending_auth::PendingAuth;
use crate::error::Result;
use crate::status::mcp_status;
use crate::sys::callback;

/// The argument of an auth callback: describes the HTTP request, and receives its credentials. It
/// is valid until the callback returns, or until `mcp_auth_request_free` if the callback called
/// `mcp_auth_request_defer`. It is used by one thread at a time, except for
/// `mcp_auth_request_is_over`.
///
/// Since 0.1.0.
pub struct mcp_auth_request {
    inner: Arc<PendingAuth>,
    url: CString,
    method: CString,
    client_name: CString,
    challenge: Option<CString>,
    attempt: i32,
    http_status: i32,
}

/// Gives an HTTP request its credentials. The callback sets them with `mcp_auth_request_set_bearer`
/// and `mcp_auth_request_set_header`, or reports with `mcp_auth_request_fail` why there are none.
/// They override the credentials of the client and of the call for the same header; the others are
/// sent as well.
///
/// It may take long, or call `mcp_auth_request_defer`, return, and give the credentials later from
/// any thread. The calls that need them wait meanwhile, and end within 50 ms if they are cancelled
/// or the client is closed.
///
/// It runs in `mcp_queue_dispatch` if the call that makes the request is queued, and otherwise on a
/// thread of the library; once at a time for each client, and with no lock held. It may use the
/// library, but must neither make a call on the same client (`MCP_MISUSE`) nor wait for one on
/// another thread. Its time does not count against any timeout. It must not throw an exception or
/// call longjmp.
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
            let callback: Box<AuthCallback> = Box::new(move |pending: &Arc<PendingAuth>| {
                let Some(request) = mcp_auth_request::of(pending) else { return };
                let (userdata, c_request) = (owner.pointer(), Box::into_raw(Box::new(request)));
                // SAFETY: the header requires that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { auth(userdata, c_request) });
                if !pending.is_deferred() {
                    // SAFETY: created above, and only a deferred request belongs to the application.
                    drop(unsafe { Box::from_raw(c_request) });
                }
            });
            callback
        });
        drop(client.auth().set_callback(callback));
        Ok(())
    })
}

impl mcp_auth_request {
    /// `None` if the credentials were given already.
    fn of(pending: &Arc<PendingAuth>) -> Option<mcp_auth_request> {
        let describe = |request: &mut AuthRequest| {
            let challenge = request.refusal.as_ref().and_then(|refusal| refusal.challenge.as_deref());
            Ok(mcp_auth_request {
                url: c_string(&request.url),
                method: c_string(request.method.as_str()),
                client_name: c_string(&*pending.client_name),
                challenge: challenge.map(c_string),
                attempt: i32::try_from(request.attempt).unwrap_or(i32::MAX),
                http_status: request.refusal.as_ref().map_or(0, |refusal| i32::from(refusal.http_status)),
                inner: Arc::clone(pending),
            })
        };
        pending.with_request(describe).ok()
    }
}

/// Reads a request; returns `default` for NULL.
fn read<T: Copy>(request: Option<&mcp_auth_request>, default: T, read: impl FnOnce(&mcp_auth_request) -> T) -> T {
    guard_quiet(default, || request.map_or(default, read))
}

/// Takes over the request: called in the auth callback, it keeps the request valid after the
/// callback has returned. The program gives the credentials later, from any thread, and
/// `mcp_auth_request_free` then uses what was set. Until then, the callback is not called again.
///
/// Returns `MCP_MISUSE` if it was deferred before.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_defer(
    request: SharedHandle<mcp_auth_request>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || request.required("request")?.inner.defer())
}

/// Ends a deferred request, and frees it: the credentials that were set are used, or the failure.
/// Without both, requests are sent with the credentials of the client. NULL is ignored, and so is a
/// request that was not deferred.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_free(request: Option<Box<mcp_auth_request>>) {
    guard_quiet((), || {
        let Some(request) = request else { return };
        if request.inner.is_deferred() {
            let done = request.inner.finish();
            drop(request);
            drop(done);
        } else {
            // It belongs to the caller of the callback.
            Box::leak(request);
        }
    });
}

/// Returns whether no call waits for the credentials any more: all were cancelled, or the client was
/// closed. Credentials that are given nevertheless are used by later calls. False for NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_is_over(request: Option<&mcp_auth_request>) -> bool {
    read(request, false, |request| request.inner.is_over())
}

/// Sets a callback that is called when no call waits for the credentials any more (`mcp_over_fn`).
/// NULL removes it. If that is the case already, it is called at once; in a queue, by the next
/// `mcp_queue_dispatch`.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_auth_request_set_over(
    request: SharedHandle<mcp_auth_request>,
    over: mcp_over_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    guard(error, || {
        // The callback may free the request.
        let pending = Arc::clone(&request.required("request")?.inner);
        pending.set_over(over.map(|over| over_callback(over, owner)));
        Ok(())
    })
}

/// Returns the name of the client that needs the credentials. NULL for NULL.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_client_name(request: Option<&mcp_auth_request>) -> *const c_char {
    read(request, std::ptr::null(), |request| request.client_name.as_ptr())
}

/// Returns the URL of the request, including its query; NULL for NULL.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_url(request: Option<&mcp_auth_request>) -> *const c_char {
    read(request, std::ptr::null(), |request| request.url.as_ptr())
}

/// Returns the HTTP method of the request: "POST", "GET" or "DELETE"; NULL for NULL.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_method(request: Option<&mcp_auth_request>) -> *const c_char {
    read(request, std::ptr::null(), |request| request.method.as_ptr())
}

/// Returns 1 before a request, 2 or 3 after the server has rejected the credentials of the call; 0
/// for NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_attempt(request: Option<&mcp_auth_request>) -> i32 {
    read(request, 0, |request| request.attempt)
}

/// Returns the HTTP status of the rejection, 401 or 403; 0 if there was none.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_http_status(request: Option<&mcp_auth_request>) -> i32 {
    read(request, 0, |request| request.http_status)
}

/// Returns the server's challenge, the `WWW-Authenticate` header of the rejection (RFC 9110,
/// section 11.6.1); several headers are joined into one list. NULL if there was none.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_challenge(request: Option<&mcp_auth_request>) -> *const c_char {
    read(request, std::ptr::null(), |request| {
        request.challenge.as_ref().map_or(std::ptr::null(), |challenge| challenge.as_ptr())
    })
}

/// Changes the request inside; NULL is an error.
fn change<T>(request: SharedHandle<mcp_auth_request>, change: impl FnOnce(&mut AuthRequest) -> Result<T>) -> Result<T> {
    request.required("request")?.inner.with_request(change)
}

/// Returns the pointer that `mcp_options_set_call_data` has set on the options of the call that
/// makes the request; NULL if there is none, and for NULL.
///
/// The object is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_call_data(request: Option<&mcp_auth_request>) -> *mut c_void {
    read(request, std::ptr::null_mut(), |request| Userdata::pointer_of(request.inner.call_data.as_ref()))
}

/// Sets the bearer token of the request, without the word "Bearer". NULL removes a token that this
/// function has set; that of `mcp_set_bearer` is then sent.
///
/// Returns `MCP_INVALID_ARGUMENT` for a token that `mcp_set_bearer` does not accept. If no later
/// setter succeeds, the call then ends with `MCP_AUTH_FAILED`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_set_bearer(
    request: SharedHandle<mcp_auth_request>,
    token: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        change(request, |request| {
            let token = request.note(token.optional("token"))?;
            request.set_bearer(token)
        })
    })
}

/// Sets a header of the request. A NULL `value` removes a header that this function has set; one of
/// `mcp_set_header` or of the call's options is then sent.
///
/// Returns `MCP_INVALID_ARGUMENT` for a name or a value that `mcp_set_header` does not accept. If
/// no later setter succeeds, the call then ends with `MCP_AUTH_FAILED`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_set_header(
    request: SharedHandle<mcp_auth_request>,
    name: CText,
    value: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        change(request, |request| {
            let name = request.note(name.required("name"))?;
            let value = request.note(value.optional("value"))?;
            request.set_header(name, value)
        })
    })
}

/// Reports that there are no credentials: the call ends with `MCP_AUTH_FAILED`, and its message
/// contains `reason`.
///
/// Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the call ends with
/// `MCP_AUTH_FAILED` then, too.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_auth_request_fail(
    request: SharedHandle<mcp_auth_request>,
    reason: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        change(request, |request| {
            let reason = request.note(reason.required("reason"))?;
            Ok(request.fail(reason, None))
        })
        .map(drop)
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
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_auth_request_fail_with(
    request: SharedHandle<mcp_auth_request>,
    reason: CText,
    cause: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let cause = Userdata::new(cause, destroy);
    guard(error, || {
        change(request, |request| {
            let reason = request.note(reason.required("reason"))?;
            Ok(request.fail(reason, Some(Arc::new(cause))))
        })
        .map(drop)
    })
}
