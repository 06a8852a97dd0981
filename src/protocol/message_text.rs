//! The text of a message to send. Large texts that the caller passes are referenced, not copied.

use std::fmt::Write;
use std::io::{self, Read};

use super::json_strings::is_plain;

/// Texts of at least this many bytes are referenced, not copied.
const LARGE: usize = 16 * 1024;

/// The text of a message to send, as a list of pieces.
#[derive(Clone, Debug, Default)]
pub struct MessageText<'a> {
    /// Referenced large texts, each with the text before it.
    spliced: Vec<(String, &'a str)>,
    /// The text after the last large text.
    rest: String,
}

/// The body of a request without a body.
pub static EMPTY_BODY: MessageText = MessageText { spliced: Vec::new(), rest: String::new() };

impl<'a> MessageText<'a> {
    pub fn with_capacity(capacity: usize) -> MessageText<'a> {
        MessageText { spliced: Vec::new(), rest: String::with_capacity(capacity) }
    }

    /// A text that is referenced and not copied, because it contains secrets.
    pub fn referenced(text: &'a str) -> MessageText<'a> {
        MessageText { spliced: vec![(String::new(), text)], rest: String::new() }
    }

    /// The bytes that [`MessageText::splice`] copies of `text`.
    pub fn copied_length(text: &str) -> usize {
        if text.len() < LARGE { text.len() } else { 0 }
    }

    #[inline]
    pub fn push(&mut self, text: &str) {
        self.rest.push_str(text);
    }

    /// Appends the text as a JSON string.
    pub fn push_quoted(&mut self, text: &str) {
        if is_plain(text.as_bytes()) {
            self.push("\"");
            self.push(text);
            self.push("\"");
        } else {
            // Writing a text into memory does not fail.
            self.push(&serde_json::to_string(text).unwrap_or_default());
        }
    }

    pub fn push_number(&mut self, number: u64) {
        // Writing into a string does not fail.
        let _ = write!(self.rest, "{number}");
    }

    /// Appends the text; a large one is referenced and not copied.
    pub fn splice(&mut self, text: &'a str) {
        if text.len() < LARGE {
            self.push(text);
        } else {
            self.spliced.push((std::mem::take(&mut self.rest), text));
        }
    }

    pub fn len(&self) -> usize {
        self.pieces().map(str::len).sum()
    }

    /// The text, if it consists of one piece.
    pub fn one_piece(&self) -> Option<&str> {
        self.spliced.is_empty().then_some(&self.rest)
    }

    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        let spliced = self.spliced.iter().flat_map(|(before, large)| [before.as_str(), large]);
        spliced.chain([self.rest.as_str()])
    }

    pub fn reader(&self) -> impl Read {
        TextReader { current: &[], pieces: self.pieces() }
    }

    pub fn into_string(self) -> String {
        if self.spliced.is_empty() { self.rest } else { self.pieces().collect() }
    }
}

impl<T: Into<String>> From<T> for MessageText<'_> {
    fn from(text: T) -> Self {
        MessageText { spliced: Vec::new(), rest: text.into() }
    }
}

/// Reads a text piece by piece.
struct TextReader<'a, Pieces> {
    /// The unread rest of the current piece.
    current: &'a [u8],
    /// The pieces after it.
    pieces: Pieces,
}

impl<'a, Pieces: Iterator<Item = &'a str>> Read for TextReader<'a, Pieces> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            if self.current.is_empty() {
                let Some(next) = self.pieces.next() else { break };
                self.current = next.as_bytes();
            }
            filled += self.current.read(&mut buffer[filled..])?;
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_texts_are_not_copied() {
        let large = "x".repeat(LARGE);
        let mut text = MessageText::from("{\"a\":");
        text.splice("1");
        assert_eq!((text.one_piece(), text.len()), (Some("{\"a\":1"), 6));
        text.push(",\"b\":");
        text.splice(&large);
        text.push("}");
        assert_eq!(text.pieces().nth(1).map(str::as_ptr), Some(large.as_ptr()));
        assert_eq!((text.one_piece(), text.len()), (None, 12 + LARGE));
        let mut read = Vec::new();
        text.reader().read_to_end(&mut read).unwrap();
        assert_eq!(String::from_utf8(read).as_deref(), Ok(text.clone().into_string().as_str()));
        assert_eq!(text.into_string(), format!("{{\"a\":1,\"b\":{large}}}"));
    }
}
