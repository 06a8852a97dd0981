//! Listening for changes.

use std::ffi::{c_char, c_void};

use super::c_types::{OutParam, SharedHandle, TextArray, c_string, given};
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

/// What `mcp_listen` can listen for; several are added up.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_change {
    /// The list of tools.
    MCP_CHANGE_TOOLS = 1,
    /// The list of prompts.
    MCP_CHANGE_PROMPTS = 2,
    /// The list of resources.
    MCP_CHANGE_RESOURCES = 4,
}

/// Receives a change: `method` is "notifications/tools/list_changed",
/// "notifications/prompts/list_changed", "notifications/resources/list_changed" or
/// "notifications/resources/updated", with the "uri" in `params`, which is NULL where there are
/// none. Both are gone when the callback returns.
///
/// Called on the thread that listens, no lock held; it may use the library, and make calls on the
/// same client. No exception and no longjmp may leave it.
pub type mcp_change_fn =
    Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, method: *const c_char, params: *const mcp_json)>;

/// Listens for changes until somebody ends it: this blocks a thread of the caller's. `changes` is a
/// sum of `mcp_change`, and `uris` an array of the resources whose contents matter, with a NULL
/// behind the last one; or NULL. The server may not watch all of it; the log says what it does.
///
/// On modern servers it is a subscription (specification 2026-07-28, "Subscriptions"); on legacy
/// ones `resources/subscribe` and the standing event stream. When the connection breaks it is opened
/// again, with growing pauses, until five attempts in a row have failed; what changed meanwhile is
/// not told. Where a server refuses the stream because it has not noticed the end of the old one
/// (HTTP 409), it is tried for two minutes, and then in a new session.
///
/// `options` may be NULL; their timeout governs the opening only. The callback gets `userdata` as it
/// is.
///
/// Returns `MCP_OK` when the server has ended the subscription in good order, `MCP_CANCELLED` after
/// `mcp_cancel_trigger`, `MCP_CLOSED` after `mcp_client_close`; `MCP_INVALID_ARGUMENT` where there
/// is nothing to listen for; otherwise why nothing can be heard. Any thread. Since 0.1.0.
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
        let change = given(change, "the callback")?;
        let filter = filter(changes, uris.texts("a URI")?)?;
        let on_change = |method: &str, params: Option<&Json>| {
            let (method, params) = (c_string(method), params.cloned().map(OwnedDocument::new));
            let params = params.as_ref().map_or(std::ptr::null(), OwnedDocument::pointer);
            // SAFETY: the header asks for a callback that may be called with this userdata on this thread.
            callback::call(|| unsafe { change(userdata, method.as_ptr(), params) });
        };
        run(client, "listen", options, |client, call| client.listen(call, &filter, &on_change))
    })
}

fn filter(changes: u32, uris: Vec<String>) -> Result<SubscriptionFilter> {
    let all = [mcp_change::MCP_CHANGE_TOOLS, mcp_change::MCP_CHANGE_PROMPTS, mcp_change::MCP_CHANGE_RESOURCES];
    let [tools, prompts, resources] = all.map(|change| changes & change as u32 != 0);
    if changes > 7 {
        return Err(Error::new(MCP_INVALID_ARGUMENT, format!("{changes} is not a combination of mcp_change values")));
    }
    if changes == 0 && uris.is_empty() {
        return Err(Error::new(MCP_INVALID_ARGUMENT, "there is nothing to listen for: no change and no URI is given"));
    }
    Ok(SubscriptionFilter { tools, prompts, resources, uris })
}
