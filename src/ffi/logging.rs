//! Log messages of the server.

use std::ffi::c_void;
use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle};
use super::calls::run;
use super::client::mcp_client;
use super::document::{OwnedDocument, mcp_json};
use super::error::mcp_error;
use super::guard::guard;
use super::options::mcp_options;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::protocol::json::Json;
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
pub type mcp_logging_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, message: *const mcp_json)>;

/// Sets the callback that receives the server's log messages. NULL discards them (the default).
/// Most servers send none before `mcp_set_logging_level`. Over Streamable HTTP, a legacy server
/// sends messages that belong to no call on the server event stream. It is opened by the first
/// call, if this callback or a handler is set by then; else by `mcp_set_logging_level`.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Thread-safe; takes effect with the next message. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_logging(
    client: SharedHandle<mcp_client>,
    logging: mcp_logging_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let hook = logging.map(|logging| {
            let hook: Arc<ServerLogHook> = Arc::new(move |message: &Json| {
                let message = OwnedDocument::new(message.clone());
                // SAFETY: the header requires that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { logging(owner.pointer(), message.pointer()) });
            });
            hook
        });
        drop(client.server_log.set_hook(hook));
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
pub extern "C" fn mcp_set_logging_level(
    client: SharedHandle<mcp_client>,
    level: CText,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        run(client, "set logging level", options, |client, call| {
            client.set_logging_level(call, level.required("level")?)
        })
    })
}
