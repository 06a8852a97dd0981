//! Finds the end of JSON strings and decodes them (RFC 8259, section 7).

use std::borrow::Cow;
use std::mem::MaybeUninit;

use crate::sys::vector::{copy_plain, plain_length};

/// The end of a valid string, after its closing quote. `start` is the position of its opening quote.
pub fn end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        at += plain_length(&bytes[at.min(bytes.len())..]);
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            // Not in a valid string.
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// Decodes a valid string, given with its quotes. An unpaired surrogate becomes U+FFFD, as in browsers and
/// most decoders: servers that cut a text within an emoji send it.
pub fn decode(quoted: &str) -> Cow<'_, str> {
    let inside = &quoted[1..quoted.len() - 1];
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let mut text = String::with_capacity(inside.len());
    decode_pieces(inside, |piece| text.push_str(piece));
    Cow::Owned(text)
}

/// Decodes a valid string, given without its quotes, piece by piece.
fn decode_pieces(mut inside: &str, mut take: impl FnMut(&str)) {
    loop {
        let (before, after) = inside.split_at(plain_length(inside.as_bytes()));
        take(before);
        let Some(&escaped) = after.as_bytes().get(1) else {
            // In a valid string, nothing is left here.
            take(after);
            return;
        };
        if escaped == b'u' {
            let (decoded, length) = unicode_escape(after);
            take(decoded.encode_utf8(&mut [0; 4]));
            inside = &after[length..];
        } else {
            take(char::from(simple_escape(escaped)).encode_utf8(&mut [0; 1]));
            inside = &after[2..];
        }
    }
}

/// The decoded length, in bytes, of a valid string, given without its quotes.
pub fn decoded_length(inside: &str) -> usize {
    let mut length = 0;
    decode_pieces(inside, |piece| length += piece.len());
    length
}

/// Decodes a valid string, given without its quotes, into `to`, and returns the decoded length. `to` must be large
/// enough; the length of `inside` always is.
pub fn decode_into(inside: &str, to: &mut [MaybeUninit<u8>]) -> usize {
    let bytes = inside.as_bytes();
    let (mut at, mut written) = (0, 0);
    loop {
        let count = copy_plain(&bytes[at..], &mut to[written..]);
        at += count;
        written += count;
        let Some(&escaped) = bytes.get(at + 1) else { return written };
        if escaped == b'u' {
            let (decoded, length) = unicode_escape(&inside[at..]);
            for byte in decoded.encode_utf8(&mut [0; 4]).bytes() {
                to[written].write(byte);
                written += 1;
            }
            at += length;
        } else {
            to[written].write(simple_escape(escaped));
            written += 1;
            at += 2;
        }
    }
}

/// The meaning of this byte after a backslash.
fn simple_escape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x8,
        b'f' => 0xC,
        // A quote, a slash or a backslash.
        other => other,
    }
}

/// Decodes the escape `\u0041`, or a surrogate pair of such escapes, at the beginning of `text`. Returns the length of
/// the escapes.
fn unicode_escape(text: &str) -> (char, usize) {
    let unit = |at: usize| u32::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let first = unit(2).unwrap_or(0xFFFD);
    let pair = || {
        let high = first.checked_sub(0xD800).filter(|high| *high < 0x400)?;
        text.get(6..8).filter(|prefix| *prefix == "\\u")?;
        let low = unit(8)?.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + (high << 10) + low)
    };
    match pair() {
        Some(decoded) => (decoded, 12),
        // The text after an unpaired surrogate is decoded separately.
        None => (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        let quoted = r#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00 é€😀\\u0041""#;
        assert_eq!(decode(quoted), "\"\\/\u{8}\u{c}\n\r\tAé€😀 é€😀\\u0041");
        let inside = &quoted[1..quoted.len() - 1];
        let text = decode(quoted);
        assert_eq!(decoded_length(inside), text.len());
        // The C tests check the written bytes.
        for room in [text.len(), text.len() + 1, inside.len(), inside.len() + 20] {
            assert_eq!(decode_into(inside, &mut vec![MaybeUninit::uninit(); room]), text.len());
        }
        assert!(matches!(decode("\"plain\""), Cow::Borrowed("plain")));
    }

    #[test]
    fn unpaired_surrogates_become_replacement_characters() {
        for (escaped, decoded) in [
            (r"\ud83d", "\u{fffd}"),
            (r"\ude00", "\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83d\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ude00\ud83d\ude00\ude00", "\u{fffd}😀\u{fffd}"),
            (r"\u0041\ude00\u0041", "A\u{fffd}A"),
            (r"a€\uDBFF", "a€\u{fffd}"),
            (r"\udfff€", "\u{fffd}€"),
        ] {
            let quoted = format!("\"{escaped}\"");
            assert_eq!(decode(&quoted), decoded, "{escaped}");
            assert_eq!(decoded_length(escaped), decoded.len(), "{escaped}");
            let mut buffer = vec![MaybeUninit::uninit(); escaped.len()];
            assert_eq!(decode_into(escaped, &mut buffer), decoded.len(), "{escaped}");
        }
    }

    #[test]
    fn strings_end_after_their_closing_quote() {
        for inside in ["", "a", r#"\""#, r"\\", r#"a\\\"b"#, &"x".repeat(100), "\u{e9}\\u0022"] {
            let text = format!("  \"{inside}\" \"");
            assert_eq!(end(text.as_bytes(), 2), 4 + inside.len(), "{text}");
        }
        assert_eq!((end(b"\"a", 0), end(b"\"a\\", 0)), (2, 3));
    }
}
