//! What requests carry.

use super::c_types::{CText, OutParam, SharedHandle};
use super::client::mcp_client;
use super::error::mcp_error;
use crate::status::mcp_status;

/// Sets the bearer token that every HTTP request carries, as `Authorization: Bearer <token>` (RFC
/// 6750, section 2.1). The token alone is given, without the word "Bearer". NULL removes it. It
/// beats an `Authorization` header set by `mcp_set_header`.
///
/// The token is copied, goes to the URL's own origin only, is in no log line and no error message
/// (where a server echoes it, it is replaced; percent-encoded and JSON-escaped too), and is wiped
/// from the library's memory when it is replaced and no request uses it any more.
///
/// Returns `MCP_INVALID_ARGUMENT`, and keeps the old token, where `token` can be none: empty, with
/// spaces, control characters or characters outside ASCII, or with a "Bearer " prefix.
///
/// Any thread, any time; counts from the next request. Since 0.1.0.
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

/// Sets a header that every HTTP request carries, such as "X-API-Key". One of the same name, in
/// whatever case, is replaced; a NULL value removes it. Values are treated as secrets, like the
/// bearer token.
///
/// Returns `MCP_INVALID_ARGUMENT`, and changes nothing, for a name or a value that RFC 9110
/// (section 5) does not allow (line breaks above all), and for the names that the protocol owns:
/// Host, Accept, Connection, Content-Type, Content-Length, Transfer-Encoding and their like, and
/// everything that begins with "Mcp-".
///
/// Any thread, any time; counts from the next request. Since 0.1.0.
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
