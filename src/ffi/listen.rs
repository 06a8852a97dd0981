//! Change notifications.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::c_types::{OutParam, SharedHandle, TextArray, c_string, not_null};
use super::calls::{Listen, run_listen};
use super::client::mcp_client;
use super::document::{OwnedDocument, mcp_json};
use super::error::mcp_error;
use super::options::mcp_options;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::client::CallContext;
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
/// It runs in `mcp_queue_dispatch` if the call is queued, and otherwise on the thread that called
/// `mcp_listen`. No lock is held. It may use the library, and
/// make calls on the same client. It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_change_fn =
    Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, method: *const c_char, params: *const mcp_json)>;

type ChangeFunction = unsafe extern "C-unwind" fn(*mut c_void, *const c_char, *const mcp_json);

/// Receives change notifications. It lasts until it is cancelled, the client is closed, or the
/// connection cannot be re-established: without a queue in the options, it needs a thread of the
/// application. `changes` is a
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
/// `change` must not be NULL. `userdata` is passed to it, and to `destroy` (which may be NULL) when
/// the call has ended: see `mcp_destroy_fn`.
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
    destroy: mcp_destroy_fn,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Arc::new(Userdata::new(userdata, destroy));
    let filter = not_null(change, "the callback")
        .and_then(|change| Ok((change, subscription_filter(changes, uris.texts("a URI")?)?)));
    let listen = filter.map(|(change, filter)| -> Box<Listen> {
        Box::new(move |client, call| {
            client.listen(call, &filter, &|method, params| report_change(call, (change, &owner), method, params))
        })
    });
    run_listen(client, options, error, listen)
}

/// Runs the callback where the callbacks of the call run, and waits for its end: the server's
/// notifications wait in a bounded queue meanwhile.
fn report_change(
    call: &CallContext,
    (change, owner): (ChangeFunction, &Arc<Userdata>),
    method: &str,
    params: Option<&Json>,
) {
    let (method, params, owner) = (c_string(method), params.cloned().map(OwnedDocument::new), Arc::clone(owner));
    let report = move || {
        let params = params.as_ref().map_or(std::ptr::null(), OwnedDocument::pointer);
        let (userdata, method) = (owner.pointer(), method.as_ptr());
        // SAFETY: the header requires that the callback may be called with this userdata.
        callback::call(|| unsafe { change(userdata, method, params) });
    };
    // The next wait of the call notices an interrupt.
    let _ = call.run_in_place(Box::new(report));
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
