//! Decodes base64 in the forms that servers send: both alphabets of RFC 4648, with or without padding and line breaks,
//! and as a data URL (RFC 2397).

use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;

/// The last digit of a text may have bits that are not used. Most encoders set them to zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Why a text is not base64.
#[derive(Debug, PartialEq, Eq)]
pub enum Base64Error {
    /// A character that is not a digit, and its offset in bytes.
    Character(char, usize),
    /// The number of digits is not possible, or the padding does not match it.
    Length(usize),
    /// A data URL without ";base64".
    DataUrl,
}

impl fmt::Display for Base64Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Base64Error::Character(character, offset) => {
                write!(f, "the text is not base64: it has {character:?} at offset {offset}")
            }
            Base64Error::Length(digits) => {
                write!(f, "the text is not complete base64: it has {digits} digits, and padding that does not match")
            }
            Base64Error::DataUrl => f.write_str("the text is a data URL that is not in base64"),
        }
    }
}

/// Decodes a text.
pub fn decode(text: &str) -> Result<Vec<u8>, Base64Error> {
    if let Ok(bytes) = BASE64_STANDARD.decode(text) {
        return Ok(bytes);
    }
    let start = data_url_start(text)?;
    let mut digits = Vec::with_capacity(text.len() - start);
    let mut padding = 0;
    for (offset, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'-' | b'_' if padding == 0 => {
                digits.push(match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => other,
                });
            }
            // Padding is at the end; so this is the padding, or another character.
            _ => return Err(Base64Error::Character(text[offset..].chars().next().unwrap_or_default(), offset)),
        }
    }
    let is_complete = digits.len() % 4 != 1 && (padding == 0 || padding == (4 - digits.len() % 4) % 4);
    let length_error = Base64Error::Length(digits.len());
    if is_complete { LENIENT.decode(digits).map_err(|_| length_error) } else { Err(length_error) }
}

/// Where the digits begin: after the comma of a data URL.
fn data_url_start(text: &str) -> Result<usize, Base64Error> {
    let text_start = text.as_bytes().get(..5);
    if !text_start.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:")) {
        return Ok(0);
    }
    let comma = text.find(',').ok_or(Base64Error::DataUrl)?;
    let media_type = &text.as_bytes()[..comma];
    let is_base64 = media_type.len() > 7 && media_type[comma - 7..].eq_ignore_ascii_case(b";base64");
    if is_base64 { Ok(comma + 1) } else { Err(Base64Error::DataUrl) }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    /// An independent decoder, for texts without a prefix: it collects bits. `None` for other texts.
    fn reference(text: &str) -> Option<Vec<u8>> {
        let text: String = text.chars().filter(|character| !" \t\r\n".contains(*character)).collect();
        let digits = text.trim_end_matches('=');
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut bits = String::new();
        for digit in digits.chars() {
            let digit = if digit == '-' {
                '+'
            } else if digit == '_' {
                '/'
            } else {
                digit
            };
            bits += &format!("{:06b}", alphabet.find(digit)?);
        }
        let has_padding = text.len() > digits.len();
        let is_padding_wrong = !text.len().is_multiple_of(4) || digits.len().is_multiple_of(4);
        if bits.len() % 8 == 6 || (has_padding && is_padding_wrong) {
            return None;
        }
        let bytes = bits.as_bytes().chunks_exact(8);
        Some(bytes.map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0'))).collect())
    }

    #[test]
    fn all_forms_that_servers_send_are_decoded() {
        for text in [
            "+/8BAg==",
            "-_8BAg==",
            "-_8BAg",
            "+/8BAg",
            "+/8B\r\nAg==\n",
            " +/8BAg==",
            "+/8BAg=\n=",
            "data:image/png;base64,+/8BAg==",
            "DATA:;Base64,-_8BAg",
            "data:text/plain;charset=utf-8;base64,+/8B\nAg==",
            // Unused bits.
            "+/8BAv==",
        ] {
            assert_eq!(decode(text).as_deref(), Ok(&[0xFB, 0xFF, 1, 2][..]), "{text}");
        }
        for text in ["", "\n", "data:;base64,"] {
            assert_eq!(decode(text), Ok(Vec::new()), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_reason() {
        for (text, why) in [
            ("hello!", Base64Error::Character('!', 5)),
            ("AAé=", Base64Error::Character('é', 2)),
            ("AA\0A", Base64Error::Character('\0', 2)),
            ("QQ==QQ==", Base64Error::Character('Q', 4)),
            ("data;base64,AAAA", Base64Error::Character(';', 4)),
            ("A", Base64Error::Length(1)),
            ("AAAAA===", Base64Error::Length(5)),
            ("AA=", Base64Error::Length(2)),
            ("AA===", Base64Error::Length(2)),
            ("AAAA=", Base64Error::Length(4)),
            ("=", Base64Error::Length(0)),
            ("data:text/plain,AAAA", Base64Error::DataUrl),
            ("data:,", Base64Error::DataUrl),
            ("data:AAAA", Base64Error::DataUrl),
            ("data:,;base64", Base64Error::DataUrl),
        ] {
            assert_eq!(decode(text), Err(why), "{text}");
        }
        let message = Base64Error::Character('!', 5).to_string();
        assert_eq!(message, "the text is not base64: it has '!' at offset 5");
    }

    proptest! {
        #[test]
        fn encoded_bytes_are_decoded_in_every_form(
            bytes: Vec<u8>, breaks in prop::collection::vec(any::<prop::sample::Index>(), 0..4), is_url: bool,
        ) {
            let encodings = [BASE64_STANDARD, BASE64_URL_SAFE, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD];
            for encoding in encodings {
                let mut text = encoding.encode(&bytes);
                for at in &breaks {
                    let at = at.index(text.len() + 1);
                    text.insert_str(at, "\r\n");
                }
                if is_url {
                    text.insert_str(0, "data:application/octet-stream;base64,");
                }
                prop_assert_eq!(decode(&text), Ok(bytes.clone()), "{}", text);
            }
        }

        #[test]
        fn any_text_is_decoded_like_the_reference(text in "[A-Ca-c0+/_\\-= \n!é]{0,12}") {
            prop_assert_eq!(decode(&text).ok(), reference(&text), "{}", text);
        }
    }
}
