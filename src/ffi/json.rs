//! JSON values.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::error::mcp_error;
use super::guard::{guard, guard_quiet, null};
use super::text::{optional_text, text_of_length};
use crate::error::{Error, Result};
use crate::protocol::json::{Json, Kind, Unfit, Value};
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};

/// A JSON value: a whole document, or a value inside one. Immutable; may be read from many
/// threads.
///
/// A document comes from a call, or from `mcp_json_parse`, and is freed with `mcp_json_free`. The
/// values inside it are borrowed: they live as long as the document and are not freed by
/// themselves. A document is kept as the text that the server sent; the first look inside makes an
/// index of it.
///
/// All functions take NULL as "no such value", so that they can be nested without a check in
/// between:
///
///     const char *name = mcp_json_string(mcp_json_at(info, "/serverInfo/name"));
///     printf("%s\n", name ? name : "(no name)");
///
/// Of members with the same name, the last one counts. Since 0.1.0.
pub struct mcp_json {
    /// The document that this value is in; `Root::top` for the document itself.
    root: *const Root,
    at: usize,
}

// SAFETY: a root is immutable but for its locks, and outlives the values in it.
unsafe impl Send for mcp_json {}
// SAFETY: as above.
unsafe impl Sync for mcp_json {}

/// A document and what was made of it on demand.
struct Root {
    top: mcp_json,
    json: Json,
    /// One for each value, so that a value has an address to hand out.
    values: OnceLock<Box<[mcp_json]>>,
    /// NUL-terminated texts by the place of their value; keys by the place of the member's value.
    strings: Mutex<HashMap<(usize, Text), CString>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Text {
    Key,
    Value,
    /// Not its own text, but one that was made of it.
    Made,
}

impl mcp_json {
    /// A document to hand out; [`mcp_json::free`] takes it back.
    pub(super) fn boxed(json: Json) -> *mut mcp_json {
        let top = mcp_json { root: std::ptr::null(), at: 0 };
        let root = Box::into_raw(Box::new(Root { top, json, values: OnceLock::new(), strings: Mutex::default() }));
        // SAFETY: the root was just made, and nobody else knows it.
        unsafe {
            (*root).top.root = root;
            &raw mut (*root).top
        }
    }

    /// # Safety `json` is NULL, or came from [`mcp_json::boxed`] and is not used any more, or is a
    /// value inside such a document.
    pub(super) unsafe fn free(json: *mut mcp_json) {
        // SAFETY: as the caller promises; NULL is no reference.
        let Some(root) = (unsafe { json.as_ref() }).map(|json| json.root.cast_mut()) else { return };
        // SAFETY: a value's document is alive as long as the value.
        let is_document = std::ptr::eq(json, unsafe { &raw const (*root).top });
        if is_document {
            // SAFETY: the root came from Box::into_raw in `boxed`, and this is its end.
            drop(unsafe { Box::from_raw(root) });
        }
    }

    fn root(&self) -> &Root {
        // SAFETY: a value's document is alive as long as the value.
        unsafe { &*self.root }
    }

    pub(super) fn value(&self) -> Value<'_> {
        self.root().json.value(self.at)
    }

    /// The address of another value of the same document.
    pub(super) fn sibling(&self, value: Option<Value>) -> *const mcp_json {
        let Some(value) = value else { return std::ptr::null() };
        if value.place() == self.at {
            return self;
        }
        let root = self.root();
        let values = root.values.get_or_init(|| (0..root.json.len()).map(|at| mcp_json { root, at }).collect());
        &raw const values[value.place()]
    }

    /// A text that is made once, and lives as long as the document.
    fn keep<'a>(&self, which: Text, make: impl FnOnce() -> Option<Cow<'a, str>>) -> Option<*const c_char> {
        if let Some(known) = self.strings().get(&(self.at, which)) {
            return Some(known.as_ptr());
        }
        let text = super::text::c_string(make()?);
        // The text itself does not move when the table grows.
        Some(self.strings().entry((self.at, which)).or_insert(text).as_ptr())
    }

    /// A text that is not the value's own, but made of it.
    pub(super) fn keep_made<'a>(&self, make: impl FnOnce() -> Cow<'a, str>) -> Option<*const c_char> {
        self.keep(Text::Made, || Some(make()))
    }

    fn strings(&self) -> MutexGuard<'_, HashMap<(usize, Text), CString>> {
        self.root().strings.lock()
    }
}

/// A document that something else owns.
pub(super) struct Owned(*mut mcp_json);

// SAFETY: as for mcp_json itself.
unsafe impl Send for Owned {}
// SAFETY: as for mcp_json itself.
unsafe impl Sync for Owned {}

impl Owned {
    pub fn new(json: Json) -> Owned {
        Owned(mcp_json::boxed(json))
    }

    pub fn pointer(&self) -> *const mcp_json {
        self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: made by `boxed`; nobody uses it after its owner.
        unsafe { mcp_json::free(self.0) };
    }
}

/// Looks at a value that may be NULL.
///
/// # Safety `json` is NULL or alive.
pub(super) unsafe fn look<T>(json: *const mcp_json, otherwise: T, look: impl FnOnce(&mcp_json) -> Option<T>) -> T
where
    T: Copy,
{
    // SAFETY: as the caller promises; NULL is no reference.
    let json = unsafe { json.as_ref() };
    guard_quiet(otherwise, || json.and_then(look).unwrap_or(otherwise))
}

/// Reads a value into a place of the caller's.
///
/// # Safety `json` is NULL or alive, `place` NULL or writable.
unsafe fn read_into<T>(
    json: *const mcp_json,
    place: *mut T,
    read: impl FnOnce(Value) -> Result<T, Unfit>,
) -> Result<()> {
    // SAFETY: as the caller promises.
    let (json, place) = unsafe { (present(json)?, place.as_mut().ok_or_else(|| null("value"))?) };
    *place = read(json.value()).map_err(unfit)?;
    Ok(())
}

/// A value that is asked for its content has to be there.
///
/// # Safety
/// `json` is NULL or alive.
unsafe fn present<'a>(json: *const mcp_json) -> Result<&'a mcp_json> {
    // SAFETY: as the caller promises; NULL is no reference.
    unsafe { json.as_ref() }.ok_or_else(|| Error::new(MCP_JSON_MISMATCH, "there is no such JSON value"))
}

fn unfit(unfit: Unfit) -> Error {
    match unfit {
        Unfit::Mismatch(kind) => Error::new(MCP_JSON_MISMATCH, format!("the JSON value is {}", describe(kind))),
        Unfit::Range(what) => Error::new(MCP_JSON_RANGE, format!("the JSON value does not fit into {what}")),
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

/// The type of a JSON value (RFC 8259, section 3).
///
/// Since 0.1.0.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum mcp_json_type {
    /// There is no value: the pointer is NULL. Not the same as a value that is null.
    MCP_JSON_MISSING = 0,
    /// null
    MCP_JSON_NULL = 1,
    /// true or false
    MCP_JSON_BOOL = 2,
    /// A number, whole or not.
    MCP_JSON_NUMBER = 3,
    /// A text.
    MCP_JSON_STRING = 4,
    /// A list of elements.
    MCP_JSON_ARRAY = 5,
    /// A list of members, each with a key.
    MCP_JSON_OBJECT = 6,
}

/// Makes a document from a text of `length` bytes; `SIZE_MAX` means that it is NUL-terminated. The
/// text is copied.
///
/// Returns the document, which the caller frees with `mcp_json_free`; or NULL, with
/// `MCP_INVALID_JSON` for what is not JSON (RFC 8259), or `MCP_INVALID_ARGUMENT` for NULL or what
/// is not UTF-8.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_parse(
    text: *const c_char,
    length: usize,
    error: *mut *mut mcp_error,
) -> *mut mcp_json {
    let mut document: *mut mcp_json = std::ptr::null_mut();
    // SAFETY: the header asks for a text of that length, and for a place for the error, or NULL.
    unsafe {
        guard(error, || {
            let text = text_of_length(text, length, "text")?.to_owned();
            let json =
                Json::parse(text).map_err(|why| Error::new(MCP_INVALID_JSON, format!("the text is no JSON: {why}")))?;
            document = mcp_json::boxed(json);
            Ok(())
        });
    }
    document
}

/// Frees a document and everything that was borrowed from it; NULL is ignored. A value inside a
/// document is left alone.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_free(json: *mut mcp_json) {
    // SAFETY: the header says that a document came from this library and is not used any more.
    guard_quiet((), || unsafe { mcp_json::free(json) });
}

/// The type of a value; `MCP_JSON_MISSING` for NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_type_of(json: *const mcp_json) -> mcp_json_type {
    // SAFETY: the header asks for a value that is alive, or NULL; here and in all functions below.
    unsafe {
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
}

/// How many elements an array has, or members an object; 0 for everything else.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_size(json: *const mcp_json) -> usize {
    // SAFETY: see mcp_json_type_of.
    unsafe { look(json, 0, |json| Some(json.value().size())) }
}

/// The member of an object by its name; NULL where there is none, or `json` is no object. Takes
/// time in proportion to the members.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_member(json: *const mcp_json, name: *const c_char) -> *const mcp_json {
    // SAFETY: see mcp_json_type_of.
    unsafe {
        look(json, std::ptr::null(), |json| {
            let name = optional_text(name, "name").ok()??;
            Some(json.sibling(json.value().member(name)))
        })
    }
}

/// The value that a JSON pointer points to, such as "/content/0/text" (RFC 6901: in a name, ~1
/// stands for a slash and ~0 for a tilde); "" is `json` itself. NULL where there is none, or the
/// pointer is malformed.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_at(json: *const mcp_json, pointer: *const c_char) -> *const mcp_json {
    // SAFETY: see mcp_json_type_of.
    unsafe {
        look(json, std::ptr::null(), |json| {
            let pointer = optional_text(pointer, "pointer").ok()??;
            Some(json.sibling(json.value().at(pointer)))
        })
    }
}

/// The element of an array by its index, from 0; NULL where there is none, or `json` is no array.
/// Takes time in proportion to the index: to go through all, use `mcp_json_first` and
/// `mcp_json_next`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_element(json: *const mcp_json, index: usize) -> *const mcp_json {
    // SAFETY: see mcp_json_type_of.
    unsafe { look(json, std::ptr::null(), |json| Some(json.sibling(json.value().element(index)))) }
}

/// The first element of an array or member of an object; NULL where there is none.
///
///     for (const mcp_json *tool = mcp_json_first(tools); tool; tool = mcp_json_next(tool))
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_first(json: *const mcp_json) -> *const mcp_json {
    // SAFETY: see mcp_json_type_of.
    unsafe { look(json, std::ptr::null(), |json| Some(json.sibling(json.value().first()))) }
}

/// The element or member after `child`, in the order of the document; NULL after the last one, and
/// for a document.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_next(child: *const mcp_json) -> *const mcp_json {
    // SAFETY: see mcp_json_type_of.
    unsafe { look(child, std::ptr::null(), |json| Some(json.sibling(json.value().next()))) }
}

/// The key of a member, decoded and NUL-terminated; NULL where `child` is no member. It lives as
/// long as the document. A NUL inside the key, and half of a surrogate pair, is shown as U+FFFD.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_key(child: *const mcp_json) -> *const c_char {
    // SAFETY: see mcp_json_type_of.
    unsafe { look(child, std::ptr::null(), |json| json.keep(Text::Key, || json.value().key())) }
}

/// Reads true or false. `MCP_JSON_MISMATCH`, and `*value` untouched, for anything else and NULL,
/// as in all functions that read a value.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_bool(
    json: *const mcp_json,
    value: *mut bool,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: see mcp_json_type_of.
    unsafe { guard(error, || read_into(json, value, |v| v.bool())) }
}

/// Reads a whole number, however it is written: 5, 5.0 and 50e-1 are all 5. `MCP_JSON_MISMATCH`
/// where the value is no number; `MCP_JSON_RANGE` where it has a fraction, or does not fit.
/// `*value` is then untouched.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_int64(
    json: *const mcp_json,
    value: *mut i64,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: see mcp_json_type_of.
    unsafe { guard(error, || read_into(json, value, |v| v.int64())) }
}

/// As `mcp_json_int64`, for whole numbers from 0 to 2^64 - 1.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_uint64(
    json: *const mcp_json,
    value: *mut u64,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: see mcp_json_type_of.
    unsafe { guard(error, || read_into(json, value, |v| v.uint64())) }
}

/// Reads a number as the nearest double. `MCP_JSON_MISMATCH` where the value is no number,
/// `MCP_JSON_RANGE` where it is larger than any double. `*value` is then untouched.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_double(
    json: *const mcp_json,
    value: *mut f64,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: see mcp_json_type_of.
    unsafe { guard(error, || read_into(json, value, |v| v.double())) }
}

/// The value as the server sent it: JSON text, a string with its quotes and escapes. Not
/// NUL-terminated: `*length`, where it is not NULL, is set to its bytes. No copy; lives as long as
/// the document. NULL, and 0, for NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_json_raw(json: *const mcp_json, length: *mut usize) -> *const c_char {
    // SAFETY: see mcp_json_type_of.
    let raw = unsafe { json.as_ref() }.map(|json| guard_quiet("", || json.value().raw()));
    // SAFETY: the header asks for a place that can be written to, or NULL.
    if let Some(length) = unsafe { length.as_mut() } {
        *length = raw.map_or(0, str::len);
    }
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
pub unsafe extern "C" fn mcp_json_string(json: *const mcp_json) -> *const c_char {
    // SAFETY: see mcp_json_type_of.
    unsafe { look(json, std::ptr::null(), |json| json.keep(Text::Value, || json.value().string().ok())) }
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
pub unsafe extern "C" fn mcp_json_copy_string(
    json: *const mcp_json,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: see mcp_json_type_of; the buffer is writable for its capacity.
    unsafe {
        guard(error, || {
            let value = present(json)?.value();
            let bound = value.inside().map_err(unfit)?.len();
            // Mostly there is room for the longest that it can be.
            let is_roomy = capacity > bound && !buffer.is_null();
            let room = if is_roomy { bound } else { value.string_length().map_err(unfit)? };
            if !is_roomy {
                tell_size(room, room + 1, (buffer, capacity), length)?;
            }
            let place = std::slice::from_raw_parts_mut(buffer.cast::<MaybeUninit<u8>>(), room);
            let size = value.string_into(place).map_err(unfit)?;
            *buffer.add(size) = 0;
            tell_size(size, size + 1, (buffer, capacity), length)
        })
    }
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
pub unsafe extern "C" fn mcp_json_copy_base64(
    json: *const mcp_json,
    buffer: *mut c_void,
    capacity: usize,
    length: *mut usize,
    error: *mut *mut mcp_error,
) -> mcp_status {
    // SAFETY: see mcp_json_type_of; the buffer is writable for its capacity.
    unsafe {
        guard(error, || {
            let text = present(json)?.value().string().map_err(unfit)?;
            let bytes = BASE64_STANDARD
                .decode(text.as_bytes())
                .map_err(|why| Error::new(MCP_JSON_RANGE, format!("the text is no base64: {why}")))?;
            tell_size(bytes.len(), bytes.len(), (buffer.cast(), capacity), length)?;
            if !bytes.is_empty() {
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), bytes.len());
            }
            Ok(())
        })
    }
}

/// Tells how large a text is, and whether the caller's buffer has the room that it needs.
///
/// # Safety `length` is NULL or writable.
unsafe fn tell_size(
    size: usize,
    needed: usize,
    (buffer, capacity): (*const c_char, usize),
    length: *mut usize,
) -> Result<()> {
    // SAFETY: as the caller promises.
    if let Some(length) = unsafe { length.as_mut() } {
        *length = size;
    }
    if capacity > 0 && buffer.is_null() {
        return Err(null("buffer"));
    }
    if capacity < needed {
        let why = format!("{needed} bytes are needed, the buffer has {capacity}");
        return Err(Error::new(MCP_BUFFER_TOO_SMALL, why));
    }
    Ok(())
}
