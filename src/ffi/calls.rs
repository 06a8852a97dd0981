//! Connecting, ping and server information; and how every call to the server runs.

use std::ptr::null_mut;

use super::arguments::Arguments;
use super::c_types::{OutParam, SharedHandle};
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::guard::{guard, guard_json, guard_pending};
use super::options::mcp_options;
use crate::client::{CallContext, Client};
use crate::error::Result;
use crate::protocol::json::Json;
use crate::queue::QueueTarget;
use crate::queue::completion_queue::{CompletionQueue, Run};
use crate::status::mcp_status;

/// The name of the call that waits for changes.
const LISTEN: &str = "listen";

/// Connects: negotiates the protocol version, and opens a session if that version has sessions. It
/// is optional, because every call connects if necessary; use it to detect problems early. It does
/// not always detect a bad token: some servers check credentials only later.
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_connect(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run::<()>(client, "connect", options, error, Ok(()), |client, call, ()| client.connect(call))
}

/// Checks that the server responds. The result never comes from the cache: each call contacts the
/// server.
///
/// With a legacy server this is the protocol's `ping`. Versions from 2026-07-28 on have no ping;
/// the client sends `server/discover` instead, which every server of those versions implements. Any
/// JSON-RPC response is a success, also an error, because some servers do not know `ping`.
///
/// `MCP_OK` means that the server responded, not that it accepts the token for its tools: a server
/// may allow this request without credentials. If it does not, a missing or wrong token is
/// `MCP_UNAUTHORIZED`, with the server's challenge in `mcp_error_challenge`.
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_ping(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run::<()>(client, "ping", options, error, Ok(()), |client, call, ()| client.ping(call))
}

/// Gets the server's description of itself from the negotiation, as an object. It connects first if
/// necessary, and otherwise sends nothing.
///
/// - "protocolVersion": the negotiated version, such as "2025-11-25"
/// - "era": "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on)
/// - "transport": "streamable-http", "sse" or "stdio"
/// - "serverInfo": an object with "name" and "version", if the server sends it
/// - "capabilities": the server's capabilities
/// - "instructions": how to use the server, if it sends that
/// - "supportedVersions": all versions that a modern server supports
///
/// The content is not verified: use it for display only.
///
/// On success `*info` is set to the object, which the caller frees with `mcp_json_free`; on failure
/// to NULL. `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_server_info(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    info: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json::<()>(client, "server info", options, info, error, Ok(()), |client, call, ()| client.server_info(call))
}

/// Runs a call that returns a JSON document, or submits it to the queue of its options. `body` gets
/// the arguments.
///
/// It is a function pointer, so that not each exported function has a copy of this code, but each
/// kind of arguments.
pub(super) fn run_for_json<A: Arguments>(
    client: SharedHandle<mcp_client>,
    request: &'static str,
    options: Option<&mcp_options>,
    mut result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
    arguments: Result<A::Borrowed<'_>>,
    body: fn(&Client, &CallContext, A::Borrowed<'_>) -> Result<Json>,
) -> mcp_status {
    if let Some(target) = options.and_then(mcp_options::queue_target) {
        result.put(null_mut());
        let run = arguments.map(A::copy_of).map(|copied| -> Box<Run> {
            Box::new(move |client, call| body(client, call, copied.borrowed()).map(Some))
        });
        return submit(target, (client, request), options, error, run);
    }
    block_for_json((client, request), options, result, error, &|client, call| body(client, call, arguments.clone()?))
}

/// Runs a call that returns only a status, or submits it to the queue of its options.
pub(super) fn run<A: Arguments>(
    client: SharedHandle<mcp_client>,
    request: &'static str,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
    arguments: Result<A::Borrowed<'_>>,
    body: fn(&Client, &CallContext, A::Borrowed<'_>) -> Result<()>,
) -> mcp_status {
    if let Some(target) = options.and_then(mcp_options::queue_target) {
        let run = arguments.map(A::copy_of).map(|copied| -> Box<Run> {
            Box::new(move |client, call| body(client, call, copied.borrowed()).map(|()| None))
        });
        return submit(target, (client, request), options, error, run);
    }
    block((client, request), options, error, &|client, call| body(client, call, arguments.clone()?))
}

/// What a call that waits for changes does.
pub(super) type Listen = dyn Fn(&Client, &CallContext) -> Result<()> + Send;

/// Runs a call that waits for changes, or submits it to the queue of its options.
pub(super) fn run_listen(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
    listen: Result<Box<Listen>>,
) -> mcp_status {
    if let Some(target) = options.and_then(mcp_options::queue_target) {
        let run =
            listen.map(|listen| -> Box<Run> { Box::new(move |client, call| listen(client, call).map(|()| None)) });
        return submit(target, (client, LISTEN), options, error, run);
    }
    block((client, LISTEN), options, error, &|client, call| match &listen {
        Ok(listen) => listen(client, call),
        Err(error) => Err(error.clone()),
    })
}

// The following functions are not generic: each exported function would have a copy of them.

type Target<'a> = (SharedHandle<'a, mcp_client>, &'static str);

fn block_for_json(
    (client, request): Target,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
    body: &dyn Fn(&Client, &CallContext) -> Result<Json>,
) -> mcp_status {
    guard_json(result, "the place for the result", error, || {
        let client = &client.required("client")?.inner;
        client.call(request, &mcp_options::call_options(options), |call| body(client, call))
    })
}

fn block(
    (client, request): Target,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
    body: &dyn Fn(&Client, &CallContext) -> Result<()>,
) -> mcp_status {
    guard(error, || {
        let client = &client.required("client")?.inner;
        client.call(request, &mcp_options::call_options(options), |call| body(client, call))
    })
}

fn submit(
    target: &QueueTarget,
    (client, request): Target,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
    run: Result<Box<Run>>,
) -> mcp_status {
    guard_pending(error, || {
        let client = client.object().map(|client| &client.inner);
        // A listener waits for the server, and a hundred of them must not keep other calls from running.
        let is_counted = request != LISTEN;
        CompletionQueue::submit(target, (client, request), &mcp_options::call_options(options), is_counted, run)
    })
}
