//! Challenges: what `WWW-Authenticate` says (RFC 9110, section 11.6.1).

/// The value of the first parameter of that name, in whatever challenge of the list it stands.
pub fn parameter(challenges: &str, name: &str) -> Option<String> {
    let mut rest = challenges;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, behind) = split_word(rest);
        if word.is_empty() {
            // A quotation that nobody introduced, or a character that has no place here.
            rest = match rest.strip_prefix('"') {
                Some(quoted) => quotation(quoted).1,
                None => skip_one(rest)?,
            };
            continue;
        }
        let Some(value) = behind.trim_start_matches(SPACE).strip_prefix('=') else {
            // The name of a scheme.
            rest = behind;
            continue;
        };
        let value = value.trim_start_matches(SPACE);
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => quotation(quoted),
            None => {
                let (word, behind) = split_word(value);
                (word.to_owned(), behind)
            }
        };
        if word.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = behind;
    }
}

const SPACE: [char; 2] = [' ', '\t'];

/// A token (RFC 9110, section 5.6.2) and what follows; and what else the credentials of a scheme consist of.
fn split_word(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c);
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// What stands up to the closing quotation mark, and what follows.
fn quotation(text: &str) -> (String, &str) {
    let mut inside = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => break,
            '\\' => inside.extend(characters.next()),
            c => inside.push(c),
        }
    }
    (inside, characters.as_str())
}

/// Everything but the first character; `None` where there is none.
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
