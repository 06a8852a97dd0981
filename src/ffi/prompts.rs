//! Prompts, and the completion of arguments.

use std::ffi::c_char;

use super::calls::run_for_json;
use super::client::mcp_client;
use super::error::mcp_error;
use super::json::mcp_json;
use super::options::mcp_options;
use super::text::{optional_text, optional_text_of_length, text};
use crate::client::lists::List;
use crate::client::operations::Reference;
use crate::status::mcp_status;

/// Lists the server's prompts: an object with "prompts", an array of all of them.
///
/// Each has a "name", and perhaps "arguments" (specification 2026-07-28, "Prompts"). Errors as for
/// `mcp_list_tools`.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_list_prompts(
    client: *mut mcp_client,
    options: *const mcp_options,
    result: *mut *mut mcp_json,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for live objects and for places that can be written to, or NULL.
    unsafe {
        run_for_json(client, "list prompts", options, result, error, |client, call| {
            client.all_pages(call, List::Prompts)
        })
    }
}

/// As `mcp_list_prompts`, one page: the first one for a NULL `cursor`, and the one after another for
/// the text of that one's "nextCursor". A page without a "nextCursor" is the last; an empty text is
/// a cursor, too.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_list_prompts_page(
    client: *mut mcp_client,
    cursor: *const c_char,
    options: *const mcp_options,
    page: *mut *mut mcp_json,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for live objects, a NUL-terminated text and places that can be written to, or NULL.
    unsafe {
        run_for_json(client, "list prompts", options, page, error, |client, call| {
            client.page(call, List::Prompts, optional_text(cursor, "cursor")?)
        })
    }
}

/// Gets a prompt, with its arguments filled in. `arguments` is the text of a JSON object of strings,
/// of `length` bytes, `SIZE_MAX` for a NUL-terminated one; NULL means none.
///
/// `*result` is an object with "messages", an array: each has a "role" and a "content".
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_get_prompt(
    client: *mut mcp_client,
    name: *const c_char,
    arguments: *const c_char,
    length: usize,
    options: *const mcp_options,
    result: *mut *mut mcp_json,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for live objects, readable texts and places that can be written to, or NULL.
    unsafe {
        run_for_json(client, "get prompt", options, result, error, |client, call| {
            let name = text(name, "name")?;
            client.get_prompt(call, name, optional_text_of_length(arguments, length, "the arguments")?)
        })
    }
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
pub unsafe extern "C" fn mcp_complete_prompt(
    client: *mut mcp_client,
    prompt: *const c_char,
    argument: *const c_char,
    value: *const c_char,
    context: *const c_char,
    options: *const mcp_options,
    result: *mut *mut mcp_json,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for live objects, NUL-terminated texts and places that can be written to, or NULL.
    unsafe {
        run_for_json(client, "complete", options, result, error, |client, call| {
            let reference = Reference::Prompt(text(prompt, "prompt")?);
            let argument = (text(argument, "argument")?, text(value, "value")?);
            client.complete(call, reference, argument, optional_text(context, "context")?)
        })
    }
}

/// As `mcp_complete_prompt`, for an argument of a resource template, which is named by its
/// "uriTemplate".
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_complete_resource(
    client: *mut mcp_client,
    uri_template: *const c_char,
    argument: *const c_char,
    value: *const c_char,
    context: *const c_char,
    options: *const mcp_options,
    result: *mut *mut mcp_json,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: the header asks for live objects, NUL-terminated texts and places that can be written to, or NULL.
    unsafe {
        run_for_json(client, "complete", options, result, error, |client, call| {
            let reference = Reference::Resource(text(uri_template, "uri_template")?);
            let argument = (text(argument, "argument")?, text(value, "value")?);
            client.complete(call, reference, argument, optional_text(context, "context")?)
        })
    }
}
