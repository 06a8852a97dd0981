//! The server's log.

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

/// Receives a log message of the server: an object with "level", "data", and perhaps "logger"
/// (specification 2026-07-28, "Logging"). It is gone when the callback returns.
///
/// Called on the thread of the call whose answer it came with; where it belongs to no call, on the
/// library's reader thread. No lock is held, and the callback may call the library, as for
/// `mcp_log_fn`. Its time counts against no timeout. No exception and no longjmp may leave it.
pub type mcp_logging_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, message: *const mcp_json)>;

/// Sets the callback that receives the server's log messages. NULL, as at the start, drops them.
/// Servers send none before `mcp_set_logging_level`, as a rule. Messages of a legacy server that
/// belong to no call come on an event stream of their own, which has a thread.
///
/// `userdata` is handed to the callback as it is, and to `destroy`, which may be NULL, when it is
/// not needed any more.
///
/// Any thread, any time. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_logging(
    client: SharedHandle<mcp_client>,
    logging: mcp_logging_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Made first: whatever happens now, its end runs `destroy`.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let hook = logging.map(|logging| {
            let hook: Arc<ServerLogHook> = Arc::new(move |message: &Json| {
                let message = OwnedDocument::new(message.clone());
                // SAFETY: the registration promises that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { logging(owner.pointer(), message.pointer()) });
            });
            hook
        });
        drop(client.server_log.set_hook(hook));
        Ok(())
    })
}

/// Asks the server for its log messages from a level on: "debug", "info", "notice", "warning",
/// "error", "critical", "alert" or "emergency". A legacy server is told now; a modern one with every
/// request from now on.
///
/// Returns `MCP_INVALID_ARGUMENT` for another level, and `MCP_RPC_ERROR` where a legacy server has
/// no log.
///
/// `options` may be NULL. Blocks; any thread. Since 0.1.0.
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
