//! Names and descriptions of status codes.

use std::ffi::c_char;

/// Returns the name of a status, such as "MCP_TIMEOUT"; "MCP_UNKNOWN" for a number that this
/// version of the library does not know.
///
/// The result is a static string, never NULL. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_status_name(status: i32) -> *const c_char {
    crate::status::name(status).as_ptr()
}

/// Returns a description of a status for people, such as "The timeout of the call expired"; an
/// unknown number has one, too. It has no full stop, and the wording may change. If there is an
/// error, `mcp_error_message` says more.
///
/// The result is a static string, never NULL. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_status_text(status: i32) -> *const c_char {
    crate::status::text(status).as_ptr()
}
