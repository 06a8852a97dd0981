//! Names of statuses.

use std::ffi::c_char;

/// The name of a status as text, such as "MCP_TIMEOUT"; "MCP_UNKNOWN" for a number that this
/// version of the library does not know.
///
/// The text is static and never NULL. Any thread, any time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_status_name(status: i32) -> *const c_char {
    crate::status::name(status).as_ptr()
}
