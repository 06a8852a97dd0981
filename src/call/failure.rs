//! Errors that several layers report.

use super::context::CallContext;
use crate::error::{Error, RpcError};
use crate::protocol::event_stream::BufferError;
use crate::status::*;

/// The longest quotation of a server's text in an error message, in characters.
const MAX_QUOTE: usize = 200;

/// The error for a JSON-RPC error in a response that is valid HTTP.
pub fn rpc_failure(call: &CallContext, error: RpcError) -> Error {
    let quote = quote(&call.secrets().redact(&error.message));
    let suffix = quote.map_or_else(String::new, |quote| format!(": {quote}"));
    Error::new(MCP_RPC_ERROR, format!("the server returned JSON-RPC error {}{suffix}", error.code)).with_rpc(error)
}

/// The error for `what`, such as "a message of the server", which cannot be buffered.
pub fn buffer_error(why: BufferError, what: &str, limit: usize) -> Error {
    match why {
        BufferError::TooLarge => {
            Error::new(MCP_TOO_LARGE, format!("{what} is larger than {limit} bytes; mcp_set_limit raises this limit"))
        }
        BufferError::NoMemory => Error::new(MCP_SYSTEM_ERROR, format!("not enough memory for {what}")),
    }
}

/// The error for an event of an event stream that cannot be buffered.
pub fn event_buffer_error(why: BufferError, limit: usize) -> Error {
    buffer_error(why, "an event of the server's stream", limit)
}

/// The beginning of a server's text, on one line and without control characters; `None` if nothing is left of it.
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
