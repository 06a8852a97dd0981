//! JSON strings (RFC 8259, section 7): how far they go, and what they say.

use std::borrow::Cow;

use crate::sys::vector;

/// How many bytes come before the next quote, backslash or control character: all that can be special in a string.
pub fn plain(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks();
    for (index, block) in blocks.iter().enumerate() {
        let special = vector::special_in_string(block);
        if special != 0 {
            return index * vector::BLOCK + special.trailing_zeros() as usize;
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    bytes.len() - rest.len() + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Where the checked string ends that begins with the quote at `start`: behind its closing quote.
pub fn end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        at += plain(&bytes[at.min(bytes.len())..]);
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            // No checked string has it.
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// Half of a surrogate pair: nothing that a text can hold.
#[derive(Debug, PartialEq, Eq)]
pub struct LoneSurrogate;

/// What a checked string says, given with its quotes.
pub fn decode(quoted: &str) -> Result<Cow<'_, str>, LoneSurrogate> {
    let inside = &quoted[1..quoted.len() - 1];
    if !inside.contains('\\') {
        return Ok(Cow::Borrowed(inside));
    }
    let mut text = String::with_capacity(inside.len());
    decode_pieces(inside, |piece| text.push_str(piece))?;
    Ok(Cow::Owned(text))
}

/// The same piece by piece, from what stands between the quotes: a large text need not be put together first. The pieces are never
/// longer together than `inside`.
pub fn decode_pieces(mut inside: &str, mut take: impl FnMut(&str)) -> Result<(), LoneSurrogate> {
    loop {
        let (before, after) = inside.split_at(plain(inside.as_bytes()));
        take(before);
        let Some(&escaped) = after.as_bytes().get(1) else {
            // What is left would be no checked string.
            take(after);
            return Ok(());
        };
        let simple = match escaped {
            b'n' => "\n",
            b't' => "\t",
            b'r' => "\r",
            b'b' => "\u{8}",
            b'f' => "\u{c}",
            b'u' => {
                let (decoded, length) = unicode(after).ok_or(LoneSurrogate)?;
                take(decoded.encode_utf8(&mut [0; 4]));
                inside = &after[length..];
                continue;
            }
            // A quote, a slash or a backslash stands for itself.
            _ => &after[1..2],
        };
        take(simple);
        inside = &after[2..];
    }
}

/// The character that `text` begins with in the form `\u0041`, or as a pair of surrogates; and how many bytes that takes.
fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u32::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let first = unit(2)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = text.get(6..8).filter(|mark| *mark == "\\u").and_then(|_| unit(8))?;
    let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x10000 + ((first - 0xD800) << 10) + low)?, 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_bytes_are_found_wherever_they_stand() {
        for length in 0..100 {
            let mut bytes = vec![b'a'; length];
            assert_eq!(plain(&bytes), length);
            for at in 0..length {
                for special in [b'"', b'\\', 0, 0x1F, b'\n'] {
                    bytes[at] = special;
                    assert_eq!(plain(&bytes), at);
                }
                for other in [b' ', b'!', b'#', b'[', b']', 0x7F, 0x80, 0xA2, 0xDC, 0xFF] {
                    bytes[at] = other;
                    assert_eq!(plain(&bytes), length, "{other}");
                }
                bytes[at] = b'a';
            }
        }
    }

    #[test]
    fn escapes_are_decoded() {
        let quoted = r#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00 é€😀\\u0041""#;
        assert_eq!(decode(quoted).unwrap(), "\"\\/\u{8}\u{c}\n\r\tAé€😀 é€😀\\u0041");
        assert!(matches!(decode("\"plain\"").unwrap(), Cow::Borrowed("plain")));
        for lone in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\u0041""#, r#""\ud83dx""#, r#""\ud83d\ud83d""#] {
            assert_eq!(decode(lone), Err(LoneSurrogate), "{lone}");
        }
    }

    #[test]
    fn strings_end_at_their_quote() {
        for inside in ["", "a", r#"\""#, r"\\", r#"a\\\"b"#, &"x".repeat(100), "\u{e9}\\u0022"] {
            let text = format!("  \"{inside}\" \"");
            assert_eq!(end(text.as_bytes(), 2), 4 + inside.len(), "{text}");
        }
        assert_eq!((end(b"\"a", 0), end(b"\"a\\", 0)), (2, 3));
    }
}
