//! Request data that modern Streamable HTTP repeats in headers: `Mcp-Name`, and the tool arguments that the tool's
//! schema marks with `x-mcp-header` (2026-07-28, "Request Metadata").

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::memmem;

use super::headers::is_token_char;
use super::json::{Json, Kind, Value};

/// The keyword that marks an argument in a schema.
const MARK: &str = "x-mcp-header";

// Around a base64 value.
const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// Larger integers are not exact in JavaScript: a server could read different numbers in the body and in the header.
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Schemas with deeper nesting are rejected.
const MAX_DEPTH: usize = 64;

/// A tool argument that is repeated in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderArgument {
    /// The full header name, in lower case.
    pub header: String,
    /// The member names that lead to the argument.
    pub path: Vec<String>,
}

/// Encodes a text as a header value: unchanged if that is safe, in base64 otherwise ("Value Encoding").
pub fn header_value(text: &str) -> Cow<'_, str> {
    let is_plain = text.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b));
    let is_trimmed = text == text.trim_matches([' ', '\t']);
    let looks_encoded = text.starts_with(PREFIX) && text.ends_with(SUFFIX);
    if is_plain && is_trimmed && !looks_encoded {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{PREFIX}{}{SUFFIX}", BASE64_STANDARD.encode(text)))
}

/// Returns false if no schema in this JSON text has a mark.
pub fn may_have_marks(text: &str) -> bool {
    let text = text.as_bytes();
    // In an escaped name, at least one character is an escape of its code.
    memmem::find(text, MARK.as_bytes()).is_some() || memmem::find(text, br"\u").is_some()
}

/// Finds the marked arguments in a tool's schema. Fails if a mark is invalid.
pub fn find_header_arguments(schema: Value) -> Result<Vec<HeaderArgument>, String> {
    let mut found = Vec::new();
    search(schema, &mut Vec::new(), SchemaPosition::Root, &mut found)?;
    let mut names: Vec<&str> = found.iter().map(|argument| argument.header.as_str()).collect();
    names.sort_unstable();
    if let Some(duplicate) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("two arguments are marked for the same header {}", duplicate[0]));
    }
    Ok(found)
}

/// The position of a value in a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SchemaPosition {
    Root,
    /// The schema of an argument: reached through `properties` only.
    Property,
    /// The value of `properties`, whose member names are arguments and not keywords.
    Properties,
    /// Any other position, where a mark is invalid.
    Elsewhere,
}

fn search(
    value: Value,
    path: &mut Vec<String>,
    position: SchemaPosition,
    found: &mut Vec<HeaderArgument>,
) -> Result<(), String> {
    if path.len() > MAX_DEPTH {
        return Err("its schema is nested too deeply".into());
    }
    if position == SchemaPosition::Properties {
        for child in value.children() {
            path.push(child.key().unwrap_or_default().into_owned());
            search(child, path, SchemaPosition::Property, found)?;
            path.pop();
        }
        return Ok(());
    }
    if value.kind() == Kind::Object
        && let Some(mark) = value.member(MARK)
    {
        if position != SchemaPosition::Property {
            return Err(format!("{MARK} is not on an argument"));
        }
        found.push(HeaderArgument { header: header_name(mark)?, path: path.clone() });
        check_type(value)?;
    }
    for child in value.children() {
        let is_properties = position != SchemaPosition::Elsewhere
            && value.kind() == Kind::Object
            && child.kind() == Kind::Object
            && child.key().as_deref() == Some("properties");
        if is_properties {
            search(child, path, SchemaPosition::Properties, found)?;
        } else {
            check_unmarked(child, 0)?;
        }
    }
    Ok(())
}

/// Fails if a mark is inside `value`. The values of keywords such as `default` and `enum` are data, not schemas.
fn check_unmarked(value: Value, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("its schema is nested too deeply".into());
    }
    let name = value.key().unwrap_or_default();
    if matches!(&*name, "default" | "const" | "enum" | "examples") {
        return Ok(());
    }
    if value.kind() == Kind::Object && value.member(MARK).is_some() && name != "properties" {
        return Err(format!("{MARK} is under {name:?}, where it does not identify an argument"));
    }
    value.children().try_for_each(|child| check_unmarked(child, depth + 1))
}

fn header_name(mark: Value) -> Result<String, String> {
    let name = mark.text().ok_or_else(|| format!("{MARK} is not a string"))?;
    if name.is_empty() || !name.chars().all(is_token_char) {
        return Err(format!("{MARK} is {:?}, which is not a valid header name", &*name));
    }
    Ok(format!("mcp-param-{}", name.to_ascii_lowercase()))
}

fn check_type(schema: Value) -> Result<(), String> {
    match schema.member("type").and_then(Value::text).as_deref() {
        Some("string" | "integer" | "boolean") => Ok(()),
        Some(other) => Err(format!("{MARK} marks an argument of the type {other}")),
        None => Err(format!("{MARK} marks an argument without a type")),
    }
}

/// The header value of an argument; `None` if it is missing, null, or of a type that has no header value.
pub fn argument_value(arguments: &Json, argument: &HeaderArgument) -> Option<String> {
    let value = argument.path.iter().try_fold(arguments.root(), |value, name| value.member(name))?;
    match value.kind() {
        Kind::String => value.text().map(|text| header_value(&text).into_owned()),
        Kind::Bool => Some(value.raw().to_owned()),
        Kind::Number => {
            value.int64().ok().filter(|n| (-MAX_SAFE_INTEGER..=MAX_SAFE_INTEGER).contains(n)).map(|n| n.to_string())
        }
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.into()).unwrap()
    }

    #[test]
    fn unsafe_values_are_encoded_in_base64() {
        let examples = [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("", ""),
            ("a\tb", "a\tb"),
            ("=?base64?open", "=?base64?open"),
        ];
        for (text, value) in examples {
            assert_eq!(header_value(text), value, "{text:?}");
        }
    }

    #[test]
    fn marked_arguments_are_found_in_nested_properties() {
        let schema = json(
            r#"{"type":"object","properties":{
                "region":{"type":"string","x-mcp-header":"Region"},
                "deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}},
                "properties":{"type":"boolean","x-mcp-header":"P"},
                "x-mcp-header":{"type":"string"},
                "free":{"type":"number","default":{"x-mcp-header":"data"}}}}"#,
        );
        let found = find_header_arguments(schema.root()).unwrap();
        let named: Vec<_> = found.iter().map(|m| (m.header.as_str(), m.path.join("/"))).collect();
        let wanted = [("mcp-param-region", "region"), ("mcp-param-n", "deep/n"), ("mcp-param-p", "properties")];
        assert_eq!(named, wanted.map(|(header, path)| (header, path.to_owned())));

        let arguments = json(r#"{"region":"ü","deep":{"n":42.0},"properties":true}"#);
        let values: Vec<_> = found.iter().map(|m| argument_value(&arguments, m)).collect();
        assert_eq!(values, [Some("=?base64?w7w=?=".into()), Some("42".into()), Some("true".into())]);
        let arguments = json(r#"{"region":null,"deep":{"n":9007199254740992}}"#);
        assert!(found.iter().all(|m| argument_value(&arguments, m).is_none()));
    }

    #[test]
    fn schemas_with_invalid_marks_are_rejected() {
        let property = |schema: &str| format!(r#"{{"type":"object","properties":{{"a":{schema}}}}}"#);
        let bad = [
            property(r#"{"type":"string","x-mcp-header":""}"#),
            property(r#"{"type":"string","x-mcp-header":"a b"}"#),
            property(r#"{"type":"string","x-mcp-header":"a\r\nb"}"#),
            property(r#"{"type":"string","x-mcp-header":"ü"}"#),
            property(r#"{"type":"string","x-mcp-header":1}"#),
            property(r#"{"type":"number","x-mcp-header":"A"}"#),
            property(r#"{"type":"object","x-mcp-header":"A"}"#),
            property(r#"{"type":["string","null"],"x-mcp-header":"A"}"#),
            property(r#"{"x-mcp-header":"A"}"#),
            property(r#"{"type":"array","items":{"type":"string","x-mcp-header":"A"}}"#),
            property(r#"{"type":"object","anyOf":[{"properties":{"b":{"type":"string","x-mcp-header":"A"}}}]}"#),
            r#"{"type":"object","x-mcp-header":"A"}"#.into(),
            r##"{"$defs":{"d":{"type":"string","x-mcp-header":"A"}},"properties":{"a":{"$ref":"#/$defs/d"}}}"##.into(),
            r#"{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}}"#
                .into(),
        ];
        for schema in bad {
            assert!(may_have_marks(&schema), "{schema}");
            assert!(find_header_arguments(json(&schema).root()).is_err(), "{schema}");
        }
        assert_eq!(find_header_arguments(json("{}").root()), Ok(vec![]));
    }

    #[test]
    fn escaped_marks_are_found() {
        let text = r#"{"properties":{"a":{"type":"string","x-mcp\u002Dheader":"A"}}}"#;
        assert!(may_have_marks(text));
        assert_eq!(find_header_arguments(json(text).root()).unwrap().len(), 1);
        assert!(!may_have_marks(r#"{"properties":{"a":{"type":"string","description":"\n x-mcp-"}}}"#));
    }
}
