//! Creating, naming, closing and freeing clients.

use std::ffi::{CString, c_char};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::c_types::{CText, OutParam, SharedHandle, c_string, guard_quiet};
use super::error::mcp_error;
use super::guard::{guard, guard_new, guard_pending};
use super::options::mcp_options;
use crate::client::Client;
use crate::error::Result;
use crate::queue::CompletionQueue;
use crate::status::mcp_status;
use crate::sys::lock::Mutex;

/// A client for one server. It is created by `mcp_client_new`, `mcp_client_new_stdio`,
/// `mcp_client_new_from_config` or `mcp_client_new_from_config_text`, and freed by
/// `mcp_client_free`.
///
/// Several threads may use a client at the same time, also for the first call: they share one
/// negotiation of the protocol version. The client manages connections and the session; it
/// re-establishes lost sessions.
///
/// Since 0.1.0.
pub struct mcp_client {
    pub(super) inner: Arc<Client>,
    /// Points into one of `names`. Read without a lock, which a child process after a fork must not
    /// take.
    name: AtomicPtr<c_char>,
    /// All names that the client has had, because C may hold pointers to them.
    names: Mutex<Vec<CString>>,
}

impl mcp_client {
    pub(super) fn new(inner: Arc<Client>) -> mcp_client {
        let client = mcp_client { inner, name: AtomicPtr::default(), names: Mutex::default() };
        client.update_name(&mut client.names.lock());
        client
    }

    /// Makes the client's name readable for C.
    fn update_name(&self, names: &mut Vec<CString>) {
        let name = c_string(&*self.inner.name());
        let index = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        self.name.store(names[index].as_ptr().cast_mut(), Ordering::Release);
    }

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
    guard_new(error, || Ok(mcp_client::new(Client::new(url.required("url")?)?)))
}

/// Returns the name of a client: the one that was set with `mcp_set_name`, or that the server has
/// in its configuration file; otherwise the host of the URL, or the program of the server process.
///
/// The result is never NULL, and "" if `client` is NULL. It is valid as long as the client exists,
/// also after `mcp_set_name`. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_name(client: Option<&mcp_client>) -> *const c_char {
    client.map_or(c"".as_ptr(), |client| client.name.load(Ordering::Acquire).cast_const())
}

/// Sets the name of a client, for programs that have several: it is in front of the URL or the
/// program in errors, and at the beginning of log messages. It is not sent to the server, and has
/// nothing to do with the name of the application (`mcp_set_client_info`). NULL and "" restore the
/// default: the host of the URL or the program, and no name in errors and log messages.
///
/// Thread-safe; takes effect with the next error or message. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_name(
    client: SharedHandle<mcp_client>,
    name: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let client = client.required("client")?;
        client.inner.check_process()?;
        let name = name.optional("name")?;
        let mut names = client.names.lock();
        client.inner.set_name(name);
        client.update_name(&mut names);
        Ok(())
    })
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
/// With a queue in the options, it returns `MCP_PENDING`. All calls of the client end at once, also
/// those of other queues, and the end of the close is the last of the client that its queue
/// delivers: `mcp_done_fn` may free the client there.
///
/// Otherwise it blocks while it notifies the server. All callbacks except the auth callback and
/// those of `mcp_oauth` may close their client, even where they must not make calls. Thread-safe.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_client_close(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    if let Some(target) = options.and_then(mcp_options::queue_target) {
        let client = client.object().map(|client| &client.inner);
        return guard_pending(error, || {
            CompletionQueue::submit_close(target, client, &mcp_options::call_options(options))
        });
    }
    guard(error, || {
        let client = client.required("client")?;
        client.inner.close(&mcp_options::call_options(options))
    })
}

/// Frees a client; NULL is ignored. No blocking call may be in progress; calls of queues end with
/// `MCP_CLOSED`, which is delivered. No thread may use the client
/// any more. It never uses the network: to end the session with the server properly, call
/// `mcp_client_close` first, and wait until the other threads have returned from their calls.
///
/// It waits for the library's reader threads of this client (see "Threads" at the top) and for a
/// callback that runs on one of them, unless that callback itself frees the client. It waits up to
/// about 4 seconds for the end of a server process (see `mcp_set_stop_timeout`).
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
