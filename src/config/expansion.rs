//! Expansion of variables in the strings of a configuration file.

use std::cell::Cell;

use zeroize::Zeroize;

use crate::sanitize::shortened;

/// The most bytes that variables may expand to for one server. A file of a few kilobytes could otherwise name a long
/// variable so often that memory runs out.
const MAX_EXPANDED: usize = 1024 * 1024;

/// The longest name of a server or a key in an error message, in bytes.
pub const MAX_NAME: usize = 100;

/// Returns the value of an environment variable.
pub type VariableLookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Replaces `${NAME}` with the variable's value, and `${NAME:-default}` with the default if the variable is unset or
/// empty. A dollar sign without a brace is unchanged. `expanded` counts the bytes of all values.
pub fn expand(text: &str, lookup: &VariableLookup, expanded: &Cell<usize>) -> Result<String, String> {
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
        // The spelling of editors: `${env:NAME}`.
        let name = name.strip_prefix("env:").unwrap_or(name);
        let value = lookup(name).or_else(|| lookup("HOME").filter(|_| name == "userHome"));
        let mut value = match (value, default) {
            (Some(value), None) => value,
            (Some(value), Some(_)) if !value.is_empty() => value,
            (_, Some(default)) => default.to_owned(),
            (None, None) => return Err(no_value(name)),
        };
        expanded.set(expanded.get() + value.len());
        if expanded.get() > MAX_EXPANDED {
            return Err(format!("the variables of this server expand to more than {MAX_EXPANDED} bytes"));
        }
        out.push_str(&value);
        value.zeroize();
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The error for a variable without a value.
fn no_value(name: &str) -> String {
    let shown = shortened(name, MAX_NAME);
    if name.starts_with("input:") {
        return format!(
            "${{{shown}}} is a prompt for the user of an editor, which libmcp does not support; \
             write the value, or an environment variable as ${{NAME}}"
        );
    }
    let is_editor_variable =
        ["workspace", "file", "command:", "config:", "relativeFile"].iter().any(|word| name.starts_with(word))
            || matches!(
                name,
                "cwd" | "execPath" | "pathSeparator" | "/" | "lineNumber" | "selectedText" | "defaultBuildTask"
            );
    if is_editor_variable {
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
    fn the_total_size_of_expanded_variables_is_limited() {
        let large = "x".repeat(100_000);
        let lookup = |_: &str| Some(large.clone());
        for (text, fits) in [("${A}".repeat(10), true), ("${A}".repeat(11), false), ("${A:-b}".repeat(11), false)] {
            assert_eq!(expand(&text, &lookup, &Cell::new(0)).is_ok(), fits);
        }
    }
}
