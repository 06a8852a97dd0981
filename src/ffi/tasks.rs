//! Tasks.

use std::ffi::c_char;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText};
use super::calls::{run, run_for_json};
use super::client::mcp_client;
use super::document::{find, mcp_json};
use super::error::mcp_error;
use super::guard::guard;
use super::json_content::mcp_json_string;
use super::options::mcp_options;
use crate::client::operations::tasks::task_id;
use crate::status::mcp_status;

/// Calls a tool as `mcp_call_tool` does, and takes a task for an answer, too: work that goes on at
/// the server while nobody waits. On modern servers the server decides (the extension
/// "io.modelcontextprotocol/tasks"); on those of 2025-11-25 a tool that can be a task becomes one
/// (specification 2025-11-25, "Tasks"); on older ones there are none.
///
/// `mcp_task_id` tells a task from a result. Keep its id: with it, another process can ask for the
/// task as well.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_start_tool(
    client: SharedHandle<mcp_client>,
    name: CText,
    arguments: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "start tool", options, result, error, |client, call| {
        let name = name.required("name")?;
        client.start_tool(call, name, arguments.optional(length, "the arguments")?)
    })
}

/// The id of the task that `mcp_start_tool` brought; NULL where it brought the tool's result, and
/// for NULL. Lives as long as the result. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_task_id(result: Option<&mcp_json>) -> *const c_char {
    mcp_json_string(find(result, task_id))
}

/// Asks how a task stands: an object with "taskId", "status" ("working", "input_required",
/// "completed", "failed" or "cancelled"), and perhaps "statusMessage", "ttlMs" and "pollIntervalMs",
/// which on servers of 2025-11-25 are called "ttl" and "pollInterval". On modern servers a completed
/// task has its "result" there, a failed one its "error".
///
/// `*task` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_get_task(
    client: SharedHandle<mcp_client>,
    id: CText,
    options: Option<&mcp_options>,
    task: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "get task", options, task, error, |client, call| client.get_task(call, id.required("id")?))
}

/// Gives a task of a modern server inputs that it asks for: the text of a JSON object of `length`
/// bytes, `SIZE_MAX` for a NUL-terminated one, with a result under each key of its "inputRequests".
/// `mcp_wait_task` does that by itself.
///
/// `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_update_task(
    client: SharedHandle<mcp_client>,
    id: CText,
    responses: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        run(client, "update task", options, |client, call| {
            client.update_task(call, id.required("id")?, responses.required(length, "the responses")?)
        })
    })
}

/// Asks the server to end a task. It may end it, or finish it first.
///
/// `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_task(
    client: SharedHandle<mcp_client>,
    id: CText,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || run(client, "cancel task", options, |client, call| client.cancel_task(call, id.required("id")?)))
}

/// Waits until a task has ended, and gives the result of the tool. It asks as often as the server
/// wants; what the task asks for, the handlers that are set give. A progress callback in the options
/// is told each new "statusMessage", with the number of such messages as the progress.
///
/// Returns `MCP_RPC_ERROR` for a task that failed, `MCP_TASK_CANCELLED` for one that was cancelled.
/// When this call is cancelled or times out, the task goes on.
///
/// `*result` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_wait_task(
    client: SharedHandle<mcp_client>,
    id: CText,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "wait for task", options, result, error, |client, call| {
        client.wait_task(call, id.required("id")?)
    })
}
