//! The type of JSON documents and of the values inside them. `json.rs` and `json_content.rs` contain the functions.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::mem::size_of;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32};

use super::c_types::c_string;
use super::text_arena::TextArena;
use crate::protocol::json::{Json, Kind, Value};
use crate::sys::lock::Mutex;
use crate::sys::panics::caught;

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
/// A document is returned by a call, by `mcp_json_parse` or by `mcp_json_copy`, and freed with
/// `mcp_json_free`. The values inside it are borrowed: they are valid as long as the document
/// exists, and must not be freed separately. A document stores the text that the server sent, and
/// an index of its content, which is built at the first access at the latest.
///
/// All functions accept NULL, which means "no such value". So they can be nested without checks in
/// between:
///
///     const char *name = mcp_json_string(mcp_json_pointer(info, "/serverInfo/name"));
///     printf("%s\n", name ? name : "(no name)");
///
/// If an object has several members with the same name, `mcp_json_member` and `mcp_json_pointer`
/// find the last one; `mcp_json_size`, `mcp_json_first` and `mcp_json_next` include all of them.
///
/// Since 0.1.0.
pub struct mcp_json {
    /// The index of its node; 0 for a document.
    index: AtomicU32,
    /// Of a value inside a document: the text of the node, if it was read. Of a document: the
    /// [`DocumentRoot`].
    data: AtomicPtr<c_char>,
}

/// A document, and data that is created when it is first needed.
struct DocumentRoot {
    /// The document itself as a value; C holds a pointer to it.
    top: mcp_json,
    /// The text of the document itself, if it was read.
    top_text: AtomicPtr<c_char>,
    json: Json,
    /// One for each node, so that C can hold a pointer to it. The first one points to this object.
    handles: OnceLock<Box<[mcp_json]>>,
    /// The texts of nodes: decoded strings, and texts that were built from other values.
    texts: Mutex<TextArena>,
    /// The JSON texts of nodes for C, by index. Few programs need them, so that no node has room for
    /// one.
    json_texts: Mutex<BTreeMap<usize, CString>>,
}

impl mcp_json {
    /// Creates a document for C, which [`mcp_json::free`] frees.
    pub(super) fn boxed(json: Json) -> *mut mcp_json {
        let root = Box::into_raw(Box::new(DocumentRoot {
            top: mcp_json { index: AtomicU32::new(0), data: AtomicPtr::default() },
            top_text: AtomicPtr::default(),
            json,
            handles: OnceLock::new(),
            texts: Mutex::default(),
            json_texts: Mutex::default(),
        }));
        // SAFETY: the root was just created, and no other reference to it exists.
        unsafe {
            *(*root).top.data.get_mut() = root.cast();
            let top = &raw mut (*root).top;
            top.expose_provenance();
            top
        }
    }

    /// Frees a document; has no effect on a value inside one.
    ///
    /// # Safety
    ///
    /// `json` is NULL; or came from [`mcp_json::boxed`] and is not used any more; or is a value inside
    /// such a document.
    pub(super) unsafe fn free(json: *mut mcp_json) {
        // SAFETY: NULL or valid, as the caller promises.
        let document = unsafe { json.as_ref() }.filter(|json| json.index() == 0);
        if let Some(root) = document.map(|top| top.data.load(Relaxed)) {
            // SAFETY: the root came from Box::into_raw in `boxed`, and is freed only here.
            drop(unsafe { Box::from_raw(root.cast::<DocumentRoot>()) });
        }
    }

    fn index(&self) -> usize {
        self.index.load(Relaxed) as usize
    }

    #[inline]
    fn root(&self) -> &DocumentRoot {
        let first = ptr::from_ref(self).addr() - self.index() * size_of::<mcp_json>();
        // SAFETY: `index` is the position in the array of handles, or 0 for `top`. The first one of each points to the
        // root, and a value's document exists as long as the value. Both were exposed before C got a pointer to them.
        unsafe { &*(*ptr::with_exposed_provenance::<mcp_json>(first)).data.load(Relaxed).cast::<DocumentRoot>() }
    }

    pub(super) fn value(&self) -> Value<'_> {
        self.root().json.value(self.index())
    }

    /// Returns the text of a string, decoded and NUL-terminated; it is valid as long as the document.
    pub(super) fn string(&self) -> Option<*const c_char> {
        self.root().string(self.index())
    }

    /// Returns the key of a member, decoded and NUL-terminated; it is valid as long as the document.
    pub(super) fn key(&self) -> Option<*const c_char> {
        self.root().string(self.value().key_node()?.node_index())
    }

    /// Returns the JSON text of the value, NUL-terminated. It is copied the first time, and valid as
    /// long as the document.
    pub(super) fn json_text(&self) -> *const c_char {
        let mut texts = self.root().json_texts.lock();
        // The memory of a text does not move with its entry. Valid JSON has no NUL.
        texts.entry(self.index()).or_insert_with(|| c_string(self.value().raw())).as_ptr()
    }

    /// Returns a text that `make` builds the first time from this value, which is not a string; "" for a
    /// string. It is valid as long as the document.
    pub(super) fn cached_derived_text<'a>(&self, make: impl FnOnce() -> Cow<'a, str>) -> Option<*const c_char> {
        let value = self.value();
        Some(match value.kind() {
            Kind::String => c"".as_ptr(),
            _ => self.root().text(value.node_index(), |texts| texts.add_text(&make())),
        })
    }
}

impl DocumentRoot {
    /// The handle of a value, for C.
    #[inline]
    fn handle(&self, value: Value) -> &mcp_json {
        let index = value.node_index();
        if index == 0 {
            return &self.top;
        }
        let handle = &self.handles()[index];
        handle.index.store(index as u32, Relaxed);
        handle
    }

    #[inline]
    fn handles(&self) -> &[mcp_json] {
        let handles = self.handles.get_or_init(|| zeroed_handles(self, self.json.len()));
        handles.as_ptr().expose_provenance();
        handles
    }

    /// The decoded text of a node, if it is a string.
    fn string(&self, index: usize) -> Option<*const c_char> {
        let escaped = self.json.value(index).escaped_text().ok()?;
        Some(self.text(index, |texts| texts.add_string(escaped)))
    }

    /// The text of a node, which `add` adds the first time.
    fn text(&self, index: usize, add: impl FnOnce(&mut TextArena) -> *const c_char) -> *const c_char {
        let place = if index == 0 { &self.top_text } else { &self.handles()[index].data };
        let known = place.load(Acquire);
        if !known.is_null() {
            return known;
        }
        let mut texts = self.texts.lock();
        // Another thread may have added the text before this one got the lock.
        if place.load(Relaxed).is_null() {
            place.store(add(&mut texts).cast_mut(), Release);
        }
        place.load(Relaxed)
    }
}

/// Handles for a document with this number of nodes. They are zero, because memory of zeros costs
/// little: of a long document, a program often reads a small part. An index is written when C gets
/// the handle.
#[cold]
fn zeroed_handles(root: &DocumentRoot, count: usize) -> Box<[mcp_json]> {
    let Ok(layout) = Layout::array::<mcp_json>(count) else { return Box::default() };
    // SAFETY: a document whose root is not its only node has at least two nodes, so the size is not 0.
    let first = unsafe { alloc_zeroed(layout) }.cast::<mcp_json>();
    if first.is_null() {
        handle_alloc_error(layout);
    }
    // SAFETY: the memory was allocated with the layout of the slice, and zeros are valid handles.
    let mut handles = unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(first, count)) };
    *handles[0].data.get_mut() = ptr::from_ref(root).cast_mut().cast();
    handles
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

impl Clone for OwnedDocument {
    /// Shares the text, but not the texts that C has read.
    fn clone(&self) -> OwnedDocument {
        // SAFETY: the document exists as long as its owner.
        OwnedDocument::new(unsafe { &*self.0 }.value().to_json())
    }
}

impl Drop for OwnedDocument {
    fn drop(&mut self) {
        // SAFETY: created by `boxed`; C does not use it after its owner was freed.
        unsafe { mcp_json::free(self.0) };
    }
}

// The two functions that follow do not use `guard_quiet`, which is slower: programs read many values.

/// Reads a value; returns `default` for NULL or if `read` returns `None`.
pub(super) fn read_or<T>(json: Option<&mcp_json>, default: T, read: impl FnOnce(&mcp_json) -> Option<T>) -> T
where
    T: Copy,
{
    caught(|| json.and_then(read).unwrap_or(default)).unwrap_or(default)
}

/// Finds another value of the same document; `None` for NULL.
pub(super) fn find<'a>(
    json: Option<&'a mcp_json>,
    find: impl FnOnce(Value<'a>) -> Option<Value<'a>>,
) -> Option<&'a mcp_json> {
    let found = caught(|| {
        let json = json?;
        let root = json.root();
        Some(root.handle(find(root.json.value(json.index()))?))
    });
    found.unwrap_or(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn read(text: Option<*const c_char>) -> String {
        // SAFETY: a text of a document that exists.
        unsafe { CStr::from_ptr(text.unwrap()) }.to_str().unwrap().to_owned()
    }

    fn document(text: &str) -> OwnedDocument {
        OwnedDocument::new(Json::parse(text.to_owned()).unwrap())
    }

    fn get(document: &OwnedDocument) -> &mcp_json {
        // SAFETY: the document exists as long as its owner.
        unsafe { &*document.pointer() }
    }

    fn at<'a>(json: &'a mcp_json, pointer: &str) -> &'a mcp_json {
        find(Some(json), |json| json.at(pointer)).unwrap()
    }

    #[test]
    fn each_value_has_one_handle_and_its_own_texts() {
        let document = document(r#"{"a":["x",{"b\u0000":"y\u0000"}],"c":"a"}"#);
        let top = get(&document);
        let inner = at(top, "/a/1");
        let b = find(Some(inner), |inner| inner.first()).unwrap();
        assert!(ptr::eq(b, at(top, "/a/1/b\0")) && ptr::eq(top, at(top, "")) && ptr::eq(b, at(b, "")));
        assert!(!ptr::eq(b, at(top, "/a/0")));
        let texts = || [at(top, "/a/0").string(), b.key(), b.string(), at(top, "/c").key(), at(top, "/c").string()];
        let first = texts();
        assert_eq!(first.map(read), ["x", "b\u{fffd}", "y\u{fffd}", "c", "a"]);
        assert_eq!(first, texts());
        assert_eq!((top.key(), top.string(), at(top, "/a/0").key(), inner.string()), (None, None, None, None));
        // SAFETY: a value inside a document.
        unsafe { mcp_json::free(ptr::from_ref(b).cast_mut()) };
        assert_eq!(first, texts());
    }

    #[test]
    fn a_derived_text_is_built_once_and_does_not_replace_a_string() {
        let document = document(r#"[{"a":1},"s"]"#);
        let (top, object, string) = (get(&document), at(get(&document), "/0"), at(get(&document), "/1"));
        for json in [top, object] {
            let derived = json.cached_derived_text(|| Cow::Borrowed("d\0"));
            assert_eq!(read(derived), "d\u{fffd}");
            assert_eq!(derived, json.cached_derived_text(|| panic!("built twice")));
            assert_eq!(json.string(), None);
        }
        assert_eq!(read(string.cached_derived_text(|| Cow::Borrowed("d"))), "");
        assert_eq!(read(string.string()), "s");
    }

    #[test]
    fn the_json_text_is_copied_once_and_beside_the_other_texts() {
        let document = document(r#" [{"a":1},"s\n"] "#);
        let (top, object, string) = (get(&document), at(get(&document), "/0"), at(get(&document), "/1"));
        assert_eq!(read(object.cached_derived_text(|| Cow::Borrowed("d"))), "d");
        assert_eq!(read(string.string()), "s\n");
        for (json, text) in [(top, r#"[{"a":1},"s\n"]"#), (object, r#"{"a":1}"#), (string, r#""s\n""#)] {
            assert_eq!(read(Some(json.json_text())), text);
            assert_eq!(json.json_text(), json.json_text());
        }
        assert_eq!(read(object.cached_derived_text(|| panic!("built twice"))), "d");
        assert_eq!(read(string.string()), "s\n");
    }

    #[test]
    fn a_clone_outlives_the_original() {
        let original = document(r#"{"a":"b"}"#);
        let key = at(get(&original), "/a").key();
        let copy = original.clone();
        assert_ne!(at(get(&copy), "/a").key(), key);
        drop(original);
        assert_eq!((read(at(get(&copy), "/a").key()), read(at(get(&copy), "/a").string())), ("a".into(), "b".into()));
    }

    #[test]
    fn a_document_may_be_a_string() {
        let document = document(r#""top""#);
        assert_eq!(read(get(&document).string()), "top");
        assert_eq!(get(&document).string(), get(&document).string());
    }

    #[test]
    fn threads_that_read_the_same_document_get_the_same_texts() {
        let texts: Vec<_> = (0..500).map(|i| format!("text {i} {}", "l".repeat(i * 37 % 9000))).collect();
        let document = document(&format!("{:?}", texts));
        let barrier = std::sync::Barrier::new(4);
        let read_all = || {
            barrier.wait();
            let first = find(Some(get(&document)), |list| list.first());
            let values = std::iter::successors(first, |json| find(Some(json), |json| json.next()));
            values.map(|json| json.string().unwrap() as usize).collect::<Vec<_>>()
        };
        let found = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(read_all));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(found.iter().all(|addresses| *addresses == found[0]));
        let found = found[0].iter().map(|address| read(Some(*address as *const c_char)));
        assert!(found.eq(texts));
    }
}
