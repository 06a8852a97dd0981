//! Reads parameters of the challenges in `WWW-Authenticate` (RFC 9110, section 11.6.1).

/// The value of the first parameter `name` in any challenge of the list.
pub fn parameter(challenges: &str, name: &str) -> Option<String> {
    let mut rest = challenges;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = split_word(rest);
        if word.is_empty() {
            // Invalid here: skip a quoted string or a character.
            rest = match rest.strip_prefix('"') {
                Some(quoted) => quoted_string(quoted).1,
                None => skip_one(rest)?,
            };
            continue;
        }
        let Some(value) = after.trim_start_matches(SPACE).strip_prefix('=') else {
            // The name of a scheme.
            rest = after;
            continue;
        };
        let value = value.trim_start_matches(SPACE);
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted),
            None => {
                let (word, after) = split_word(value);
                (word.to_owned(), after)
            }
        };
        if word.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

const SPACE: [char; 2] = [' ', '\t'];

/// Splits after a token (RFC 9110, section 5.6.2), in which `/` is allowed as in `token68`.
fn split_word(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c);
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// Decodes a quoted string, without its opening quote. Returns the text and what follows the closing quote.
fn quoted_string(text: &str) -> (String, &str) {
    let mut decoded = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => break,
            '\\' => decoded.extend(characters.next()),
            c => decoded.push(c),
        }
    }
    (decoded, characters.as_str())
}

/// The text without its first character; `None` for an empty text.
fn skip_one(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next().map(|_| characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn parameters_are_found_by_their_whole_names() {
        let error = |text: &str| parameter(text, "error");
        assert_eq!(error(r#"Bearer realm="x", error="invalid_token""#).unwrap(), "invalid_token");
        assert_eq!(error("Bearer error=expired").unwrap(), "expired");
        assert_eq!(error(r#"bearer ERROR = "a \"b\" c", error=d"#).unwrap(), r#"a "b" c"#);
        assert_eq!(error(r#"Basic dGVzdA==, Digest realm="r", Bearer error="e""#).unwrap(), "e");
        assert_eq!(error(r#"Bearer error=""#).unwrap(), "");
        for none in
            ["", ",", "Bearer", r#"Bearer xerror="a""#, r#"Bearer realm="error=a""#, "error", "\"error=x", "ü=1"]
        {
            assert_eq!(error(none), None, "{none}");
        }
    }
}
