//! NUL-terminated texts that C holds pointers to, many in one block of memory: a program that walks a list reads
//! thousands of short ones, and an allocation for each took longer than decoding it.

use std::borrow::Cow;
use std::ffi::c_char;

use memchr::memchr;

use crate::protocol::json_strings;

/// The sizes of chunks, in bytes: each is twice as large as the one before it, so that one text
/// takes little memory.
const FIRST_CHUNK: usize = 256;
const LARGEST_CHUNK: usize = 64 * 1024;

/// A text of this size gets its own block: the rest of a chunk that has no room for it would be
/// wasted.
const LARGE_TEXT: usize = 8 * 1024;

/// Up to this size, texts are decoded without vectors.
const SHORT_TEXT: usize = 256;

/// Texts whose addresses do not change until the arena is dropped.
#[derive(Default)]
pub struct TextArena {
    /// The chunk with room for further texts. No block grows after it was created, because that would
    /// move its texts.
    chunk: Vec<u8>,
    /// Full chunks and large texts.
    others: Vec<Vec<u8>>,
}

impl TextArena {
    /// Adds the decoded text of a JSON string, given without its quotes. An embedded NUL, which would
    /// end the text in C, becomes U+FFFD.
    pub fn add_string(&mut self, escaped: &str) -> *const c_char {
        self.add(escaped, |block, escaped| {
            if escaped.len() > SHORT_TEXT && memchr(b'\\', escaped.as_bytes()).is_none() {
                block.extend_from_slice(escaped.as_bytes());
            } else {
                append_decoded(block, escaped);
            }
        })
    }

    /// Adds a text. An embedded NUL becomes U+FFFD.
    pub fn add_text(&mut self, text: &str) -> *const c_char {
        self.add(&without_nuls(text), |block, text| block.extend_from_slice(text.as_bytes()))
    }

    /// Adds a text that `append` appends to a block, which has room for the length of `source` and a
    /// NUL.
    fn add(&mut self, source: &str, append: impl FnOnce(&mut Vec<u8>, &str)) -> *const c_char {
        let most = source.len() + 1;
        let large = most > LARGE_TEXT;
        if large {
            self.others.push(Vec::with_capacity(most));
        } else if self.chunk.capacity() - self.chunk.len() < most {
            self.next_chunk(most);
        }
        let block = if large { self.others.last_mut().unwrap_or(&mut self.chunk) } else { &mut self.chunk };
        let start = block.len();
        append(block, source);
        block.push(0);
        if large {
            block.shrink_to_fit();
        }
        block[start..].as_ptr().cast()
    }

    #[cold]
    fn next_chunk(&mut self, least: usize) {
        let size = (2 * self.chunk.capacity()).clamp(FIRST_CHUNK, LARGEST_CHUNK).max(least);
        let full = std::mem::replace(&mut self.chunk, Vec::with_capacity(size));
        self.others.push(full);
    }
}

/// Appends the decoded text of a JSON string to a block that has room for the text as it is.
fn append_decoded(block: &mut Vec<u8>, escaped: &str) {
    let room = block.spare_capacity_mut();
    let (read, written) = if escaped.len() > SHORT_TEXT { (0, 0) } else { json_strings::decode_start(escaped, room) };
    // SAFETY: the block has room for the text, and `decode_start` initialized it.
    unsafe { block.set_len(block.len() + written) };
    if read == escaped.len() {
        return;
    }
    let start = block.len();
    let length = json_strings::decode_into(&escaped[read..], block.spare_capacity_mut());
    // SAFETY: the block has room for the text, and `decode_into` initialized it.
    unsafe { block.set_len(start + length) };
    if memchr(0, &block[start..]).is_some() {
        // There is room: the escape of a NUL is longer than U+FFFD.
        let decoded = block.split_off(start);
        block.extend_from_slice(without_nuls(&String::from_utf8_lossy(&decoded)).as_bytes());
    }
}

/// The text with U+FFFD in place of each NUL.
fn without_nuls(text: &str) -> Cow<'_, str> {
    match memchr(0, text.as_bytes()) {
        Some(_) => Cow::Owned(text.replace('\0', "\u{FFFD}")),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::json::Json;
    use std::ffi::CStr;

    fn read<'a>(text: *const c_char) -> &'a str {
        // SAFETY: the texts are NUL-terminated, and the tests drop the arenas after their last use.
        unsafe { CStr::from_ptr(text) }.to_str().unwrap()
    }

    fn add_json(arena: &mut TextArena, text: &str) -> *const c_char {
        arena.add_string(Json::parse(text.to_owned()).unwrap().root().escaped_text().unwrap())
    }

    #[test]
    fn addresses_do_not_change() {
        let mut arena = TextArena::default();
        // Each length up to more than a chunk's first size, then lengths around that of texts with their own blocks.
        let lengths = (0..600).chain(LARGE_TEXT - 3..LARGE_TEXT + 3).chain((0..2000).map(|i| i * 7919 % 300));
        let texts: Vec<_> = lengths.enumerate().map(|(i, length)| format!("{i:.>length$}")).collect();
        let added: Vec<_> = texts.iter().map(|text| add_json(&mut arena, &format!("\"{text}\""))).collect();
        for (text, added) in texts.iter().zip(added) {
            assert_eq!(read(added), text);
        }
    }

    #[test]
    fn escapes_are_decoded_and_an_embedded_nul_is_replaced() {
        let mut arena = TextArena::default();
        let nuls = format!("\"{}\"", "\\u0000".repeat(LARGE_TEXT));
        let cases = [
            (r#""""#, ""),
            (r#""a\n\u00e4\"b""#, "a\nä\"b"),
            (r#""\u0000a\u0000b""#, "\u{fffd}a\u{fffd}b"),
            (r#""\\u0000""#, "\\u0000"),
            (r#""\ud800\u0000""#, "\u{fffd}\u{fffd}"),
            (&nuls, &"\u{fffd}".repeat(LARGE_TEXT)),
        ];
        let added = cases.map(|(text, _)| add_json(&mut arena, text));
        for ((_, expected), added) in cases.iter().zip(added) {
            assert_eq!(read(added), *expected);
        }
        let added = ["", "a\0b", "plain"].map(|text| arena.add_text(text));
        assert_eq!(added.map(read), ["", "a\u{fffd}b", "plain"]);
    }

    #[test]
    fn texts_are_decoded_as_by_the_json_value() {
        let mut arena = TextArena::default();
        for length in (0..70).chain(SHORT_TEXT - 20..SHORT_TEXT + 20) {
            for escape in [r"\n", r"\\", r"\u00e4", r"\ud83d\ude00", r"\n\t\u0041\n", "ä", ""] {
                for after in ["", "b", "12345678", r#"\"123\"5678901\r"#] {
                    let quoted = format!("\"{}{escape}{after}\"", "x".repeat(length));
                    let json = Json::parse(quoted.clone()).unwrap();
                    assert_eq!(read(add_json(&mut arena, &quoted)), json.root().string().unwrap());
                }
            }
        }
    }

    #[test]
    fn large_texts_leave_the_chunk_to_others() {
        let mut arena = TextArena::default();
        let first = arena.add_text("a");
        let large = arena.add_text(&"l".repeat(1 << 20));
        let second = arena.add_text("b");
        assert_eq!(first.wrapping_add(2), second);
        assert_eq!((read(first), read(large).len(), read(second)), ("a", 1 << 20, "b"));
        assert_eq!(arena.chunk.capacity(), FIRST_CHUNK);
    }
}
