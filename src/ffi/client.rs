//! Creating, closing and freeing clients.

use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle, guard_quiet};
use super::error::mcp_error;
use super::guard::{guard, guard_new};
use super::options::mcp_options;
use crate::client::Client;
use crate::error::Result;
use crate::status::mcp_status;

/// A client for one server. It is created by `mcp_client_new`, `mcp_client_new_stdio` or
/// `mcp_client_new_from_config`, and freed by `mcp_client_free`.
///
/// Several threads may use a client at the same time, also for the first call: they share one
/// negotiation of the protocol version. The client manages connections and the session; it
/// re-establishes lost sessions.
///
/// Since 0.1.0.
pub struct mcp_client {
    pub(super) inner: Arc<Client>,
}

impl mcp_client {
    /// Changes a setting. Fails in a child process after a fork.
    pub(super) fn set(
        client: SharedHandle<mcp_client>,
        error: OutParam<*mut mcp_error>,
        change: impl FnOnce(&Client) -> Result<()>,
    ) -> mcp_status {
        guard(error, || {
            let client = &client.required("client")?.inner;
            client.check_process()?;
            change(client)
        })
    }
}

/// Creates a client for the server at `url`, for example "https://example.com/mcp". Nothing is
/// sent: the first call connects.
///
/// The URL is used unchanged, with or without a trailing slash, because servers distinguish the
/// two. Its scheme is http or https. It must not contain a user name, a password or non-ASCII
/// characters: percent-encode a path, and write a host name in its "xn--" form. An empty port
/// ("http://host:/") means the default port.
///
/// Errors and log messages do not contain the URL's query. They show a path segment that may be a
/// secret as "***", and redact it in texts of the server. Such a segment has 16 bytes or more with
/// a letter and a digit, or follows "/s/", "/t/", "/key/" or "/token/"; "mcp" and "sse" are never
/// secrets. A segment that may be an ordinary word (shorter than 8 bytes; than 4 if it has a digit)
/// is hidden in the URL, but not in texts of the server.
///
/// Returns the client, which the caller frees with `mcp_client_free`. Returns NULL on failure, with
/// `MCP_INVALID_ARGUMENT` for an invalid URL, or `MCP_SYSTEM_ERROR` if no file descriptor is
/// available.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_new(url: CText, error: OutParam<*mut mcp_error>) -> Option<Box<mcp_client>> {
    guard_new(error, || Ok(mcp_client { inner: Client::new(url.required("url")?)? }))
}

/// Closes a client. Every call in progress, on any thread, ends with `MCP_CLOSED`, and so does
/// every later call. This function does not wait until the other threads have returned from their
/// calls. A legacy server is notified that the session has ended, with HTTP DELETE (specification
/// 2025-11-25, "Transports": Session Management); with HTTP+SSE the event stream is closed. A
/// second close has no effect and returns `MCP_OK`.
///
/// `options` may be NULL. Their timeout, or else the client's, limits the time for notifying the
/// server; their cancel token ends it early.
///
/// Returns `MCP_OK`, or the reason why the server could not be notified; the client is closed
/// anyway, except if the result is `MCP_MISUSE` (after `fork`, or in the auth callback of this
/// client or a callback of its `mcp_oauth`). `mcp_client_free` must still be called.
///
/// It blocks while it notifies the server. All callbacks except the auth callback and those of
/// `mcp_oauth` may close their client, even where they must not make calls. Thread-safe. Since
/// 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_close(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let client = client.required("client")?;
        client.inner.close(&mcp_options::call_options(options))
    })
}

/// Frees a client; NULL is ignored. No call may be in progress, and no thread may use the client
/// any more. It never uses the network: to end the session with the server properly, call
/// `mcp_client_close` first, and wait until the other threads have returned from their calls.
///
/// It waits for the library's reader threads of this client (see "Threads" at the top) and for a
/// callback that runs on one of them, unless that callback itself frees the client. It waits up to
/// about 4 seconds for the end of a server process (see `mcp_client_new_stdio`).
///
/// In a child process after `fork` it only frees memory and closes the child's copies of file
/// descriptors; the copy of an open HTTP+SSE event stream stays open until the child ends.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_free(client: Option<Box<mcp_client>>) {
    guard_quiet((), || {
        if let Some(client) = client {
            client.inner.shut_down();
        }
    });
}
