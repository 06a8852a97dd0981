//! Entry points for the fuzz targets in `fuzz/`: each function runs private modules on an input, and panics if a check
//! fails. Only with `--cfg fuzzing`.

mod addresses;
mod answers;
mod client;
mod config;
mod headers;
mod json;
mod json_writer;
mod oauth;
mod oauth_flow;
mod server;
mod stdio;

pub use addresses::{addresses, proxy_answers};
pub use answers::{answer_headers, www_authenticate};
pub use client::{Memory, client};
pub use config::config;
pub use headers::{header_encoding, headers};
pub use json::{json_rpc, json_value};
pub use json_writer::json_writer;
pub use oauth::{oauth_callback, oauth_challenge, oauth_documents, oauth_form, oauth_record, oauth_urls};
pub use oauth_flow::oauth_flow;
pub use stdio::stdio_lines;

use crate::protocol::event_stream::reference::{check_every_prefix, check_limit, interpret, parse, parse_directly};

/// The longest input of which every prefix is compared: that takes quadratic time.
const MAX_FOR_EVERY_PREFIX: usize = 64;

/// The event-stream parser behaves as the standard requires. Neither its result nor its limit depends on how the bytes
/// are divided into reads.
pub fn event_stream(bytes: &[u8]) {
    let expected = interpret(bytes);
    assert_eq!(parse([bytes]), expected, "whole");
    assert_eq!(parse(bytes.chunks(1)), expected, "byte by byte");
    for (most, long) in [(1, 1), (5, 3), (usize::MAX, 8)] {
        assert_eq!(parse_directly(bytes, most, long), expected, "directly, by {most}, long from {long}");
    }
    check_every_prefix(&bytes[..bytes.len().min(MAX_FOR_EVERY_PREFIX)]);
    check_limit(bytes, bytes.len() / 4);
}

/// Splits an input into several texts: its lines, where the last text is the whole rest.
fn texts<const COUNT: usize>(bytes: &[u8]) -> Option<[&str; COUNT]> {
    let mut lines = std::str::from_utf8(bytes).ok()?.splitn(COUNT, '\n');
    Some(std::array::from_fn(|_| lines.next().unwrap_or_default()))
}
