//! The version of the library that runs.

use std::ffi::{CStr, c_char};

/// The version of the library that the program runs with, such as "0.1.0". `MCP_VERSION` is the
/// one that it was compiled with.
///
/// The text is static and never NULL. Any thread, any time.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };
    VERSION.as_ptr()
}
