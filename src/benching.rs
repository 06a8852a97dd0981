//! What `bench/pure` measures: the private modules behind one function each. It is there with the feature `benching` only.

use crate::protocol::event_stream::EventStream;
use crate::protocol::{header_arguments, headers, jsonrpc};

/// Reads a message, and says how many there were.
pub fn envelope(message: String) -> usize {
    jsonrpc::read(message).items.len()
}

/// Takes a stream apart that comes in parts of so many bytes, and says how many events it had.
pub fn event_stream(bytes: &[u8], part: usize) -> usize {
    let (mut stream, mut events) = (EventStream::new(usize::MAX), Vec::new());
    let mut count = 0;
    for part in bytes.chunks(part) {
        let _ = stream.feed(part, &mut events);
        count += events.drain(..).count();
    }
    count
}

/// The length of a value when it is a header (2026-07-28, "Value Encoding").
pub fn header_value(value: &str) -> usize {
    header_arguments::header_value(value).len()
}

/// Whether a text can be a bearer token.
pub fn is_token(text: &str) -> bool {
    headers::check_token(text).is_ok()
}

/// Whether a text can be the value of a header.
pub fn is_header_value(text: &str) -> bool {
    headers::check_value(text).is_ok()
}
