//! Parsing and freeing JSON documents, and finding values in them.

use std::ffi::c_char;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText, guard_quiet};
use super::document::{find, mcp_json, mcp_json_type, read_or};
use super::error::mcp_error;
use super::guard::guard;
use crate::error::Error;
use crate::protocol::json::{Json, Kind};
use crate::status::MCP_INVALID_JSON;

/// Creates a document from a text of `length` bytes, or a NUL-terminated text if `length` is
/// `MCP_NUL_TERMINATED`. The text is copied.
///
/// Returns the document, which the caller frees with `mcp_json_free`. Returns NULL on failure, with
/// `MCP_INVALID_JSON` if the text is not JSON (RFC 8259), or `MCP_INVALID_ARGUMENT` if it is NULL
/// or not UTF-8.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_parse(
    text: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> *mut mcp_json {
    let mut document: *mut mcp_json = std::ptr::null_mut();
    guard(error, || {
        let text = text.required(length, "text")?.to_owned();
        let json = Json::parse(text)
            .map_err(|why| Error::new(MCP_INVALID_JSON, format!("the text is not valid JSON: {why}")))?;
        document = mcp_json::boxed(json);
        Ok(())
    });
    document
}

/// Frees a document and everything that was borrowed from it; NULL is ignored. It has no effect on
/// a value inside a document.
///
/// No thread may use the document any more. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_free(json: SharedHandle<mcp_json>) {
    // SAFETY: the header requires a document or value of this library; a document is not used any more.
    guard_quiet((), || unsafe { mcp_json::free(json.pointer()) });
}

/// Returns a document that has the same content as a value, to keep a borrowed value for longer
/// than its document exists; NULL for NULL. The caller frees it with `mcp_json_free`.
///
/// Nothing is parsed again. The copy shares the text of the document that the value is in, and keeps
/// all of it in memory: to keep a small part of a large result, use `mcp_json_parse` with the text
/// of `mcp_json_raw`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_copy(json: Option<&mcp_json>) -> *mut mcp_json {
    read_or(json, std::ptr::null_mut(), |json| Some(mcp_json::boxed(json.value().to_json())))
}

/// Returns the type of a value; `MCP_JSON_MISSING` for NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_type_of(json: Option<&mcp_json>) -> mcp_json_type {
    read_or(json, mcp_json_type::MCP_JSON_MISSING, |json| {
        Some(match json.value().kind() {
            Kind::Null => mcp_json_type::MCP_JSON_NULL,
            Kind::Bool => mcp_json_type::MCP_JSON_BOOL,
            Kind::Number => mcp_json_type::MCP_JSON_NUMBER,
            Kind::String => mcp_json_type::MCP_JSON_STRING,
            Kind::Array => mcp_json_type::MCP_JSON_ARRAY,
            Kind::Object => mcp_json_type::MCP_JSON_OBJECT,
        })
    })
}

/// Returns the number of elements of an array, or of members of an object; 0 for any other value.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_size(json: Option<&mcp_json>) -> usize {
    read_or(json, 0, |json| Some(json.value().size()))
}

/// Returns the member of an object with this name; NULL if there is none, or if `json` is not an
/// object. Takes time proportional to the number of members.
///
/// The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_member<'a>(json: Option<&'a mcp_json>, name: CText) -> Option<&'a mcp_json> {
    find(json, |json| json.member_named(name.bytes()?))
}

/// Returns the value at a JSON pointer, such as "/content/0/text" (RFC 6901: in a name, ~1 stands
/// for a slash and ~0 for a tilde); "" is `json` itself. NULL if there is no such value, or if the
/// pointer is malformed.
///
/// The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_pointer<'a>(json: Option<&'a mcp_json>, pointer: CText) -> Option<&'a mcp_json> {
    find(json, |json| json.at(pointer.optional("pointer").ok()??))
}

/// Returns the element of an array at this index, from 0; NULL if there is none, or if `json` is
/// not an array. Takes time proportional to the index: to visit all elements, use `mcp_json_first`
/// and `mcp_json_next`.
///
/// The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_element(json: Option<&mcp_json>, index: usize) -> Option<&mcp_json> {
    find(json, |json| json.element(index))
}

/// Returns the first element of an array or the first member of an object; NULL if there is none.
///
///     for (const mcp_json *tool = mcp_json_first(tools); tool; tool = mcp_json_next(tool))
///
/// The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_first(json: Option<&mcp_json>) -> Option<&mcp_json> {
    find(json, |json| json.first())
}

/// Returns the element or member after `child`, in the order of the document; NULL after the last
/// one, or if `child` is a document.
///
/// The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_next(child: Option<&mcp_json>) -> Option<&mcp_json> {
    find(child, |json| json.next())
}

/// Returns the key of a member, decoded and NUL-terminated; NULL if `child` is not a member. An
/// embedded NUL and an unpaired surrogate are shown as U+FFFD.
///
/// The result is valid as long as the document exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_key(child: Option<&mcp_json>) -> *const c_char {
    read_or(child, std::ptr::null(), mcp_json::key)
}
