//! JSON: messages, values and pointers, compared with serde_json.

use std::ffi::{CStr, CString};
use std::ptr::null_mut;

use serde::de::IgnoredAny;
use serde_json::Value as Tree;

use super::texts;
use crate::ffi::c_types::{BufferSize, CText, OutBuffer, OutParam, SharedHandle, SizedText};
use crate::ffi::document::mcp_json;
use crate::ffi::json::{mcp_json_free, mcp_json_parse, mcp_json_pointer};
use crate::ffi::json_content::{mcp_json_copy_string, mcp_json_raw, mcp_json_string};
use crate::protocol::json::{Json, Kind, Value};
use crate::protocol::jsonrpc::{self, Message};
use crate::status::mcp_status::{self, MCP_BUFFER_TOO_SMALL, MCP_OK};

/// Checks that take quadratic time are limited to the first values of a document.
const MAX_SLOW_CHECKS: usize = 100;

/// The longest string that is copied into buffers of every size; longer ones only near their own size.
const MAX_FOR_EVERY_SIZE: usize = 64;

/// Messages of a server are parsed or rejected, and their values equal those of serde_json.
pub fn json_rpc(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for message in jsonrpc::read(text.to_owned()).items.into_iter().filter_map(|item| item.strict().ok()) {
        let value = match message {
            Message::Result { response: answered, .. } => Some(answered.result),
            Message::Error { error, .. } => error.data.map(Json::from_validated),
            _ => None,
        };
        value.iter().for_each(check_values);
    }
}

/// The first line is a JSON pointer, the rest is a document: its validity, all its values, and the value at the
/// pointer. The rest is checked as a part of a string, too.
pub fn json_value(bytes: &[u8]) {
    let Some([pointer, text]) = texts(bytes) else { return };
    check_in_string(text);
    let parsed = Json::parse(text.to_owned());
    assert_eq!(
        parsed.is_ok(),
        serde_json::from_str::<IgnoredAny>(text).is_ok(),
        "the parsers disagree whether {text:?} is valid"
    );
    let Ok(json) = parsed else { return };
    check_values(&json);
    check_tree(&json);
    if let Ok(tree) = serde_json::from_str::<Tree>(text) {
        check_pointer(&json, &tree, pointer);
    }
    check_c_interface(text, pointer);
}

/// Checks `text`, escaped or not, at several positions in a string: strings are scanned and decoded in blocks of 64
/// bytes.
fn check_in_string(text: &str) {
    for before in [0, 8, 17].into_iter().chain(58..=64) {
        let quoted = format!("\"{}{text}\"", "x".repeat(before));
        let parsed = Json::parse(quoted.clone());
        let expected = serde_json::from_str::<IgnoredAny>(&quoted);
        assert_eq!(parsed.is_ok(), expected.is_ok(), "the parsers disagree whether {quoted:?} is valid");
        let Ok(json) = parsed else { continue };
        check_string(json.root());
        if before == 60 {
            check_c_interface(&quoted, "");
        }
    }
}

/// Reads every value in every way, and compares the document with serde_json's.
fn check_values(json: &Json) {
    for value in (0..json.len()).map(|index| json.value(index)) {
        assert_eq!(value.children().count(), value.size());
        let _ =
            (value.raw(), value.key(), value.string(), value.double(), value.int64(), value.uint64(), value.at("/a/0"));
    }
    // serde_json rejects deep nesting and lone surrogates; `check_string` covers the latter.
    if let Ok(tree) = serde_json::from_str(json.text()) {
        compare(json.root(), &tree);
    }
}

fn compare(value: Value, tree: &Tree) {
    match tree {
        Tree::Null => assert_eq!(value.kind(), Kind::Null),
        Tree::Bool(expected) => assert_eq!(value.bool(), Ok(*expected)),
        Tree::String(expected) => assert_eq!(value.string().as_deref(), Ok(expected.as_str())),
        Tree::Number(number) => {
            assert_eq!(value.kind(), Kind::Number);
            number.as_i64().inspect(|expected| assert_eq!(value.int64(), Ok(*expected)));
            number.as_u64().inspect(|expected| assert_eq!(value.uint64(), Ok(*expected)));
        }
        Tree::Array(elements) => {
            assert_eq!((value.kind(), value.size()), (Kind::Array, elements.len()));
            value.children().zip(elements).for_each(|(element, tree)| compare(element, tree));
        }
        Tree::Object(members) => {
            assert_eq!(value.kind(), Kind::Object);
            for (name, tree) in members {
                compare(value.member(name).expect("the member"), tree);
            }
        }
    }
}

/// Visits all values from the root, and checks their text, numbers, strings and pointers.
fn check_tree(json: &Json) {
    // Each value with its pointer; `None` if another member has the same name, so that no pointer leads there.
    let mut pending = vec![(json.root(), Some(String::new()))];
    let mut visited = 0;
    while let Some((value, path)) = pending.pop() {
        visited += 1;
        check_raw(json, value, visited <= MAX_SLOW_CHECKS);
        check_number(value);
        check_string(value);
        if let Some(path) = path.as_deref().filter(|_| visited <= MAX_SLOW_CHECKS) {
            assert_eq!(json.root().at(path).map(Value::node_index), Some(value.node_index()), "the value at {path:?}");
        }
        for (index, child) in value.children().enumerate() {
            let token = if visited <= MAX_SLOW_CHECKS { token(value, child, index) } else { None };
            let path = path.as_ref().zip(token).map(|(path, token)| format!("{path}/{token}"));
            pending.push((child, path));
        }
    }
    let keys = (0..json.len()).map(|index| json.value(index)).filter(|value| value.kind() == Kind::Object);
    assert_eq!(visited + keys.map(Value::size).sum::<usize>(), json.len(), "not every value was visited");
}

/// The reference token of a child in a JSON pointer.
fn token(parent: Value, child: Value, index: usize) -> Option<String> {
    let Some(key) = child.key() else { return Some(index.to_string()) };
    // Of members with the same name, the last one counts.
    let counts = parent.member(&key).map(Value::node_index) == Some(child.node_index());
    counts.then(|| key.replace('~', "~0").replace('/', "~1"))
}

/// A value's text is a part of the document's text. With `parse`, it is also a document with the same kind and size.
fn check_raw(json: &Json, value: Value, parse: bool) {
    let raw = value.raw();
    let (text, part) = (json.text().as_bytes().as_ptr_range(), raw.as_bytes().as_ptr_range());
    assert!(text.start <= part.start && part.end <= text.end, "{raw:?} is not a part of the document");
    let kind = match raw.as_bytes()[0] {
        b'n' => Kind::Null,
        b't' | b'f' => Kind::Bool,
        b'"' => Kind::String,
        b'[' => Kind::Array,
        b'{' => Kind::Object,
        _ => Kind::Number,
    };
    assert_eq!(value.kind(), kind, "{raw:?}");
    if parse {
        let parsed = Json::parse(raw.to_owned()).expect("a document");
        assert_eq!((parsed.root().kind(), parsed.root().size()), (kind, value.size()), "{raw:?}");
    }
}

fn check_number(value: Value) {
    if value.kind() != Kind::Number {
        return;
    }
    let expected = whole_number(value.raw());
    let signed = expected.and_then(|whole| i64::try_from(whole).ok());
    let unsigned = expected.and_then(|whole| u64::try_from(whole).ok());
    assert_eq!((value.int64().ok(), value.uint64().ok()), (signed, unsigned), "{:?}", value.raw());
}

/// The value of a number if it is an integer and not too large, computed by moving the decimal point.
fn whole_number(number: &str) -> Option<i128> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (before, after) = mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa, ""));
    let before = before.trim_start_matches('-');
    let mut digits: Vec<u8> = before.bytes().chain(after.bytes()).collect();
    if digits.iter().all(|digit| *digit == b'0') {
        return Some(0);
    }
    // Moving the point further always loses a digit or makes the number too large.
    let far = i64::try_from(digits.len()).ok()? + 50;
    let exponent = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { -far } else { far });
    let point = i64::try_from(before.len()).ok()? + exponent.clamp(-far, far);
    let split = usize::try_from(point).unwrap_or(0);
    if split > digits.len() {
        digits.resize(split, b'0');
    }
    let (whole, fraction) = digits.split_at(split);
    if fraction.iter().any(|digit| *digit != b'0') {
        return None;
    }
    let add = |sum: i128, digit: &u8| sum.checked_mul(10)?.checked_add(i128::from(digit - b'0'));
    let whole = whole.iter().try_fold(0, add)?;
    Some(if number.starts_with('-') { -whole } else { whole })
}

fn check_string(value: Value) {
    if value.kind() != Kind::String {
        return;
    }
    let expected = decoded(value.raw());
    assert_eq!(value.string().as_deref(), Ok(expected.as_str()), "{:?}", value.raw());
    assert_eq!(value.string_length(), Ok(expected.len()), "{:?}", value.raw());
}

/// Decodes a string with serde_json, which rejects lone surrogates in text. In bytes, it encodes them in three bytes
/// that are not valid UTF-8: they are replaced here.
fn decoded(quoted: &str) -> String {
    struct Bytes;
    impl serde::de::Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("a string")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
    use serde::Deserializer;
    let bytes = serde_json::Deserializer::from_str(quoted).deserialize_bytes(Bytes).expect("a checked string");
    let mut text = String::new();
    let mut rest = bytes.as_slice();
    while let Err(error) = std::str::from_utf8(rest) {
        let (before, half) = rest.split_at(error.valid_up_to());
        assert!(matches!(half, [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..]), "{quoted:?}");
        text.push_str(std::str::from_utf8(before).expect("checked"));
        text.push(char::REPLACEMENT_CHARACTER);
        rest = &half[3..];
    }
    text.push_str(std::str::from_utf8(rest).expect("checked"));
    text
}

/// A pointer leads to the same value as in serde_json. Malformed pointers, which serde_json accepts, lead nowhere.
fn check_pointer(json: &Json, tree: &Tree, pointer: &str) {
    let is_malformed = pointer.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    let (found, expected) = (json.root().at(pointer), tree.pointer(pointer));
    if is_malformed {
        assert!(found.is_none(), "{pointer:?} is not a valid pointer");
        return;
    }
    assert_eq!(found.is_some(), expected.is_some(), "{pointer:?}");
    found.zip(expected).inspect(|(value, tree)| compare(*value, tree));
}

/// Checks the value at a pointer through the C interface, and copies strings into buffers of every size.
fn check_c_interface(text: &str, pointer: &str) {
    let (Ok(text), Ok(pointer)) = (CString::new(text), CString::new(pointer)) else { return };
    let length = text.as_bytes().len();
    // SAFETY: the text has that length.
    let (start, size) = unsafe { (SizedText::new(text.as_ptr()), BufferSize::new(length)) };
    let document = mcp_json_parse(start, size, null_param());
    assert!(!document.is_null());
    // SAFETY: the document is freed at the end, and the pointer ends with a NUL.
    let found = unsafe { mcp_json_pointer(document.as_ref(), CText::new(pointer.as_ptr())) };
    let mut raw_length = 0;
    let raw = mcp_json_raw(found, out_param(&mut raw_length));
    assert_eq!((raw.is_null(), found.is_none()), (raw_length == 0, raw_length == 0));
    assert!(raw_length <= length);

    let mut needed = 0;
    if copy_string(found, None, &mut needed) == MCP_BUFFER_TOO_SMALL {
        // SAFETY: the text ends with a NUL and lives as long as the document.
        let c_text = unsafe { CStr::from_ptr(mcp_json_string(found)) }.to_bytes();
        sizes(needed).for_each(|size| check_copy(found, size, needed, c_text));
    }
    // SAFETY: the document is not used after this.
    unsafe { mcp_json_free(SharedHandle::new(document)) };
}

fn null_param<'a, T>() -> OutParam<'a, T> {
    // SAFETY: NULL is allowed.
    unsafe { OutParam::new(null_mut()) }
}

fn out_param<T>(value: &mut T) -> OutParam<'_, T> {
    // SAFETY: an exclusive reference is valid for writes.
    unsafe { OutParam::new(value) }
}

/// Copies a string into a buffer; without a buffer, only gets its length.
fn copy_string(value: Option<&mcp_json>, buffer: Option<&mut [u8]>, length: &mut usize) -> mcp_status {
    let (start, size) = buffer.map_or((null_mut(), 0), |buffer| (buffer.as_mut_ptr().cast(), buffer.len()));
    // SAFETY: the buffer has that size.
    let (start, capacity) = unsafe { (OutBuffer::new(start), BufferSize::new(size)) };
    mcp_json_copy_string(value, start, capacity, out_param(length), null_param())
}

/// The buffer sizes to check for a string of `needed` bytes.
fn sizes(needed: usize) -> impl Iterator<Item = usize> {
    let first = if needed <= MAX_FOR_EVERY_SIZE { 0 } else { needed - 2 };
    first..=needed + 20
}

/// Copies a string of `needed` bytes into a buffer of `size` bytes. `c_text` is the result of `mcp_json_string`.
fn check_copy(value: Option<&mcp_json>, size: usize, needed: usize, c_text: &[u8]) {
    const FILLER: u8 = 0xA5;
    // The bytes after the buffer must not be written to.
    let mut buffer = vec![FILLER; size + 32];
    let mut length = 0;
    let status = copy_string(value, Some(&mut buffer[..size]), &mut length);
    assert_eq!(length, needed);
    let is_untouched = |part: &[u8]| part.iter().all(|byte| *byte == FILLER);
    assert!(is_untouched(&buffer[size..]), "written after the end of a buffer of {size}");
    if size <= needed {
        assert!(status == MCP_BUFFER_TOO_SMALL && is_untouched(&buffer), "{status:?} for a buffer of {size}");
        return;
    }
    assert_eq!((status, buffer[needed]), (MCP_OK, 0));
    // `mcp_json_string` replaces NUL characters.
    let copied = String::from_utf8(buffer[..needed].to_vec()).expect("UTF-8");
    assert_eq!(copied.replace('\0', "\u{FFFD}").as_bytes(), c_text);
}
