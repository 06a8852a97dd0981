//! Resources.

use super::c_types::{CText, OutParam, SharedHandle};
use super::calls::run_for_json;
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::options::mcp_options;
use crate::client::operations::lists::ListMethod;
use crate::status::mcp_status;

/// Lists the server's resources: an object with "resources", an array of all of them.
///
/// Each has a "uri" and a "name" (specification 2026-07-28, "Resources"). Errors as for
/// `mcp_list_tools`.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_resources(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "list resources", options, result, error, |client, call| {
        client.all_pages(call, ListMethod::Resources)
    })
}

/// As `mcp_list_resources`, one page: the first one for a NULL `cursor`, and the one after another
/// for the text of that one's "nextCursor". A page without a "nextCursor" is the last; an empty text
/// is a cursor, too.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_resources_page(
    client: SharedHandle<mcp_client>,
    cursor: CText,
    options: Option<&mcp_options>,
    page: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "list resources", options, page, error, |client, call| {
        client.page(call, ListMethod::Resources, cursor.optional("cursor")?)
    })
}

/// Lists the server's resource templates: an object with "resourceTemplates", an array of all of
/// them.
///
/// Each has a "uriTemplate" (RFC 6570) and a "name". Errors as for `mcp_list_tools`.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_resource_templates(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "list resource templates", options, result, error, |client, call| {
        client.all_pages(call, ListMethod::ResourceTemplates)
    })
}

/// As `mcp_list_resource_templates`, one page: the first one for a NULL `cursor`, and the one after
/// another for the text of that one's "nextCursor". A page without a "nextCursor" is the last; an
/// empty text is a cursor, too.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_resource_templates_page(
    client: SharedHandle<mcp_client>,
    cursor: CText,
    options: Option<&mcp_options>,
    page: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "list resource templates", options, page, error, |client, call| {
        client.page(call, ListMethod::ResourceTemplates, cursor.optional("cursor")?)
    })
}

/// Reads a resource. `*result` is an object with "contents", an array: each has a "uri", perhaps a
/// "mimeType", and either "text" or "blob", which is base64 (`mcp_json_copy_base64`).
///
/// A resource that does not exist is `MCP_RPC_ERROR`, with the code -32602, or -32002 on servers up
/// to 2025-11-25.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_read_resource(
    client: SharedHandle<mcp_client>,
    uri: CText,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "read resource", options, result, error, |client, call| {
        client.read_resource(call, uri.required("uri")?)
    })
}
