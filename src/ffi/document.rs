//! The type of JSON documents and of the values inside them. `json.rs` and `json_content.rs` contain the functions.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{CString, c_char};
use std::hash::{BuildHasherDefault, Hash, Hasher};
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
    /// There is no value: the pointer is NULL. Not the same as null.
    MCP_JSON_MISSING = 0,
    /// null
    MCP_JSON_NULL = 1,
    /// true or false
    MCP_JSON_BOOL = 2,
    /// A number, with or without a fraction.
    MCP_JSON_NUMBER = 3,
    /// A string.
    MCP_JSON_STRING = 4,
    /// An array of elements.
    MCP_JSON_ARRAY = 5,
    /// An object: members, each with a key.
    MCP_JSON_OBJECT = 6,
}

/// `mcp_json` is a JSON value: a whole document, or a value inside one. It is immutable; several
/// threads may read it at the same time.
///
/// A document is returned by a call or by `mcp_json_parse`, and freed with `mcp_json_free`. The
/// values inside it are borrowed: they are valid as long as the document exists, and must not be
/// freed separately. A document stores the text that the server sent; the first access to its
/// content builds an index.
///
/// All functions accept NULL, which means "no such value". So they can be nested without checks in
/// between:
///
///     const char *name = mcp_json_string(mcp_json_at(info, "/serverInfo/name"));
///     printf("%s\n", name ? name : "(no name)");
///
/// If an object has several members with the same name, `mcp_json_member` and `mcp_json_at` find
/// the last one; `mcp_json_size`, `mcp_json_first` and `mcp_json_next` include all of them.
///
/// Since 0.1.0.
pub struct mcp_json {
    /// The document that contains this value.
    root: *const DocumentRoot,
    at: usize,
}

// SAFETY: a root is immutable except for its locks, and outlives the values in it.
unsafe impl Send for mcp_json {}
// SAFETY: as for Send.
unsafe impl Sync for mcp_json {}

/// A document, and data that is created when it is first needed.
struct DocumentRoot {
    /// The document itself as a value; C holds a pointer to it.
    top: mcp_json,
    json: Json,
    /// One for each value inside the document, so that C can hold a pointer to it.
    values: OnceLock<Box<[mcp_json]>>,
    /// NUL-terminated texts, by the index of their value; keys by the index of the member's value.
    strings: Mutex<Texts>,
}

type Texts = HashMap<TextKey, CString, BuildHasherDefault<IndexHasher>>;

/// The index of a value, and which of its texts it is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct TextKey(usize, TextKind);

impl Hash for TextKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.0 << 2 | self.1 as usize);
    }
}

/// Hashes indexes, which the server does not choose: a program that reads a list reads thousands of texts, and the
/// standard hasher would take longer than the rest.
#[derive(Default)]
struct IndexHasher(u64);

impl Hasher for IndexHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_usize(usize::from(*byte)));
    }

    fn write_usize(&mut self, index: usize) {
        // Fibonacci hashing. The table uses the lowest and the highest bits; the best ones are the highest.
        self.0 = (self.0 ^ index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).swap_bytes();
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TextKind {
    Key,
    Value,
    /// A text that was built from the value, such as all texts of a tool's result.
    Derived,
}

impl mcp_json {
    /// Creates a document for C, which [`mcp_json::free`] frees.
    pub(super) fn boxed(json: Json) -> *mut mcp_json {
        let top = mcp_json { root: std::ptr::null(), at: 0 };
        let root =
            Box::into_raw(Box::new(DocumentRoot { top, json, values: OnceLock::new(), strings: Mutex::default() }));
        // SAFETY: the root was just created, and no other reference to it exists.
        unsafe {
            (*root).top.root = root;
            &raw mut (*root).top
        }
    }

    /// Frees a document; has no effect on a value inside one.
    ///
    /// # Safety
    ///
    /// `json` is NULL; or came from [`mcp_json::boxed`] and is not used any more; or is a value inside such a document.
    pub(super) unsafe fn free(json: *mut mcp_json) {
        // SAFETY: NULL or valid, as the caller promises.
        let Some(root) = (unsafe { json.as_ref() }).map(|json| json.root.cast_mut()) else { return };
        // SAFETY: a value's document exists as long as the value.
        let is_document = std::ptr::eq(json, unsafe { &raw const (*root).top });
        if is_document {
            // SAFETY: the root came from Box::into_raw in `boxed`, and is freed only here.
            drop(unsafe { Box::from_raw(root) });
        }
    }

    fn root(&self) -> &DocumentRoot {
        // SAFETY: a value's document exists as long as the value.
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

    /// Returns a text of this value, which `make` creates the first time; it is valid as long as the document.
    pub(super) fn cached_text<'a>(
        &self,
        kind: TextKind,
        make: impl FnOnce() -> Option<Cow<'a, str>>,
    ) -> Option<*const c_char> {
        let key = TextKey(self.at, kind);
        if let Some(known) = self.strings().get(&key) {
            return Some(known.as_ptr());
        }
        let text = c_string(make()?);
        // A CString's bytes do not move when the table grows.
        Some(self.strings().entry(key).or_insert(text).as_ptr())
    }

    /// Returns a text that `make` builds from this value the first time; it is valid as long as the document.
    pub(super) fn cached_derived_text<'a>(&self, make: impl FnOnce() -> Cow<'a, str>) -> Option<*const c_char> {
        self.cached_text(TextKind::Derived, || Some(make()))
    }

    fn strings(&self) -> MutexGuard<'_, Texts> {
        self.root().strings.lock()
    }
}

/// A document that an object of the library owns, and that C borrows from it.
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
        // SAFETY: created by `boxed`; C does not use it after its owner was freed.
        unsafe { mcp_json::free(self.0) };
    }
}

/// Reads a value; returns `default` for NULL or if `read` returns `None`.
pub(super) fn read_or<T>(json: Option<&mcp_json>, default: T, read: impl FnOnce(&mcp_json) -> Option<T>) -> T
where
    T: Copy,
{
    guard_quiet(default, || json.and_then(read).unwrap_or(default))
}

/// Finds another value of the same document; `None` for NULL.
pub(super) fn find<'a>(
    json: Option<&'a mcp_json>,
    find: impl FnOnce(Value<'a>) -> Option<Value<'a>>,
) -> Option<&'a mcp_json> {
    guard_quiet(None, || json.and_then(|json| Some(json.sibling(find(json.value())?))))
}
