//! Writes JSON objects that may contain secrets.

use zeroize::Zeroizing;

use super::secret_buffer::SecretBuffer;

/// The usual size of a document, in bytes: most are written without a reallocation.
const CAPACITY: usize = 4096;

/// An object to which members are appended. The names must be distinct. No `Debug`: it must not be printed.
pub struct ObjectWriter {
    buffer: SecretBuffer,
    is_empty: bool,
}

impl ObjectWriter {
    pub fn new() -> ObjectWriter {
        let mut buffer = SecretBuffer::with_capacity(CAPACITY);
        buffer.push("{");
        ObjectWriter { buffer, is_empty: true }
    }

    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        push_string(&mut self.buffer, value);
    }

    pub fn optional_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub fn texts<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        self.name(name);
        let mut separator = "[";
        for value in values {
            self.buffer.push(separator);
            push_string(&mut self.buffer, value);
            separator = ",";
        }
        self.buffer.push(if separator == "[" { "[]" } else { "]" });
    }

    pub fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    pub fn optional_number(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.number(name, value);
        }
    }

    pub fn object(&mut self, name: &str, value: ObjectWriter) {
        self.raw(name, &value.finish());
    }

    /// Appends a member whose value is JSON text.
    pub fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.buffer.push(json);
    }

    pub fn finish(mut self) -> Zeroizing<String> {
        self.buffer.push("}");
        self.buffer.finish()
    }

    fn name(&mut self, name: &str) {
        if !self.is_empty {
            self.buffer.push(",");
        }
        self.is_empty = false;
        push_string(&mut self.buffer, name);
        self.buffer.push(":");
    }
}

/// Appends the text as a JSON string (RFC 8259, section 7).
fn push_string(buffer: &mut SecretBuffer, text: &str) {
    buffer.push("\"");
    for c in text.chars() {
        match c {
            '"' => buffer.push("\\\""),
            '\\' => buffer.push("\\\\"),
            c if c.is_control() => buffer.push(&format!("\\u{:04x}", u32::from(c))),
            c => buffer.push_char(c),
        }
    }
    buffer.push("\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_member_is_written() {
        let mut inner = ObjectWriter::new();
        inner.texts("none", []);
        let mut writer = ObjectWriter::new();
        writer.text("a\"", "b\\\n\u{7f}é😀");
        writer.optional_text("missing", None);
        writer.texts("list", ["x", "y"]);
        writer.number("n", u64::MAX);
        writer.optional_number("missing", None);
        writer.object("o", inner);
        writer.raw("r", "[1, 2]");
        let text = writer.finish();
        let expected = serde_json::json!({
            "a\"": "b\\\n\u{7f}é😀", "list": ["x", "y"], "n": u64::MAX, "o": {"none": []}, "r": [1, 2],
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected, "{}", *text);
        assert_eq!(*ObjectWriter::new().finish(), "{}");
    }
}
