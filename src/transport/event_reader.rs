//! Reads an event stream; for all HTTP transports.

use std::time::Duration;

use ::http::HeaderValue;

use crate::call::failure::event_buffer_error;
use crate::error::Result;
use crate::protocol::event_stream::{BufferError, EventStream, SseEvent};

/// The most bytes of a read, at first and after a read of that many.
const SMALL: usize = 4 * 1024;
const LARGE: usize = 64 * 1024;

/// Reads the events of one response.
pub struct EventReader {
    parser: EventStream,
    events: Vec<SseEvent>,
    buffer: Vec<u8>,
    /// The most bytes of the next read into the buffer.
    most: usize,
    /// The maximum size of an event, in bytes.
    limit: usize,
}

impl EventReader {
    pub fn new(limit: usize) -> EventReader {
        EventReader { parser: EventStream::new(limit), events: Vec::new(), buffer: Vec::new(), most: SMALL, limit }
    }

    /// Reads once with `read`, which appends at most so many bytes to a vector and returns their number. Returns the
    /// events that are complete now, possibly none; `None` at the end of the stream.
    pub fn next(&mut self, read: impl FnOnce(&mut Vec<u8>, usize) -> Result<usize>) -> Result<Option<Vec<SseEvent>>> {
        let too_large = |why| event_buffer_error(why, self.limit);
        let parsed = if let Some((event, most)) = self.parser.long_line().map_err(too_large)? {
            // The rest of a large event is read directly into it.
            let count = read(event, most)?;
            if count == 0 {
                return Ok(None);
            }
            self.parser.parse_appended(count, &mut self.events)
        } else {
            self.buffer.clear();
            self.buffer.try_reserve(self.most).map_err(|_| too_large(BufferError::NoMemory))?;
            let count = read(&mut self.buffer, self.most)?;
            if count == 0 {
                return Ok(None);
            }
            // The rest may be large: use fewer reads for it.
            if count == SMALL {
                self.most = LARGE;
            }
            self.parser.feed(&self.buffer, &mut self.events)
        };
        parsed.map_err(too_large)?;
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
            let fill = |buffer: &mut Vec<u8>, _| {
                buffer.extend_from_slice(piece);
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
    fn the_buffer_has_room_for_each_read() {
        let mut reader = EventReader::new(1 << 20);
        for expected in [SMALL, LARGE] {
            let fill = |buffer: &mut Vec<u8>, most| {
                assert!((buffer.len(), most) == (0, expected) && buffer.capacity() >= most);
                buffer.resize(most, b':');
                Ok(most)
            };
            assert!(reader.next(fill).unwrap().is_some_and(|events| events.is_empty()));
        }
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
        let broken = reader.next(|_, _| Err(Error::new(MCP_TRUNCATED, "")));
        assert_eq!(broken.err().unwrap().status(), MCP_TRUNCATED);
    }

    #[test]
    fn a_full_read_allows_larger_reads() {
        let mut reader = EventReader::new(1 << 20);
        for (count, size) in [(10, SMALL), (SMALL, SMALL), (SMALL, LARGE), (LARGE, LARGE)] {
            let next = reader.next(|buffer, most| {
                assert_eq!(most, size);
                buffer.resize(buffer.len() + count, b':');
                Ok(count)
            });
            assert!(next.is_ok());
        }
    }

    #[test]
    fn a_large_event_is_read_into_its_final_memory() {
        const SIZE: usize = 10 * LARGE;
        let text = format!("data: {}\n\ndata: next\n\n", "x".repeat(SIZE));
        let (mut reader, mut rest) = (EventReader::new(SIZE + 6), text.as_bytes());
        let (mut events, mut direct) = (Vec::new(), 0);
        while !rest.is_empty() {
            let next = reader.next(|buffer, most| {
                let count = most.min(rest.len());
                direct += if buffer.is_empty() { 0 } else { count };
                buffer.extend_from_slice(&rest[..count]);
                rest = &rest[count..];
                Ok(count)
            });
            events.extend(next.unwrap().unwrap());
        }
        let data: Vec<_> = events.into_iter().map(|event| event.data.len()).collect();
        assert_eq!(data, [SIZE, 4]);
        assert!(direct > SIZE - 2 * LARGE, "{direct} bytes");
    }

    #[test]
    fn event_ids_and_retry_delays_are_reported() {
        let mut reader = EventReader::new(100);
        let mut feed = |text: &[u8]| {
            let _ = reader.next(|buffer, _| {
                buffer.extend_from_slice(text);
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
