//! The request for a login, which the open callback receives.

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle, c_string, guard_quiet};
use super::error::mcp_error;
use super::guard::guard;
use super::userdata::{Userdata, mcp_destroy_fn, mcp_over_fn, over_callback};
use crate::auth::oauth::callbacks::LoginRequest;
use crate::error::{ErrorCause, Result};
use crate::status::mcp_status;

/// The argument of `mcp_oauth_open_fn`: describes a login. It is valid until the callback returns,
/// or until `mcp_oauth_request_free` if the callback called `mcp_oauth_request_defer`. It is used by
/// one thread at a time, except for `mcp_oauth_request_is_over`.
///
/// Since 0.1.0.
pub struct mcp_oauth_request {
    inner: Arc<LoginRequest>,
    client_name: CString,
    url: CString,
    server: CString,
    issuer: CString,
    scopes: CString,
    redirect_uri: CString,
}

impl mcp_oauth_request {
    pub(super) fn of(request: &Arc<LoginRequest>) -> mcp_oauth_request {
        mcp_oauth_request {
            inner: Arc::clone(request),
            client_name: c_string(&*request.client_name),
            url: c_string(&request.url),
            server: c_string(&request.server),
            issuer: c_string(&request.issuer),
            scopes: c_string(&request.scopes),
            redirect_uri: c_string(&request.redirect_uri),
        }
    }
}

/// Reads a text of a request; returns NULL for NULL.
fn read<'a>(
    request: Option<&'a mcp_oauth_request>,
    text: impl FnOnce(&'a mcp_oauth_request) -> &'a CString,
) -> *const c_char {
    guard_quiet(null(), || request.map_or(null(), |request| text(request).as_ptr()))
}

/// Takes over the request: called in the open callback, it keeps the request valid after the
/// callback has returned, until `mcp_oauth_request_free`.
///
/// Returns `MCP_MISUSE` if it was deferred before.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_defer(
    request: SharedHandle<mcp_oauth_request>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || request.required("request")?.inner.defer())
}

/// Frees a deferred request; NULL is ignored, and so is a request that was not deferred. The login
/// goes on. A callback of `mcp_oauth_request_set_over` does not run any more.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_free(request: Option<Box<mcp_oauth_request>>) {
    guard_quiet((), || {
        let Some(request) = request else { return };
        if request.inner.is_deferred() {
            request.inner.over.release();
        } else {
            // It belongs to the caller of the callback.
            Box::leak(request);
        }
    });
}

/// Returns whether the login has ended: the redirect has arrived, the call that waits for it was
/// cancelled, or its time is over (`mcp_oauth_set_login`). False for NULL, and after
/// `mcp_oauth_request_finish` and `mcp_oauth_request_fail`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_is_over(request: Option<&mcp_oauth_request>) -> bool {
    guard_quiet(false, || request.is_some_and(|request| request.inner.over.status().is_some()))
}

/// Sets a callback that is called when the login ends, unless this request has ended it with
/// `mcp_oauth_request_finish` or `mcp_oauth_request_fail` (`mcp_over_fn`). NULL removes it. If the
/// login has ended already, it is called at once; in a queue, by the next `mcp_queue_dispatch`.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_oauth_request_set_over(
    request: SharedHandle<mcp_oauth_request>,
    over: mcp_over_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    guard(error, || {
        // The callback may free the request.
        let hook = Arc::clone(&request.required("request")?.inner.over);
        hook.set(over.map(|over| over_callback(over, owner)));
        Ok(())
    })
}

/// Returns the name of the client that needs the login. NULL for NULL.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_client_name(request: Option<&mcp_oauth_request>) -> *const c_char {
    read(request, |request| &request.client_name)
}

/// Returns the URL to open in a browser; NULL for NULL. It is for this login only.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_url(request: Option<&mcp_oauth_request>) -> *const c_char {
    read(request, |request| &request.url)
}

/// Returns the URL of the MCP server that requires the login, as messages show it: without its
/// query, and with "***" for secrets in its path. NULL for NULL.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_server(request: Option<&mcp_oauth_request>) -> *const c_char {
    read(request, |request| &request.server)
}

/// Returns the issuer of the authorization server at which the user logs in, such as
/// "https://auth.example.com"; NULL for NULL.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_issuer(request: Option<&mcp_oauth_request>) -> *const c_char {
    read(request, |request| &request.issuer)
}

/// Returns the scopes that are requested, separated by spaces; "" if none are. NULL for NULL.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_scopes(request: Option<&mcp_oauth_request>) -> *const c_char {
    read(request, |request| &request.scopes)
}

/// Returns the redirect URI of this login, with the port on which the library listens, if it does.
/// NULL for NULL.
///
/// The result is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_redirect_uri(request: Option<&mcp_oauth_request>) -> *const c_char {
    read(request, |request| &request.redirect_uri)
}

/// Returns the pointer that `mcp_options_set_call_data` has set on the options of the call that
/// begins the login; NULL if there is none, and for NULL. Other calls may wait for the same login.
///
/// The object is valid as long as the request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_call_data(request: Option<&mcp_oauth_request>) -> *mut c_void {
    guard_quiet(null_mut(), || Userdata::pointer_of(request.and_then(|request| request.inner.call_data.as_ref())))
}

/// Ends the wait of a login with the redirect, if the callback itself received it, for example in
/// an automated login. `redirect_url` is the complete URL to which the browser was redirected, with
/// its query. If the query reports an error, such as "access_denied", this function succeeds, and
/// the call fails with `MCP_LOGIN_FAILED`. If the login has ended already, there is no effect.
///
/// Returns `MCP_INVALID_ARGUMENT` if the URL is not the redirect of this login, because its "state"
/// is another one, or if its query is not valid; the login then continues to wait.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_finish(
    request: SharedHandle<mcp_oauth_request>,
    redirect_url: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || request.required("request")?.inner.finish(redirect_url.required("redirect_url")?))
}

/// Ends a login that cannot begin: the call fails with `MCP_LOGIN_FAILED`, and its message contains
/// `reason`.
///
/// Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the login ends then, too.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_request_fail(
    request: SharedHandle<mcp_oauth_request>,
    reason: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || fail(request, reason, None))
}

/// Ends a login that cannot begin, as `mcp_oauth_request_fail` does, and attaches an object of the
/// application, such as a caught exception. `mcp_error_cause` returns it from the error of the
/// call.
///
/// `destroy`, which may be NULL, is called with `cause` when neither an error nor the library
/// refers to it any more; immediately if this function fails. One failure may end several calls:
/// their errors share the cause, and several threads may read it.
///
/// Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the login ends then, too.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_oauth_request_fail_with(
    request: SharedHandle<mcp_oauth_request>,
    reason: CText,
    cause: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let cause = Userdata::new(cause, destroy);
    guard(error, || fail(request, reason, Some(Arc::new(cause))))
}

/// Ends a login also if the reason is invalid: waiting for the redirect would be useless.
fn fail(request: SharedHandle<mcp_oauth_request>, reason: CText, cause: Option<ErrorCause>) -> Result<()> {
    let request = &request.required("request")?.inner;
    match reason.required("reason") {
        Ok(reason) => request.fail(reason, cause),
        Err(error) => {
            request.fail(&error.to_string(), None);
            return Err(error);
        }
    }
    Ok(())
}
