//! Requests and notifications for which this library has no specific function.

use super::arguments::both;
use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText};
use super::calls::{run, run_for_json};
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::options::mcp_options;
use crate::status::mcp_status;

/// The method of a message, and the JSON text of its parameters.
type MessageArguments = (String, Option<String>);

/// Sends any request, for example one of an extension, and returns its result unchanged. `params` is
/// the text of a JSON object of `length` bytes, or NUL-terminated if `length` is
/// `MCP_NUL_TERMINATED`; NULL means none. The library adds the "_meta" members that the protocol
/// version requires.
///
/// The request is sent once: if it is not known whether the server executed it, it is not sent
/// again.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_request(
    client: SharedHandle<mcp_client>,
    method: CText,
    params: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let texts = both(method.required("method"), params.optional(length, "the params"));
    run_for_json::<MessageArguments>(client, "request", options, result, error, texts, |client, call, texts| {
        client.request(call, texts.0, texts.1)
    })
}

/// Sends any notification, which has no response. `params` is the text of a JSON object of `length`
/// bytes, or NUL-terminated if `length` is `MCP_NUL_TERMINATED`; NULL means none.
///
/// `options` may be NULL. It blocks until the server has accepted the notification; with a server
/// process, only until it is queued for the process. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_notify(
    client: SharedHandle<mcp_client>,
    method: CText,
    params: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let texts = both(method.required("method"), params.optional(length, "the params"));
    run::<MessageArguments>(client, "notify", options, error, texts, |client, call, (method, params)| {
        client.send_notification(call, method, params)
    })
}
