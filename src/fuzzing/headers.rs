//! Request headers: those that callers set, and those that repeat parts of a request.

use ::http::{HeaderName, HeaderValue};

use super::texts;
use crate::protocol::header_arguments::{HeaderArgument, argument_value, find_header_arguments, header_value};
use crate::protocol::headers;
use crate::protocol::json::{Json, Kind, Value};

/// Names, values and tokens that pass the checks can be sent; the error for others is one printable line.
pub fn headers(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let checked = [headers::check_name(text), headers::check_value(text), headers::check_token(text)];
    for error in checked.iter().filter_map(|result| result.as_ref().err()) {
        assert!(!error.contains(char::is_control), "{error:?}");
    }
    let [name, value, token] = checked.map(|result| result.is_ok());
    assert!(!name || HeaderName::from_bytes(bytes).is_ok(), "the name {text:?} is not valid");
    assert!(!value || HeaderValue::from_bytes(bytes).is_ok(), "the value {text:?} is not valid");
    assert!(!token || HeaderValue::from_str(text).is_ok(), "the token {text:?} is not valid");
}

/// Three lines: a value for `Mcp-Name`, the schema of a tool, and arguments for it. The headers are safe to send, and a
/// server decodes the original values.
pub fn header_encoding(bytes: &[u8]) {
    let Some([name, schema, arguments]) = texts(bytes) else { return };
    for text in [name, schema, arguments] {
        check_value(&header_value(text), text);
    }
    let (Ok(schema), Ok(arguments)) = (Json::parse(schema.into()), Json::parse(arguments.into())) else { return };
    let Ok(header_arguments) = find_header_arguments(schema.root()) else { return };
    for header_argument in &header_arguments {
        check_header(header_argument);
        check_argument(&arguments, header_argument);
    }
    let mut names: Vec<&str> = header_arguments.iter().map(|argument| argument.header.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), header_arguments.len(), "a header is used twice");
}

fn check_header(HeaderArgument { header, path }: &HeaderArgument) {
    let name = header.strip_prefix("mcp-param-").expect("the prefix");
    assert!(!name.is_empty() && !path.is_empty());
    assert_eq!(HeaderName::from_bytes(header.as_bytes()).expect("a name").as_str(), header);
}

fn check_argument(arguments: &Json, header_argument: &HeaderArgument) {
    let found = header_argument.path.iter().try_fold(arguments.root(), |value, name| value.member(name));
    let expected = found.and_then(|value| match value.kind() {
        Kind::String => value.text().map(|text| text.into_owned()),
        Kind::Bool => Some(value.raw().to_owned()),
        // JavaScript and others cannot represent larger integers exactly.
        Kind::Number => {
            let safe = value.double().is_ok_and(|double| double.abs() < 9_007_199_254_740_992.0);
            value.int64().ok().filter(|_| safe).map(|whole| whole.to_string())
        }
        Kind::Null | Kind::Array | Kind::Object => None,
    });
    let value = argument_value(arguments, header_argument);
    assert_eq!(value.is_some(), expected.is_some(), "{:?}", found.map(Value::raw));
    value.zip(expected).inspect(|(value, expected)| check_value(value, expected));
}

/// The value has only characters that servers and proxies pass on unchanged (2026-07-28, "Value Encoding"), and decodes
/// to `text`.
fn check_value(value: &str, text: &str) {
    assert!(value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)), "{value:?}");
    assert!(!value.starts_with([' ', '\t']) && !value.ends_with([' ', '\t']), "{value:?}");
    assert!(HeaderValue::from_str(value).is_ok(), "{value:?}");
    assert_eq!(decoded(value), text.as_bytes(), "{value:?}");
}

/// Decodes a header value as a server does.
fn decoded(value: &str) -> Vec<u8> {
    let inside = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    inside.map_or_else(|| value.as_bytes().to_vec(), base64)
}

/// An independent base64 decoder (RFC 4648, section 4).
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(text.len() % 4, 0, "{text:?} is not padded");
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
    assert_eq!(bits, 0, "{text:?} has unused bits that are not zero");
    bytes
}
