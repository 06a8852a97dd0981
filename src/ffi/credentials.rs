//! The bearer token and the headers of a client.

use super::c_types::{CText, OutParam, SharedHandle};
use super::client::mcp_client;
use super::error::mcp_error;
use crate::status::mcp_status;

/// Sets the bearer token that every HTTP request carries, as `Authorization: Bearer <token>` (RFC
/// 6750, section 2.1). Pass the token without the word "Bearer"; NULL removes it. It overrides an
/// `Authorization` header of `mcp_set_header`.
///
/// The token is copied. It is sent only to the origin of the URL (its scheme, host and port), or
/// after a redirect from http to https on the same host, and appears in no log message and no
/// error: if a server repeats it, also percent-encoded or JSON-escaped, it is redacted. It is wiped
/// from the library's memory when it is replaced and no request uses it any more.
///
/// Returns `MCP_INVALID_ARGUMENT`, and keeps the old token, if `token` is empty, contains spaces,
/// control or non-ASCII characters, or begins with "Bearer "; `MCP_MISUSE` for a client of a server
/// process.
///
/// Thread-safe; takes effect with the next request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_bearer(
    client: SharedHandle<mcp_client>,
    token: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("credentials and headers")?;
        client.auth().credentials.set_bearer(token.optional("token")?)
    })
}

/// Sets a header that every HTTP request carries, such as "X-API-Key". It replaces a header of the
/// same name, regardless of case; a NULL `value` removes it. Values are treated as secrets, like
/// the bearer token.
///
/// Returns `MCP_INVALID_ARGUMENT`, and changes nothing, for a name or a value that RFC 9110
/// (section 5) does not allow, such as one with a line break; if the bearer token and all values
/// together exceed 64 KiB; and for names that the protocol reserves: Host, Accept, Connection,
/// Content-Type, Content-Length, Transfer-Encoding and similar ones, and all that begin with
/// "Mcp-". Returns `MCP_MISUSE` for a client of a server process.
///
/// Thread-safe; takes effect with the next request. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_set_header(
    client: SharedHandle<mcp_client>,
    name: CText,
    value: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_client::set(client, error, |client| {
        client.check_url("credentials and headers")?;
        client.auth().credentials.set_header(name.required("name")?, value.optional("value")?)
    })
}
