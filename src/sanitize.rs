//! Makes texts of errors and log messages safe to show: one line, printable, and of limited length. They may contain
//! text from servers, files and the application.

use std::borrow::Cow;

pub use crate::sys::short::{beginning, shortened};

/// The longest error message or log message, in bytes.
pub const LONGEST: usize = 2048;

/// Returns the text on one line, printable, and at most [`LONGEST`] bytes long. Secrets must be redacted first, because
/// a secret that is cut off would not be found any more.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let short = shortened(text, LONGEST);
    if short.chars().all(is_printable) { short } else { Cow::Owned(printable(&short)) }
}

/// Returns the text on one line, and printable.
pub fn printable(text: &str) -> String {
    // Replaced by a space, so that two words stay apart. A space is not longer than any of these characters.
    text.chars().map(|c| if is_printable(c) { c } else { ' ' }).collect()
}

/// Whether a character is visible and does not affect its surroundings: not a control character, a line or paragraph
/// separator, a change of text direction, or an invisible character that can encode hidden text.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{061C}' | '\u{200B}' | '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unprintable_characters_become_spaces() {
        for c in
            "\0\u{1b}\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{202E}\u{2066}\u{200F}\u{061C}\u{FEFF}\u{E0041}\n\r\t".chars()
        {
            assert_eq!(one_line(&format!("a{c}b")), "a b", "{c:?}");
        }
        for text in ["", "plain", "é€𐍈", "नमस्ते", "👩\u{200D}💻", "\u{FFFD}"] {
            assert!(matches!(one_line(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn long_texts_are_shortened() {
        for c in ["a", "é", "€", "𐍈", "\u{9b}"] {
            assert!(one_line(&c.repeat(5000)).len() <= LONGEST);
        }
    }
}
