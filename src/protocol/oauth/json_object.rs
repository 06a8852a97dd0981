//! Reads JSON documents of authorization servers: a member that is missing, null or of the wrong kind is absent.

use std::borrow::Cow;

use super::scope::ScopeSet;
use crate::protocol::json::Kind;
use crate::protocol::params::members;
use crate::protocol::raw_value::RawValue;

/// The longest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 1024 * 1024;

/// Why a metadata document cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum DocumentError {
    /// It is not a JSON object, as when a web server answers each path with the same page: the next well-known URL may
    /// have the document.
    NotJson(String),
    /// It violates a rule.
    Invalid(String),
}

impl DocumentError {
    pub fn message(&self) -> &str {
        match self {
            DocumentError::NotJson(message) | DocumentError::Invalid(message) => message,
        }
    }
}

/// The members of a JSON object. Of members with the same name, the last counts.
pub struct JsonObject<'a>(Vec<(Cow<'a, str>, RawValue<'a>)>);

impl<'a> JsonObject<'a> {
    /// The error describes why the text is not a JSON object, without quoting the text.
    pub fn parse(text: &'a str) -> Result<JsonObject<'a>, String> {
        if text.len() > MAX_DOCUMENT {
            return Err(format!("it is larger than {MAX_DOCUMENT} bytes"));
        }
        let members = members(text)?;
        Ok(JsonObject(members.into_iter().map(|(name, value)| (name, RawValue::from_validated(value))).collect()))
    }

    /// The value of a member of any kind except null.
    pub fn value(&self, name: &str) -> Option<RawValue<'a>> {
        let (_, value) = self.0.iter().rfind(|(known, _)| known == name)?;
        (value.kind() != Kind::Null).then_some(*value)
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name)?.text().filter(|text| !text.is_empty()).map(Cow::into_owned)
    }

    /// The texts of an array.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let array = self.value(name).filter(|value| value.kind() == Kind::Array)?;
        Some(array.children().filter_map(|(_, value)| value.text().map(Cow::into_owned)).collect())
    }

    /// Whether the member is true, also as a text.
    pub fn flag(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| matches!(value.raw(), "true" | "\"true\""))
    }

    /// A whole number of seconds: a number or a text, rounded down. A negative number is absent.
    pub fn seconds(&self, name: &str) -> Option<u64> {
        let value = self.value(name)?;
        let seconds = match value.text() {
            Some(text) => text.trim().parse().ok()?,
            None => value.double()?,
        };
        // The conversion limits larger numbers to the largest one.
        (seconds >= 0.0).then_some(seconds as u64)
    }

    /// The scopes of a text or of an array of texts.
    pub fn scopes(&self, name: &str) -> Option<ScopeSet> {
        match self.texts(name) {
            Some(texts) => Some(texts.iter().map(String::as_str).collect()),
            None => self.value(name)?.text().map(|text| ScopeSet::parse(&text)),
        }
    }

    /// The object that is the value of a member.
    pub fn object(&self, name: &str) -> Option<JsonObject<'a>> {
        JsonObject::parse(self.value(name)?.raw()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_the_wrong_kind_are_absent() {
        let text = r#"{"t":"","u":5,"v":null,"a":["x",1,null,"y"],"b":"true","c":true,"d":"no","o":{"n":"m"},"o2":[]}"#;
        let object = JsonObject::parse(text).unwrap();
        assert!(["t", "u", "v", "a", "x"].iter().all(|name| object.text(name).is_none()));
        assert_eq!(object.texts("a"), Some(vec!["x".into(), "y".into()]));
        assert_eq!((object.texts("d"), object.texts("v")), (None, None));
        assert_eq!(["b", "c", "d", "u"].map(|name| object.flag(name)), [true, true, false, false]);
        assert_eq!(object.object("o").and_then(|inner| inner.text("n")).as_deref(), Some("m"));
        assert!(object.object("o2").is_none());
    }

    #[test]
    fn seconds_are_read_from_numbers_and_texts() {
        let text = r#"{"a":3600,"b":"3600","c":59.9,"d":0,"e":-1,"f":"soon","g":1e300,"h":"NaN","i":" 7 "}"#;
        let object = JsonObject::parse(text).unwrap();
        let found = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map(|name| object.seconds(name));
        let expected = [Some(3600), Some(3600), Some(59), Some(0), None, None, Some(u64::MAX), None, Some(7)];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_last_of_several_members_counts() {
        let object = JsonObject::parse(r#"{"a":"1","b":"x","a":"2","b":null}"#).unwrap();
        assert_eq!((object.text("a").as_deref(), object.text("b")), (Some("2"), None));
    }

    #[test]
    fn only_objects_of_limited_size_are_read() {
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_DOCUMENT));
        for text in ["", "[]", "<html>", "{", "{} x", &large] {
            assert!(JsonObject::parse(text).is_err());
        }
    }
}
