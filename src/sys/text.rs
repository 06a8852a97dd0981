//! Checks whether bytes are UTF-8. The check of the standard library takes twice as long for ASCII, and five times as
//! long for other text. It is used for the position of an error.

use std::str::Utf8Error;
use std::string::FromUtf8Error;

/// Converts bytes to a string if they are UTF-8.
pub fn utf8(bytes: Vec<u8>) -> Result<String, FromUtf8Error> {
    if simdutf8::basic::from_utf8(&bytes).is_ok() {
        // SAFETY: the bytes are UTF-8.
        return Ok(unsafe { String::from_utf8_unchecked(bytes) });
    }
    String::from_utf8(bytes)
}

/// Converts borrowed bytes to a string slice if they are UTF-8.
pub fn utf8_slice(bytes: &[u8]) -> Result<&str, Utf8Error> {
    simdutf8::basic::from_utf8(bytes).or_else(|_| str::from_utf8(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_utf8_is_accepted_and_invalid_utf8_rejected() {
        for text in ["", "abc", "é€😀"] {
            assert_eq!(utf8(text.into()).as_deref(), Ok(text));
            assert_eq!(utf8_slice(text.as_bytes()), Ok(text));
        }
        let broken = b"abc\xff";
        assert_eq!(utf8(broken.to_vec()).unwrap_err().utf8_error().valid_up_to(), 3);
        assert!(utf8_slice(broken).is_err());
    }
}
