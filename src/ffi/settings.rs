//! General settings of a client.

use super::c_types::{CText, OutParam, SharedHandle};
use super::client::mcp_client;
use super::error::mcp_error;
use crate::client::settings::LimitKind;
use crate::error::Error;
use crate::status::*;

/// Sets the timeout of calls whose options set none, in milliseconds; 0 means none. Default:
/// 60,000.
///
/// The timeout covers a call from start to return: DNS lookup, connecting, TLS, negotiation,
/// redirects, retries and the body. The time in callbacks of the application is not counted, except
/// in the log callback.
///
/// Thread-safe; takes effect with the next call. Since 0.1.0.
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

/// Sets the name and version of the application that are sent to the server (`clientInfo`).
/// Default: "libmcp" and the version of the library.
///
/// Returns `MCP_MISUSE` after the first call.
///
/// Thread-safe. Since 0.1.0.
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

/// Pins the protocol version, such as "2025-06-18": if the server does not support it, calls fail
/// with `MCP_VERSION_UNSUPPORTED`. NULL negotiates the newest version that both sides support (the
/// default).
///
/// Returns `MCP_INVALID_ARGUMENT` for a version that this library does not support (it supports
/// 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28), and `MCP_MISUSE` after the first
/// call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_protocol_version(
    client: SharedHandle<mcp_client>,
    version: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| client.settings.pin_version(version.optional("version")?))
}

/// What `mcp_set_limit` can limit. A later version may add values.
///
/// Since 0.1.0.
#[repr(C)]
pub enum mcp_limit {
    /// The body of one HTTP response that is not an event stream, after decompression; all pages of
    /// a list together; all results in the cache together. Default: 64 MiB.
    MCP_LIMIT_MESSAGE = 1,
    /// All header fields of one response together. Default: 64 KiB; maximum: 16 MiB.
    MCP_LIMIT_HEAD = 2,
    /// One event of an event stream (usually one message), or one message of a server process.
    /// Default: 64 MiB.
    MCP_LIMIT_EVENT = 3,
}

/// Sets a limit for data from the server, in bytes: a call that exceeds it fails with
/// `MCP_TOO_LARGE`. `limit` is an `mcp_limit`; 0 bytes restore the default. A limit above 4 GiB
/// counts as 4 GiB.
///
/// Returns `MCP_INVALID_ARGUMENT` for an unknown limit, or for `MCP_LIMIT_HEAD` above its maximum,
/// and `MCP_MISUSE` after the first call.
///
/// Thread-safe. Since 0.1.0.
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

/// Enables or disables the cache for lists and resources, which keeps results as long as the server
/// declares them fresh (specification 2026-07-28, "Caching"). With true, a call may be answered
/// from the cache, unless its options set a header or "_meta". false (the default) also clears the
/// cache.
///
/// A change notification of the server removes the results that it concerns; most servers send such
/// notifications only while `mcp_listen` runs. Private results are used only with the credentials
/// of their request, and not at all if an auth callback (`mcp_set_auth`) is set.
///
/// Thread-safe; takes effect with the next call. Since 0.1.0.
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
