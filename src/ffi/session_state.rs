//! The state of a client's connection, and saved sessions.

use std::ffi::c_void;
use std::sync::Arc;

use super::c_types::{BufferSize, OutParam, SharedHandle, SizedText, guard_quiet, not_null};
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::guard::guard_json;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::session::state_monitor::{ConnectionState, StateHook};
use crate::status::mcp_status;
use crate::sys::callback;

/// Whether a client is connected to its server. A later version may add values.
///
/// Since 0.1.0.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mcp_state {
    /// No call has connected yet.
    MCP_STATE_NOT_CONNECTED = 0,
    /// A session is open, or the version of a server without sessions is known. With
    /// `mcp_set_saved_session`, the server was perhaps not asked yet.
    MCP_STATE_CONNECTED = 1,
    /// The session or the connection was lost. The next call connects again; with the streams of
    /// `mcp_client_new_fds`, it fails.
    MCP_STATE_LOST = 2,
    /// The process of the server (`mcp_client_new_stdio`) has ended. The next call starts it again.
    MCP_STATE_PROCESS_ENDED = 3,
    /// The client was closed.
    MCP_STATE_CLOSED = 4,
}

/// Returns the state of a client's connection; `MCP_STATE_CLOSED` for NULL. It never blocks, and
/// uses no network.
///
/// That the connection was lost is noticed when its stream or the process ends, except over
/// Streamable HTTP, which has no lasting connection: a lost session is noticed by the next call,
/// and an unreachable server is no change of the state.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_state(client: Option<&mcp_client>) -> mcp_state {
    guard_quiet(mcp_state::MCP_STATE_CLOSED, || {
        match client.map_or(ConnectionState::Closed, |client| client.inner.state()) {
            ConnectionState::NotConnected => mcp_state::MCP_STATE_NOT_CONNECTED,
            ConnectionState::Connected => mcp_state::MCP_STATE_CONNECTED,
            ConnectionState::Lost => mcp_state::MCP_STATE_LOST,
            ConnectionState::ProcessEnded => mcp_state::MCP_STATE_PROCESS_ENDED,
            ConnectionState::Closed => mcp_state::MCP_STATE_CLOSED,
        }
    })
}

/// Receives the new state of a client, an `mcp_state`.
///
/// It runs in `mcp_queue_dispatch` if the client has a queue (`mcp_set_queue`). Otherwise it runs
/// on the thread that notices the change, with no lock held: on that of a call, which waits for it
/// and whose timeout goes on, or on a reader thread of the library. It runs once for each change,
/// in their order, and never on two threads at the same time. Without a queue, it must return soon
/// and must not make calls on this client. It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_state_changed_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, state: i32)>;

/// Sets the callback for changes of the state (`mcp_client_state`):
///
/// ```
/// static void state_changed(void *window, int32_t state) {
///     show_status(window, state == MCP_STATE_CONNECTED ? "connected" : "not connected");
/// }
/// mcp_set_queue(client, queue, &error);
/// mcp_set_state_changed(client, state_changed, window, NULL, &error);
/// ```
///
/// NULL removes it (the default). It receives only the changes after this function, and none from
/// `mcp_client_free`. If the application is slower than the changes, the oldest are lost: 64 wait
/// at most.
///
/// `MCP_STATE_CLOSED` may be delivered after a blocking `mcp_client_close` has returned: in
/// `mcp_queue_dispatch`, or by another thread that is delivering an earlier change. So `userdata`
/// must be valid until `destroy` runs.
///
/// `userdata` is passed to the callback, and to `destroy` (which may be NULL) when it is no longer
/// needed: see `mcp_destroy_fn`.
///
/// Thread-safe; takes effect with the next change. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_set_state_changed(
    client: SharedHandle<mcp_client>,
    changed: mcp_state_changed_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    mcp_client::set(client, error, |client| {
        let hook = changed.map(|changed| {
            let hook: Arc<StateHook> = Arc::new(move |state: ConnectionState| {
                // SAFETY: the header requires that the callback may be called with this userdata from any thread.
                callback::call(|| unsafe { changed(owner.pointer(), state as i32) });
            });
            hook
        });
        client.set_state_hook(hook);
        Ok(())
    })
}

/// Gets what another client, in another process, needs to continue the session with
/// `mcp_set_saved_session`, as an object. It sends nothing. A command-line tool saves the
/// negotiation with it each time it is started:
///
/// ```
/// mcp_client *client = mcp_client_new(url, &error);
/// char *saved = read_file(path);
/// if (saved != NULL && mcp_set_saved_session(client, saved, MCP_NUL_TERMINATED, NULL) != MCP_OK)
///     remove(path);                   // it is of another server or version: connect as usual
/// free(saved);
/// mcp_status status =
///     mcp_call_tool(client, "search", arguments, MCP_NUL_TERMINATED, NULL, &result, &error);
/// mcp_json *session = NULL;           // after a failed call, the old text is kept
/// if (status == MCP_OK && mcp_save_session(client, &session, NULL) == MCP_OK)
///     write_private_file(path, mcp_json_text(session));
/// mcp_json_free(session);
/// mcp_client_free(client);            // not mcp_client_close, which ends the session
/// ```
///
/// The text is a secret if it has a session id: keep it in a file that only the user can read. It
/// contains no tokens, cookies or headers. Its members are
///
/// - "v": the version of the format, 1
/// - "server": the URL of the server without secrets, or its program, or the name of its streams
/// - "serverHash": a random salt, and a hash of the whole URL and the Unix domain socket, or of the
///   program with its arguments: the session of another tenant is not continued
/// - "protocolVersion", "era", "transport": as in `mcp_server_info`
/// - "eraIsCertain": false, if the era was found by a fallback that may have had a temporary reason
/// - "sessionId": the id of the session, if a legacy server has assigned one (HTTP header
///   `Mcp-Session-Id`)
/// - "savedAt": the time, in seconds since 1970
/// - "clientCapabilities": the capabilities that were declared to a legacy server
/// - "plainTools": true, if the calls of the tools of a modern server need no headers (x-mcp-header),
///   and the list that says so is valid without a limit
/// - "result": the result of `server/discover` or `initialize` as the server sent it, if it is known
///   and has at most 512 KiB
///
/// On success `*saved` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. Returns `MCP_MISUSE` if the client is not connected: before the first call,
/// after the connection was lost, and after `mcp_client_close`; and `MCP_INVALID_MESSAGE` if the id
/// of the session has characters that are not permitted.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_save_session(
    client: Option<&mcp_client>,
    saved: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard_json(saved, "saved", error, || not_null(client, "client")?.inner.save_session())
}

/// Lets the first call of a client continue a session that `mcp_save_session` has saved. `saved` is
/// the text of `length` bytes, or NUL-terminated if `length` is `MCP_NUL_TERMINATED`; NULL removes
/// it.
///
/// Over Streamable HTTP, nothing is negotiated: the first call sends its own requests at once. With
/// a handler (`mcp_input_fn`), `mcp_set_server_log` or `mcp_set_notification`, it opens the event
/// stream of a legacy session first (HTTP GET). `mcp_connect` sends nothing else. The tools of a
/// modern server are listed before one is called (`mcp_call_tool`), unless the session was saved
/// after a call that has found that no tool needs headers, and the server does not limit how long
/// the list is valid. If the server has lost the session or was replaced by one of another version,
/// the client notices this from the response, negotiates and repeats the request, unless the server
/// may have executed it. With HTTP+SSE, which always needs a handshake, only the search for the
/// version and the transport is saved. For a server process (`mcp_client_new_stdio`) and streams
/// (`mcp_client_new_fds`), a saved session has no effect: a new process always negotiates.
///
/// Use the credentials with which the session was saved. A legacy server knows the capabilities and
/// extensions that were declared when the session began: if the handlers and extensions of this
/// client are others, its first call negotiates a new session. A logging level
/// (`mcp_request_server_log`) and resource subscriptions are those of the session.
///
/// Several processes may send requests in one session at the same time, with two limits. A server
/// that permits one event stream for each session refuses the second (HTTP 409): then the handlers
/// and notifications of that process receive nothing. And `mcp_client_close` in one process ends
/// the session for all.
///
/// Returns `MCP_INVALID_ARGUMENT` if the text is invalid, longer than 1 MiB, of another version of
/// this library or of another server (another URL, also in the query, or another Unix domain
/// socket), or if `mcp_set_protocol_version` or `mcp_set_transport` exclude its version or
/// transport; and `MCP_MISUSE` after the first call. If `mcp_set_unix_socket` changes the socket
/// later, the first call negotiates, and a log message says so.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_saved_session(
    client: SharedHandle<mcp_client>,
    saved: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| client.set_saved_session(saved.optional(length, "saved")?))
}
