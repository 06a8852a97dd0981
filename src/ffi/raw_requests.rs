//! Requests that have no function of their own.

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText};
use super::calls::{run, run_for_json};
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::guard::guard;
use super::options::mcp_options;
use crate::status::mcp_status;

/// Sends any request, such as one of an extension, and gives its result as it came. `params` is the
/// text of a JSON object of `length` bytes, `SIZE_MAX` for a NUL-terminated one; NULL means none.
/// What the protocol version wants in "_meta" is added.
///
/// It is sent once: where it is not known whether the server has executed it, it is not sent again.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
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
    run_for_json(client, "request", options, result, error, |client, call| {
        let method = method.required("method")?;
        client.request(call, method, params.optional(length, "the params")?)
    })
}

/// Sends any notification; there is no answer. `params` as for `mcp_request`.
///
/// `options` may be NULL. Blocks until the server has taken it, but where it is a process; any
/// thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_notify(
    client: SharedHandle<mcp_client>,
    method: CText,
    params: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        run(client, "notify", options, |client, call| {
            let method = method.required("method")?;
            client.send_notification(call, method, params.optional(length, "the params")?)
        })
    })
}
