//! JSON documents, as C holds them: a type and its lifetime. `json.rs` and `json_content.rs` have the functions.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{CString, c_char};
use std::sync::OnceLock;

use super::c_types::{c_string, guard_quiet};
use crate::protocol::json::{Json, Value};
use crate::sys::lock::{Mutex, MutexGuard};

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
    /// The document that this value is in; `DocumentRoot::top` for the document itself.
    root: *const DocumentRoot,
    at: usize,
}

// SAFETY: a root is immutable but for its locks, and outlives the values in it.
unsafe impl Send for mcp_json {}
// SAFETY: as above.
unsafe impl Sync for mcp_json {}

/// A document and what was made of it on demand.
struct DocumentRoot {
    top: mcp_json,
    json: Json,
    /// One for each value, so that a value has an address to hand out.
    values: OnceLock<Box<[mcp_json]>>,
    /// NUL-terminated texts by the place of their value; keys by the place of the member's value.
    strings: Mutex<HashMap<(usize, TextKind), CString>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TextKind {
    Key,
    Value,
    /// Not its own text, but one that was made of it.
    Made,
}

impl mcp_json {
    /// A document to hand out; [`mcp_json::free`] takes it back.
    pub(super) fn boxed(json: Json) -> *mut mcp_json {
        let top = mcp_json { root: std::ptr::null(), at: 0 };
        let root =
            Box::into_raw(Box::new(DocumentRoot { top, json, values: OnceLock::new(), strings: Mutex::default() }));
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

    fn root(&self) -> &DocumentRoot {
        // SAFETY: a value's document is alive as long as the value.
        unsafe { &*self.root }
    }

    pub(super) fn value(&self) -> Value<'_> {
        self.root().json.value(self.at)
    }

    /// Another value of the same document.
    fn sibling(&self, value: Value) -> &mcp_json {
        if value.node_index() == self.at {
            return self;
        }
        let root = self.root();
        let values = root.values.get_or_init(|| (0..root.json.len()).map(|at| mcp_json { root, at }).collect());
        &values[value.node_index()]
    }

    /// A text that is made once, and lives as long as the document.
    pub(super) fn keep<'a>(
        &self,
        which: TextKind,
        make: impl FnOnce() -> Option<Cow<'a, str>>,
    ) -> Option<*const c_char> {
        if let Some(known) = self.strings().get(&(self.at, which)) {
            return Some(known.as_ptr());
        }
        let text = c_string(make()?);
        // The text itself does not move when the table grows.
        Some(self.strings().entry((self.at, which)).or_insert(text).as_ptr())
    }

    /// A text that is not the value's own, but made of it.
    pub(super) fn keep_made<'a>(&self, make: impl FnOnce() -> Cow<'a, str>) -> Option<*const c_char> {
        self.keep(TextKind::Made, || Some(make()))
    }

    fn strings(&self) -> MutexGuard<'_, HashMap<(usize, TextKind), CString>> {
        self.root().strings.lock()
    }
}

/// A document that something else owns.
pub(super) struct OwnedDocument(*mut mcp_json);

// SAFETY: as for mcp_json itself.
unsafe impl Send for OwnedDocument {}
// SAFETY: as for mcp_json itself.
unsafe impl Sync for OwnedDocument {}

impl OwnedDocument {
    pub fn new(json: Json) -> OwnedDocument {
        OwnedDocument(mcp_json::boxed(json))
    }

    pub fn pointer(&self) -> *const mcp_json {
        self.0
    }
}

impl Drop for OwnedDocument {
    fn drop(&mut self) {
        // SAFETY: made by `boxed`; nobody uses it after its owner.
        unsafe { mcp_json::free(self.0) };
    }
}

/// Looks at a value that may be NULL.
pub(super) fn look<T>(json: Option<&mcp_json>, otherwise: T, look: impl FnOnce(&mcp_json) -> Option<T>) -> T
where
    T: Copy,
{
    guard_quiet(otherwise, || json.and_then(look).unwrap_or(otherwise))
}

/// Finds a value by way of another one of the same document, which may be NULL.
pub(super) fn find<'a>(
    json: Option<&'a mcp_json>,
    find: impl FnOnce(Value<'a>) -> Option<Value<'a>>,
) -> Option<&'a mcp_json> {
    guard_quiet(None, || json.and_then(|json| Some(json.sibling(find(json.value())?))))
}
