//! A client's life.

use std::sync::Arc;

use super::c_types::{CText, OutParam, SharedHandle, guard_quiet};
use super::error::mcp_error;
use super::guard::{guard, guard_new};
use super::options::mcp_options;
use crate::client::Client;
use crate::error::Result;
use crate::status::mcp_status;

/// One server, as the program talks to it. Made by `mcp_client_new`, freed by `mcp_client_free`.
///
/// A client may be used from many threads at once, also for the first call: they share one
/// negotiation. Connections, the session and the protocol version are the client's business; a
/// session that the server loses is opened anew.
///
/// Since 0.1.0.
pub struct mcp_client {
    pub(super) inner: Arc<Client>,
}

impl mcp_client {
    /// Changes a setting of a client that belongs to this process.
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

/// Makes a client for the server at `url`, for example "https://example.com/mcp". Nothing is sent
/// yet: the first call connects.
///
/// The URL is used as it stands, also with or without a slash at its end, for servers are strict
/// about that. It has the scheme http or https and holds no user name, no password, and nothing
/// outside ASCII: a path is percent-encoded, and a host is in its "xn--" form. An empty port
/// ("http://host:/") is the default one.
///
/// Errors and the log do not show the URL's query. A segment of its path that may be a secret is
/// shown as "***", and is redacted where a server repeats it: one of 16 bytes or more with a letter
/// and a digit, and one that follows "/s/", "/t/", "/key/" or "/token/". (The endpoint names "mcp"
/// and "sse" are none. A short word that follows is redacted in the URL only, for messages hold such
/// words by themselves.)
///
/// Returns the client, which the caller frees with `mcp_client_free`; or NULL, with
/// `MCP_INVALID_ARGUMENT` for a URL that cannot be used, or `MCP_SYSTEM_ERROR` when no descriptor
/// can be had.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_new(url: CText, error: OutParam<*mut mcp_error>) -> Option<Box<mcp_client>> {
    guard_new(error, || Ok(mcp_client { inner: Client::new(url.required("url")?)? }))
}

/// Closes a client: every call in flight, on any thread, ends with `MCP_CLOSED`; a legacy server
/// is told that the session is over (HTTP DELETE; specification 2025-11-25, "Session Management";
/// on HTTP+SSE the event stream is closed); and every later call returns `MCP_CLOSED`. The client
/// is closed whatever this returns, and a second close does nothing and returns `MCP_OK`.
/// `mcp_client_free` is still to be called.
///
/// `options` may be NULL; its timeout, or else the client's, limits how long telling the server
/// may take, and its cancel token ends that early.
///
/// Returns `MCP_OK`; or, with the client closed all the same, why the server could not be told.
///
/// Any thread, any time. Since 0.1.0.
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

/// Frees a client; NULL is ignored. No call may be in flight, and the client is not used any more.
/// Never goes to the network: to end the session with the server in good order, call
/// `mcp_client_close` first. The library's threads that read for the client (see "Threads" at the
/// top) have ended when this returns; if one is in the log callback at that moment, this waits for
/// the callback, unless it is the callback that frees.
///
/// In a child process after `fork` it only closes the child's copies of the descriptors and frees
/// the memory; the copy of an open HTTP+SSE event stream stays open until the child ends.
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
