//! Entry points for `bench/pure`, which measures private modules. Only with the feature `benching`.

use crate::protocol::event_stream::EventStream;
use crate::protocol::{header_arguments, headers, jsonrpc};

/// Parses a JSON-RPC message or batch. Returns the number of messages.
pub fn envelope(message: String) -> usize {
    jsonrpc::read(message).items.into_iter().count()
}

/// Parses an event stream that is received in parts of `part_size` bytes. Returns the number of events.
pub fn event_stream(bytes: &[u8], part_size: usize) -> usize {
    let (mut stream, mut events) = (EventStream::new(usize::MAX), Vec::new());
    let mut count = 0;
    for part in bytes.chunks(part_size) {
        let _ = stream.feed(part, &mut events);
        count += events.drain(..).count();
    }
    count
}

/// The length of a value that is encoded as a header (2026-07-28, "Value Encoding").
pub fn header_value(value: &str) -> usize {
    header_arguments::header_value(value).len()
}

/// Whether a text is a valid bearer token.
pub fn is_token(text: &str) -> bool {
    headers::check_token(text).is_ok()
}

/// Whether a text is a valid header value.
pub fn is_header_value(text: &str) -> bool {
    headers::check_value(text).is_ok()
}
