//! Texts of bounded length, cut between two characters.

use std::borrow::Cow;

/// What stands for the rest.
const DOTS: &str = "...";

/// The text, or as much of its beginning as fits into `most` bytes with dots behind it.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}{DOTS}", beginning(text, most.saturating_sub(DOTS.len()))))
}

/// As much of a text as fits into `most` bytes.
pub fn beginning(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        for c in ["a", "é", "€", "𐍈", "\u{9b}"] {
            for most in 0..16 {
                let text = c.repeat(20);
                let short = shortened(&text, most);
                assert!(short.len() <= most.max(DOTS.len()) && short.ends_with(DOTS), "{short}");
            }
        }
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abc...");
    }
}
