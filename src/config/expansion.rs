//! Variables in the texts of a configuration file.

use std::cell::Cell;

use zeroize::Zeroize;

use crate::sanitize::shortened;

/// The most that variables may fill into the texts of one server, in bytes. A file of a few kilobytes can name a long one so often that
/// no memory would do.
const MAX_FILLED_IN: usize = 1024 * 1024;

/// The longest name of a server or a key in a message, in bytes.
pub const LONGEST_NAME: usize = 100;

/// Tells the value of an environment variable.
pub type VariableLookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Fills in `${NAME}`, and `${NAME:-default}` where the variable is unset or empty. A dollar sign without a brace stands for
/// itself. `filled_in` counts what has been filled in.
pub fn expand(text: &str, lookup: &VariableLookup, filled_in: &Cell<usize>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end = inside.find('}').ok_or("a \"${\" has no closing \"}\"")?;
        let (name, default) = match inside[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inside[..end], None),
        };
        // As editors write it.
        let name = name.strip_prefix("env:").unwrap_or(name);
        let value = lookup(name).or_else(|| lookup("HOME").filter(|_| name == "userHome"));
        let mut value = match (value, default) {
            (Some(value), None) => value,
            (Some(value), Some(_)) if !value.is_empty() => value,
            (_, Some(default)) => default.to_owned(),
            (None, None) => return Err(unknown(name)),
        };
        filled_in.set(filled_in.get() + value.len());
        if filled_in.get() > MAX_FILLED_IN {
            return Err(format!("the variables of this server fill in more than {MAX_FILLED_IN} bytes"));
        }
        out.push_str(&value);
        value.zeroize();
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// What is wrong with a variable that has no value.
fn unknown(name: &str) -> String {
    let shown = shortened(name, LONGEST_NAME);
    if name.starts_with("input:") {
        return format!(
            "${{{shown}}} is a prompt for the user of an editor, which libmcp does not support; write the value, or an environment variable as ${{NAME}}"
        );
    }
    let is_of_editor =
        ["workspace", "file", "command:", "config:", "relativeFile"].iter().any(|word| name.starts_with(word))
            || matches!(
                name,
                "cwd" | "execPath" | "pathSeparator" | "/" | "lineNumber" | "selectedText" | "defaultBuildTask"
            );
    if is_of_editor {
        return format!(
            "${{{shown}}} is defined by an editor only; write the value, or an environment variable as ${{NAME}}"
        );
    }
    format!("the environment variable {shown} is not set")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_variables_fill_in_is_bounded() {
        let large = "x".repeat(100_000);
        let lookup = |_: &str| Some(large.clone());
        for (text, fits) in [("${A}".repeat(10), true), ("${A}".repeat(11), false), ("${A:-b}".repeat(11), false)] {
            assert_eq!(expand(&text, &lookup, &Cell::new(0)).is_ok(), fits);
        }
    }
}
