//! JSON strings (RFC 8259, section 7): how far they go, and what they say.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use crate::sys::vector::{copy_plain, plain};

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

/// What a checked string says, given with its quotes. Half of a surrogate pair, which no text can hold, becomes U+FFFD, as browsers
/// and most decoders have it: servers that cut a text in the middle of an emoji send it.
pub fn decode(quoted: &str) -> Cow<'_, str> {
    let inside = &quoted[1..quoted.len() - 1];
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let mut text = String::with_capacity(inside.len());
    decode_pieces(inside, |piece| text.push_str(piece));
    Cow::Owned(text)
}

/// The same piece by piece, from what stands between the quotes.
fn decode_pieces(mut inside: &str, mut take: impl FnMut(&str)) {
    loop {
        let (before, after) = inside.split_at(plain(inside.as_bytes()));
        take(before);
        let Some(&escaped) = after.as_bytes().get(1) else {
            // What is left would be no checked string.
            take(after);
            return;
        };
        if escaped == b'u' {
            let (decoded, length) = unicode(after);
            take(decoded.encode_utf8(&mut [0; 4]));
            inside = &after[length..];
        } else {
            take(char::from(simple(escaped)).encode_utf8(&mut [0; 1]));
            inside = &after[2..];
        }
    }
}

/// How long it is when it is decoded, in bytes.
pub fn decoded_length(inside: &str) -> usize {
    let mut length = 0;
    decode_pieces(inside, |piece| length += piece.len());
    length
}

/// The same into memory that has room for it, and how much of it that took. It is never longer than `inside`.
pub fn decode_into(inside: &str, to: &mut [MaybeUninit<u8>]) -> usize {
    let bytes = inside.as_bytes();
    let (mut at, mut written) = (0, 0);
    loop {
        let count = copy_plain(&bytes[at..], &mut to[written..]);
        at += count;
        written += count;
        let Some(&escaped) = bytes.get(at + 1) else { return written };
        if escaped == b'u' {
            let (decoded, length) = unicode(&inside[at..]);
            for byte in decoded.encode_utf8(&mut [0; 4]).bytes() {
                to[written].write(byte);
                written += 1;
            }
            at += length;
        } else {
            to[written].write(simple(escaped));
            written += 1;
            at += 2;
        }
    }
}

/// What a backslash before this byte stands for; a quote, a slash or a backslash stands for itself.
fn simple(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x8,
        b'f' => 0xC,
        other => other,
    }
}

/// The character that `text` begins with in the form `\u0041`, or as a pair of surrogates; and how many bytes that takes.
fn unicode(text: &str) -> (char, usize) {
    let unit = |at: usize| u32::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let first = unit(2).unwrap_or(0xFFFD);
    let pair = || {
        let high = first.checked_sub(0xD800).filter(|high| *high < 0x400)?;
        text.get(6..8).filter(|mark| *mark == "\\u")?;
        let low = unit(8)?.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + (high << 10) + low)
    };
    match pair() {
        Some(decoded) => (decoded, 12),
        // What follows half of a pair stands for itself.
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
        // What is in there, the C tests look at.
        for room in [text.len(), text.len() + 1, inside.len(), inside.len() + 20] {
            assert_eq!(decode_into(inside, &mut vec![MaybeUninit::uninit(); room]), text.len());
        }
        assert!(matches!(decode("\"plain\""), Cow::Borrowed("plain")));
    }

    #[test]
    fn half_a_surrogate_pair_becomes_a_replacement_character() {
        for (sent, read) in [
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
            let quoted = format!("\"{sent}\"");
            assert_eq!(decode(&quoted), read, "{sent}");
            assert_eq!(decoded_length(sent), read.len(), "{sent}");
            assert_eq!(decode_into(sent, &mut vec![MaybeUninit::uninit(); sent.len()]), read.len(), "{sent}");
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
