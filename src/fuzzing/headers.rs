//! Headers that the client sends: what callers set, and what is mirrored from a request.

use ::http::{HeaderName, HeaderValue};

use super::texts;
use crate::protocol::header_arguments::{HeaderArgument, argument_value, find_header_arguments, header_value};
use crate::protocol::headers;
use crate::protocol::json::{Json, Kind, Value};

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

/// Three lines: a name for `Mcp-Name`, the schema of a tool, and arguments for it. What goes into headers is safe there, and a
/// server reads what was meant.
pub fn header_encoding(bytes: &[u8]) {
    let Some([name, schema, arguments]) = texts(bytes) else { return };
    for text in [name, schema, arguments] {
        check_value(&header_value(text), text);
    }
    let (Ok(schema), Ok(arguments)) = (Json::parse(schema.into()), Json::parse(arguments.into())) else { return };
    let Ok(wanted) = find_header_arguments(schema.root()) else { return };
    for mirrored in &wanted {
        check_header(mirrored);
        check_argument(&arguments, mirrored);
    }
    let mut names: Vec<&str> = wanted.iter().map(|mirrored| mirrored.header.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), wanted.len(), "no header is there twice");
}

fn check_header(HeaderArgument { header, path }: &HeaderArgument) {
    let name = header.strip_prefix("mcp-param-").expect("the prefix");
    assert!(!name.is_empty() && !path.is_empty());
    assert_eq!(HeaderName::from_bytes(header.as_bytes()).expect("a name").as_str(), header);
}

fn check_argument(arguments: &Json, mirrored: &HeaderArgument) {
    let found = mirrored.path.iter().try_fold(arguments.root(), |value, name| value.member(name));
    let expected = found.and_then(|value| match value.kind() {
        Kind::String => value.text().map(|text| text.into_owned()),
        Kind::Bool => Some(value.raw().to_owned()),
        // Beyond that, JavaScript and others read another number.
        Kind::Number => {
            let safe = value.double().is_ok_and(|double| double.abs() < 9_007_199_254_740_992.0);
            value.int64().ok().filter(|_| safe).map(|whole| whole.to_string())
        }
        Kind::Null | Kind::Array | Kind::Object => None,
    });
    let value = argument_value(arguments, mirrored);
    assert_eq!(value.is_some(), expected.is_some(), "{:?}", found.map(Value::raw));
    value.zip(expected).inspect(|(value, expected)| check_value(value, expected));
}

/// Only what every server and proxy passes on as it is (2026-07-28, "Value Encoding"), and it says `text`.
fn check_value(value: &str, text: &str) {
    assert!(value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)), "{value:?}");
    assert!(!value.starts_with([' ', '\t']) && !value.ends_with([' ', '\t']), "{value:?}");
    assert!(HeaderValue::from_str(value).is_ok(), "{value:?}");
    assert_eq!(decoded(value), text.as_bytes(), "{value:?}");
}

/// What a server makes of a value.
fn decoded(value: &str) -> Vec<u8> {
    let inside = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    inside.map_or_else(|| value.as_bytes().to_vec(), base64)
}

/// RFC 4648, section 4, bit by bit.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(text.len() % 4, 0, "{text:?} is padded");
    let digits = text.trim_end_matches('=');
    assert!(text.len() - digits.len() <= 2, "{text:?} has too much padding");
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in digits.chars() {
        bits = (bits << 6) | ALPHABET.find(digit).expect("a digit of base64") as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    assert_eq!(bits, 0, "{text:?} has bits that mean nothing");
    bytes
}
