//! Log messages of the library.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::c_types::{OutParam, SharedHandle, c_string};
use super::client::mcp_client;
use super::error::mcp_error;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::log::{LogHook, LogLevel};
use crate::sanitize::one_line;
use crate::status::mcp_status;
use crate::sys::callback;

/// The severity of a log message of the library. A later version may add values.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_log_level {
    /// A failure that no call reports.
    MCP_LOG_ERROR = 1,
    /// A danger or a probable mistake, such as a token sent over plain http.
    MCP_LOG_WARNING = 2,
    /// Useful information, such as the negotiated version.
    MCP_LOG_INFO = 3,
    /// Details for debugging.
    MCP_LOG_DEBUG = 4,
}

/// Returns the name of a level: "error", "warning", "info" or "debug"; "unknown" for any other
/// number.
///
/// The result is a static string, never NULL. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_log_level_name(level: i32) -> *const c_char {
    let name = match level {
        1 => c"error",
        2 => c"warning",
        3 => c"info",
        4 => c"debug",
        _ => c"unknown",
    };
    name.as_ptr()
}

/// Receives a log message of the library. `level` is an `mcp_log_level`; `message` is one line of
/// at most 2,048 bytes without control characters, and valid until the callback returns.
///
/// It runs in `mcp_queue_dispatch` if the client has a queue (`mcp_set_queue`); otherwise on the
/// thread of any call and on the library's reader threads, possibly on several at
/// the same time, with no lock held. It may use the library, but must not make calls on this client
/// on a reader thread, or while the client connects or obtains a token (`MCP_MISUSE`). It may free
/// the client only on a reader thread, and only if no call is in progress. Its time counts against
/// the timeout of the call. It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_log_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, level: i32, message: *const c_char)>;

/// Sets the callback that receives the library's log messages: fallbacks, retries, warnings. NULL
/// discards them (the default); the library never prints. Messages contain no token and no value of
/// a header that the application set.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Thread-safe; takes effect with the next message. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_log(
    client: SharedHandle<mcp_client>,
    log: mcp_log_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let hook = log.map(|log| {
            let hook: Arc<LogHook> = Arc::new(move |level: LogLevel, text: &str| {
                let text = c_string(one_line(text));
                // SAFETY: the header requires that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { log(owner.pointer(), level as i32, text.as_ptr()) });
            });
            hook
        });
        drop(client.log().set(hook));
        Ok(())
    })
}
