//! Text that comes from C and goes to C.

use std::ffi::{CStr, CString, c_char};

use super::guard::null;
use crate::error::{Error, Result};
use crate::protocol::json::MAX_TEXT;
use crate::status::MCP_INVALID_ARGUMENT;
use crate::sys::text::utf8_slice;

/// A NUL-terminated UTF-8 text.
///
/// # Safety `text` is NULL or NUL-terminated, and stays as it is for `'a`.
pub unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: as the caller promises.
    unsafe { optional_text(text, what) }?.ok_or_else(|| null(what))
}

/// As [`text`], where NULL has a meaning.
///
/// # Safety As for [`text`].
pub unsafe fn optional_text<'a>(text: *const c_char, what: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and NUL-terminated as the caller promises.
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes.to_str().map(Some).map_err(|_| not_utf8(what))
}

/// A text with its length in bytes; `usize::MAX` means NUL-terminated.
///
/// # Safety `start` is NULL or readable for `length` bytes, or NUL-terminated where that is what
/// the length says.
pub unsafe fn text_of_length<'a>(start: *const c_char, length: usize, what: &str) -> Result<&'a str> {
    if length == usize::MAX {
        // SAFETY: as the caller promises.
        return unsafe { text(start, what) };
    }
    if start.is_null() {
        return Err(null(what));
    }
    if length > MAX_TEXT {
        return Err(Error::new(MCP_INVALID_ARGUMENT, format!("{what} of {length} bytes is larger than {MAX_TEXT}")));
    }
    // SAFETY: not NULL, and readable for `length` bytes as the caller promises.
    let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) };
    utf8_slice(bytes).map_err(|_| not_utf8(what))
}

/// As [`text_of_length`], where NULL has a meaning.
///
/// # Safety As for [`text_of_length`].
pub unsafe fn optional_text_of_length<'a>(start: *const c_char, length: usize, what: &str) -> Result<Option<&'a str>> {
    if start.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller promises.
    unsafe { text_of_length(start, length, what) }.map(Some)
}

/// For C: a NUL inside, which C would take for the end, becomes U+FFFD.
pub fn c_string(text: impl Into<String>) -> CString {
    CString::new(text.into()).unwrap_or_else(|refused| {
        let text = String::from_utf8_lossy(&refused.into_vec()).replace('\0', "\u{FFFD}");
        CString::new(text).unwrap_or_default()
    })
}

fn not_utf8(what: &str) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, format!("{what} is not valid UTF-8"))
}
