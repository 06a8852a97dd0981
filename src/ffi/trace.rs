//! The message trace, and what a user sees of it and of the log with MCP_DEBUG.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::c_types::{OutParam, SharedHandle};
use super::client::mcp_client;
use super::error::mcp_error;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::client::debug_output;
use crate::status::mcp_status;
use crate::sys::callback;
use crate::trace::{TraceDirection, TraceHook};

/// Which way a message goes. A later version may add values.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_trace_direction {
    /// The client sends the message.
    MCP_TRACE_SENT = 1,
    /// The client has received the message.
    MCP_TRACE_RECEIVED = 2,
}

/// Receives a message. `direction` is an `mcp_trace_direction`. `text` has `length` bytes, is also
/// NUL-terminated, and is valid until the callback returns.
///
/// It runs on the thread that sends or receives the message, also for clients and calls with a
/// queue: on the threads of calls and on the library's reader threads, possibly on several at the
/// same time, with no lock held. It must return soon, because the message waits for it; it must not
/// make calls on this client, throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_trace_fn =
    Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, direction: i32, text: *const c_char, length: usize)>;

/// Sets the callback that receives every JSON-RPC message that the client sends and receives, for
/// debugging:
///
/// ```
/// static void trace(void *file, int32_t direction, const char *text, size_t length) {
///     (void)length;
///     fprintf(file, "%s %s\n", direction == MCP_TRACE_SENT ? "->" : "<-", text);
/// }
/// mcp_set_trace(client, trace, stderr, NULL, &error);
/// ```
///
/// NULL removes it (the default). A message is passed before it is sent, also if that fails then, and
/// again if it is sent again, except after a redirect. Of what the server sends in place of messages,
/// lines on stdout, events and JSON bodies are passed, and the bodies of failed requests. A batch is
/// one message. The requests of OAuth are not messages of the protocol, and are not passed.
///
/// Tokens, cookies, and the values of headers that the application has set are replaced by
/// "[redacted]", but not secrets that only the application and the server know: the arguments of
/// tools, for example. A server can send a header of one call (`mcp_options_set_header`) to another
/// one or to the event stream, where it is not replaced. Of a longer message, the first 1 MiB are
/// passed.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Thread-safe; takes effect with the next message. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_trace(
    client: SharedHandle<mcp_client>,
    trace: mcp_trace_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let hook = trace.map(|trace| {
            let hook: Arc<TraceHook> = Arc::new(move |direction: TraceDirection, text: &str| {
                let terminated = [text.as_bytes(), b"\0"].concat();
                let start = terminated.as_ptr().cast();
                // SAFETY: the header requires that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { trace(owner.pointer(), direction as i32, start, text.len()) });
            });
            hook
        });
        drop(client.trace().set(hook));
        Ok(())
    })
}

/// Lets the user of the program see the log: if the environment variable MCP_DEBUG is "1", the
/// library's log messages are written to stderr, and if it is "2", also the messages of the protocol
/// (`mcp_set_trace`). Otherwise, this function does nothing. It replaces the callbacks of
/// `mcp_set_log` and, with "2", of `mcp_set_trace`. With `mcp_set_queue`, log messages are written
/// when the queue is dispatched, and messages of the protocol at once.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_use_debug_output(
    client: SharedHandle<mcp_client>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        debug_output::set(client);
        Ok(())
    })
}
