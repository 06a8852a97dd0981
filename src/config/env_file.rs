//! The syntax of an `envFile`: a file with environment variables for a server process.

/// Whether a text can be the name of an environment variable.
pub fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// Parses the text of an `envFile`: a line for each variable, `NAME=value` or `export NAME=value`. A value may be in
/// single quotes, without escapes, or in double quotes, with the escapes `\n`, `\r`, `\t`, `\"`, `\$` and `\\`; quoted
/// values may contain line breaks. Outside of quotes, a `#` at the start of a line or after white space begins a
/// comment. An error has the line number, and no text of the file.
pub fn parse_env_file(text: &str) -> Result<Vec<(String, String)>, (usize, &'static str)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut line = 0;
    while !rest.is_empty() {
        line += 1;
        let wrong = |why| (line, why);
        let (current, next_lines) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = current.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            rest = next_lines;
            continue;
        }
        let (before, after) = current.split_once('=').ok_or(wrong("it does not contain \"=\""))?;
        let name = before.trim();
        let name = name.strip_prefix("export ").map_or(name, str::trim_start);
        if !is_variable_name(name) || name.contains(char::is_whitespace) {
            return Err(wrong("the text before \"=\" is not a valid variable name"));
        }
        let value = rest[before.len() + 1..].trim_start_matches([' ', '\t']);
        let (value, next) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let end = closing_quote(&value[1..], quote).ok_or(wrong("its quote is not closed"))?;
                let (inside, after) = (&value[1..=end], &value[end + 2..]);
                let (tail, next) = after.split_once('\n').unwrap_or((after, ""));
                if !tail.trim().is_empty() && !tail.trim().starts_with('#') {
                    return Err(wrong("there is text after its closing quote"));
                }
                line += inside.matches('\n').count();
                (if quote == '"' { unescaped(inside) } else { inside.to_owned() }, next)
            }
            _ => {
                let begins_comment = |at: usize| after[..at].ends_with([' ', '\t']) || at == 0;
                let comment = after.match_indices('#').map(|(at, _)| at).find(|at| begins_comment(*at));
                (after[..comment.unwrap_or(after.len())].trim().to_owned(), next_lines)
            }
        };
        if value.contains('\0') {
            return Err((line, "it contains a NUL byte"));
        }
        found.push((name.to_owned(), value));
        rest = next;
    }
    Ok(found)
}

/// The position of the closing quote.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = quote == '"' && c == '\\' && !escaped;
        ends.then_some(at)
    })
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some(c @ ('"' | '\\' | '$')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_are_parsed_and_errors_have_line_numbers() {
        let text = "\u{feff}A=1\r\n\n# B=2\n export C = x y  # comment\nD=a#b\nE='a \"$\\n' # c\n\
                    F=\"a\\n\\\"\\\\\\x\nb\"\nG=\nH=#\nI=\"\"\nJ==";
        let expected = [
            ("A", "1"),
            ("C", "x y"),
            ("D", "a#b"),
            ("E", "a \"$\\n"),
            ("F", "a\n\"\\\\x\nb"),
            ("G", ""),
            ("H", ""),
            ("I", ""),
            ("J", "="),
        ];
        let expected: Vec<_> = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(parse_env_file(text), Ok(expected));
        for (bad, line) in [("A=1\nB", 2), ("=x", 1), ("A B=1", 1), ("A='\n\n'\nB=\"x", 4), ("A='x'y", 1), ("A=\0", 1)]
        {
            assert_eq!(parse_env_file(bad).unwrap_err().0, line, "{bad:?}");
        }
    }
}
