use proptest::collection::vec;
use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;
use crate::sys::vector::{Portable, collect, run_all};

/// Escaped text and what it is decoded to. A surrogate without the other half of its pair is followed by other text.
const PIECES: [(&str, &str); 22] = [
    ("a", "a"),
    ("0123456789", "0123456789"),
    ("é€😀", "é€😀"),
    ("u", "u"),
    (r#"\""#, "\""),
    (r"\\", "\\"),
    (r"\\\\", "\\\\"),
    (r"\\\\\\", "\\\\\\"),
    (r"\/", "/"),
    (r"\b", "\u{8}"),
    (r"\f", "\u{c}"),
    (r"\n", "\n"),
    (r"\r", "\r"),
    (r"\t", "\t"),
    (r"\u0000", "\0"),
    (r"\u0041", "A"),
    (r"\u00e9", "é"),
    (r"\u20AC", "€"),
    (r"\ud83d\uDE00", "😀"),
    (r"\ud83d\n", "\u{fffd}\n"),
    (r"\ud83d\u0041", "\u{fffd}A"),
    (r"\ude00", "\u{fffd}"),
];

/// Text that is no JSON string, in a string.
const INVALID: [&str; 12] =
    [r"\x", r"\u", r"\u12g4", r"\u123", r"\U0041", r"\ ", r"\é", "\\\n", "\n", "\0", "\u{1f}", r"\0"];

/// The results of all implementations.
fn ends(text: &str, start: usize) -> [Option<usize>; 3] {
    let [fastest, portable] = run_all(|| End { bytes: text.as_bytes(), at: start + 1 });
    [end(text.as_bytes(), start), fastest, portable]
}

/// Decodes with all implementations, into memory of the exact size and larger memory.
fn check_decoded(inside: &str, decoded: &str) {
    assert_eq!(decode(&format!("\"{inside}\"")), decoded, "{inside:?}");
    assert_eq!(decoded_length(inside), decoded.len(), "{inside:?}");
    for room in [decoded.len(), decoded.len() + 1, inside.len() + 64] {
        for portable in [false, true] {
            let bytes = collect(room, |to| {
                let kernel = Decode { inside, to };
                if portable { kernel.run(Portable) } else { vector::run(kernel) }
            });
            assert_eq!(std::str::from_utf8(&bytes), Ok(decoded), "{inside:?}");
        }
        // The C tests check the written bytes.
        assert_eq!(decode_into(inside, &mut vec![MaybeUninit::uninit(); room]), decoded.len(), "{inside:?}");
    }
    let mut length = 0;
    Decode { inside, to: &mut length }.run(Portable);
    assert_eq!(length, decoded.len(), "{inside:?}");
    for room in [inside.len(), inside.len() + 64] {
        let mut to = vec![MaybeUninit::uninit(); room];
        let (read, written) = decode_start(inside, &mut to);
        let (start, rest) = inside.split_at(read);
        // The tests of the C interface check the written bytes.
        assert_eq!(decoded.get(..written), Some(&*decode(&format!("\"{start}\""))), "{inside:?}");
        assert!(rest.is_empty() || rest.starts_with(r"\u"), "{inside:?}");
    }
}

/// Checks a valid string that is given without its quotes, in a larger text.
fn check_valid(inside: &str, decoded: &str, before: usize) {
    let text = format!("{}\"{inside}\"{}", " ".repeat(before), &",\"next\":\"\\\\\""[..inside.len() % 13]);
    assert_eq!(ends(&text, before), [Some(before + inside.len() + 2); 3], "{text:?}");
    for length in (before + 1..before + inside.len() + 2).rev().take(140).step_by(1 + inside.len() / 100) {
        let Some(cut) = text.get(..length) else { continue };
        assert_eq!(ends(cut, before), [None; 3], "{cut:?}");
    }
    check_decoded(inside, decoded);
}

#[test]
fn escapes_are_decoded() {
    let quoted = r#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00 é€😀\\u0041""#;
    let text = "\"\\/\u{8}\u{c}\n\r\tAé€😀 é€😀\\u0041";
    check_valid(&quoted[1..quoted.len() - 1], text, 0);
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
        for before in [0, 1, 30, 62, 63, 64] {
            check_decoded(
                &["a".repeat(before).as_str(), escaped].concat(),
                &["a".repeat(before).as_str(), decoded].concat(),
            );
        }
    }
}

#[test]
fn strings_end_after_their_closing_quote() {
    for inside in ["", "a", r#"\""#, r"\\", r#"a\\\"b"#, &"x".repeat(100), "\u{e9}\\u0022"] {
        let text = format!("  \"{inside}\" \"");
        assert_eq!(ends(&text, 2), [Some(4 + inside.len()); 3], "{text}");
    }
    for text in ["\"", "\"a", "\"a\\", "\"\\\""] {
        assert_eq!(ends(text, 0), [None; 3], "{text}");
    }
}

#[test]
fn every_escape_is_found_at_every_position() {
    for (escaped, decoded) in PIECES {
        for before in 0..140 {
            let plain = "x".repeat(before);
            for after in [0, 70] {
                let rest = "y".repeat(after);
                let [inside, text] = [escaped, decoded].map(|piece| [&plain, piece, &rest].concat());
                let quoted = format!("\"{inside}\"");
                assert_eq!(ends(&quoted, 0), [Some(quoted.len()); 3], "{quoted}");
                check_decoded(&inside, &text);
            }
        }
    }
}

#[test]
fn runs_of_backslashes_are_paired() {
    for before in (0..4).chain(58..70) {
        for count in (0..6).chain(60..70).chain(126..132) {
            let [plain, backslashes] = [("x", before), ("\\", count)].map(|(byte, count)| byte.repeat(count));
            let text = format!("\"{plain}{backslashes}\"");
            let is_closed = count % 2 == 0;
            assert_eq!(ends(&text, 0), [is_closed.then_some(text.len()); 3], "{text}");
            let rest = if is_closed { "" } else { "n" };
            let decoded = [plain.as_str(), &backslashes[..count / 2], if is_closed { "" } else { "\n" }].concat();
            check_decoded(&[plain.as_str(), &backslashes, rest].concat(), &decoded);
        }
    }
}

#[test]
fn invalid_strings_are_rejected_at_every_position() {
    for invalid in INVALID {
        for before in 0..200 {
            let text = format!("\"{}{invalid}{}\"", "x".repeat(before), "y".repeat(before % 70));
            assert_eq!(ends(&text, 0), [None; 3], "{text:?}");
            // After the end of a string, it is not checked.
            let text = format!("\"{}\"{invalid}", "x".repeat(before));
            assert_eq!(ends(&text, 0), [Some(before + 2); 3], "{text:?}");
        }
    }
}

#[test]
fn plain_text_is_recognized() {
    for length in 0..40 {
        let mut text = vec![b'x'; length];
        assert!(is_plain(&text));
        for at in 0..length {
            for (byte, expected) in
                [(b'"', false), (b'\\', false), (0x1F, false), (b'\n', false), (0x7F, true), (0xC3, true)]
            {
                text[at] = byte;
                assert_eq!(is_plain(&text), expected, "{text:?}");
            }
            text[at] = b'x';
        }
    }
}

/// The index of a piece, and how often it is repeated.
fn piece_and_count() -> impl Strategy<Value = (usize, usize)> {
    (0..PIECES.len(), prop_oneof![3 => 1..3_usize, 1 => 1..40_usize])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn strings_of_pieces_are_decoded(pieces in vec(piece_and_count(), 0..20), before in 0..70_usize) {
        let (mut inside, mut decoded) = (String::new(), String::new());
        for (piece, count) in pieces {
            let (escaped, text) = PIECES[piece];
            inside.push_str(&escaped.repeat(count));
            decoded.push_str(&text.repeat(count));
        }
        check_valid(&inside, &decoded, before);
        if let Ok(text) = serde_json::from_str::<String>(&format!("\"{inside}\"")) {
            prop_assert_eq!(text, decoded);
        }
    }

    /// Arbitrary text from the bytes that matter: it is valid and ends where serde_json says.
    #[test]
    fn the_end_is_that_of_serde_json(inside in r#"[\\"uabDd0-9nx\n]{0,20}[a\\]{0,140}[\\"uD89dcn01]{0,80}"#) {
        let text = format!("\"{inside}");
        let mut strings = serde_json::Deserializer::from_str(&text).into_iter::<IgnoredAny>();
        let expected = strings.next().and_then(Result::ok).map(|_| strings.byte_offset());
        prop_assert_eq!(ends(&text, 0), [expected; 3]);
        if let Some(end) = expected && let Ok(decoded) = serde_json::from_str::<String>(&text[..end]) {
            check_decoded(&text[1..end - 1], &decoded);
        }
    }
}
