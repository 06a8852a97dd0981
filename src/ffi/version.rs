//! The version of the library.

use std::ffi::{CStr, c_char};

/// Returns the version of the library that is loaded at run time, such as "0.1.0". `MCP_VERSION` is
/// the version of the header at compile time.
///
/// The result is a static string, never NULL. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };
    VERSION.as_ptr()
}
