//! What comes where messages belong and is none, such as log lines and heartbeats: it is logged and passed over, and the error of a
//! call that gets no answer quotes its beginning.

use std::sync::Arc;

use super::context::CallContext;
use crate::error::Error;
use crate::log::LogLevel;
use crate::status::*;

/// Of something that is no message, so many bytes are kept.
const MAX_KEPT: usize = 8 * 1024;

/// The longest quotation in the log and in an error, in characters.
const MAX_LOGGED: usize = 400;
const MAX_QUOTED: usize = 200;

/// So many lines of one stream are warnings in the log; what follows is for debugging.
const MAX_WARNINGS: u32 = 100;

/// The beginning of what a server has sent.
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

    /// One line of at most 400 characters, without what must not be shown.
    pub fn logged(&self, call: &CallContext) -> String {
        self.shown(call, MAX_LOGGED)
    }

    fn shown(&self, call: &CallContext, longest: usize) -> String {
        // Redacted before it is cut: half a secret would not be found any more.
        let text = call.secrets().redact_beginning(&String::from_utf8_lossy(&self.bytes), self.is_cut);
        on_one_line(&text, longest)
    }
}

/// The words of a text, up to so many characters.
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

/// What was skipped on one stream.
#[derive(Debug, Default)]
pub struct SkippedInput {
    first: Option<Arc<Excerpt>>,
    warnings: u32,
    /// How much it was.
    pub count: u64,
}

impl SkippedInput {
    /// Notes something; gives the level at which it is to be logged. Events of a name that no specification gives may be anything.
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

    /// The same with the line in the log.
    pub fn record_event(&mut self, call: &CallContext, excerpt: Excerpt, is_named: bool) {
        let excerpt = Arc::new(excerpt);
        let level = self.note(&excerpt, is_named);
        call.log(level, || log(call, ON_STREAM, &excerpt));
    }
}

pub const ON_STREAM: &str = "the event stream";
pub const ON_STDOUT: &str = "the server's stdout";

/// What the log says of something that was skipped.
pub fn log(call: &CallContext, place: &str, excerpt: &Excerpt) -> String {
    format!("skipped invalid JSON-RPC input on {place}: {}", excerpt.logged(call))
}

/// The error of a call to which no answer came, with what came instead.
pub fn explained(mut error: Error, call: &CallContext, place: &str, first: Option<&Excerpt>) -> Error {
    let is_without_answer =
        matches!(error.status(), MCP_TIMEOUT | MCP_TRUNCATED | MCP_DISCONNECTED | MCP_PROCESS_FAILED);
    if let Some(first) = first.filter(|_| is_without_answer) {
        let quote = first.shown(call, MAX_QUOTED);
        error.report_mut().message.push_str(&format!("; instead of a response, this was received on {place}: {quote}"));
    }
    error
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
