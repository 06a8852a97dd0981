//! Tools.

use std::borrow::Cow;
use std::ffi::c_char;

use super::arguments::both;
use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText};
use super::calls::run_for_json;
use super::client::mcp_client;
use super::document::{find, mcp_json, read_or};
use super::error::mcp_error;
use super::options::mcp_options;
use crate::client::operations::lists::ListMethod;
use crate::protocol::json::Value;
use crate::status::mcp_status;

/// The name of a tool or prompt, and the JSON text of its arguments.
pub(super) type ToolArguments = (String, Option<String>);

/// Lists the tools of the server: an object with "tools", an array. A server may split a list into
/// pages, each with a "nextCursor" that leads to the next one; the function requests all pages.
///
/// Each tool has a "name", usually a "description", and an "inputSchema", the JSON schema of its
/// arguments (specification 2026-07-28, "Tools"). With a modern server over HTTP, a tool is left
/// out, and a warning is logged, if its schema marks arguments as headers in an invalid way (as the
/// specification requires), or is larger than 1 MiB.
///
/// A page whose "nextCursor" was already used is the last one, and a warning is logged: some
/// servers return the same cursor with every page. Returns `MCP_ENDLESS` for more than 10,000
/// pages, and `MCP_TOO_LARGE` if all pages together exceed `MCP_LIMIT_MESSAGE`.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_tools(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json::<()>(client, "list tools", options, result, error, Ok(()), |client, call, ()| {
        client.all_pages(call, ListMethod::Tools)
    })
}

/// Lists one page of the server's tools: an object with "tools". Pass NULL as `cursor` for the
/// first page, and the "nextCursor" of a page for the page after it. A page without "nextCursor" is
/// the last; "" is a valid cursor. The caller must detect a cursor that repeats.
///
/// On success `*page` is set to the object, which the caller frees with `mcp_json_free`; on failure
/// to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_tools_page(
    client: SharedHandle<mcp_client>,
    cursor: CText,
    options: Option<&mcp_options>,
    page: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let cursor = cursor.optional("cursor");
    run_for_json::<Option<String>>(client, "list tools", options, page, error, cursor, |client, call, cursor| {
        client.page(call, ListMethod::Tools, cursor)
    })
}

/// Calls a tool. `arguments` is the text of a JSON object of `length` bytes, or NUL-terminated if
/// `length` is `MCP_NUL_TERMINATED`; NULL means no arguments.
///
/// The result is an object with "content", an array of what the tool returns, and optionally
/// "structuredContent" (specification 2026-07-28, "Tools": Tool Result). **If the tool reports a
/// failure, the call still succeeds**: it returns `MCP_OK`, `mcp_tool_result_is_error` is true, and
/// `mcp_tool_result_text` describes the failure. The structured content is not validated against
/// the tool's "outputSchema".
///
/// The client never calls a tool twice: if it is not known whether the server executed the call, it
/// is not sent again. Such a call fails with `MCP_TRUNCATED`, `MCP_DISCONNECTED`,
/// `MCP_SESSION_LOST` or `MCP_PROCESS_FAILED`, and the message says that the tool may have been
/// executed.
///
/// The client may first request the list of tools, which says how to call the tool. During the call
/// the server may request input, and the handlers that are set respond (see `mcp_input_fn`). If the
/// tool requests it in a way that only legacy versions have, as `ctx.elicit` of FastMCP 4 does, and
/// the server is a modern one, the call fails with `MCP_INPUT_UNSUPPORTED`; the message says which
/// version to pin. A tool that must run as a task (2025-11-25) is started as one, and the function
/// waits for its end; if the function is cancelled or times out, so is the task.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_call_tool(
    client: SharedHandle<mcp_client>,
    name: CText,
    arguments: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let texts = both(name.required("name"), arguments.optional(length, "the arguments"));
    run_for_json::<ToolArguments>(client, "call tool", options, result, error, texts, |client, call, texts| {
        client.call_tool(call, texts.0, texts.1)
    })
}

/// Returns whether the tool reports a failure (its "isError"); false for NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_tool_result_is_error(result: Option<&mcp_json>) -> bool {
    read_or(result, false, |json| json.value().member("isError")?.bool().ok())
}

/// Returns the texts of a tool's result, separated by line breaks: the blocks of type "text" and
/// the texts of embedded resources, in their order. "" if there are none, or for NULL. Invalid
/// blocks are ignored.
///
/// The result is never NULL. It is created once, and valid as long as the document exists.
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_tool_result_text(result: Option<&mcp_json>) -> *const c_char {
    read_or(result, c"".as_ptr(), |json| json.cached_derived_text(|| joined_texts(json.value())))
}

/// Returns the structured content of a tool's result: an object, or from 2026-07-28 on any value;
/// NULL if there is none, or for NULL.
///
/// The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_tool_result_structured(result: Option<&mcp_json>) -> Option<&mcp_json> {
    find(result, |result| result.member("structuredContent"))
}

/// The texts of all blocks of a result's content, separated by line breaks.
fn joined_texts(result: Value<'_>) -> Cow<'_, str> {
    let mut texts = result.member("content").into_iter().flat_map(Value::children).filter_map(text_of);
    // Usually there is one text, which is not copied.
    let mut joined = texts.next().unwrap_or_default();
    for text in texts {
        let joined = joined.to_mut();
        joined.push('\n');
        joined.push_str(&text);
    }
    joined
}

fn text_of(block: Value<'_>) -> Option<Cow<'_, str>> {
    match &*block.member("type")?.text()? {
        "text" => block.member("text")?.text(),
        "resource" => block.member("resource")?.member("text")?.text(),
        _ => None,
    }
}
