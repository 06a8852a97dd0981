//! Reading what JSON values hold.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::c_types::{BufferSize, OutBuffer, OutParam, guard_quiet};
use super::document::{TextKind, look, mcp_json};
use super::error::mcp_error;
use super::guard::guard;
use crate::error::{Error, Result};
use crate::protocol::json::{JsonConversionError, Kind, Value};
use crate::status::*;

/// Reads true or false. `MCP_JSON_MISMATCH`, and `*value` untouched, for anything else and NULL,
/// as in all functions that read a value.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_bool(
    json: Option<&mcp_json>,
    value: OutParam<bool>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || read_into(json, value, |v| v.bool()))
}

/// Reads a whole number, however it is written: 5, 5.0 and 50e-1 are all 5. `MCP_JSON_MISMATCH`
/// where the value is no number; `MCP_JSON_RANGE` where it has a fraction, or does not fit.
/// `*value` is then untouched.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_int64(
    json: Option<&mcp_json>,
    value: OutParam<i64>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || read_into(json, value, |v| v.int64()))
}

/// As `mcp_json_int64`, for whole numbers from 0 to 2^64 - 1.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_uint64(
    json: Option<&mcp_json>,
    value: OutParam<u64>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || read_into(json, value, |v| v.uint64()))
}

/// Reads a number as the nearest double. `MCP_JSON_MISMATCH` where the value is no number,
/// `MCP_JSON_RANGE` where it is larger than any double. `*value` is then untouched.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_double(
    json: Option<&mcp_json>,
    value: OutParam<f64>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || read_into(json, value, |v| v.double()))
}

/// The value as the server sent it: JSON text, a string with its quotes and escapes. Not
/// NUL-terminated: `*length`, where it is not NULL, is set to its bytes. No copy; lives as long as
/// the document. NULL, and 0, for NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_raw(json: Option<&mcp_json>, mut length: OutParam<usize>) -> *const c_char {
    let raw = json.map(|json| guard_quiet("", || json.value().raw()));
    length.put(raw.map_or(0, str::len));
    raw.map_or(std::ptr::null(), |raw| raw.as_ptr().cast())
}

/// The text of a string, decoded and NUL-terminated; NULL where the value is no string. It is made
/// once and lives as long as the document.
///
/// Half of a surrogate pair, which some servers leave when they cut a text in an emoji, is no
/// Unicode: it becomes U+FFFD, here and wherever the library decodes a text; `mcp_json_raw` has the
/// escape as it was sent. A NUL inside the text, which C would take for its end, is shown as U+FFFD
/// as well; `mcp_json_copy_string` gives it as it is.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_string(json: Option<&mcp_json>) -> *const c_char {
    look(json, std::ptr::null(), |json| json.keep(TextKind::Value, || json.value().string().ok()))
}

/// Decodes the text of a string into the caller's buffer of `capacity` bytes, with a NUL after it.
/// `*length` (which may be NULL) is set to the bytes of the text without that NUL, also when the
/// buffer is too small: then the result is `MCP_BUFFER_TOO_SMALL`, nothing is written, and
/// `*length` + 1 bytes are needed. A NULL buffer of capacity 0 only asks.
///
/// `MCP_JSON_MISMATCH` where the value is no string. Half of a surrogate pair becomes U+FFFD.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_copy_string(
    json: Option<&mcp_json>,
    buffer: OutBuffer<c_char>,
    capacity: BufferSize,
    mut length: OutParam<usize>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let value = present(json)?.value();
        let longest = value.escaped_text().map_err(unfit)?.len() + 1;
        // Mostly there is room for the longest that it can be.
        let needed = if buffer.holds(capacity, longest) {
            longest
        } else {
            let size = value.string_length().map_err(unfit)?;
            length.put(size);
            size + 1
        };
        let room = buffer.first(capacity, needed)?;
        let size = value.string_into(&mut room[..needed - 1]).map_err(unfit)?;
        room[size].write(0);
        length.put(size);
        Ok(())
    })
}

/// Decodes a string that holds base64 (RFC 4648, section 4), such as the "blob" of a resource or the
/// "data" of an image, into the caller's buffer of `capacity` bytes. `*length` (which may be NULL)
/// is set to the number of bytes, also when the buffer is too small: then the result is
/// `MCP_BUFFER_TOO_SMALL`, and nothing is written. No NUL is added. A NULL buffer of capacity 0 only
/// asks.
///
/// `MCP_JSON_MISMATCH` where the value is no string; `MCP_JSON_RANGE` where it is no base64. Since
/// 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_copy_base64(
    json: Option<&mcp_json>,
    buffer: OutBuffer<c_void>,
    capacity: BufferSize,
    mut length: OutParam<usize>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let text = present(json)?.value().string().map_err(unfit)?;
        let bytes = BASE64_STANDARD
            .decode(text.as_bytes())
            .map_err(|why| Error::new(MCP_JSON_RANGE, format!("the text is not valid base64: {why}")))?;
        length.put(bytes.len());
        let room = buffer.first(capacity, bytes.len())?;
        room.iter_mut().zip(&bytes).for_each(|(place, byte)| *place = MaybeUninit::new(*byte));
        Ok(())
    })
}

/// Reads a value into a place of the caller's.
fn read_into<T>(
    json: Option<&mcp_json>,
    mut place: OutParam<T>,
    read: impl FnOnce(Value) -> Result<T, JsonConversionError>,
) -> Result<()> {
    let (json, place) = (present(json)?, place.required("value")?);
    place.write(read(json.value()).map_err(unfit)?);
    Ok(())
}

/// A value that is asked for its content has to be there.
fn present(json: Option<&mcp_json>) -> Result<&mcp_json> {
    json.ok_or_else(|| Error::new(MCP_JSON_MISMATCH, "there is no such JSON value"))
}

fn unfit(unfit: JsonConversionError) -> Error {
    match unfit {
        JsonConversionError::Mismatch(kind) => {
            Error::new(MCP_JSON_MISMATCH, format!("the JSON value is {}", describe(kind)))
        }
        JsonConversionError::Range(what) => {
            Error::new(MCP_JSON_RANGE, format!("the JSON value does not fit into {what}"))
        }
    }
}

fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "a boolean",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "an array",
        Kind::Object => "an object",
    }
}
