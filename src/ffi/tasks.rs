//! Tasks.

use std::ffi::c_char;

use super::arguments::both;
use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText};
use super::calls::{run, run_for_json};
use super::client::mcp_client;
use super::document::{find, mcp_json};
use super::error::mcp_error;
use super::json_content::mcp_json_string;
use super::options::mcp_options;
use super::tools::ToolArguments;
use crate::client::operations::tasks::task_id;
use crate::status::mcp_status;

/// Calls a tool like `mcp_call_tool`, but also accepts a task instead of a result: the server
/// continues the work after this function returns. A modern server decides whether to start a task
/// (the extension "io.modelcontextprotocol/tasks"); on servers of 2025-11-25 every tool that
/// supports tasks starts one (specification 2025-11-25, "Tasks"); older servers have no tasks.
///
/// `mcp_tool_result_task_id` distinguishes a task from a result. The application can store the id
/// and use the task in another process.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_call_tool_as_task(
    client: SharedHandle<mcp_client>,
    name: CText,
    arguments: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let texts = both(name.required("name"), arguments.optional(length, "the arguments"));
    run_for_json::<ToolArguments>(client, "call tool as task", options, result, error, texts, |client, call, texts| {
        client.call_tool_as_task(call, texts.0, texts.1)
    })
}

/// Returns the id of the task that `mcp_call_tool_as_task` started; NULL if it returned the tool's
/// result, or for NULL.
///
/// The id is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_tool_result_task_id(result: Option<&mcp_json>) -> *const c_char {
    mcp_json_string(find(result, task_id))
}

/// Gets the state of a task: an object with "taskId", "status" ("working", "input_required",
/// "completed", "failed" or "cancelled"), and optionally "statusMessage", "ttlMs" and
/// "pollIntervalMs", which servers of 2025-11-25 call "ttl" and "pollInterval". On modern servers a
/// completed task contains its "result", a failed one its "error"; on servers of 2025-11-25
/// `mcp_wait_task` returns them.
///
/// On success `*task` is set to the object, which the caller frees with `mcp_json_free`; on failure
/// to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_get_task(
    client: SharedHandle<mcp_client>,
    id: CText,
    options: Option<&mcp_options>,
    task: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let id = id.required("id");
    run_for_json::<String>(client, "get task", options, task, error, id, |client, call, id| client.get_task(call, id))
}

/// Sends inputs that a task of a modern server requests. While such a task has the status
/// "input_required", it contains "inputRequests", an object with a request for each key. `responses`
/// is the text of a JSON object of `length` bytes, or NUL-terminated if `length` is
/// `MCP_NUL_TERMINATED`; it maps the same keys to the results, which have the form that
/// `mcp_input_respond` requires. `mcp_wait_task` does this automatically.
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_update_task(
    client: SharedHandle<mcp_client>,
    id: CText,
    responses: SizedText,
    length: BufferSize,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let texts = both(id.required("id"), responses.required(length, "the responses"));
    run::<(String, String)>(client, "update task", options, error, texts, |client, call, (id, responses)| {
        client.update_task(call, id, responses)
    })
}

/// Sends a request to cancel a task. The task may still complete.
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_cancel_task(
    client: SharedHandle<mcp_client>,
    id: CText,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let id = id.required("id");
    run::<String>(client, "cancel task", options, error, id, |client, call, id| client.cancel_task(call, id))
}

/// Waits for the end of a task, and returns the result of the tool. It requests the state of the
/// task at the interval that the server sets, or every second. Handlers that are set respond to the
/// input requests of the task. A progress callback in the options receives each new
/// "statusMessage", with the number of such messages as the progress.
///
/// The timeout of the call applies to the whole wait: for a long task, set it to 0 or to a long
/// time (`mcp_options_set_timeout`).
///
/// Returns `MCP_RPC_ERROR` if the task failed, `MCP_TASK_CANCELLED` if it was cancelled. If this
/// call is cancelled or times out, the task continues.
///
/// On success `*result` is set to the object, which the caller frees with `mcp_json_free`; on
/// failure to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_wait_task(
    client: SharedHandle<mcp_client>,
    id: CText,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let id = id.required("id");
    run_for_json::<String>(client, "wait for task", options, result, error, id, |client, call, id| {
        client.wait_task(call, id)
    })
}
