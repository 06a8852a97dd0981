//! Calls of a writer, and what serde_json has to read from their text.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Tree};

use super::{JsonWriter, MAX_DEPTH};

/// A call of a function that writes.
#[derive(Clone, Debug)]
pub enum WriterCall {
    BeginObject(Option<String>),
    BeginArray(Option<String>),
    End,
    Scalar(Option<String>, WrittenScalar),
    /// A call with an argument that is an error.
    Invalid,
}

/// A value that one call writes.
#[derive(Clone, Debug)]
pub enum WrittenScalar {
    String(String),
    Base64(Vec<u8>),
    Int64(i64),
    Uint64(u64),
    Double(f64),
    Bool(bool),
    Null,
    Raw(String),
}

/// What has to be the outcome of several calls.
#[derive(Debug)]
pub enum ExpectedText {
    /// There is no text, and an error says why.
    NoText,
    /// A text with this value.
    Equal(Tree),
    /// A text that is valid JSON, but that serde_json cannot represent: it has an unpaired surrogate, for example.
    Valid,
}

/// The outcome of these calls.
pub fn expected(calls: &[WriterCall]) -> ExpectedText {
    let mut is_exact = true;
    match written(calls, &mut is_exact) {
        None => ExpectedText::NoText,
        Some(tree) if is_exact => ExpectedText::Equal(tree),
        Some(_) => ExpectedText::Valid,
    }
}

/// The value that the calls write, or `None` if one is an error or the value is not complete.
fn written(calls: &[WriterCall], is_exact: &mut bool) -> Option<Tree> {
    let mut open: Vec<(Option<String>, Tree)> = Vec::new();
    let mut complete = None;
    for call in calls {
        let (key, value) = match call {
            WriterCall::Invalid => return None,
            WriterCall::End => open.pop()?,
            WriterCall::BeginObject(key) => (key.clone(), Tree::Object(Map::new())),
            WriterCall::BeginArray(key) => (key.clone(), Tree::Array(Vec::new())),
            WriterCall::Scalar(key, scalar) => (key.clone(), scalar_tree(scalar, is_exact)?),
        };
        let needs_key = open.last().is_some_and(|(_, parent)| parent.is_object());
        if complete.is_some() || needs_key != key.is_some() {
            return None;
        }
        if matches!(call, WriterCall::BeginObject(_) | WriterCall::BeginArray(_)) {
            if open.len() == MAX_DEPTH {
                return None;
            }
            open.push((key, value));
            continue;
        }
        match open.last_mut() {
            Some((_, Tree::Object(members))) => drop(members.insert(key?, value)),
            Some((_, Tree::Array(elements))) => elements.push(value),
            _ => complete = Some(value),
        }
    }
    complete
}

fn scalar_tree(scalar: &WrittenScalar, is_exact: &mut bool) -> Option<Tree> {
    Some(match scalar {
        WrittenScalar::String(text) => Tree::from(text.as_str()),
        WrittenScalar::Base64(bytes) => Tree::from(BASE64_STANDARD.encode(bytes)),
        WrittenScalar::Int64(number) => Tree::from(*number),
        WrittenScalar::Uint64(number) => Tree::from(*number),
        WrittenScalar::Double(number) => double_tree(*number)?,
        WrittenScalar::Bool(value) => Tree::from(*value),
        WrittenScalar::Null => Tree::Null,
        WrittenScalar::Raw(text) => {
            serde_json::from_str::<IgnoredAny>(text).ok()?;
            serde_json::from_str(text).unwrap_or_else(|_| {
                *is_exact = false;
                Tree::Null
            })
        }
    })
}

/// What serde_json reads from the text of a double. It rounds some numbers, so the text is checked here.
fn double_tree(number: f64) -> Option<Tree> {
    let mut writer = JsonWriter::default();
    writer.double(None, number);
    let text = writer.text();
    assert_eq!(text.is_empty(), !number.is_finite(), "{number:?}");
    if !text.is_empty() {
        assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(number.to_bits()), "{text}");
    }
    serde_json::from_str(text).ok()
}

/// Panics if a text is not the expected one. `is_right` is whether the writer reports no error.
pub fn check(text: &str, is_right: bool, expected: &ExpectedText) {
    let is_expected = !matches!(expected, ExpectedText::NoText);
    assert_eq!((is_right, !text.is_empty()), (is_expected, is_expected), "{text:?} {expected:?}");
    if !is_expected {
        return;
    }
    assert!(!text.contains('\0'), "{text:?}");
    assert!(serde_json::from_str::<IgnoredAny>(text).is_ok(), "{text:?} is not valid JSON");
    if let ExpectedText::Equal(tree) = expected {
        match serde_json::from_str::<Tree>(text) {
            Ok(read) => assert_eq!(&read, tree, "{text:?}"),
            Err(error) => assert!(error.to_string().starts_with("recursion limit"), "{error} in {text:?}"),
        }
    }
}
