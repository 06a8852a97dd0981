//! The JSON writer, as C sees it.

use std::ffi::c_char;

use super::c_types::{BufferSize, CText, OutParam, SizedBytes, SizedText, guard_quiet, not_null};
use super::document::mcp_json;
use super::error::mcp_error;
use super::guard::guard;
use crate::error::Result;
use crate::protocol::json_writer::JsonWriter;
use crate::status::mcp_status;

/// `mcp_writer` writes JSON text: the arguments of a tool, or other JSON for a function of the
/// library. It adds commas, colons and escapes.
///
///     mcp_writer *writer = mcp_writer_new();
///     mcp_writer_begin_object(writer, NULL);
///     mcp_writer_string(writer, "name", name, MCP_NUL_TERMINATED);
///     mcp_writer_begin_array(writer, "tags");
///     for (size_t i = 0; i < count; i++)
///       mcp_writer_string(writer, NULL, tags[i], MCP_NUL_TERMINATED);
///     mcp_writer_end(writer);
///     mcp_writer_end(writer);
///     if (mcp_call_tool(client, "greet", mcp_writer_text(writer), mcp_writer_length(writer), NULL,
///                       &result, &error) != MCP_OK)
///       fprintf(stderr, "%s\n", mcp_error_message(error));
///     mcp_writer_free(writer);
///
/// `key` is the name of a member of an object: UTF-8 and NUL-terminated. It is NULL for an element
/// of an array, and for the outermost value. Whether a key occurs twice is not checked.
///
/// The functions that write return nothing. The first error is kept, and what is written after it
/// is ignored: `mcp_writer_check` returns it. These are errors:
///
/// - `MCP_INVALID_ARGUMENT`: a key is missing in an object, or present elsewhere; a second outermost
///   value; an end without a beginning; NULL, or text that is not UTF-8; NaN or infinity; raw text
///   that is not JSON.
/// - `MCP_TOO_LARGE`: the text is longer than 64 MiB, or more than 128 arrays and objects are open.
/// - `MCP_SYSTEM_ERROR`: there is no memory for the text.
///
/// After an error, or if an array or object has not ended, the text is "". No function accepts that
/// as JSON: a call with it fails with `MCP_INVALID_ARGUMENT` and sends nothing.
///
/// Only one thread may use a writer at a time. All functions accept NULL as the writer: they write
/// nothing, and the text is "".
///
/// Since 0.1.0.
#[derive(Default)]
pub struct mcp_writer {
    inner: JsonWriter,
}

impl mcp_writer {
    /// Calls the writer, unless it is NULL. An error of `write` ends the writing.
    fn write(writer: Option<&mut mcp_writer>, write: impl FnOnce(&mut JsonWriter) -> Result<()>) {
        guard_quiet((), || {
            let Some(mcp_writer { inner }) = writer else { return };
            if let Err(error) = write(inner) {
                inner.fail(error);
            }
        });
    }

    /// [`mcp_writer::write`] for a function that writes one value.
    fn value(writer: Option<&mut mcp_writer>, key: CText, write: impl FnOnce(&mut JsonWriter, Option<&str>)) {
        mcp_writer::write(writer, |writer| {
            write(writer, key.optional("the key")?);
            Ok(())
        });
    }

    fn text_and_nul(writer: Option<&mcp_writer>) -> &str {
        writer.map_or("\0", |writer| writer.inner.text_and_nul())
    }
}

/// Creates a writer, which the caller frees with `mcp_writer_free`. The result is never NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_new() -> Box<mcp_writer> {
    Box::default()
}

/// Frees a writer and its text; NULL is ignored.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_free(writer: Option<Box<mcp_writer>>) {
    guard_quiet((), || drop(writer));
}

/// Removes the text and the error, so that the writer can write another value. Its memory is used
/// again.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_reset(writer: Option<&mut mcp_writer>) {
    mcp_writer::write(writer, |writer| {
        writer.reset();
        Ok(())
    });
}

/// Begins an object, which `mcp_writer_end` ends. The values written in between are its members, and
/// need a key.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_begin_object(writer: Option<&mut mcp_writer>, key: CText) {
    mcp_writer::value(writer, key, JsonWriter::begin_object);
}

/// Begins an array, which `mcp_writer_end` ends. The values written in between are its elements, and
/// their key is NULL.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_begin_array(writer: Option<&mut mcp_writer>, key: CText) {
    mcp_writer::value(writer, key, JsonWriter::begin_array);
}

/// Ends the array or object that began last and has not ended.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_end(writer: Option<&mut mcp_writer>) {
    mcp_writer::write(writer, |writer| {
        writer.end();
        Ok(())
    });
}

/// Writes a string of `length` bytes of UTF-8, or NUL-terminated if `length` is
/// `MCP_NUL_TERMINATED`. A NUL inside of it is written as an escape. The text is copied.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_string(writer: Option<&mut mcp_writer>, key: CText, text: SizedText, length: BufferSize) {
    mcp_writer::write(writer, |writer| {
        writer.string(key.optional("the key")?, text.required(length, "the text")?);
        Ok(())
    });
}

/// Writes `length` bytes as a string in base64 (RFC 4648, section 4), such as the "blob" of a
/// resource or the "data" of an image. `bytes` may be NULL if `length` is 0.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_base64(
    writer: Option<&mut mcp_writer>,
    key: CText,
    bytes: SizedBytes,
    length: BufferSize,
) {
    mcp_writer::write(writer, |writer| {
        writer.base64(key.optional("the key")?, bytes.get(length, "the data")?);
        Ok(())
    });
}

/// Writes an integer.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_int64(writer: Option<&mut mcp_writer>, key: CText, value: i64) {
    mcp_writer::value(writer, key, |writer, key| writer.int64(key, value));
}

/// Writes an integer that is not negative. Many servers read integers above 2^53 inexactly.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_uint64(writer: Option<&mut mcp_writer>, key: CText, value: u64) {
    mcp_writer::value(writer, key, |writer, key| writer.uint64(key, value));
}

/// Writes a number with the fewest digits that are read back as the same double, such as 0.1, 1e300
/// or, for a whole number, 5. NaN and infinity are errors.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_double(writer: Option<&mut mcp_writer>, key: CText, value: f64) {
    mcp_writer::value(writer, key, |writer, key| writer.double(key, value));
}

/// Writes true or false.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_bool(writer: Option<&mut mcp_writer>, key: CText, value: bool) {
    mcp_writer::value(writer, key, |writer, key| writer.bool(key, value));
}

/// Writes null.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_null(writer: Option<&mut mcp_writer>, key: CText) {
    mcp_writer::value(writer, key, JsonWriter::null);
}

/// Writes a copy of a JSON value. NULL is an error: a value that is missing where it was expected is
/// not sent as null.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_json(writer: Option<&mut mcp_writer>, key: CText, value: Option<&mcp_json>) {
    mcp_writer::write(writer, |writer| {
        writer.json(key.optional("the key")?, not_null(value, "the JSON value")?.value().raw());
        Ok(())
    });
}

/// Writes JSON text of `length` bytes, or NUL-terminated if `length` is `MCP_NUL_TERMINATED`: one
/// value of any type, with white space around it or not. It is an error if the text is not JSON.
///
/// No other thread may use the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_raw(writer: Option<&mut mcp_writer>, key: CText, json: SizedText, length: BufferSize) {
    mcp_writer::write(writer, |writer| {
        writer.raw(key.optional("the key")?, json.required(length, "the raw text")?);
        Ok(())
    });
}

/// Returns `MCP_OK` if one value was written completely. Otherwise it returns the status of the
/// first error, or `MCP_INVALID_ARGUMENT` if nothing was written, or if an array or object has not
/// ended. The message says what is wrong, and after how many bytes of text.
///
/// No other thread may write with the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_check(writer: Option<&mcp_writer>, error: OutParam<*mut mcp_error>) -> mcp_status {
    guard(error, || not_null(writer, "writer")?.inner.check())
}

/// Returns the text of the value, NUL-terminated; "" if `mcp_writer_check` does not return
/// `MCP_OK`. `mcp_json_parse` makes a document of it.
///
/// The result is never NULL. It is valid until the writer writes, is reset or freed. No other thread
/// may write with the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_text(writer: Option<&mcp_writer>) -> *const c_char {
    mcp_writer::text_and_nul(writer).as_ptr().cast()
}

/// Returns the length of the text in bytes, without its NUL.
///
/// No other thread may write with the writer meanwhile. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_writer_length(writer: Option<&mcp_writer>) -> usize {
    mcp_writer::text_and_nul(writer).len() - 1
}
