//! Writes JSON text (RFC 8259) value by value. The first error is kept and ends the writing, so that a caller checks
//! once, after the last value.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::json::Kind;
use super::json_scanner::{self, InvalidJson};
use super::json_strings::is_plain;
use crate::error::{Error, Result};
use crate::status::{MCP_INVALID_ARGUMENT, MCP_SYSTEM_ERROR, MCP_TOO_LARGE};

/// The maximum length of a text, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024 * 1024;

/// The maximum number of arrays and objects that are open at the same time.
pub const MAX_DEPTH: usize = 128;

/// A JSON value that is being written. A member of an object has a key, every other value has none.
#[derive(Default)]
pub struct JsonWriter {
    /// The text so far, followed by a NUL if the value is complete.
    text: String,
    /// The open arrays and objects; the last one is the innermost.
    open: Vec<Kind>,
    is_complete: bool,
    /// Why there is no text. Nothing is written any more.
    error: Option<Error>,
}

impl JsonWriter {
    /// Begins an object, which [`JsonWriter::end`] ends.
    pub fn begin_object(&mut self, key: Option<&str>) {
        self.begin(key, Kind::Object);
    }

    /// Begins an array, which [`JsonWriter::end`] ends.
    pub fn begin_array(&mut self, key: Option<&str>) {
        self.begin(key, Kind::Array);
    }

    /// Ends the innermost open array or object.
    pub fn end(&mut self) {
        self.write(|writer| {
            let kind = writer.open.pop().ok_or_else(|| invalid("no array or object is open, so none can end"))?;
            writer.push(if kind == Kind::Object { "}" } else { "]" })?;
            writer.end_value();
            Ok(())
        });
    }

    pub fn string(&mut self, key: Option<&str>, text: &str) {
        self.value(key, |writer| writer.push_string(text));
    }

    /// Writes bytes as a string in base64 (RFC 4648, section 4).
    pub fn base64(&mut self, key: Option<&str>, bytes: &[u8]) {
        self.value(key, |writer| {
            let quotes = 2;
            writer.make_room(bytes.len().div_ceil(3).saturating_mul(4).saturating_add(quotes))?;
            writer.text.push('"');
            BASE64_STANDARD.encode_string(bytes, &mut writer.text);
            writer.text.push('"');
            Ok(())
        });
    }

    pub fn int64(&mut self, key: Option<&str>, value: i64) {
        self.value(key, |writer| writer.push(&value.to_string()));
    }

    pub fn uint64(&mut self, key: Option<&str>, value: u64) {
        self.value(key, |writer| writer.push(&value.to_string()));
    }

    /// Writes a number with as few digits as possible, so that it is read back as the same double.
    pub fn double(&mut self, key: Option<&str>, value: f64) {
        self.value(key, |writer| {
            if !value.is_finite() {
                return Err(invalid("NaN and infinity are not JSON numbers"));
            }
            // Not `format!`, whose code for doubles has 17 KB. A number with many zeros gets an exponent.
            let text = serde_json::to_string(&value).map_err(|error| invalid(&error.to_string()))?;
            let text = text.replace('+', "");
            // A whole number needs no fraction. -0 does: many decoders read it as the integer 0 otherwise.
            let whole = text.strip_suffix(".0").filter(|whole| *whole != "-0");
            writer.push(whole.unwrap_or(&text))
        });
    }

    pub fn bool(&mut self, key: Option<&str>, value: bool) {
        self.value(key, |writer| writer.push(if value { "true" } else { "false" }));
    }

    pub fn null(&mut self, key: Option<&str>) {
        self.value(key, |writer| writer.push("null"));
    }

    /// Writes a text that is valid JSON.
    pub fn json(&mut self, key: Option<&str>, json: &str) {
        self.value(key, |writer| writer.push(json));
    }

    /// Writes a text if it is valid JSON; otherwise it is an error.
    pub fn raw(&mut self, key: Option<&str>, text: &str) {
        self.value(key, |writer| match json_scanner::check(text) {
            Ok(json) => writer.push(json),
            Err(InvalidJson) => {
                Err(invalid(&format!("the raw text is not valid JSON: {}", json_scanner::syntax_error(text))))
            }
        });
    }

    /// Ends the writing with an error, unless an earlier one has ended it.
    pub fn fail(&mut self, mut error: Error) {
        if self.error.is_none() {
            error.report_mut().message = self.located(&error.to_string());
            *self = JsonWriter { error: Some(error), ..JsonWriter::default() };
        }
    }

    /// Begins another value. Keeps the memory of the text.
    pub fn reset(&mut self) {
        self.text.clear();
        self.open.clear();
        self.is_complete = false;
        self.error = None;
    }

    /// Why there is no text: the first error, or the value is not complete.
    pub fn check(&self) -> Result<()> {
        match (&self.error, self.open.len()) {
            (Some(error), _) => Err(error.clone()),
            (None, _) if self.is_complete => Ok(()),
            (None, 0) => Err(invalid("JSON writer: no value was written")),
            (None, open) => Err(invalid(&self.located(&format!("{open} arrays and objects were not ended")))),
        }
    }

    /// The JSON text; "" while there is an error or the value is not complete.
    #[cfg(any(test, fuzzing))]
    pub fn text(&self) -> &str {
        let text = self.text_and_nul();
        &text[..text.len() - 1]
    }

    /// The JSON text, followed by a NUL; only the NUL while there is an error or the value is not complete.
    pub fn text_and_nul(&self) -> &str {
        if self.is_complete { &self.text } else { "\0" }
    }

    /// A message that says at which position of the text the error is. The text is not quoted: it may contain secrets.
    fn located(&self, why: &str) -> String {
        let written = self.text.len() - usize::from(self.is_complete);
        format!("JSON writer, after {written} bytes: {why}")
    }

    fn begin(&mut self, key: Option<&str>, kind: Kind) {
        self.write(|writer| {
            if writer.open.len() == MAX_DEPTH {
                let why = format!("more than {MAX_DEPTH} arrays and objects are open");
                return Err(Error::new(MCP_TOO_LARGE, why));
            }
            writer.start_value(key)?;
            writer.push(if kind == Kind::Object { "{" } else { "[" })?;
            writer.open.push(kind);
            Ok(())
        });
    }

    /// Writes a value that `push` appends.
    fn value(&mut self, key: Option<&str>, push: impl FnOnce(&mut JsonWriter) -> Result<()>) {
        self.write(|writer| {
            writer.start_value(key)?;
            push(writer)?;
            writer.end_value();
            Ok(())
        });
    }

    /// Runs `write`, unless there was an error before.
    fn write(&mut self, write: impl FnOnce(&mut JsonWriter) -> Result<()>) {
        if self.error.is_some() {
            return;
        }
        let start = self.text.len();
        if let Err(error) = write(self) {
            // The error names the position of the whole value.
            self.text.truncate(start);
            self.fail(error);
        }
    }

    /// Appends the comma and the key before a value.
    fn start_value(&mut self, key: Option<&str>) -> Result<()> {
        let wrong = match (self.open.last(), key) {
            (None, _) if self.is_complete => Some("the value is complete, so no other one can follow"),
            (None, Some(_)) => Some("the outermost value cannot have a key: it must be NULL"),
            (Some(Kind::Object), None) => Some("a value in an object needs a key"),
            (Some(Kind::Array), Some(_)) => Some("a value in an array cannot have a key: it must be NULL"),
            _ => None,
        };
        if let Some(why) = wrong {
            return Err(invalid(why));
        }
        // No value ends with an opening bracket.
        if !self.open.is_empty() && !self.text.ends_with(['{', '[']) {
            self.push(",")?;
        }
        if let Some(key) = key {
            self.push_string(key)?;
            self.push(":")?;
        }
        Ok(())
    }

    fn end_value(&mut self) {
        if self.open.is_empty() {
            // `make_room` has made room for it.
            self.text.push('\0');
            self.is_complete = true;
        }
    }

    /// Appends the text as a JSON string (RFC 8259, section 7).
    fn push_string(&mut self, text: &str) -> Result<()> {
        let is_special = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\');
        self.push("\"")?;
        let mut rest = text;
        if !is_plain(text.as_bytes()) {
            while let Some(at) = rest.bytes().position(is_special) {
                self.push(&rest[..at])?;
                self.push(&escape(rest.as_bytes()[at]))?;
                rest = &rest[at + 1..];
            }
        }
        self.push(rest)?;
        self.push("\"")
    }

    fn push(&mut self, text: &str) -> Result<()> {
        self.make_room(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    /// Makes room for more text, and for the NUL at the end.
    fn make_room(&mut self, length: usize) -> Result<()> {
        if length > MAX_LENGTH - self.text.len() {
            return Err(Error::new(MCP_TOO_LARGE, format!("the text would be longer than {MAX_LENGTH} bytes")));
        }
        let no_memory = |_| Error::new(MCP_SYSTEM_ERROR, format!("there is no memory for {length} more bytes"));
        self.text.try_reserve(length + 1).map_err(no_memory)
    }
}

/// The escape of a byte that must not be in a JSON string as it is.
fn escape(byte: u8) -> Cow<'static, str> {
    Cow::Borrowed(match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        control => return Cow::Owned(format!("\\u{control:04x}")),
    })
}

fn invalid(why: &str) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, why)
}

#[cfg(any(test, fuzzing))]
pub mod reference;
#[cfg(test)]
mod tests;
