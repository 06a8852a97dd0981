//! Requests that have no function of their own.

use std::ffi::c_char;

use super::calls::{run, run_for_json};
use super::client::mcp_client;
use super::error::mcp_error;
use super::guard::guard;
use super::json::mcp_json;
use super::options::mcp_options;
use super::text::{optional_text_of_length, text};
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
pub unsafe extern "C" fn mcp_request(
    client: *mut mcp_client,
    method: *const c_char,
    params: *const c_char,
    length: usize,
    options: *const mcp_options,
    result: *mut *mut mcp_json,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for live objects, readable texts and places that can be written to, or NULL.
    unsafe {
        run_for_json(client, "request", options, result, error, |client, call| {
            let method = text(method, "method")?;
            client.request(call, method, optional_text_of_length(params, length, "the params")?)
        })
    }
}

/// Sends any notification; there is no answer. `params` as for `mcp_request`.
///
/// `options` may be NULL. Blocks until the server has taken it, but where it is a process; any
/// thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_notify(
    client: *mut mcp_client,
    method: *const c_char,
    params: *const c_char,
    length: usize,
    options: *const mcp_options,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for live objects and readable texts, or NULL.
    unsafe {
        guard(error, || {
            run(client, "notify", options, |client, call| {
                let method = text(method, "method")?;
                client.send_notification(call, method, optional_text_of_length(params, length, "the params")?)
            })
        })
    }
}
