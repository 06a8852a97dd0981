//! Reading the content of JSON values.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::c_types::{BufferSize, OutBuffer, OutParam, guard_quiet};
use super::document::{mcp_json, read_or};
use super::error::mcp_error;
use super::guard::guard;
use crate::error::{Error, Result};
use crate::protocol::json::{JsonConversionError, Kind, Value};
use crate::status::*;

/// Reads true or false into `*value`, which is not changed on failure.
///
/// Returns `MCP_JSON_MISMATCH` if the value is neither, or NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_bool(
    json: Option<&mcp_json>,
    value: OutParam<bool>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || read_into(json, value, |v| v.bool()))
}

/// Reads an integer in any notation into `*value`, which is not changed on failure: 5, 5.0 and
/// 50e-1 are all 5.
///
/// Returns `MCP_JSON_MISMATCH` if the value is not a number, or NULL; `MCP_JSON_RANGE` if it has a
/// fraction or does not fit.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_int64(
    json: Option<&mcp_json>,
    value: OutParam<i64>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || read_into(json, value, |v| v.int64()))
}

/// Reads an integer from 0 to 2^64 - 1, in any notation, into `*value`, which is not changed on
/// failure.
///
/// Returns `MCP_JSON_MISMATCH` if the value is not a number, or NULL; `MCP_JSON_RANGE` if it has a
/// fraction or does not fit.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_uint64(
    json: Option<&mcp_json>,
    value: OutParam<u64>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || read_into(json, value, |v| v.uint64()))
}

/// Reads a number as the nearest double into `*value`, which is not changed on failure.
///
/// Returns `MCP_JSON_MISMATCH` if the value is not a number, or NULL; `MCP_JSON_RANGE` if it is
/// larger than any double.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_double(
    json: Option<&mcp_json>,
    value: OutParam<f64>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || read_into(json, value, |v| v.double()))
}

/// Returns the JSON text of the value as the server sent it; a string includes its quotes and
/// escapes. The text is not NUL-terminated: `*length`, if `length` is not NULL, is set to its
/// length in bytes. For NULL it returns NULL and length 0.
///
/// The result is not a copy: it is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_raw(json: Option<&mcp_json>, mut length: OutParam<usize>) -> *const c_char {
    let raw = json.map(|json| guard_quiet("", || json.value().raw()));
    length.put(raw.map_or(0, str::len));
    raw.map_or(std::ptr::null(), |raw| raw.as_ptr().cast())
}

/// Returns the JSON text of the value as `mcp_json_raw` does, but NUL-terminated: it can be printed,
/// or passed to a function that accepts `MCP_NUL_TERMINATED`. NULL for NULL.
///
/// The result is copied once, and valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_text(json: Option<&mcp_json>) -> *const c_char {
    read_or(json, std::ptr::null(), |json| Some(json.json_text()))
}

/// Returns the text of a string, decoded and NUL-terminated; NULL if the value is not a string.
///
/// An unpaired surrogate, which some servers send when they cut a text in the middle of an emoji,
/// becomes U+FFFD, here and in every decoded text; `mcp_json_raw` returns the escape as it was
/// sent. An embedded NUL is also shown as U+FFFD, because in C it would end the text;
/// `mcp_json_copy_string` returns it unchanged.
///
/// The result is created once, and valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_string(json: Option<&mcp_json>) -> *const c_char {
    read_or(json, std::ptr::null(), mcp_json::string)
}

/// Copies the decoded text of a string to `buffer`, which has `capacity` bytes, and adds a NUL.
/// `*length` (`length` may be NULL) is set to the length of the text in bytes, without that NUL. An
/// unpaired surrogate becomes U+FFFD.
///
/// If the buffer is too small, the function returns `MCP_BUFFER_TOO_SMALL`, sets `*length` too, and
/// writes nothing to the buffer: `*length` + 1 bytes are required. To get only the length, pass
/// NULL and capacity 0: the result is then `MCP_BUFFER_TOO_SMALL`.
///
/// Returns `MCP_JSON_MISMATCH` if the value is not a string, or NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_copy_string(
    json: Option<&mcp_json>,
    buffer: OutBuffer<c_char>,
    capacity: BufferSize,
    mut length: OutParam<usize>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let value = required_value(json)?.value();
        let longest = value.escaped_text().map_err(conversion_error)?.len() + 1;
        // Usually the buffer has room for the maximum, and the exact length need not be computed first.
        let needed = if buffer.holds(capacity, longest) {
            longest
        } else {
            let size = value.string_length().map_err(conversion_error)?;
            length.put(size);
            size + 1
        };
        let room = buffer.first(capacity, needed)?;
        let size = value.string_into(&mut room[..needed - 1]).map_err(conversion_error)?;
        room[size].write(0);
        length.put(size);
        Ok(())
    })
}

/// Decodes a string that contains base64 (RFC 4648, section 4), such as the "blob" of a resource or
/// the "data" of an image, to `buffer`, which has `capacity` bytes. `*length` (`length` may be
/// NULL) is set to the number of bytes. No NUL is added.
///
/// If the buffer is too small, the function returns `MCP_BUFFER_TOO_SMALL`, sets `*length` too, and
/// writes nothing to the buffer. To get only the length, pass NULL and capacity 0: the result is
/// then `MCP_BUFFER_TOO_SMALL`, or `MCP_OK` if there are no bytes.
///
/// Returns `MCP_JSON_MISMATCH` if the value is not a string, or NULL; `MCP_JSON_RANGE` if it is not
/// base64.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_copy_base64(
    json: Option<&mcp_json>,
    buffer: OutBuffer<c_void>,
    capacity: BufferSize,
    mut length: OutParam<usize>,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let text = required_value(json)?.value().string().map_err(conversion_error)?;
        let bytes = BASE64_STANDARD
            .decode(text.as_bytes())
            .map_err(|why| Error::new(MCP_JSON_RANGE, format!("the text is not valid base64: {why}")))?;
        length.put(bytes.len());
        let room = buffer.first(capacity, bytes.len())?;
        room.iter_mut().zip(&bytes).for_each(|(place, byte)| *place = MaybeUninit::new(*byte));
        Ok(())
    })
}

/// Reads a value into an output parameter.
fn read_into<T>(
    json: Option<&mcp_json>,
    mut output: OutParam<T>,
    read: impl FnOnce(Value) -> Result<T, JsonConversionError>,
) -> Result<()> {
    let (json, output) = (required_value(json)?, output.required("value")?);
    output.write(read(json.value()).map_err(conversion_error)?);
    Ok(())
}

/// The value; NULL is an error.
fn required_value(json: Option<&mcp_json>) -> Result<&mcp_json> {
    json.ok_or_else(|| Error::new(MCP_JSON_MISMATCH, "there is no such JSON value"))
}

fn conversion_error(error: JsonConversionError) -> Error {
    match error {
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
