//! Texts that people read, in errors and in the log: on one line, printable, and of bounded length, whatever a server, a file or a
//! program has put into them.

use std::borrow::Cow;

pub use crate::sys::short::{beginning, shortened};

/// The longest error message and the longest line of the log, in bytes.
pub const LONGEST: usize = 2048;

/// The text on one line, printable, and at most [`LONGEST`] bytes long. Secrets have to be out of it already: half of one would not
/// be found any more.
pub fn one_line(text: &str) -> Cow<'_, str> {
    let short = shortened(text, LONGEST);
    if short.chars().all(is_printable) {
        return short;
    }
    // A space and not nothing: what stands on both sides must not become one word. No text gets longer by it.
    Cow::Owned(short.chars().map(|c| if is_printable(c) { c } else { ' ' }).collect())
}

/// Whether a character shows as what it is and changes nothing around it: no control character, no line or paragraph separator,
/// nothing that turns the direction of the text, and nothing invisible that can carry a hidden text.
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
    fn lines_are_short() {
        for c in ["a", "é", "€", "𐍈", "\u{9b}"] {
            assert!(one_line(&c.repeat(5000)).len() <= LONGEST);
        }
    }
}
