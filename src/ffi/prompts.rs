//! Prompts, and the completion of arguments.

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText};
use super::calls::run_for_json;
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::options::mcp_options;
use crate::client::operations::lists::ListMethod;
use crate::client::operations::offers::CompletionReference;
use crate::status::mcp_status;

/// Lists the server's prompts: an object with "prompts", an array of all of them.
///
/// Each has a "name", and perhaps "arguments" (specification 2026-07-28, "Prompts"). Errors as for
/// `mcp_list_tools`.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_prompts(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "list prompts", options, result, error, |client, call| {
        client.all_pages(call, ListMethod::Prompts)
    })
}

/// As `mcp_list_prompts`, one page: the first one for a NULL `cursor`, and the one after another for
/// the text of that one's "nextCursor". A page without a "nextCursor" is the last; an empty text is
/// a cursor, too.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_prompts_page(
    client: SharedHandle<mcp_client>,
    cursor: CText,
    options: Option<&mcp_options>,
    page: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "list prompts", options, page, error, |client, call| {
        client.page(call, ListMethod::Prompts, cursor.optional("cursor")?)
    })
}

/// Gets a prompt, with its arguments filled in. `arguments` is the text of a JSON object of strings,
/// of `length` bytes, `SIZE_MAX` for a NUL-terminated one; NULL means none.
///
/// `*result` is an object with "messages", an array: each has a "role" and a "content".
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_get_prompt(
    client: SharedHandle<mcp_client>,
    name: CText,
    arguments: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "get prompt", options, result, error, |client, call| {
        let name = name.required("name")?;
        client.get_prompt(call, name, arguments.optional(length, "the arguments")?)
    })
}

/// Asks what may stand for an argument of a prompt that begins with `value`. `context` is the text
/// of a JSON object with the arguments that are known already, NUL-terminated, or NULL.
///
/// `*result` is an object whose "completion" has "values", an array of at most 100 texts, and
/// perhaps "total" and "hasMore" (specification 2026-07-28, "Completion").
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_complete_prompt(
    client: SharedHandle<mcp_client>,
    prompt: CText,
    argument: CText,
    value: CText,
    context: CText,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "complete", options, result, error, |client, call| {
        let reference = CompletionReference::Prompt(prompt.required("prompt")?);
        let argument = (argument.required("argument")?, value.required("value")?);
        client.complete(call, reference, argument, context.optional("context")?)
    })
}

/// As `mcp_complete_prompt`, for an argument of a resource template, which is named by its
/// "uriTemplate".
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_complete_resource(
    client: SharedHandle<mcp_client>,
    uri_template: CText,
    argument: CText,
    value: CText,
    context: CText,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "complete", options, result, error, |client, call| {
        let reference = CompletionReference::Resource(uri_template.required("uri_template")?);
        let argument = (argument.required("argument")?, value.required("value")?);
        client.complete(call, reference, argument, context.optional("context")?)
    })
}
