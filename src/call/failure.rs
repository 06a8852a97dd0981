//! The errors that several layers report, in words that help.

use super::context::CallContext;
use crate::error::{Error, RpcError};
use crate::protocol::event_stream::BufferError;
use crate::status::*;

/// The longest quotation of a server in a message, in characters.
const MAX_QUOTE: usize = 200;

/// The error for a JSON-RPC error in an answer that is well as far as HTTP is concerned.
pub fn rpc_failure(call: &CallContext, error: RpcError) -> Error {
    let quote = quote(&call.secrets().redact(&error.message));
    let said = quote.map_or_else(String::new, |quote| format!(": {quote}"));
    Error::new(MCP_RPC_ERROR, format!("the server returned JSON-RPC error {}{said}", error.code)).with_rpc(error)
}

/// The error for `what`, which cannot be held.
pub fn unheld(why: BufferError, what: &str, limit: usize) -> Error {
    match why {
        BufferError::TooLarge => Error::new(MCP_TOO_LARGE, format!("{what} is larger than {limit} bytes")),
        BufferError::NoMemory => Error::new(MCP_SYSTEM_ERROR, format!("not enough memory for {what}")),
    }
}

/// The same for an event of a stream.
pub fn unheld_event(why: BufferError, limit: usize) -> Error {
    unheld(why, "an event of the server's stream", limit)
}

/// The beginning of what a server said, on one line and without control characters.
pub fn quote(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    let short: String = line.chars().take(MAX_QUOTE).collect();
    let dots = if short.len() < line.len() { "..." } else { "" };
    (!short.is_empty()).then(|| format!("{short}{dots}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_one_short_line() {
        assert_eq!(quote(" a\r\n\tb\u{1b}[31m "), Some("a b [31m".into()));
        assert_eq!(quote(" \n"), None);
        assert!(quote(&"x".repeat(1000)).unwrap().ends_with("..."));
    }
}
