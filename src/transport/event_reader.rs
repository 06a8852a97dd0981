//! Reading an event stream: every stream of every transport is read here.

use std::time::Duration;

use ::http::HeaderValue;

use crate::call::failure::event_buffer_error;
use crate::error::Result;
use crate::protocol::event_stream::{EventStream, SseEvent};

/// What is read of a stream at once: at first, and when there is more.
const SMALL: usize = 4 * 1024;
const LARGE: usize = 64 * 1024;

/// One connection of a stream.
pub struct EventReader {
    parser: EventStream,
    events: Vec<SseEvent>,
    buffer: Vec<u8>,
    /// The largest event, in bytes.
    limit: usize,
}

impl EventReader {
    pub fn new(limit: usize) -> EventReader {
        EventReader { parser: EventStream::new(limit), events: Vec::new(), buffer: vec![0; SMALL], limit }
    }

    /// The events that the next bytes complete, which may be none; nothing at the end of the stream. `read` fills a buffer.
    pub fn next(&mut self, read: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<Option<Vec<SseEvent>>> {
        let count = read(&mut self.buffer)?;
        if count == 0 {
            return Ok(None);
        }
        self.parser.feed(&self.buffer[..count], &mut self.events).map_err(|why| event_buffer_error(why, self.limit))?;
        // More of it may be large.
        if count == SMALL && self.buffer.len() == SMALL {
            self.buffer.resize(LARGE, 0);
        }
        Ok(Some(std::mem::take(&mut self.events)))
    }

    /// How long the server wants the client to wait before the stream is opened again, where it has said so.
    pub fn retry(&self) -> Option<Duration> {
        self.parser.retry_ms().map(Duration::from_millis)
    }

    /// The id of the last event, where the stream has ids; an empty one takes the last one away.
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

    /// The data of the events of a stream that comes in pieces, and the error that ends it.
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
    fn events_come_as_they_are_complete() {
        let (found, error) = read(&[b"data: 1\n\ndata: 2", b"\n\n", b""], 100);
        assert_eq!(found, [b"1", b"2"]);
        assert!(error.is_none());
    }

    #[test]
    fn what_is_too_large_and_what_breaks_off_are_errors() {
        let long = "x".repeat(200);
        let (found, error) = read(&[b"data: 1\n\n", long.as_bytes()], 100);
        assert_eq!((found.len(), error.unwrap().status()), (1, MCP_TOO_LARGE));
        let mut reader = EventReader::new(100);
        let broken = reader.next(|_| Err(Error::new(MCP_TRUNCATED, "")));
        assert_eq!(broken.err().unwrap().status(), MCP_TRUNCATED);
    }

    #[test]
    fn the_buffer_grows_once_where_there_is_much() {
        let mut reader = EventReader::new(1 << 20);
        for (count, size) in [(10, SMALL), (SMALL, LARGE), (SMALL, LARGE), (LARGE, LARGE)] {
            assert!(reader.next(|buffer| Ok(count.min(buffer.len()))).is_ok());
            assert_eq!(reader.buffer.len(), size);
        }
    }

    #[test]
    fn ids_and_pauses_are_told() {
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
