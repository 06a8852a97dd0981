//! Scans JSON text (RFC 8259) in one pass: checks its syntax, finds its parts, and records the index of one of them.
//! Nothing is copied or decoded.

use std::borrow::Cow;

use super::json_index::{IndexBuilder, JsonNode, Kind};
use super::json_walk::{number_or_literal, walk};
use super::{json_strings, json_structure};

/// The text is not valid JSON. [`syntax_error`] describes the error.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidJson;

/// A position in text that may be JSON.
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    index: IndexBuilder,
}

/// Checks that `text` is one JSON value, and returns it without the white space around it.
pub fn check(text: &str) -> Result<&str, InvalidJson> {
    let mut scanner = Scanner::new(text);
    let value = scanner.value()?;
    scanner.end()?;
    Ok(value)
}

/// The value of the member `name` of an object in valid JSON, as JSON text. Of members with the same name, the last.
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    let visit = |scanner: &mut Scanner<'a>, key: &str| {
        let value = scanner.skip_value()?;
        if json_strings::decode(key) == name {
            found = Some(value);
        }
        Ok(())
    };
    Scanner::new(object).members(visit).ok().and(found)
}

/// The elements of an array, with empty keys, or the members of an object: key and value, as JSON text. Empty for other
/// values. `text` is valid JSON.
pub fn children(text: &str) -> Children<'_> {
    let mut scanner = Scanner::new(text);
    let close = match scanner.peek() {
        Some(b'{') => Some(b'}'),
        Some(b'[') => Some(b']'),
        _ => None,
    };
    scanner.at += 1;
    Children { scanner, close, is_first: true }
}

/// The iterator of [`children`].
pub struct Children<'a> {
    scanner: Scanner<'a>,
    /// The closing bracket; `None` after the last child.
    close: Option<u8>,
    is_first: bool,
}

impl<'a> Iterator for Children<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let close = self.close.take()?;
        if self.scanner.skip(close) || (!self.is_first && !self.scanner.skip(b',')) {
            return None;
        }
        let key = if close == b'}' { self.scanner.key().ok()? } else { "" };
        let value = self.scanner.skip_value().ok()?;
        (self.close, self.is_first) = (Some(close), false);
        Some((key, value))
    }
}

/// Copies an object in valid JSON with a new value for its member `name`, and without the member `removed`. Other
/// members keep their text.
pub fn with_member(object: &str, name: &str, value: &str, removed: Option<&str>) -> Result<String, InvalidJson> {
    let mut text = String::with_capacity(object.len() + value.len());
    let mut is_done = false;
    let visit = |scanner: &mut Scanner, key: &str| {
        let old = scanner.skip_value()?;
        let decoded = json_strings::decode(key);
        let is_named = decoded == name;
        if removed == Some(&*decoded) || (is_named && is_done) {
            return Ok(());
        }
        is_done |= is_named;
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(key);
        text.push(':');
        text.push_str(if is_named { value } else { old });
        Ok(())
    };
    Scanner::new(object).members(visit)?;
    text.push('}');
    Ok(text)
}

/// The strings among the elements of an array in valid JSON.
pub fn string_elements<'a>(array: &'a str) -> Vec<String> {
    let mut texts: Vec<Cow<'a, str>> = Vec::new();
    let visit = |scanner: &mut Scanner<'a>| {
        let value = scanner.skip_value()?;
        texts.extend(Some(value).filter(|value| value.starts_with('"')).map(json_strings::decode));
        Ok(())
    };
    // Another value than an array has no elements.
    let _ = Scanner::new(array).elements(visit);
    texts.into_iter().map(Cow::into_owned).collect()
}

/// Checks that `text` is one JSON object, and returns it without the white space around it.
pub fn object(text: &str) -> Result<&str, String> {
    let value = check(text).map_err(|InvalidJson| format!("it is not valid JSON: {}", syntax_error(text)))?;
    if value.starts_with('{') { Ok(value) } else { Err("it is not a JSON object".into()) }
}

/// Describes the syntax error in invalid JSON text, without quoting the text.
pub fn syntax_error(text: &str) -> String {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Err(error) => error.to_string(),
        Ok(_) => "syntax error".into(),
    }
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0, index: IndexBuilder::default() }
    }

    /// Skips white space, and returns the next byte without consuming it.
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Begins to record the index of the next value.
    pub fn record(&mut self) {
        self.peek();
        self.index.record_checked(self.at, self.text.len());
    }

    /// The index of the value that was recorded; `None` if it was not recorded or has too many nodes.
    pub fn take_index(&mut self) -> Option<Vec<JsonNode>> {
        self.index.finish()
    }

    /// Consumes a value, and returns its text.
    pub fn value(&mut self) -> Result<&'a str, InvalidJson> {
        let first = self.peek();
        let (bytes, start) = (self.text.as_bytes(), self.at);
        self.at = match first {
            Some(b'{' | b'[') => walk(bytes, start, &mut self.index).ok_or(InvalidJson)?,
            _ => {
                let (kind, end) = match first {
                    Some(b'"') => (Kind::String, json_strings::end(bytes, start).ok_or(InvalidJson)?),
                    _ => number_or_literal(bytes, start).ok_or(InvalidJson)?,
                };
                self.index.scalar(kind, start, end);
                end
            }
        };
        Ok(&self.text[start..self.at])
    }

    /// Consumes a value of valid JSON, without checking it again, and returns its text.
    fn skip_value(&mut self) -> Result<&'a str, InvalidJson> {
        if !matches!(self.peek(), Some(b'{' | b'[')) {
            return self.value();
        }
        let start = self.at;
        self.at = json_structure::container_end(self.text.as_bytes(), start).ok_or(InvalidJson)?;
        Ok(&self.text[start..self.at])
    }

    /// Consumes an object. `visit` gets each key with its quotes, and consumes the value.
    pub fn members(
        &mut self,
        mut visit: impl FnMut(&mut Self, &'a str) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        self.expect(b'{')?;
        self.index.open(Kind::Object, self.at - 1);
        let mut ends = self.skip(b'}');
        while !ends {
            let key = self.key()?;
            visit(self, key)?;
            ends = self.skip(b'}');
            if !ends {
                self.expect(b',')?;
            }
        }
        self.index.close(self.at);
        Ok(())
    }

    /// Consumes an array. `visit` consumes each element. Its index is not recorded; those of its elements can be.
    pub fn elements(&mut self, mut visit: impl FnMut(&mut Self) -> Result<(), InvalidJson>) -> Result<(), InvalidJson> {
        self.expect(b'[')?;
        if self.skip(b']') {
            return Ok(());
        }
        loop {
            visit(self)?;
            if self.skip(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// The number of bytes that were not consumed yet.
    pub fn remaining(&self) -> usize {
        self.text.len() - self.at
    }

    /// The text that `consume` consumes.
    pub fn span(&mut self, consume: impl FnOnce(&mut Self) -> Result<(), InvalidJson>) -> Result<&'a str, InvalidJson> {
        self.peek();
        let start = self.at;
        consume(self)?;
        Ok(&self.text[start..self.at])
    }

    /// Checks that only white space follows.
    pub fn end(&mut self) -> Result<(), InvalidJson> {
        if self.peek().is_none() { Ok(()) } else { Err(InvalidJson) }
    }

    /// Consumes a key and the colon after it. Returns the key with its quotes.
    fn key(&mut self) -> Result<&'a str, InvalidJson> {
        if self.peek() != Some(b'"') {
            return Err(InvalidJson);
        }
        let start = self.at;
        self.at = json_strings::end(self.text.as_bytes(), start).ok_or(InvalidJson)?;
        self.index.key(start, self.at);
        let key = &self.text[start..self.at];
        self.expect(b':')?;
        Ok(key)
    }

    /// Consumes the byte `expected` after white space, if it is the next one.
    fn skip(&mut self, expected: u8) -> bool {
        let is_present = self.peek() == Some(expected);
        self.at += usize::from(is_present);
        is_present
    }

    fn expect(&mut self, expected: u8) -> Result<(), InvalidJson> {
        if self.skip(expected) { Ok(()) } else { Err(InvalidJson) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_replaced_in_its_position() {
        let object = r#" {"b": {"a":1} ,"a":[1, 2],"n\u0065xt":"x","\ud83d":"é","a":3,"next":4}"#;
        let text = with_member(object, "a", "[]", Some("next"));
        assert_eq!(text.as_deref(), Ok(r#"{"b":{"a":1},"a":[],"\ud83d":"é"}"#));
        assert_eq!(with_member(r#"{"next":1,"a":2}"#, "a", "3", Some("next")).as_deref(), Ok(r#"{"a":3}"#));
        assert_eq!(with_member("[]", "a", "3", None), Err(InvalidJson));
    }

    #[test]
    fn valid_json_is_accepted() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0",
            "-12.5e+3",
            "1E9",
            "0.0",
            "\"\"",
            "{}",
            "[]",
            "[ ]",
            "{ }",
            r#"{"a":[1,{"b":null},"x\u00e9\"",[[]],{}]}"#,
            "\t\r\n[1 , 2]\n",
        ] {
            assert_eq!(check(text), Ok(text.trim()), "{text}");
        }
    }

    #[test]
    fn invalid_json_is_rejected() {
        for text in [
            "",
            " ",
            "nul",
            "tru",
            "+1",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "1e+",
            "--1",
            "\"",
            "\"\\",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "\"a\nb\"",
            "\"\t\"",
            "{",
            "[",
            "{]",
            "[}",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":}",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "1 2",
            "null,",
            "[]]",
            "{}}",
            "'a'",
            "NaN",
            "\u{feff}1",
            "[1]\0",
        ] {
            assert_eq!(check(text), Err(InvalidJson), "{text:?}");
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn brackets_are_matched_at_any_depth() {
        for depth in [1, 63, 64, 65, 128, 129, 1000] {
            let open = |index: usize| if index.is_multiple_of(3) { "{\"a\":" } else { "[" };
            let close = |index: usize| if index.is_multiple_of(3) { "}" } else { "]" };
            let text: String = (0..depth).map(open).chain(["1"]).chain((0..depth).rev().map(close)).collect();
            assert!(check(&text).is_ok(), "{depth}");
            let wrong = format!("{}{}", &text[..text.len() - 1], if text.ends_with('}') { "]" } else { "}" });
            assert_eq!(check(&wrong), Err(InvalidJson), "{depth}");
            assert_eq!(check(&text[..text.len() - 1]), Err(InvalidJson), "{depth}");
        }
    }
}
