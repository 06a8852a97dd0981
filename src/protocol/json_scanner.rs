//! Going through JSON text once (RFC 8259): whether it is JSON at all, and where its parts are. Nothing is copied or decoded, and
//! nesting costs memory, never stack.

use std::borrow::Cow;

use super::json_strings;
use crate::sys::vector::plain;

/// The text is no JSON. What is wrong with it is left to [`why`].
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidJson;

/// A place in a text that may be JSON.
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    long: Vec<Span>,
}

/// Where a string begins and ends, with its quotes.
pub type Span = (u32, u32);

/// From this length on, in bytes, it is worth to remember where a string ends.
const LONG: usize = 4096;

/// Checks that `text` is one JSON value, with nothing but white space around it.
pub fn check(text: &str) -> Result<&str, InvalidJson> {
    let mut scanner = Scanner::new(text);
    let value = scanner.value()?;
    scanner.end()?;
    Ok(value)
}

/// The member `name` of an object, as it stands there, without an index of the whole; of members with the same name, the last.
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    let look = |scanner: &mut Scanner<'a>, key: &str| {
        let value = scanner.value()?;
        if json_strings::decode(key) == name {
            found = Some(value);
        }
        Ok(())
    };
    Scanner::new(object).members(look).ok().and(found)
}

/// The elements of an array, or the members of an object with their keys, one by one as they stand there; none of anything else. The
/// text is one that was checked.
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

/// See [`children`].
pub struct Children<'a> {
    scanner: Scanner<'a>,
    /// What ends the container; nothing once it has ended.
    close: Option<u8>,
    is_first: bool,
}

impl<'a> Iterator for Children<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let close = self.close.take()?;
        if self.scanner.passes(close) || (!self.is_first && !self.scanner.passes(b',')) {
            return None;
        }
        let key = if close == b'}' { self.scanner.key().ok()? } else { "" };
        let value = self.scanner.value().ok()?;
        (self.close, self.is_first) = (Some(close), false);
        Some((key, value))
    }
}

/// The text of an object with another value for the member `name`, which it has, and without the member `dropped`. Everything else
/// stays as it stands there.
pub fn replaced(object: &str, name: &str, value: &str, dropped: Option<&str>) -> Result<String, InvalidJson> {
    let mut text = String::with_capacity(object.len() + value.len());
    let mut is_done = false;
    let look = |scanner: &mut Scanner, key: &str| {
        let kept = scanner.value()?;
        let decoded = json_strings::decode(key);
        let is_named = decoded == name;
        if dropped == Some(&*decoded) || (is_named && is_done) {
            return Ok(());
        }
        is_done |= is_named;
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(key);
        text.push(':');
        text.push_str(if is_named { value } else { kept });
        Ok(())
    };
    Scanner::new(object).members(look)?;
    text.push('}');
    Ok(text)
}

/// The strings among the elements of an array.
pub fn string_elements<'a>(array: &'a str) -> Vec<String> {
    let mut texts: Vec<Cow<'a, str>> = Vec::new();
    let look = |scanner: &mut Scanner<'a>| {
        let value = scanner.value()?;
        texts.extend(Some(value).filter(|value| value.starts_with('"')).map(json_strings::decode));
        Ok(())
    };
    // What is no array has none.
    let _ = Scanner::new(array).elements(look);
    texts.into_iter().map(Cow::into_owned).collect()
}

/// Checks that `text` is one JSON object, and gives it without the white space around it; or why it is none.
pub fn object(text: &str) -> Result<&str, String> {
    let value = check(text).map_err(|InvalidJson| format!("it is not valid JSON: {}", why(text)))?;
    if value.starts_with('{') { Ok(value) } else { Err("it is not a JSON object".into()) }
}

/// What is wrong with a text that is no JSON, without quoting it.
pub fn why(text: &str) -> String {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Err(error) => error.to_string(),
        Ok(_) => "syntax error".into(),
    }
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0, long: Vec::new() }
    }

    /// The byte that the next value or mark begins with.
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Passes a value, and gives its text.
    pub fn value(&mut self) -> Result<&'a str, InvalidJson> {
        self.peek();
        let start = self.at;
        let mut open = NestingBits::default();
        loop {
            match self.peek().ok_or(InvalidJson)? {
                b'{' => {
                    self.at += 1;
                    if !self.passes(b'}') {
                        open.push(Container::Object);
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    if !self.passes(b']') {
                        open.push(Container::Array);
                        continue;
                    }
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => return Err(InvalidJson),
            }
            if !self.goes_on(&mut open)? {
                return Ok(&self.text[start..self.at]);
            }
        }
    }

    /// Passes what follows a value inside of the containers that are open: whether another value comes.
    fn goes_on(&mut self, open: &mut NestingBits) -> Result<bool, InvalidJson> {
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

    /// Goes through the members of an object. `look` gets each key with its quotes, and passes the value behind it.
    pub fn members(
        &mut self,
        mut look: impl FnMut(&mut Self, &'a str) -> Result<(), InvalidJson>,
    ) -> Result<(), InvalidJson> {
        self.expect(b'{')?;
        if self.passes(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            look(self, key)?;
            if self.passes(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Goes through the elements of an array; `look` passes each.
    pub fn elements(&mut self, mut look: impl FnMut(&mut Self) -> Result<(), InvalidJson>) -> Result<(), InvalidJson> {
        self.expect(b'[')?;
        if self.passes(b']') {
            return Ok(());
        }
        loop {
            look(self)?;
            if self.passes(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// The text of what `pass` passes.
    pub fn span(&mut self, pass: impl FnOnce(&mut Self) -> Result<(), InvalidJson>) -> Result<&'a str, InvalidJson> {
        self.peek();
        let start = self.at;
        pass(self)?;
        Ok(&self.text[start..self.at])
    }

    /// Checks that nothing more comes, and gives the long strings that it has passed, in their order.
    pub fn end(mut self) -> Result<Box<[Span]>, InvalidJson> {
        if self.peek().is_none() { Ok(self.long.into_boxed_slice()) } else { Err(InvalidJson) }
    }

    /// A key and the colon behind it.
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
        let bytes = self.text.as_bytes();
        let start = self.at;
        self.at += 1;
        loop {
            self.at += plain(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    if self.at - start >= LONG {
                        self.long.extend(u32::try_from(start).ok().zip(u32::try_from(self.at).ok()));
                    }
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                // A control character, or the end.
                _ => return Err(InvalidJson),
            }
        }
    }

    fn escape(&mut self) -> Result<(), InvalidJson> {
        let bytes = &self.text.as_bytes()[self.at..];
        self.at += match bytes.get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if bytes.get(2..6).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) => 6,
            _ => return Err(InvalidJson),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<(), InvalidJson> {
        let bytes = self.text.as_bytes();
        self.at += usize::from(bytes[self.at] == b'-');
        // No leading zero.
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

    /// At least one.
    fn digits(&mut self) -> Result<(), InvalidJson> {
        let count = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { Err(InvalidJson) }
    }

    fn word(&mut self, word: &str) -> Result<(), InvalidJson> {
        let is_there = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        if is_there { Ok(()) } else { Err(InvalidJson) }
    }

    fn passes(&mut self, mark: u8) -> bool {
        let is_there = self.peek() == Some(mark);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, mark: u8) -> Result<(), InvalidJson> {
        if self.passes(mark) { Ok(()) } else { Err(InvalidJson) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

/// The containers that are open, a bit each.
#[derive(Default)]
struct NestingBits {
    /// The innermost 64 of them, the last one lowest.
    inner: u64,
    /// The others, 64 together.
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
    fn a_member_is_replaced_where_it_stands() {
        let object = r#" {"b": {"a":1} ,"a":[1, 2],"n\u0065xt":"x","\ud83d":"é","a":3,"next":4}"#;
        let text = replaced(object, "a", "[]", Some("next"));
        assert_eq!(text.as_deref(), Ok(r#"{"b":{"a":1},"a":[],"\ud83d":"é"}"#));
        assert_eq!(replaced(r#"{"next":1,"a":2}"#, "a", "3", Some("next")).as_deref(), Ok(r#"{"a":3}"#));
        assert_eq!(replaced("[]", "a", "3", None), Err(InvalidJson));
    }

    #[test]
    fn what_is_json() {
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
    fn what_is_no_json() {
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
    fn nesting_is_kept_to_any_depth() {
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
