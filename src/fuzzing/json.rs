//! JSON: messages, values and pointers, beside serde_json.

use std::ffi::{CStr, CString};
use std::ptr::null_mut;

use serde::de::IgnoredAny;
use serde_json::Value as Tree;

use super::texts;
use crate::ffi::c_types::{BufferSize, CText, OutBuffer, OutParam, SharedHandle, SizedText};
use crate::ffi::document::mcp_json;
use crate::ffi::json::{mcp_json_at, mcp_json_free, mcp_json_parse};
use crate::ffi::json_content::{mcp_json_copy_string, mcp_json_raw, mcp_json_string};
use crate::protocol::json::{Json, Kind, Value};
use crate::protocol::jsonrpc::{self, Message};
use crate::status::mcp_status::{self, MCP_BUFFER_TOO_SMALL, MCP_OK};

/// Of a large document not everything is compared that takes quadratic time.
const MANY: usize = 100;

/// Longer strings are copied into buffers of some sizes only.
const LONGEST_FOR_EVERY_SIZE: usize = 64;

/// Whatever a server sends, its messages can be read or are refused; and values read as serde_json reads them.
pub fn json_rpc(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for message in jsonrpc::read(text.to_owned()).items.into_iter().filter_map(|item| item.strict().ok()) {
        let value = match message {
            Message::Result { response, .. } => Some(response.result),
            Message::Error { error, .. } => error.data.map(Json::from_validated),
            _ => None,
        };
        value.iter().for_each(look_everywhere);
    }
}

/// A pointer on the first line, and behind it a document: what is valid, every value, and what the pointer leads to.
pub fn json_value(bytes: &[u8]) {
    let Some([pointer, text]) = texts(bytes) else { return };
    let parsed = Json::parse(text.to_owned());
    assert_eq!(parsed.is_ok(), serde_json::from_str::<IgnoredAny>(text).is_ok(), "is {text:?} JSON?");
    let Ok(json) = parsed else { return };
    look_everywhere(&json);
    walk(&json);
    if let Ok(tree) = serde_json::from_str::<Tree>(text) {
        check_pointer(&json, &tree, pointer);
    }
    look_from_c(text, pointer);
}

fn look_everywhere(json: &Json) {
    for value in (0..json.len()).map(|place| json.value(place)) {
        assert_eq!(value.children().count(), value.size());
        let _ =
            (value.raw(), value.key(), value.string(), value.double(), value.int64(), value.uint64(), value.at("/a/0"));
    }
    // It refuses what is nested deeply, and halves of surrogate pairs: those are for check_string.
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

/// Goes through a document from the outside to the inside, and checks what each value says of itself.
fn walk(json: &Json) {
    // With each value the pointer that leads there; nothing where none does, for another member has the same name.
    let mut waiting = vec![(json.root(), Some(String::new()))];
    let mut seen = 0;
    while let Some((value, path)) = waiting.pop() {
        seen += 1;
        check_raw(json, value, seen <= MANY);
        check_number(value);
        check_string(value);
        if let Some(path) = path.as_deref().filter(|_| seen <= MANY) {
            assert_eq!(json.root().at(path).map(Value::node_index), Some(value.node_index()), "the value at {path:?}");
        }
        for (index, child) in value.children().enumerate() {
            let token = if seen <= MANY { token(value, child, index) } else { None };
            let path = path.as_ref().zip(token).map(|(path, token)| format!("{path}/{token}"));
            waiting.push((child, path));
        }
    }
    let keys = (0..json.len()).map(|place| json.value(place)).filter(|value| value.kind() == Kind::Object);
    assert_eq!(seen + keys.map(Value::size).sum::<usize>(), json.len(), "every value is reached");
}

/// What stands for a child in a pointer.
fn token(parent: Value, child: Value, index: usize) -> Option<String> {
    let Some(key) = child.key() else { return Some(index.to_string()) };
    // Of members with the same name, the last one counts.
    let counts = parent.member(&key).map(Value::node_index) == Some(child.node_index());
    counts.then(|| key.replace('~', "~0").replace('/', "~1"))
}

/// It is a part of the document, and a document of the same kind.
fn check_raw(json: &Json, value: Value, whole: bool) {
    let raw = value.raw();
    let (text, part) = (json.text().as_bytes().as_ptr_range(), raw.as_bytes().as_ptr_range());
    assert!(text.start <= part.start && part.end <= text.end, "{raw:?} is no part of the document");
    let kind = match raw.as_bytes()[0] {
        b'n' => Kind::Null,
        b't' | b'f' => Kind::Bool,
        b'"' => Kind::String,
        b'[' => Kind::Array,
        b'{' => Kind::Object,
        _ => Kind::Number,
    };
    assert_eq!(value.kind(), kind, "{raw:?}");
    if whole {
        let again = Json::parse(raw.to_owned()).expect("a document of its own");
        assert_eq!((again.root().kind(), again.root().size()), (kind, value.size()), "{raw:?}");
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

/// The value of a number where it is whole and not too large, by moving its point as far as the exponent says.
fn whole_number(number: &str) -> Option<i128> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (before, after) = mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa, ""));
    let before = before.trim_start_matches('-');
    let mut digits: Vec<u8> = before.bytes().chain(after.bytes()).collect();
    if digits.iter().all(|digit| *digit == b'0') {
        return Some(0);
    }
    // So far it is never moved without a digit getting lost or a number getting too large.
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

/// What serde_json reads in a string. As text it refuses halves of surrogate pairs; as bytes it gives them in the three bytes that they
/// would have in UTF-8, which no other character has.
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

/// A pointer leads where it leads for serde_json, which only lets malformed ones pass.
fn check_pointer(json: &Json, tree: &Tree, pointer: &str) {
    let is_malformed = pointer.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    let (found, expected) = (json.root().at(pointer), tree.pointer(pointer));
    if is_malformed {
        assert!(found.is_none(), "{pointer:?} is no pointer");
        return;
    }
    assert_eq!(found.is_some(), expected.is_some(), "{pointer:?}");
    found.zip(expected).inspect(|(value, tree)| compare(*value, tree));
}

/// The same through the C interface; strings are decoded into buffers of every size.
fn look_from_c(text: &str, pointer: &str) {
    let (Ok(text), Ok(pointer)) = (CString::new(text), CString::new(pointer)) else { return };
    let length = text.as_bytes().len();
    // SAFETY: the text has that length.
    let (start, size) = unsafe { (SizedText::new(text.as_ptr()), BufferSize::new(length)) };
    let document = mcp_json_parse(start, size, nowhere());
    assert!(!document.is_null());
    // SAFETY: the document is freed at the end, and the pointer ends with a NUL.
    let found = unsafe { mcp_json_at(document.as_ref(), CText::new(pointer.as_ptr())) };
    let mut raw_length = 0;
    let raw = mcp_json_raw(found, place(&mut raw_length));
    assert_eq!((raw.is_null(), found.is_none()), (raw_length == 0, raw_length == 0));
    assert!(raw_length <= length);

    let mut needed = 0;
    if copy_string(found, None, &mut needed) == MCP_BUFFER_TOO_SMALL {
        // SAFETY: the text ends with a NUL and lives as long as the document.
        let shown = unsafe { CStr::from_ptr(mcp_json_string(found)) }.to_bytes();
        sizes(needed).for_each(|size| check_copy(found, size, needed, shown));
    }
    // SAFETY: it is not used any more.
    unsafe { mcp_json_free(SharedHandle::new(document)) };
}

/// Where nothing is wanted.
fn nowhere<'a, T>() -> OutParam<'a, T> {
    // SAFETY: NULL is allowed.
    unsafe { OutParam::new(null_mut()) }
}

fn place<T>(value: &mut T) -> OutParam<'_, T> {
    // SAFETY: a reference can be written to, and nobody else uses it.
    unsafe { OutParam::new(value) }
}

/// Copies a string into a buffer; without one it only asks.
fn copy_string(value: Option<&mcp_json>, buffer: Option<&mut [u8]>, length: &mut usize) -> mcp_status {
    let (start, size) = buffer.map_or((null_mut(), 0), |buffer| (buffer.as_mut_ptr().cast(), buffer.len()));
    // SAFETY: the buffer has that size.
    let (start, capacity) = unsafe { (OutBuffer::new(start), BufferSize::new(size)) };
    mcp_json_copy_string(value, start, capacity, place(length), nowhere())
}

/// The sizes of buffers for a string of so many bytes.
fn sizes(needed: usize) -> impl Iterator<Item = usize> {
    let first = if needed <= LONGEST_FOR_EVERY_SIZE { 0 } else { needed - 2 };
    first..=needed + 20
}

/// `value` is a string of `needed` bytes, which C sees as `shown`.
fn check_copy(value: Option<&mcp_json>, size: usize, needed: usize, shown: &[u8]) {
    const FILLING: u8 = 0xA5;
    // Behind the buffer there is more that nobody may touch.
    let mut buffer = vec![FILLING; size + 32];
    let mut length = 0;
    let status = copy_string(value, Some(&mut buffer[..size]), &mut length);
    assert_eq!(length, needed);
    let is_untouched = |part: &[u8]| part.iter().all(|byte| *byte == FILLING);
    assert!(is_untouched(&buffer[size..]), "written behind a buffer of {size}");
    if size <= needed {
        assert!(status == MCP_BUFFER_TOO_SMALL && is_untouched(&buffer), "{status:?} for a buffer of {size}");
        return;
    }
    assert_eq!((status, buffer[needed]), (MCP_OK, 0));
    // In the text for C a NUL is shown as another character.
    let copied = String::from_utf8(buffer[..needed].to_vec()).expect("UTF-8");
    assert_eq!(copied.replace('\0', "\u{FFFD}").as_bytes(), shown);
}
