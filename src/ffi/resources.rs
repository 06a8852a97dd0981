//! Resources.

use super::c_types::{CText, OutParam, SharedHandle};
use super::calls::run_for_json;
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::options::mcp_options;
use crate::client::operations::lists::ListMethod;
use crate::status::mcp_status;

/// Lists the resources of the server: an object with "resources", an array with the elements of all
/// pages. Each resource has a "uri" and a "name" (specification 2026-07-28, "Resources").
///
/// A page whose "nextCursor" was already used is the last one, and a warning is logged. Returns
/// `MCP_ENDLESS` for more than 10,000 pages, and `MCP_TOO_LARGE` if all pages together exceed
/// `MCP_LIMIT_MESSAGE`.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_resources(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json::<()>(client, "list resources", options, result, error, Ok(()), |client, call, ()| {
        client.all_pages(call, ListMethod::Resources)
    })
}

/// Lists one page of the server's resources: an object with "resources". Pass NULL as `cursor` for
/// the first page, and the "nextCursor" of a page for the page after it. A page without
/// "nextCursor" is the last; "" is a valid cursor. The caller must detect a cursor that repeats.
///
/// On success `*page` is set to the object, which the caller frees with `mcp_json_free`; on failure
/// to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_resources_page(
    client: SharedHandle<mcp_client>,
    cursor: CText,
    options: Option<&mcp_options>,
    page: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let cursor = cursor.optional("cursor");
    run_for_json::<Option<String>>(client, "list resources", options, page, error, cursor, |client, call, cursor| {
        client.page(call, ListMethod::Resources, cursor)
    })
}

/// Lists the resource templates of the server: an object with "resourceTemplates", an array with
/// the elements of all pages. Each template has a "name" and a "uriTemplate", from which the URIs
/// of resources are built (RFC 6570).
///
/// A page whose "nextCursor" was already used is the last one, and a warning is logged. Returns
/// `MCP_ENDLESS` for more than 10,000 pages, and `MCP_TOO_LARGE` if all pages together exceed
/// `MCP_LIMIT_MESSAGE`.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_resource_templates(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json::<()>(client, "list resource templates", options, result, error, Ok(()), |client, call, ()| {
        client.all_pages(call, ListMethod::ResourceTemplates)
    })
}

/// Lists one page of the server's resource templates: an object with "resourceTemplates". Pass NULL
/// as `cursor` for the first page, and the "nextCursor" of a page for the page after it. A page
/// without "nextCursor" is the last; "" is a valid cursor. The caller must detect a cursor that
/// repeats.
///
/// On success `*page` is set to the object, which the caller frees with `mcp_json_free`; on failure
/// to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_resource_templates_page(
    client: SharedHandle<mcp_client>,
    cursor: CText,
    options: Option<&mcp_options>,
    page: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let cursor = cursor.optional("cursor");
    run_for_json::<Option<String>>(
        client,
        "list resource templates",
        options,
        page,
        error,
        cursor,
        |client, call, cursor| client.page(call, ListMethod::ResourceTemplates, cursor),
    )
}

/// Reads a resource. The result is an object with "contents", an array; each element has a "uri",
/// optionally a "mimeType", and either "text" or "blob", which is base64 (`mcp_json_copy_base64`).
///
/// Returns `MCP_RPC_ERROR` if the resource does not exist, with code -32602, or -32002 on servers
/// up to 2025-11-25.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_read_resource(
    client: SharedHandle<mcp_client>,
    uri: CText,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let uri = uri.required("uri");
    run_for_json::<String>(client, "read resource", options, result, error, uri, |client, call, uri| {
        client.read_resource(call, uri)
    })
}
