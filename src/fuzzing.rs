//! What the fuzz targets in `fuzz/` call: the private modules behind one function each, which panics where something is wrong.
//! It is there with `--cfg fuzzing` only.

use serde_json::Value as Tree;
use ureq::http::{HeaderName, HeaderValue};

use crate::protocol::event_stream::reference::{check_every_prefix, check_limit, interpret, parse};
use crate::protocol::headers;
use crate::protocol::json::{Json, Kind, Value};
use crate::protocol::jsonrpc::{self, Message};

/// The comparison after every byte takes quadratic time.
const LONGEST_FOR_EVERY_PREFIX: usize = 64;

/// The event-stream parser does what the standard says, and neither that nor its limit depends on how the bytes are cut.
pub fn event_stream(bytes: &[u8]) {
    let expected = interpret(bytes);
    assert_eq!(parse([bytes]), expected, "whole");
    assert_eq!(parse(bytes.chunks(1)), expected, "byte by byte");
    check_every_prefix(&bytes[..bytes.len().min(LONGEST_FOR_EVERY_PREFIX)]);
    check_limit(bytes, bytes.len() / 4);
}

/// Whatever a server sends, its messages can be read or are refused; and values read as serde_json reads them.
pub fn json_rpc(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(messages) = jsonrpc::read(text.to_owned()) else { return };
    for message in messages {
        let value = match message {
            Message::Result { answered, .. } => Some(answered.result),
            Message::Error { error, .. } => error.data,
            _ => None,
        };
        value.iter().for_each(look_everywhere);
    }
}

fn look_everywhere(json: &Json) {
    for value in (0..json.len()).map(|place| json.value(place)) {
        assert_eq!(value.children().count(), value.size());
        let _ =
            (value.raw(), value.key(), value.string(), value.double(), value.int64(), value.uint64(), value.at("/a/0"));
    }
    // It refuses what is nested deeply, and halves of surrogate pairs.
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

/// What our checks let pass can be put on the wire, and what they say of the rest is one printable line.
pub fn headers(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let checked = [headers::check_name(text), headers::check_value(text), headers::check_token(text)];
    for refusal in checked.iter().filter_map(|result| result.as_ref().err()) {
        assert!(!refusal.contains(char::is_control), "{refusal:?}");
    }
    let [name, value, token] = checked.map(|result| result.is_ok());
    assert!(!name || HeaderName::from_bytes(bytes).is_ok(), "the name {text:?}");
    assert!(!value || HeaderValue::from_bytes(bytes).is_ok(), "the value {text:?}");
    assert!(!token || HeaderValue::from_str(text).is_ok(), "the token {text:?}");
}
