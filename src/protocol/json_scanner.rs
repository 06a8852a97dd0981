//! Scans JSON text (RFC 8259) in one pass: checks its syntax and finds its parts. Nothing is copied or decoded. Nested
//! values need heap memory, not stack.

use std::borrow::Cow;

use super::{json_strings, json_structure};

/// The text is not valid JSON. [`syntax_error`] describes the error.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidJson;

/// A position in text that may be JSON.
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// The long strings before the position, in order.
    long_strings: Vec<Span>,
}

/// The start and the end of a string, including its quotes.
pub type Span = (u32, u32);

/// Strings of at least this many bytes are recorded, so that the index does not have to scan them again.
const LONG: usize = 4096;

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
        Scanner { text, at: 0, long_strings: Vec::new() }
    }

    /// Skips white space, and returns the next byte without consuming it.
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Consumes a value, and returns its text.
    pub fn value(&mut self) -> Result<&'a str, InvalidJson> {
        self.peek();
        let start = self.at;
        let mut open = NestingBits::default();
        loop {
            match self.peek().ok_or(InvalidJson)? {
                b'{' => {
                    self.at += 1;
                    if !self.skip(b'}') {
                        open.push(Container::Object);
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    if !self.skip(b']') {
                        open.push(Container::Array);
                        continue;
                    }
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal("true")?,
                b'f' => self.literal("false")?,
                b'n' => self.literal("null")?,
                _ => return Err(InvalidJson),
            }
            if !self.has_next_value(&mut open)? {
                return Ok(&self.text[start..self.at]);
            }
        }
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

    /// Consumes commas, keys and closing brackets after a value. Returns whether another value follows in an open
    /// container.
    fn has_next_value(&mut self, open: &mut NestingBits) -> Result<bool, InvalidJson> {
        while let Some(container) = open.last() {
            match (container, self.peek()) {
                (Container::Object, Some(b',')) => {
                    self.at += 1;
                    self.key()?;
                    return Ok(true);
                }
                (Container::Array, Some(b',')) => {
                    self.at += 1;
                    return Ok(true);
                }
                (Container::Object, Some(b'}')) | (Container::Array, Some(b']')) => {
                    self.at += 1;
                    open.pop();
                }
                _ => return Err(InvalidJson),
            }
        }
        Ok(false)
    }

    /// Consumes an object. `visit` gets each key with its quotes, and consumes the value.
    pub fn members(
        &mut self,
        mut visit: impl FnMut(&mut Self, &'a str) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        self.expect(b'{')?;
        if self.skip(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            visit(self, key)?;
            if self.skip(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Consumes an array. `visit` consumes each element.
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

    /// The text that `consume` consumes.
    pub fn span(&mut self, consume: impl FnOnce(&mut Self) -> Result<(), InvalidJson>) -> Result<&'a str, InvalidJson> {
        self.peek();
        let start = self.at;
        consume(self)?;
        Ok(&self.text[start..self.at])
    }

    /// Checks that only white space follows, and returns the long strings of the text, in order.
    pub fn end(mut self) -> Result<Box<[Span]>, InvalidJson> {
        if self.peek().is_none() { Ok(self.long_strings.into_boxed_slice()) } else { Err(InvalidJson) }
    }

    /// Consumes a key and the colon after it. Returns the key with its quotes.
    fn key(&mut self) -> Result<&'a str, InvalidJson> {
        if self.peek() != Some(b'"') {
            return Err(InvalidJson);
        }
        let start = self.at;
        self.string()?;
        let key = &self.text[start..self.at];
        self.expect(b':')?;
        Ok(key)
    }

    fn string(&mut self) -> Result<(), InvalidJson> {
        let start = self.at;
        self.at = json_strings::end(self.text.as_bytes(), start).ok_or(InvalidJson)?;
        if self.at - start >= LONG {
            self.long_strings.extend(u32::try_from(start).ok().zip(u32::try_from(self.at).ok()));
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), InvalidJson> {
        let bytes = self.text.as_bytes();
        self.at += usize::from(bytes[self.at] == b'-');
        // Leading zeros are invalid.
        if bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    /// Consumes at least one digit.
    fn digits(&mut self) -> Result<(), InvalidJson> {
        let count = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { Err(InvalidJson) }
    }

    fn literal(&mut self, literal: &str) -> Result<(), InvalidJson> {
        let is_present = self.text.as_bytes()[self.at..].starts_with(literal.as_bytes());
        self.at += literal.len();
        if is_present { Ok(()) } else { Err(InvalidJson) }
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

/// A stack of the open containers, one bit for each.
#[derive(Default)]
struct NestingBits {
    /// The innermost containers, at most 64. The lowest bit is the innermost one.
    inner: u64,
    /// The other containers, in groups of 64.
    outer: Vec<u64>,
    depth: usize,
}

impl NestingBits {
    fn push(&mut self, container: Container) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.inner);
        }
        self.inner = self.inner << 1 | u64::from(container == Container::Object);
        self.depth += 1;
    }

    fn last(&self) -> Option<Container> {
        let container = if self.inner & 1 == 1 { Container::Object } else { Container::Array };
        (self.depth > 0).then_some(container)
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.inner >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.inner = self.outer.pop().unwrap_or_default();
        }
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
