//! Log messages and other notifications of the server.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle, c_string};
use super::calls::run;
use super::client::mcp_client;
use super::document::{OwnedDocument, mcp_json};
use super::error::mcp_error;
use super::options::mcp_options;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::protocol::json::Json;
use crate::rpc::notification_hook::NotificationHook;
use crate::rpc::server_log::ServerLogHook;
use crate::status::mcp_status;
use crate::sys::callback;

/// Receives a log message of the server: an object with "level", "data", and optionally "logger"
/// (specification 2026-07-28, "Logging"). It is valid until the callback returns.
///
/// It runs on the thread of the call whose response carried the message; if the message belongs to
/// no call, on a reader thread of the library. It may run on several threads at the same time, with
/// no lock held. It may use the library, but on a reader thread must not make calls on this client
/// (`MCP_MISUSE`). Its time does not count against any timeout. It must not throw an exception or
/// call longjmp.
///
/// Since 0.1.0.
pub type mcp_server_log_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, message: *const mcp_json)>;

/// Sets the callback that receives the log messages of the server; those of the library go to
/// `mcp_set_log`. NULL discards them (the default).
///
/// Most servers send none before `mcp_request_server_log`. Over Streamable HTTP, a legacy server
/// sends messages that belong to no call on the server event stream. It is opened by the first
/// call, if this callback or a handler is set by then; else by `mcp_request_server_log`.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Thread-safe; takes effect with the next message. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_server_log(
    client: SharedHandle<mcp_client>,
    log: mcp_server_log_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let hook = log.map(|log| {
            let hook: Arc<ServerLogHook> = Arc::new(move |message: &Json| {
                let message = OwnedDocument::new(message.clone());
                // SAFETY: the header requires that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { log(owner.pointer(), message.pointer()) });
            });
            hook
        });
        drop(client.server_log.set_hook(hook));
        Ok(())
    })
}

/// Receives a notification of the server. `params` is NULL if it has none. Both are valid until the
/// callback returns. Where it runs, and what it may do: see `mcp_server_log_fn`.
///
/// Since 0.1.0.
pub type mcp_notification_fn =
    Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, method: *const c_char, params: *const mcp_json)>;

/// Sets the callback that receives all notifications of the server, also those of extensions, and
/// those that other callbacks receive, such as progress, log messages and changes; it runs before
/// them:
///
/// ```
/// static void notified(void *userdata, const char *method, const mcp_json *params) {
///     if (strcmp(method, "notifications/tasks/status") == 0)
///         show_task(userdata, mcp_json_string(mcp_json_member(params, "status")));
/// }
/// mcp_set_notification(client, notified, window, NULL, &error);
/// ```
///
/// NULL removes it (the default). A modern server sends changes only to `mcp_listen`. Over Streamable
/// HTTP, a legacy server sends notifications that belong to no call on the server event stream, which
/// the first call opens if this callback is set by then. Notifications with more than 1 MiB of
/// parameters are skipped, except log messages. If the application is slower than the server, the
/// oldest are lost: 256 of a call wait at most, and 256 in the queue of the client (`mcp_set_queue`).
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Thread-safe; takes effect with the next notification. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_notification(
    client: SharedHandle<mcp_client>,
    notification: mcp_notification_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let hook = notification.map(|notification| {
            let hook: Arc<NotificationHook> = Arc::new(move |method: &str, params: Option<&Json>| {
                let method = c_string(method);
                let params = params.cloned().map(OwnedDocument::new);
                let params = params.as_ref().map_or(std::ptr::null(), OwnedDocument::pointer);
                // SAFETY: the header requires that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { notification(owner.pointer(), method.as_ptr(), params) });
            });
            hook
        });
        drop(client.notifications.set(hook));
        Ok(())
    })
}

/// Requests the server's log messages of this level and above: "debug", "info", "notice",
/// "warning", "error", "critical", "alert" or "emergency". The level is sent to a legacy server
/// immediately, to a modern one with every later request.
///
/// Returns `MCP_INVALID_ARGUMENT` for any other level, and `MCP_RPC_ERROR` if a legacy server has
/// no log.
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_request_server_log(
    client: SharedHandle<mcp_client>,
    level: CText,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let level = level.required("level");
    run::<String>(client, "request server log", options, error, level, |client, call, level| {
        client.request_server_log(call, level)
    })
}
