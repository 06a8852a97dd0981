//! Prompts and argument completion.

use super::arguments::both;
use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText};
use super::calls::run_for_json;
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::options::mcp_options;
use super::tools::ToolArguments;
use crate::client::operations::lists::ListMethod;
use crate::client::operations::offers::CompletionReference;
use crate::status::mcp_status;

/// What is completed, the argument's name and value, and the JSON text of the context.
type CompletionArguments = ((String, (String, String)), Option<String>);

/// Lists the prompts of the server: an object with "prompts", an array with the elements of all
/// pages. Each prompt has a "name", and optionally "arguments" (specification 2026-07-28,
/// "Prompts").
///
/// A page whose "nextCursor" was already used is the last one, and a warning is logged. Returns
/// `MCP_ENDLESS` for more than 10,000 pages, and `MCP_TOO_LARGE` if all pages together exceed
/// `MCP_LIMIT_MESSAGE`.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_prompts(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json::<()>(client, "list prompts", options, result, error, Ok(()), |client, call, ()| {
        client.all_pages(call, ListMethod::Prompts)
    })
}

/// Lists one page of the server's prompts: an object with "prompts". Pass NULL as `cursor` for the
/// first page, and the "nextCursor" of a page for the page after it. A page without "nextCursor" is
/// the last; "" is a valid cursor. The caller must detect a cursor that repeats.
///
/// On success `*page` is set to the object, which the caller frees with `mcp_json_free`; on failure
/// to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_prompts_page(
    client: SharedHandle<mcp_client>,
    cursor: CText,
    options: Option<&mcp_options>,
    page: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let cursor = cursor.optional("cursor");
    run_for_json::<Option<String>>(client, "list prompts", options, page, error, cursor, |client, call, cursor| {
        client.page(call, ListMethod::Prompts, cursor)
    })
}

/// Gets a prompt with its arguments filled in: an object with "messages", an array; each message has
/// a "role" and a "content". `arguments` is the text, of `length` bytes, of a JSON object whose
/// values are strings; it is NUL-terminated if `length` is `MCP_NUL_TERMINATED`. NULL means none.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
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
    let texts = both(name.required("name"), arguments.optional(length, "the arguments"));
    run_for_json::<ToolArguments>(client, "get prompt", options, result, error, texts, |client, call, texts| {
        client.get_prompt(call, texts.0, texts.1)
    })
}

/// Gets completions for an argument of a prompt. `prompt` and `argument` are their names, `value` is
/// what the user has entered so far. `context` is the text, of `length` bytes, of a JSON object with
/// the arguments that are already known; it is NUL-terminated if `length` is `MCP_NUL_TERMINATED`.
/// NULL means none.
///
/// The result is an object whose "completion" has "values", an array of at most 100 strings, and
/// optionally "total" and "hasMore" (specification 2026-07-28, "Completion").
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_complete_prompt(
    client: SharedHandle<mcp_client>,
    prompt: CText,
    argument: CText,
    value: CText,
    context: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let names = both(prompt.required("prompt"), both(argument.required("argument"), value.required("value")));
    let texts = both(names, context.optional(length, "the context"));
    run_for_json::<CompletionArguments>(client, "complete", options, result, error, texts, |client, call, texts| {
        let ((prompt, argument), context) = texts;
        client.complete(call, CompletionReference::Prompt(prompt), argument, context)
    })
}

/// Gets completions for an argument of a resource template. `uri_template` is the "uriTemplate" of
/// the template, `argument` the name of a variable in it, and `value` what the user has entered so
/// far. `context` is the text, of `length` bytes, of a JSON object with the arguments that are
/// already known; it is NUL-terminated if `length` is `MCP_NUL_TERMINATED`. NULL means none.
///
/// The result is the same object as that of `mcp_complete_prompt`.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_complete_resource(
    client: SharedHandle<mcp_client>,
    uri_template: CText,
    argument: CText,
    value: CText,
    context: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let names =
        both(uri_template.required("uri_template"), both(argument.required("argument"), value.required("value")));
    let texts = both(names, context.optional(length, "the context"));
    run_for_json::<CompletionArguments>(client, "complete", options, result, error, texts, |client, call, texts| {
        let ((uri_template, argument), context) = texts;
        client.complete(call, CompletionReference::Resource(uri_template), argument, context)
    })
}
