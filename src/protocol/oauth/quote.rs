//! Quotes texts of servers in error messages.

use crate::sanitize::one_line;

/// The longest quotation, in characters.
const MAX_QUOTE: usize = 200;

/// The text in quotation marks, on one line and at most 200 characters long. Secrets must be redacted first, because a
/// secret that is cut off would not be found any more.
pub fn quote(text: &str) -> String {
    let line = one_line(text);
    let words: Vec<&str> = line.split_whitespace().collect();
    let line = words.join(" ");
    let short: String = line.chars().take(MAX_QUOTE).collect();
    let dots = if short.len() < line.len() { "..." } else { "" };
    format!("\"{short}{dots}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_are_short_and_on_one_line() {
        assert_eq!(quote(" a\r\n\tb\u{1b}[31m "), "\"a b [31m\"");
        assert_eq!(quote(&"é".repeat(5000)), format!("\"{}...\"", "é".repeat(200)));
    }
}
