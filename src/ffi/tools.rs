//! Tools.

use std::borrow::Cow;
use std::ffi::c_char;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText};
use super::calls::run_for_json;
use super::client::mcp_client;
use super::document::{find, look, mcp_json};
use super::error::mcp_error;
use super::options::mcp_options;
use crate::client::operations::lists::ListMethod;
use crate::protocol::json::Value;
use crate::status::mcp_status;

/// Lists the server's tools: an object with "tools", an array of all of them, of all pages together.
///
/// Each has a "name", mostly a "description", and an "inputSchema", the JSON schema of its
/// arguments (specification 2026-07-28, "Tools"). A tool whose schema breaks the rules for headers
/// is left out, with a line in the log, as the specification wants it.
///
/// A page whose "nextCursor" was used before is the last one, with a warning in the log: some servers
/// name the same cursor on every page. Returns `MCP_ENDLESS` for pages that lead on and on, and
/// `MCP_TOO_LARGE` where all pages together are larger than the limit of a message.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_tools(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "list tools", options, result, error, |client, call| client.all_pages(call, ListMethod::Tools))
}

/// As `mcp_list_tools`, one page: the first one for a NULL `cursor`, and the one after another for
/// the text of that one's "nextCursor". A page without a "nextCursor" is the last; an empty text is
/// a cursor, too. To end where a cursor comes again is up to the caller.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_list_tools_page(
    client: SharedHandle<mcp_client>,
    cursor: CText,
    options: Option<&mcp_options>,
    page: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "list tools", options, page, error, |client, call| {
        client.page(call, ListMethod::Tools, cursor.optional("cursor")?)
    })
}

/// Calls a tool. `arguments` is the text of a JSON object of `length` bytes, `SIZE_MAX` for a
/// NUL-terminated one; NULL means no arguments.
///
/// `*result` is an object with "content", an array of what the tool has to say, and perhaps
/// "structuredContent" (specification 2026-07-28, "Tools": Tool Result). **A tool that failed is a
/// successful call**: `MCP_OK`, and `mcp_tool_result_is_error` says so; `mcp_tool_result_text` is
/// then what went wrong. Whether structured content is what the tool's "outputSchema" promises is
/// left to the caller.
///
/// A tool is never called twice: where it is not known whether the server has executed the call,
/// it is not sent again. Such a call ends with `MCP_TRUNCATED`, `MCP_DISCONNECTED` or
/// `MCP_SESSION_LOST`, and the message says that the tool may have been executed. While it waits, handlers that are set may be asked for input. A tool that
/// has to be a task (2025-11-25) becomes one, and this waits for its end.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
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
    run_for_json(client, "call tool", options, result, error, |client, call| {
        let name = name.required("name")?;
        client.call_tool(call, name, arguments.optional(length, "the arguments")?)
    })
}

/// Whether the tool says that it failed (its "isError"); false for NULL. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_tool_result_is_error(result: Option<&mcp_json>) -> bool {
    look(result, false, |json| json.value().member("isError")?.bool().ok())
}

/// The texts of a tool's result, each on a line of its own: those of its blocks of the type "text",
/// and those of embedded resources, in their order; "" where it has none, and for NULL. A block that
/// is not as the specification wants it is passed over. Never NULL. It is made once and lives as
/// long as the result.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_tool_result_text(result: Option<&mcp_json>) -> *const c_char {
    look(result, c"".as_ptr(), |json| json.keep_made(|| texts(json.value())))
}

/// The structured content of a tool's result: an object, from 2026-07-28 on any value; NULL where it
/// has none, and for NULL. Lives as long as the result. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_tool_result_structured(result: Option<&mcp_json>) -> Option<&mcp_json> {
    find(result, |result| result.member("structuredContent"))
}

/// The texts among the blocks of a result's content.
fn texts(result: Value<'_>) -> Cow<'_, str> {
    let mut texts = result.member("content").into_iter().flat_map(Value::children).filter_map(text_of);
    // Mostly there is one, and that is not copied.
    let mut all = texts.next().unwrap_or_default();
    for text in texts {
        let all = all.to_mut();
        all.push('\n');
        all.push_str(&text);
    }
    all
}

fn text_of(block: Value<'_>) -> Option<Cow<'_, str>> {
    match &*block.member("type")?.text()? {
        "text" => block.member("text")?.text(),
        "resource" => block.member("resource")?.member("text")?.text(),
        _ => None,
    }
}
