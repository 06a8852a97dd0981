//! Change notifications.

use std::ffi::{c_char, c_void};

use super::c_types::{OutParam, SharedHandle, TextArray, c_string, not_null};
use super::calls::run;
use super::client::mcp_client;
use super::document::{OwnedDocument, mcp_json};
use super::error::mcp_error;
use super::guard::guard;
use super::options::mcp_options;
use crate::client::operations::listen::SubscriptionFilter;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::status::{MCP_INVALID_ARGUMENT, mcp_status};
use crate::sys::callback;

/// The changes that `mcp_listen` can receive; combine several with `|`.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_change {
    /// The list of tools changed.
    MCP_CHANGE_TOOLS = 1,
    /// The list of prompts changed.
    MCP_CHANGE_PROMPTS = 2,
    /// The list of resources changed.
    MCP_CHANGE_RESOURCES = 4,
}

/// Receives a change. `method` is "notifications/tools/list_changed",
/// "notifications/prompts/list_changed", "notifications/resources/list_changed", or
/// "notifications/resources/updated" with the "uri" of the resource in `params`. `params` is NULL
/// if the server sends none. Both are valid until the callback returns.
///
/// It runs on the thread that called `mcp_listen`, with no lock held. It may use the library, and
/// make calls on the same client. It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_change_fn =
    Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, method: *const c_char, params: *const mcp_json)>;

/// Receives change notifications. It blocks until it is cancelled, the client is closed, or the
/// connection cannot be re-established, so it needs a thread of the application. `changes` is a
/// combination of `mcp_change` values, or 0. `uris` contains the URIs of resources whose updates to
/// report, followed by NULL; or it is NULL. A server may report only some of these changes; a debug
/// message in the log says which ones a modern server grants.
///
/// With a modern server this is a subscription (specification 2026-07-28, "Subscriptions"); with a
/// legacy one `resources/subscribe` and the server event stream.
///
/// If the connection breaks, it is re-established after growing delays, until five attempts in a
/// row have failed; changes during the interruption are not reported. If a server refuses the
/// stream because it has not noticed the end of the old one (HTTP 409), the client retries for
/// about two minutes, and then opens a new session.
///
/// `options` may be NULL; their timeout and idle timeout apply only until the stream is first open.
/// `change` must not be NULL; it receives `userdata`, which may be NULL.
///
/// Returns `MCP_OK` if the server ended the subscription properly, `MCP_CANCELLED` after
/// `mcp_cancel_trigger`, `MCP_CLOSED` after `mcp_client_close`, `MCP_INVALID_ARGUMENT` if there is
/// nothing to listen for, and another status if no changes can be received.
///
/// Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_listen(
    client: SharedHandle<mcp_client>,
    changes: u32,
    uris: TextArray,
    change: mcp_change_fn,
    userdata: *mut c_void,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let change = not_null(change, "the callback")?;
        let filter = subscription_filter(changes, uris.texts("a URI")?)?;
        let on_change = |method: &str, params: Option<&Json>| {
            let (method, params) = (c_string(method), params.cloned().map(OwnedDocument::new));
            let params = params.as_ref().map_or(std::ptr::null(), OwnedDocument::pointer);
            // SAFETY: the header requires that the callback may be called with this userdata on this thread.
            callback::call(|| unsafe { change(userdata, method.as_ptr(), params) });
        };
        run(client, "listen", options, |client, call| client.listen(call, &filter, &on_change))
    })
}

fn subscription_filter(changes: u32, uris: Vec<String>) -> Result<SubscriptionFilter> {
    let kinds = [mcp_change::MCP_CHANGE_TOOLS, mcp_change::MCP_CHANGE_PROMPTS, mcp_change::MCP_CHANGE_RESOURCES];
    let [tools, prompts, resources] = kinds.map(|change| changes & change as u32 != 0);
    if changes > 7 {
        return Err(Error::new(MCP_INVALID_ARGUMENT, format!("{changes} is not a combination of mcp_change values")));
    }
    if changes == 0 && uris.is_empty() {
        return Err(Error::new(MCP_INVALID_ARGUMENT, "there is nothing to listen for: no change and no URI is given"));
    }
    Ok(SubscriptionFilter { tools, prompts, resources, uris })
}
