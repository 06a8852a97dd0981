//! Truncates texts between two characters.

use std::borrow::Cow;

/// Replaces the removed part.
const DOTS: &str = "...";

/// Truncates a text that is longer than `max` bytes; the result then ends with dots.
pub fn shortened(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}{DOTS}", beginning(text, max.saturating_sub(DOTS.len()))))
}

/// The beginning of a text, at most `max` bytes.
pub fn beginning(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_truncated_between_characters() {
        for c in ["a", "é", "€", "𐍈", "\u{9b}"] {
            for max in 0..16 {
                let text = c.repeat(20);
                let short = shortened(&text, max);
                assert!(short.len() <= max.max(DOTS.len()) && short.ends_with(DOTS), "{short}");
            }
        }
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abc...");
    }
}
