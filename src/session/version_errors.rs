//! The errors for versions that client and server do not share.

use crate::error::Error;
use crate::protocol::version;
use crate::status::MCP_VERSION_UNSUPPORTED;

/// An error that names the versions of both sides.
pub fn nothing_shared(theirs: &[String], cause: Option<Error>) -> Error {
    let message = format!(
        "the server supports protocol version {}, this client {}: they have none in common",
        theirs.join(", "),
        version::all()
    );
    with_cause(message, cause)
}

/// The error for a pinned version that the server does not speak.
pub fn not_spoken(pinned: &str, cause: Option<Error>) -> Error {
    let said = cause.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
    let message = format!(
        "this client is pinned to protocol version {pinned}, which the server does not support{said}; pin another version, or none"
    );
    with_cause(message, cause)
}

/// Keeps what the server said beside the message.
fn with_cause(message: String, cause: Option<Error>) -> Error {
    let mut error = cause.unwrap_or_else(|| Error::new(MCP_VERSION_UNSUPPORTED, ""));
    error.report_mut().status = MCP_VERSION_UNSUPPORTED;
    error.report_mut().message = message;
    error
}
