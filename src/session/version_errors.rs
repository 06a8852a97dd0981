//! The errors if client and server have no protocol version in common.

use crate::error::Error;
use crate::protocol::version;
use crate::status::MCP_VERSION_UNSUPPORTED;

/// The error if no version is common. It names the versions of both sides.
pub fn no_common_version(theirs: &[String], cause: Option<Error>) -> Error {
    let message = format!(
        "the server supports protocol version {}, this client {}: they have none in common",
        theirs.join(", "),
        version::all()
    );
    with_cause(message, cause)
}

/// The error if the server does not support the pinned version.
pub fn pinned_version_unsupported(pinned: &str, cause: Option<Error>) -> Error {
    let reason = cause.as_ref().map_or_else(String::new, |error| format!(" ({error})"));
    let message = format!(
        "this client is pinned to protocol version {pinned}, which the server does not support{reason}; \
         pin another version, or none"
    );
    with_cause(message, cause)
}

/// Changes the status and the message of `cause`, and keeps its other details.
fn with_cause(message: String, cause: Option<Error>) -> Error {
    let mut error = cause.unwrap_or_else(|| Error::new(MCP_VERSION_UNSUPPORTED, ""));
    error.report_mut().status = MCP_VERSION_UNSUPPORTED;
    error.report_mut().message = message;
    error
}
