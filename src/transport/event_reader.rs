//! Reads an event stream; for all HTTP transports.

use std::time::Duration;

use ::http::HeaderValue;

use crate::call::failure::event_buffer_error;
use crate::error::Result;
use crate::protocol::event_stream::{EventStream, SseEvent};

/// The size of the read buffer, at first and after a read that filled it.
const SMALL: usize = 4 * 1024;
const LARGE: usize = 64 * 1024;

/// Reads the events of one response.
pub struct EventReader {
    parser: EventStream,
    events: Vec<SseEvent>,
    buffer: Vec<u8>,
    /// The maximum size of an event, in bytes.
    limit: usize,
}

impl EventReader {
    pub fn new(limit: usize) -> EventReader {
        EventReader { parser: EventStream::new(limit), events: Vec::new(), buffer: vec![0; SMALL], limit }
    }

    /// Reads once with `read`, which fills a buffer and returns the number of bytes. Returns the events that are
    /// complete now, possibly none; `None` at the end of the stream.
    pub fn next(&mut self, read: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<Option<Vec<SseEvent>>> {
        let count = read(&mut self.buffer)?;
        if count == 0 {
            return Ok(None);
        }
        self.parser.feed(&self.buffer[..count], &mut self.events).map_err(|why| event_buffer_error(why, self.limit))?;
        // The rest may be large: use fewer reads for it.
        if count == SMALL && self.buffer.len() == SMALL {
            self.buffer.resize(LARGE, 0);
        }
        Ok(Some(std::mem::take(&mut self.events)))
    }

    /// The `retry` that the server sent last: how long to wait before reconnecting.
    pub fn retry(&self) -> Option<Duration> {
        self.parser.retry_ms().map(Duration::from_millis)
    }

    /// The id of the last event for `Last-Event-ID`. `None` if the stream has sent no id; `Some(None)` if the last id
    /// was empty, which resets it, or cannot be a header value.
    pub fn last_id(&self) -> Option<Option<HeaderValue>> {
        let id = self.parser.last_id()?;
        Some(HeaderValue::from_bytes(id.as_bytes()).ok().filter(|id| !id.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::status::{MCP_TOO_LARGE, MCP_TRUNCATED};

    /// The data of the events of a stream that arrives in pieces, and the error that ends it.
    fn read(pieces: &[&[u8]], limit: usize) -> (Vec<Vec<u8>>, Option<Error>) {
        let mut reader = EventReader::new(limit);
        let mut found = Vec::new();
        for piece in pieces {
            let fill = |buffer: &mut [u8]| {
                buffer[..piece.len()].copy_from_slice(piece);
                Ok(piece.len())
            };
            match reader.next(fill) {
                Ok(Some(events)) => found.extend(events.into_iter().map(|event| event.data)),
                Ok(None) => return (found, None),
                Err(error) => return (found, Some(error)),
            }
        }
        (found, None)
    }

    #[test]
    fn events_are_returned_when_they_are_complete() {
        let (found, error) = read(&[b"data: 1\n\ndata: 2", b"\n\n", b""], 100);
        assert_eq!(found, [b"1", b"2"]);
        assert!(error.is_none());
    }

    #[test]
    fn a_too_large_event_and_a_truncated_stream_are_errors() {
        let long = "x".repeat(200);
        let (found, error) = read(&[b"data: 1\n\n", long.as_bytes()], 100);
        assert_eq!((found.len(), error.unwrap().status()), (1, MCP_TOO_LARGE));
        let mut reader = EventReader::new(100);
        let broken = reader.next(|_| Err(Error::new(MCP_TRUNCATED, "")));
        assert_eq!(broken.err().unwrap().status(), MCP_TRUNCATED);
    }

    #[test]
    fn a_full_read_grows_the_buffer_once() {
        let mut reader = EventReader::new(1 << 20);
        for (count, size) in [(10, SMALL), (SMALL, LARGE), (SMALL, LARGE), (LARGE, LARGE)] {
            assert!(reader.next(|buffer| Ok(count.min(buffer.len()))).is_ok());
            assert_eq!(reader.buffer.len(), size);
        }
    }

    #[test]
    fn event_ids_and_retry_delays_are_reported() {
        let mut reader = EventReader::new(100);
        let mut feed = |text: &[u8]| {
            let _ = reader.next(|buffer| {
                buffer[..text.len()].copy_from_slice(text);
                Ok(text.len())
            });
            (reader.retry(), reader.last_id())
        };
        assert_eq!(feed(b"data: 1\n\n"), (None, None));
        let id = Some(Some(HeaderValue::from_static("7")));
        assert_eq!(feed(b"id: 7\nretry: 20\ndata: 1\n\n"), (Some(Duration::from_millis(20)), id));
        assert_eq!(feed(b"id:\ndata: 1\n\n").1, Some(None));
    }
}
