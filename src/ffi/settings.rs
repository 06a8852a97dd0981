//! General settings of a client.

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText};
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

/// Sets the idle timeout of calls whose options set none, in milliseconds: a call fails with
/// `MCP_TIMEOUT` if it waits this long without receiving a byte or, while it sends, without being
/// able to send one. 0 means none (the default).
///
/// Each byte starts the idle time again, such as those of a progress notification; nothing extends
/// the timeout of the call (`mcp_set_timeout`).
///
/// Thread-safe; takes effect with the next call. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_idle_timeout(
    client: SharedHandle<mcp_client>,
    timeout_ms: u64,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.settings.set_idle_timeout_ms(timeout_ms);
        Ok(())
    })
}

/// Sets the name and version of the application that are sent to the server (`clientInfo`).
/// Default: "libmcp" and the version of the library. The name of the server in errors and log lines
/// is another one: see `mcp_set_name`.
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

/// Declares to the server that the application supports an extension (specification 2026-07-28,
/// "Extensions"), such as "com.example/charts". `settings` is the text of a JSON object of `length`
/// bytes, or NUL-terminated if `length` is `MCP_NUL_TERMINATED`; "{}" means no settings, and NULL
/// removes the extension. The library supports and declares "io.modelcontextprotocol/tasks" itself.
///
/// ```
/// mcp_set_extension(client, "com.example/charts", "{\"formats\":[\"svg\"]}", MCP_NUL_TERMINATED, &error);
/// mcp_set_notification(client, show_chart, window, NULL, &error);
/// ```
///
/// For the requests and notifications of an extension see `mcp_request`, `mcp_notify` and
/// `mcp_set_notification`.
///
/// Returns `MCP_INVALID_ARGUMENT` for a name without a vendor and a slash, or if `settings` is not a
/// JSON object, and `MCP_MISUSE` after the first call.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_extension(
    client: SharedHandle<mcp_client>,
    name: CText,
    settings: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.settings.set_extension(name.required("name")?, settings.optional(length, "the settings")?)
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
