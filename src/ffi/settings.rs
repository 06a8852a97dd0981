//! How a client behaves.

use super::c_types::{CText, OutParam, SharedHandle};
use super::client::mcp_client;
use super::error::mcp_error;
use crate::client::settings::LimitKind;
use crate::error::Error;
use crate::status::*;

/// Sets the timeout of calls whose options set none, in milliseconds; 0 means none. It is 60,000
/// where it is never set.
///
/// One timeout governs a call from entry to return: name lookup, connecting, TLS, negotiation,
/// redirects, resends and the body. The time that the auth callback takes is not counted.
///
/// Any thread, any time; counts from the next call. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_timeout(
    client: SharedHandle<mcp_client>,
    timeout_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.settings.set_timeout_ms(timeout_ms);
        Ok(())
    })
}

/// Sets the name and version under which the program introduces itself to the server
/// (`clientInfo`). Without it, the server is told "libmcp" and the library's version.
///
/// Returns `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_client_info(
    client: SharedHandle<mcp_client>,
    name: CText,
    version: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.settings.set_client_info(name.required("name")?, version.required("version")?)
    })
}

/// Pins the protocol version, such as "2025-06-18": the server has to speak that one, or calls
/// fail with `MCP_VERSION_UNSUPPORTED`. NULL, as at the start, negotiates: the newest version that
/// both sides speak.
///
/// Returns `MCP_INVALID_ARGUMENT` for a version that this library does not speak (it speaks
/// 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28), and `MCP_MISUSE` after the
/// first call that went to the server.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_protocol_version(
    client: SharedHandle<mcp_client>,
    version: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| client.settings.pin_version(version.optional("version")?))
}

/// What `mcp_set_limit` can limit. A later version may add more.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_limit {
    /// The body of one answer, unpacked; 64 MiB at the start.
    MCP_LIMIT_MESSAGE = 1,
    /// The head of one answer, all of its header fields together; 64 KiB at the start, and at most
    /// 16 MiB.
    MCP_LIMIT_HEAD = 2,
    /// One event of an event stream; 64 MiB at the start.
    MCP_LIMIT_EVENT = 3,
}

/// Sets the largest of what a server may send, in bytes: a call that meets more ends with
/// `MCP_TOO_LARGE`. `limit` is a number of `mcp_limit`; 0 bytes stand for the value at the start.
///
/// Returns `MCP_INVALID_ARGUMENT` for an unknown number or a head that is too large, and
/// `MCP_MISUSE` after the first call that went to the server. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_limit(
    client: SharedHandle<mcp_client>,
    limit: i32,
    bytes: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    let limit = match limit {
        1 => Ok(LimitKind::Message),
        2 => Ok(LimitKind::Head),
        3 => Ok(LimitKind::Event),
        _ => Err(Error::new(MCP_INVALID_ARGUMENT, "limit is not a value of mcp_limit")),
    };
    mcp_client::set(client, error, |client| client.settings.set_limit(limit?, bytes))
}

/// Whether results are kept as long as the server says that they are fresh: lists, and resources
/// that were read (specification 2026-07-28, "Caching"). With true, a call may be answered from
/// memory. A server that says of a change makes what it concerns stale, while somebody listens
/// (`mcp_listen`). Private results go with the credentials that they were asked for with; where a
/// callback gives those (`mcp_set_auth`), they are not kept.
///
/// Any thread, any time; false at the start, and with it everything that was kept is forgotten.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_cache(
    client: SharedHandle<mcp_client>,
    wanted: bool,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.server_state.cache.set_enabled(wanted);
        Ok(())
    })
}
