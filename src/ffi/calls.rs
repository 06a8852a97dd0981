//! Calls to the server. Each blocks the thread that makes it.

use super::c_types::{OutParam, SharedHandle};
use super::client::mcp_client;
use super::document::mcp_json;
use super::error::mcp_error;
use super::guard::{guard, guard_json};
use super::options::mcp_options;
use crate::client::{CallContext, Client};
use crate::error::Result;
use crate::protocol::json::Json;
use crate::status::mcp_status;

/// Connects: finds out which protocol versions the server speaks, and opens a session where the
/// server's version has sessions. Optional, for every call connects by itself; useful to see early
/// whether the server can be used at all.
///
/// A bad token is not always seen here: some servers ask for credentials only later.
///
/// `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_connect(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || run(client, "connect", options, |client, call| client.connect(call)))
}

/// Asks whether the server is there, and answers. Never answered from memory: each call goes to
/// the server.
///
/// On a legacy server this is the protocol's `ping`. From 2026-07-28 on there is none;
/// `server/discover`, which every server of that version implements, stands in for it.
///
/// Any JSON-RPC answer will do, an error too: some servers do not know `ping`.
///
/// `MCP_OK` means that the server answered, not that the token is good for its tools: a server may
/// leave this call open to everybody. Where it does not, a missing or wrong token is
/// `MCP_UNAUTHORIZED`, with the server's challenge in `mcp_error_www_authenticate`.
///
/// `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_ping(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || run(client, "ping", options, |client, call| client.ping(call)))
}

/// Gives what the server said of itself when the client connected (and connects first, where that
/// is still to do), as an object:
///
/// - "protocolVersion": the version that is spoken, such as "2025-11-25"
/// - "era": "legacy" (up to 2025-11-25) or "modern" (from 2026-07-28 on)
/// - "transport": "streamable-http", "sse" or "stdio"
/// - "serverInfo": with "name" and "version", where the server gives them
/// - "capabilities": what it can do
/// - "instructions": how it wants to be used, where it says so
/// - "supportedVersions": all that it speaks, on modern servers
///
/// The server is not asked again. What it says of itself is not verified by anybody: it is for
/// people to read.
///
/// `*info` is set to NULL first and to the object on success; the caller frees it with
/// `mcp_json_free`. `options` may be NULL. Blocks; any thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_server_info(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    info: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    run_for_json(client, "server info", options, info, error, |client, call| client.server_info(call))
}

/// Runs a call that brings a JSON value.
pub(super) fn run_for_json(
    client: SharedHandle<mcp_client>,
    request: &'static str,
    options: Option<&mcp_options>,
    result: OutParam<*mut mcp_json>,
    error: OutParam<*mut mcp_error>,
    body: impl FnOnce(&Client, &CallContext) -> Result<Json>,
) -> mcp_status {
    guard_json(result, "the place for the result", error, || {
        let client = &client.required("client")?.inner;
        client.call(request, &mcp_options::call_options(options), |call| body(client, call))
    })
}

/// Runs a call that brings nothing but its outcome.
pub(super) fn run(
    client: SharedHandle<mcp_client>,
    request: &'static str,
    options: Option<&mcp_options>,
    body: impl FnOnce(&Client, &CallContext) -> Result<()>,
) -> Result<()> {
    let client = &client.required("client")?.inner;
    client.call(request, &mcp_options::call_options(options), |call| body(client, call))
}
