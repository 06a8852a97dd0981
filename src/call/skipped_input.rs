//! Input that is not a JSON-RPC message where one is expected, such as log lines and heartbeats. It is logged and
//! skipped, and the error of a call without a response quotes its beginning.

use std::sync::Arc;

use super::context::CallContext;
use crate::error::Error;
use crate::log::LogLevel;
use crate::status::*;

/// How many bytes of skipped input are kept.
pub const MAX_KEPT: usize = 8 * 1024;

/// The longest quotations in the log and in an error message, in characters.
const MAX_LOGGED: usize = 400;
const MAX_QUOTED: usize = 200;

/// How many log lines of one stream have the level Warning. Later ones have the level Debug.
const MAX_WARNINGS: u32 = 100;

/// The beginning of a text from a server.
#[derive(Debug)]
pub struct Excerpt {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Excerpt {
    pub fn of(bytes: &[u8]) -> Excerpt {
        let kept = &bytes[..bytes.len().min(MAX_KEPT)];
        Excerpt { bytes: kept.to_vec(), is_cut: kept.len() < bytes.len() }
    }

    /// Of a text of which more may arrive.
    pub fn of_beginning(bytes: &[u8]) -> Excerpt {
        Excerpt { is_cut: true, ..Excerpt::of(bytes) }
    }

    /// Whether the text may be a message, or the beginning of one.
    fn may_be_message(&self) -> bool {
        matches!(self.bytes.first(), Some(b'{' | b'['))
    }

    /// For the log: one line of at most 400 characters, with secrets redacted.
    pub fn logged(&self, call: &CallContext) -> String {
        self.redacted(call, MAX_LOGGED)
    }

    /// For an error: one line of at most 200 characters, with secrets redacted.
    pub fn quoted(&self, call: &CallContext) -> String {
        self.redacted(call, MAX_QUOTED)
    }

    fn redacted(&self, call: &CallContext, longest: usize) -> String {
        // Redact before shortening: a part of a secret would not be recognized.
        let text = call.secrets().redact_beginning(&String::from_utf8_lossy(&self.bytes), self.is_cut);
        on_one_line(&text, longest)
    }
}

/// The words of a text on one line, without control characters, shortened to `longest` characters and "...".
pub fn on_one_line(text: &str, longest: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = String::new();
    let mut left = longest;
    for word in words {
        if !line.is_empty() {
            line.push(' ');
            left = left.saturating_sub(1);
        }
        let before = line.len();
        line.extend(word.chars().take(left));
        left -= line[before..].chars().count();
        if left == 0 {
            line.push_str("...");
            break;
        }
    }
    line
}

/// The input that was skipped on one stream.
#[derive(Debug, Default)]
pub struct SkippedInput {
    first: Option<Arc<Excerpt>>,
    warnings: u32,
    /// How many inputs were skipped.
    pub count: u64,
}

impl SkippedInput {
    /// Counts skipped input, and returns the level at which to log it. `is_named`: it is an event with a name that no
    /// specification defines, which may have any content and is not a problem.
    pub fn note(&mut self, excerpt: &Arc<Excerpt>, is_named: bool) -> LogLevel {
        self.count += 1;
        self.first.get_or_insert_with(|| Arc::clone(excerpt));
        if is_named || self.warnings == MAX_WARNINGS {
            return LogLevel::Debug;
        }
        self.warnings += 1;
        LogLevel::Warning
    }

    pub fn first(&self) -> Option<&Arc<Excerpt>> {
        self.first.as_ref()
    }

    /// Counts an event that was skipped on an event stream, and logs it.
    pub fn record_event(&mut self, call: &CallContext, excerpt: Excerpt, is_named: bool) {
        let excerpt = Arc::new(excerpt);
        let level = self.note(&excerpt, is_named);
        call.log(level, || log(call, ON_STREAM, &excerpt));
    }
}

pub const ON_STREAM: &str = "the event stream";
pub const ON_STDOUT: &str = "the server's stdout";

/// The log line for skipped input.
pub fn log(call: &CallContext, place: &str, excerpt: &Excerpt) -> String {
    format!("skipped invalid JSON-RPC input on {place}: {}", excerpt.logged(call))
}

/// A text for the error of a call without a response.
#[derive(Clone, Copy)]
pub enum Received<'a> {
    /// The first skipped input during the call.
    Instead(&'a Excerpt),
    /// The last line, which has no line break yet.
    Unfinished(&'a Excerpt),
    /// The first skipped input before the call.
    Before(&'a Excerpt),
}

/// Adds to the error of a call without a response what was received instead on an event stream.
pub fn explained(mut error: Error, call: &CallContext, first: Option<&Excerpt>) -> Error {
    if let Some(first) = first.filter(|_| has_no_response(&error)) {
        let why = format!("; instead of a response, this was received on {ON_STREAM}: {}", first.quoted(call));
        error.report_mut().message.push_str(&why);
    }
    error
}

/// Adds to the error of a call without a response what the server has printed.
pub fn explained_by_stdout(mut error: Error, call: &CallContext, received: Option<Received>) -> Error {
    let Some(received) = received.filter(|_| has_no_response(&error)) else { return error };
    let (Received::Instead(text) | Received::Unfinished(text) | Received::Before(text)) = received;
    let why = match received {
        Received::Unfinished(text) if text.may_be_message() => {
            "; the server has printed a message without the line break that ends it"
        }
        Received::Before(_) => "; before this call, the server printed this on stdout, which is only for messages",
        _ => "; instead of a response, the server printed this on stdout, which is only for messages",
    };
    error.report_mut().message.push_str(&format!("{why}: {}", text.quoted(call)));
    error
}

fn has_no_response(error: &Error) -> bool {
    matches!(error.status(), MCP_TIMEOUT | MCP_TRUNCATED | MCP_DISCONNECTED | MCP_PROCESS_FAILED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_are_one_short_line() {
        assert_eq!(on_one_line(" a\r\n\tb \u{1b}[31mc\u{7f}d ", 100), "a b [31mc d");
        assert_eq!(on_one_line("", 10), "");
        assert_eq!(on_one_line("abc def", 5), "abc d...");
        assert_eq!(on_one_line(&"é".repeat(1000), 10), format!("{}...", "é".repeat(10)));
        assert_eq!(on_one_line(&"x ".repeat(100_000), 3), "x x...");
    }
}
