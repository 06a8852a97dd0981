//! Connecting, ping and server information; and how every call to the server runs.

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
    guard(error, || run(client, "connect", options, |client, call| client.connect(call)))
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
/// `MCP_UNAUTHORIZED`, with the server's challenge in `mcp_error_www_authenticate`.
///
/// `options` may be NULL. Blocking, thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_ping(
    client: SharedHandle<mcp_client>,
    options: Option<&mcp_options>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || run(client, "ping", options, |client, call| client.ping(call)))
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
    run_for_json(client, "server info", options, info, error, |client, call| client.server_info(call))
}

/// Runs a call that returns a JSON document.
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

/// Runs a call that returns only a status.
pub(super) fn run(
    client: SharedHandle<mcp_client>,
    request: &'static str,
    options: Option<&mcp_options>,
    body: impl FnOnce(&Client, &CallContext) -> Result<()>,
) -> Result<()> {
    let client = &client.required("client")?.inner;
    client.call(request, &mcp_options::call_options(options), |call| body(client, call))
}
