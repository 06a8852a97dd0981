//! Assertions: JWTs of another party in place of a login.

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};

use super::c_types::{CText, OutParam, SharedHandle, c_string, guard_quiet, not_null};
use super::error::mcp_error;
use super::guard::guard;
use super::oauth::mcp_oauth;
use super::setter_error::SetterError;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::auth::oauth::callbacks::{AssertionCallback, AssertionRequest};
use crate::status::mcp_status;
use crate::sys::callback;

/// The argument of `mcp_oauth_assertion_fn`: describes the assertion that is needed, and receives
/// it. It is valid until the callback returns, and only on the callback's thread.
///
/// Since 0.1.0.
pub struct mcp_oauth_assertion<'a> {
    inner: &'a mut AssertionRequest,
    audience: CString,
    resource: Option<CString>,
    setter_error: SetterError,
}

/// Provides an assertion, a JWT that another party has signed, with `mcp_oauth_assertion_set`; or
/// reports with `mcp_oauth_assertion_fail` why there is none. It is called for each request of a
/// token with an assertion.
///
/// It runs on the thread of the call that needs the token, with no lock held, and for one
/// request at a time for each MCP server. It may use the library, but must neither make a call on a
/// client with the same `mcp_oauth` nor wait for one on another thread. Its time does not count
/// against any timeout. It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_oauth_assertion_fn =
    Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, assertion: *mut mcp_oauth_assertion)>;

/// Sets the callback that provides assertions, for the grant `MCP_OAUTH_ASSERTION` (RFC 7523,
/// section 2.1). NULL removes it (the default). For example, a job of a CI system proves its
/// identity with the JWT that the system issues to it (workload identity). The assertion is sent
/// only to an authorization server whose issuer is set (`mcp_oauth_set_client`), is on this
/// machine, or is on the origin of the MCP server: the MCP server must not determine where it is
/// sent. With `mcp_oauth_set_identity`, the assertion is an ID token of the user.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Returns `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_oauth_set_assertion(
    oauth: SharedHandle<mcp_oauth>,
    assertion: mcp_oauth_assertion_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    let callback = assertion.map(|assertion| {
        let callback: Box<AssertionCallback> = Box::new(move |request: &mut AssertionRequest| {
            let mut c_assertion = mcp_oauth_assertion::of(request);
            let pointer = &raw mut c_assertion;
            // SAFETY: the header requires that the callback may be called with this userdata from any thread.
            callback::call(|| unsafe { assertion(owner.pointer(), pointer) });
            if let Some(reason) = c_assertion.setter_error.reason() {
                c_assertion.inner.fail(&reason);
            }
        });
        callback
    });
    mcp_oauth::set(oauth, error, |settings| Ok(std::mem::replace(&mut settings.assertion, callback)))
}

impl mcp_oauth_assertion<'_> {
    fn of(request: &mut AssertionRequest) -> mcp_oauth_assertion<'_> {
        mcp_oauth_assertion {
            audience: c_string(&request.audience),
            resource: request.resource.as_deref().map(c_string),
            inner: request,
            setter_error: SetterError::default(),
        }
    }
}

/// Returns the audience ("aud") that the assertion must have: the issuer of the authorization
/// server, or with `mcp_oauth_set_identity` the client id at the identity provider. NULL for NULL.
///
/// The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_assertion_audience(assertion: Option<&mcp_oauth_assertion>) -> *const c_char {
    guard_quiet(null(), || assertion.map_or(null(), |assertion| assertion.audience.as_ptr()))
}

/// Returns the resource for which a token is requested, usually the URL of the MCP server; NULL if
/// the requests name none (see `mcp_oauth_set_resource`), and for NULL.
///
/// The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_assertion_resource(assertion: Option<&mcp_oauth_assertion>) -> *const c_char {
    guard_quiet(null(), || {
        let resource = assertion.and_then(|assertion| assertion.resource.as_ref());
        resource.map_or(null(), |resource| resource.as_ptr())
    })
}

/// Returns the pointer that `mcp_options_set_call_data` has set on the options of the call that
/// needs the token; NULL if there is none, and for NULL.
///
/// The object is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_assertion_call_data(assertion: Option<&mcp_oauth_assertion>) -> *mut c_void {
    guard_quiet(null_mut(), || Userdata::pointer_of(assertion.and_then(|assertion| assertion.inner.call_data.as_ref())))
}

/// Sets the assertion: a JWT, as text. It is copied, and wiped from the library's memory after its
/// use.
///
/// Returns `MCP_INVALID_ARGUMENT` for a text that is NULL, empty, or has a character other than
/// visible ASCII. If no later setter succeeds, the call then fails with `MCP_OAUTH_FAILED`.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_assertion_set(
    assertion: Option<&mut mcp_oauth_assertion>,
    text: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let assertion = not_null(assertion, "assertion")?;
        let outcome = text.required("text").and_then(|text| assertion.inner.set(text));
        assertion.setter_error.note(outcome)
    })
}

/// Reports that there is no assertion: the call fails with `MCP_OAUTH_FAILED`, and its message
/// contains `reason`.
///
/// Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the call fails then, too.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_assertion_fail(
    assertion: Option<&mut mcp_oauth_assertion>,
    reason: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let assertion = not_null(assertion, "assertion")?;
        let reason = assertion.setter_error.note(reason.required("reason"))?;
        assertion.inner.fail(reason);
        Ok(())
    })
}

/// Sets the identity provider of an organization at which the user has already logged in, for the
/// grant `MCP_OAUTH_ASSERTION` (MCP extension "Enterprise-Managed Authorization"). The callback of
/// `mcp_oauth_set_assertion` then provides the ID token of that login. The library exchanges it at
/// the identity provider for an identity assertion (RFC 8693), and this at the authorization server
/// for an access token (RFC 7523): the user need not log in again for each MCP server.
///
/// `token_endpoint` is the URL of the identity provider for token requests. `client_id` and
/// `client_secret` are those of the application at the identity provider; a NULL `client_secret`
/// means that there is none. `mcp_oauth_set_client` or `mcp_oauth_set_client_key` sets those at the
/// authorization server, with its issuer.
///
/// Returns `MCP_INVALID_ARGUMENT` for a `token_endpoint` that is not an http or https URL or has a
/// fragment; `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_identity(
    oauth: SharedHandle<mcp_oauth>,
    token_endpoint: CText,
    client_id: CText,
    client_secret: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| {
        let (endpoint, client_id) = (token_endpoint.required("token_endpoint")?, client_id.required("client_id")?);
        settings.set_identity(endpoint, client_id, client_secret.optional("client_secret")?)
    })
}
