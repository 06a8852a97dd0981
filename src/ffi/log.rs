//! The log of a client.

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

/// How much a line of the log matters. A later version may add levels.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_log_level {
    /// Something failed that no call reports.
    MCP_LOG_ERROR = 1,
    /// Something is dangerous or probably wrong, such as a token over plain http.
    MCP_LOG_WARNING = 2,
    /// Something worth knowing, such as the negotiated version.
    MCP_LOG_INFO = 3,
    /// What helps to find a fault.
    MCP_LOG_DEBUG = 4,
}

/// Receives a line of the log: `level` is an `mcp_log_level`, `message` a text of at most 2,048 bytes
/// without control characters that is gone when the callback returns. Called on the thread of
/// whatever call has something to say, and on the threads of the library that read for a client,
/// perhaps on several at once. No lock is held, and the callback may call the library; but make no
/// call on this client on such a reader thread, nor while it connects (`MCP_MISUSE`). It may free
/// the client on a reader thread, when no call is in flight; on the thread of a call, one is. No
/// exception and no longjmp may leave it.
pub type mcp_log_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, level: i32, message: *const c_char)>;

/// Sets the callback that receives what the client has to say: fall-backs, resends, warnings.
/// NULL, as at the start, is silence: the library prints nothing by itself. No line holds a token
/// or a header value.
///
/// `userdata` is handed to the callback as it is, and to `destroy`, which may be NULL, when it is
/// not needed any more.
///
/// Any thread, any time; counts from the next line. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_log(
    client: SharedHandle<mcp_client>,
    log: mcp_log_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Made first: whatever happens now, its end runs `destroy`.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let hook = log.map(|log| {
            let hook: Arc<LogHook> = Arc::new(move |level: LogLevel, text: &str| {
                let text = c_string(one_line(text));
                // SAFETY: the registration promises that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { log(owner.pointer(), level as i32, text.as_ptr()) });
            });
            hook
        });
        drop(client.log().set(hook));
        Ok(())
    })
}
