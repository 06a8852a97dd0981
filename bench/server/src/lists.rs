//! Long lists: generated tools, unknown members, progress notifications. Each list of tools and members is built once.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{LazyLock, Mutex};

/// The text from which descriptions are cut. clients/client.h has the same.
const PROSE: &str = "Reads a \"file\" of the project and returns its lines.\nThe path is relative to the root; a path \
                     that leaves the root is refused.\nWith \"limit\", only the first lines are returned, and the \
                     result says how many follow.\n";
const SCHEMA: &str = concat!(
    r#"{"type":"object","properties":{"path":{"type":"string","description":"The path of the file"},"#,
    r#""limit":{"type":"integer","minimum":1,"default":100},"mode":{"enum":["text","binary"]}},"required":["path"]}"#
);

type Texts = LazyLock<Mutex<HashMap<usize, &'static str>>>;

/// The elements of a list of `count` tools, as JSON.
pub fn tools(count: usize) -> &'static str {
    static LISTS: Texts = LazyLock::new(Mutex::default);
    made_once(&LISTS, count, |out, number| {
        let description = escaped(&format!("Tool {number}. {}", &PROSE[..number * 37 % 200]));
        let comma = if number == 0 { "" } else { "," };
        write!(out, r#"{comma}{{"name":"tool_{number:05}","description":"{description}","inputSchema":{SCHEMA}}}"#)
    })
}

/// `count` additional members of an object, as JSON, each after a comma.
pub fn members(count: usize) -> &'static str {
    static LISTS: Texts = LazyLock::new(Mutex::default);
    made_once(&LISTS, count, |out, number| write!(out, r#","unknown_{number}":{number}"#))
}

/// The text is never freed: there are few different numbers.
fn made_once(
    lists: &Mutex<HashMap<usize, &'static str>>,
    count: usize,
    write: impl Fn(&mut String, usize) -> std::fmt::Result,
) -> &'static str {
    lists.lock().unwrap().entry(count).or_insert_with(|| {
        let mut text = String::new();
        (0..count).for_each(|number| write(&mut text, number).expect("a String accepts everything"));
        text.leak()
    })
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Passes `count` progress notifications to `send`, each in pieces.
pub fn progress(token: &[u8], count: usize, mut send: impl FnMut(&[&[u8]])) {
    let total = format!(",\"total\":{count}}}}}");
    // The digits are incremented in place: formatting would take most of the time.
    let mut digits = *b"0000000";
    let mut first = digits.len() - 1;
    for _ in 0..count {
        let mut at = digits.len() - 1;
        while digits[at] == b'9' {
            digits[at] = b'0';
            at -= 1;
        }
        digits[at] += 1;
        first = first.min(at);
        send(&[
            br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"#,
            token,
            br#","progress":"#,
            &digits[first..],
            total.as_bytes(),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_from_one() {
        let mut messages = Vec::new();
        progress(b"7", 101, |message| messages.push(String::from_utf8(message.concat()).unwrap()));
        assert_eq!(messages.len(), 101);
        for (number, message) in (1..).zip(messages) {
            let params = format!(r#"{{"progressToken":7,"progress":{number},"total":101}}"#);
            let expected = format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{params}}}"#);
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn lists_have_the_requested_length() {
        assert_eq!(tools(1_000).matches(r#"{"name":"tool_"#).count(), 1_000);
        assert_eq!(members(0), "");
        assert_eq!(members(2), r#","unknown_0":0,"unknown_1":1"#);
    }
}
