//! Logins: how the user is asked, where the browser is redirected to, and the calls that log in and out.

use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

use super::c_types::{CText, OutParam, SharedHandle};
use super::calls::run;
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::guard::{guard, guard_json};
use super::oauth::mcp_oauth;
use super::oauth_request::mcp_oauth_request;
use super::options::mcp_options;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::auth::oauth::callbacks::{LoginRequest, OpenCallback};
use crate::auth::oauth::login::open_in_browser;
use crate::auth::oauth::settings::LoginPolicy;
use crate::client::login::open_browser;
use crate::error::Error;
use crate::status::*;
use crate::sys::callback;

/// Begins a login: shows `mcp_oauth_request_url` to the user. It may open the URL in a browser
/// (`mcp_open_browser`) or in a window of the application, or print it. Tell the user which server
/// requires the login (`mcp_oauth_request_server`), and where the user will log in
/// (`mcp_oauth_request_issuer`).
///
/// It need not wait for the user: the call waits for the redirect. How the redirect arrives depends
/// on `mcp_oauth_set_redirect`. By default the library receives it, and the callback has nothing
/// else to do. If the application receives it, it calls `mcp_oauth_finish`; or
/// `mcp_oauth_request_finish`, if the callback already has it. If the login cannot begin, the
/// callback calls `mcp_oauth_request_fail`; if it fails later, for example because the user closed
/// the window, the application calls `mcp_oauth_fail`.
///
/// A Cancel button calls `mcp_oauth_fail`, or `mcp_oauth_request_fail` for a deferred request, which
/// ends the login for all calls that wait for it. A cancel token ends only its own call; another one
/// may then begin a new login. To close the window when the login is over, defer the request and set
/// a callback (`mcp_oauth_request_set_over`).
///
/// Over SSH and in a container, often no browser can be opened, and a redirect to 127.0.0.1 does not
/// reach this machine. Then the callback must print the URL. The user opens it on another machine;
/// after the login, the browser there shows an error, because it cannot reach the redirect URI. Let
/// the user copy the URL from the address bar into the program, and pass it to `mcp_oauth_finish`;
/// read it outside of the callback, on a thread that neither waits for a call nor dispatches a
/// queue.
///
/// It runs in `mcp_queue_dispatch` if the call that needs the token is queued, and otherwise on a
/// thread of the library; with no lock held, and for one login at a time for each MCP server. It may
/// use the library, but must neither make a call on a client with the same `mcp_oauth` nor wait for
/// one on another thread. Its time, and that of the wait for the user, do not count against any
/// timeout of a call: see `mcp_oauth_set_login`. A cancel token or `mcp_client_close` ends the wait
/// within 50 ms. It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_oauth_open_fn =
    Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, request: *mut mcp_oauth_request)>;

/// Sets the callback that begins logins. NULL removes it (the default): a call that needs a login
/// then fails with `MCP_LOGIN_REQUIRED`.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Returns `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_oauth_set_open(
    oauth: SharedHandle<mcp_oauth>,
    open: mcp_oauth_open_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    let callback = open.map(|open| {
        let callback: Box<OpenCallback> = Box::new(move |request: &Arc<LoginRequest>| {
            let (userdata, c_request) = (owner.pointer(), Box::into_raw(Box::new(mcp_oauth_request::of(request))));
            // SAFETY: the header requires that the callback may be called with this userdata from any thread.
            callback::call(|| unsafe { open(userdata, c_request) });
            if !request.is_deferred() {
                // SAFETY: created above, and only a deferred request belongs to the application.
                drop(unsafe { Box::from_raw(c_request) });
            }
        });
        callback
    });
    set_open_callback(oauth, callback, error)
}

/// Sets a callback that opens logins with `mcp_open_browser`. If no browser can be opened, as over
/// SSH, the call that needs the login fails with `MCP_LOGIN_FAILED`: a program that may run there
/// should set its own callback, which prints the URL (`mcp_oauth_set_open`).
///
/// Returns `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_use_browser(oauth: SharedHandle<mcp_oauth>, error: OutParam<*mut mcp_error>) -> mcp_status {
    set_open_callback(oauth, Some(Box::new(open_in_browser)), error)
}

fn set_open_callback(
    oauth: SharedHandle<mcp_oauth>,
    callback: Option<Box<OpenCallback>>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| Ok(std::mem::replace(&mut settings.open, callback)))
}

/// Opens an http or https URL in the user's browser, with the command `xdg-open`, or `open` on
/// macOS. The environment variable BROWSER may contain other commands, separated by colons, which
/// are tried in this order; "%s" in a command is replaced with the URL, which is otherwise the last
/// argument. The library starts the command without a shell. It opens a browser only for this
/// function, for `mcp_oauth_use_browser`, and for a configuration file with OAuth.
///
/// Returns `MCP_INVALID_ARGUMENT` for another URL, and for one with a character that must be
/// percent-encoded; `MCP_SYSTEM_ERROR` if no browser can be opened, for example because neither
/// BROWSER, DISPLAY nor WAYLAND_DISPLAY is set (on macOS only BROWSER matters).
///
/// It blocks for at most 2 seconds for each command, to detect whether the command fails.
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_open_browser(url: CText, error: OutParam<*mut mcp_error>) -> mcp_status {
    guard(error, || open_browser(url.required("url")?))
}

/// Passes the redirect of a login to the call that waits for it: the URL that the system passed to
/// the application for an app link or a private scheme, or that the user copied from a browser.
/// `redirect_url` is the complete URL, with its query. The login is found by the "state" in it, so
/// an application may pass any URL that it receives. If the query reports an error, such as
/// "access_denied", this function succeeds, and the call fails with `MCP_LOGIN_FAILED`.
///
/// Returns `MCP_INVALID_ARGUMENT` if no login of `oauth` waits for this URL.
///
/// It does not wait for the call. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_finish(
    oauth: SharedHandle<mcp_oauth>,
    redirect_url: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || oauth.required("oauth")?.inner.finish(redirect_url.required("redirect_url")?))
}

/// Ends a login that waits for the user, for example because the user closed the window: the call
/// fails with `MCP_LOGIN_FAILED`, and its message contains `reason`. `url` is the
/// `mcp_oauth_request_url` of the login, of which the callback has kept a copy.
///
/// `cause` is an object of the application that `mcp_error_cause` returns from the error of the
/// call; it may be NULL. `destroy`, which may be NULL, is called with `cause` when neither an error
/// nor the library refers to it any more; immediately if this function fails. One failure may end
/// several calls: their errors share the cause, and several threads may read it.
///
/// Returns `MCP_INVALID_ARGUMENT` if no login of `oauth` with this URL is waiting.
///
/// It does not wait for the call. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_oauth_fail(
    oauth: SharedHandle<mcp_oauth>,
    url: CText,
    reason: CText,
    cause: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let cause = Userdata::new(cause, destroy);
    guard(error, || {
        let oauth = &oauth.required("oauth")?.inner;
        oauth.fail(url.required("url")?, reason.required("reason")?, Some(Arc::new(cause)))
    })
}

/// Sets the redirect URI: where the authorization server redirects the browser after the login. Its
/// kind determines what receives the redirect:
///
/// - "http://127.0.0.1/callback" (the default), or any other path on 127.0.0.1, [::1] or localhost:
///   the library listens on this machine until the login ends. Without a port it uses any free one,
///   which authorization servers have to accept (RFC 8252, section 7.3), so several processes can
///   log in at the same time. With a port it uses only that one; if the port is taken, the call
///   fails, and the error names it.
/// - An https URL, such as "https://app.example.com/oauth": the application receives the redirect,
///   as an app link that the system associates with it, or on its web server, and calls
///   `mcp_oauth_finish`.
/// - A private scheme, such as "com.example.app:/oauth" (RFC 8252, section 7.1): the system passes
///   the URL to the application, which calls `mcp_oauth_finish`. Prefer an https app link: any
///   application can claim a private scheme, but for an app link the system checks that the
///   application belongs to the host of the URL.
///
/// The authorization server must know the redirect URI. The library sends it when it registers the
/// application; in other cases, enter it in advance: see `mcp_oauth_set_client` and
/// `mcp_oauth_set_client_url`.
///
/// Returns `MCP_INVALID_ARGUMENT` for http on another host, a scheme that belongs to another
/// protocol ("javascript", "file"), a URI with a fragment, or an invalid one; `MCP_MISUSE` after
/// `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_redirect(
    oauth: SharedHandle<mcp_oauth>,
    uri: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| settings.set_redirect(uri.required("uri")?))
}

/// When the user may be asked to log in.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_oauth_when {
    /// During each call for which the server requires a login. The default.
    MCP_OAUTH_WHEN_NEEDED = 1,
    /// Only during `mcp_login`. Other calls fail with `MCP_LOGIN_REQUIRED`, so no window opens
    /// unexpectedly.
    MCP_OAUTH_WHEN_ASKED = 2,
}

/// Sets when the user may be asked to log in, and how long a login waits for the user. `when` is an
/// `mcp_oauth_when`. `timeout_ms` is in milliseconds, and 0 means no limit; when it has passed, the
/// call fails with `MCP_LOGIN_FAILED`. Default: `MCP_OAUTH_WHEN_NEEDED` and 300,000.
///
/// Returns `MCP_INVALID_ARGUMENT` for an unknown value of `when`, and `MCP_MISUSE` after
/// `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_set_login(
    oauth: SharedHandle<mcp_oauth>,
    when: i32,
    timeout_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| {
        settings.login_policy = match when {
            1 => LoginPolicy::WhenNeeded,
            2 => LoginPolicy::WhenAsked,
            _ => {
                let values = "MCP_OAUTH_WHEN_NEEDED (1) or MCP_OAUTH_WHEN_ASKED (2)";
                return Err(Error::new(MCP_INVALID_ARGUMENT, format!("when must be {values}")));
            }
        };
        settings.login_timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms));
        Ok(())
    })
}

/// Makes sure that the client has a token that the server accepts. It uses or refreshes a stored
/// token if possible, and otherwise lets the user log in, also with `MCP_OAUTH_WHEN_ASKED` and
/// after a login that failed. With a grant other than `MCP_OAUTH_LOGIN`, it gets a token without
/// the user. Some servers require a token only for some requests: the user logs in there, too, if
/// the server names an authorization server. If it names none and requires no token, the function
/// succeeds without a login.
///
/// The wait for the user is limited by `mcp_oauth_set_login`, and not by the timeout of the call.
///
/// Returns `MCP_LOGIN_REQUIRED` if a login is necessary and no open callback is set;
/// `MCP_LOGIN_FAILED` if the redirect reported an error, the callback failed, or the login's time
/// has passed; `MCP_OAUTH_FAILED` if the authorization server cannot be used; and `MCP_MISUSE` if
/// the client has no `mcp_oauth`. `mcp_error_oauth_code` returns the reason of the authorization
/// server.
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_login(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run::<()>(client, "login", options, error, Ok(()), |client, call, ()| client.login(call))
}

/// Removes the tokens of the client's server from memory and from the store, and revokes them if
/// the authorization server supports that (RFC 7009). It concerns all clients of that server with
/// the same `mcp_oauth`. The registration of the application at the authorization server is kept.
/// The user stays logged in there with the browser: the next login may ask for no password.
///
/// If the tokens cannot be revoked, they are removed anyway, and the result is the reason. If the
/// store cannot be locked or read, they are kept. The call waits for a login in progress; to end
/// that, call `mcp_oauth_fail`. The next call that gets 401 begins a login, except with
/// `MCP_OAUTH_WHEN_ASKED`.
///
/// Returns `MCP_MISUSE` if the client has no `mcp_oauth`.
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_logout(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run::<()>(client, "logout", options, error, Ok(()), |client, call, ()| client.logout(call))
}

/// Gets what is known of the login at the client's server, as an object. Nothing is sent; the store
/// may be read. Members that are unknown are missing.
///
/// - "loggedIn": whether there is an access token that has not expired, or a refresh token; the
///   server may have revoked them
/// - "issuer": the issuer of the authorization server
/// - "resource": the resource for which tokens are requested (see `mcp_oauth_set_resource`)
/// - "clientId": the client id at the authorization server
/// - "registration": where it comes from: "configured" (`mcp_oauth_set_client`),
///   "metadata_document" (`mcp_oauth_set_client_url`) or "registered"
/// - "scopes": an array of the scopes of the token
/// - "expiresAt": when the access token expires, in seconds since 1970
/// - "refreshable": whether there is a refresh token
/// - "idToken": an object with the claims of the ID token (OpenID Connect Core, section 2), for
///   display only
///
/// It contains no token and no secret.
///
/// On success `*state` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. Returns `MCP_MISUSE` if the client has no `mcp_oauth`. Thread-safe. Since
/// 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_state(
    client: SharedHandle<mcp_client>,
    state: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard_json(state, "the place for the state", error, || client.required("client")?.inner.oauth_state())
}
