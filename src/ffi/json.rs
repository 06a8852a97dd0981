//! Making and freeing JSON documents, and finding the values in them.

use std::ffi::c_char;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText, guard_quiet};
use super::document::{TextKind, find, look, mcp_json, mcp_json_type};
use super::error::mcp_error;
use super::guard::guard;
use crate::error::Error;
use crate::protocol::json::{Json, Kind};
use crate::status::MCP_INVALID_JSON;

/// Makes a document from a text of `length` bytes; `SIZE_MAX` means that it is NUL-terminated. The
/// text is copied.
///
/// Returns the document, which the caller frees with `mcp_json_free`; or NULL, with
/// `MCP_INVALID_JSON` for what is not JSON (RFC 8259), or `MCP_INVALID_ARGUMENT` for NULL or what
/// is not UTF-8.
///
/// Since 0.1.0.
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

/// Frees a document and everything that was borrowed from it; NULL is ignored. A value inside a
/// document is left alone.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_free(json: SharedHandle<mcp_json>) {
    // SAFETY: the header says that a document came from this library and is not used any more.
    guard_quiet((), || unsafe { mcp_json::free(json.pointer()) });
}

/// The type of a value; `MCP_JSON_MISSING` for NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_type_of(json: Option<&mcp_json>) -> mcp_json_type {
    look(json, mcp_json_type::MCP_JSON_MISSING, |json| {
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

/// How many elements an array has, or members an object; 0 for everything else.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_size(json: Option<&mcp_json>) -> usize {
    look(json, 0, |json| Some(json.value().size()))
}

/// The member of an object by its name; NULL where there is none, or `json` is no object. Takes
/// time in proportion to the members.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_member<'a>(json: Option<&'a mcp_json>, name: CText) -> Option<&'a mcp_json> {
    find(json, |json| json.member(name.optional("name").ok()??))
}

/// The value that a JSON pointer points to, such as "/content/0/text" (RFC 6901: in a name, ~1
/// stands for a slash and ~0 for a tilde); "" is `json` itself. NULL where there is none, or the
/// pointer is malformed.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_at<'a>(json: Option<&'a mcp_json>, pointer: CText) -> Option<&'a mcp_json> {
    find(json, |json| json.at(pointer.optional("pointer").ok()??))
}

/// The element of an array by its index, from 0; NULL where there is none, or `json` is no array.
/// Takes time in proportion to the index: to go through all, use `mcp_json_first` and
/// `mcp_json_next`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_element(json: Option<&mcp_json>, index: usize) -> Option<&mcp_json> {
    find(json, |json| json.element(index))
}

/// The first element of an array or member of an object; NULL where there is none.
///
///     for (const mcp_json *tool = mcp_json_first(tools); tool; tool = mcp_json_next(tool))
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_first(json: Option<&mcp_json>) -> Option<&mcp_json> {
    find(json, |json| json.first())
}

/// The element or member after `child`, in the order of the document; NULL after the last one, and
/// for a document.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_next(child: Option<&mcp_json>) -> Option<&mcp_json> {
    find(child, |json| json.next())
}

/// The key of a member, decoded and NUL-terminated; NULL where `child` is no member. It lives as
/// long as the document. A NUL inside the key, and half of a surrogate pair, is shown as U+FFFD.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_json_key(child: Option<&mcp_json>) -> *const c_char {
    look(child, std::ptr::null(), |json| json.keep(TextKind::Key, || json.value().key()))
}
