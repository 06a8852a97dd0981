//! Reads an event stream; for all HTTP transports.

use std::time::Duration;

use ::http::HeaderValue;

use crate::call::failure::event_buffer_error;
use crate::error::Result;
use crate::protocol::event_stream::{BufferError, EventStream, SseEvent};

/// The most bytes of a read, at first and after a read of that many.
const SMALL: usize = 4 * 1024;
const LARGE: usize = 64 * 1024;

/// Reads the events of one response: after each read, the events that it has completed are taken one by one.
pub struct EventReader {
    parser: EventStream,
    buffer: Vec<u8>,
    /// How many bytes of the buffer are parsed.
    parsed: usize,
    /// The most bytes of the next read into the buffer.
    most: usize,
    /// The maximum size of an event, in bytes.
    limit: usize,
}

impl EventReader {
    pub fn new(limit: usize) -> EventReader {
        EventReader { parser: EventStream::new(limit), buffer: Vec::new(), parsed: 0, most: SMALL, limit }
    }

    /// Reads once with `read`, which appends at most so many bytes to a vector and returns their number. To be called
    /// when all events of the last read are taken. False at the end of the stream.
    pub fn read(&mut self, read: impl FnOnce(&mut Vec<u8>, usize) -> Result<usize>) -> Result<bool> {
        let limit = self.limit;
        let too_large = |why| event_buffer_error(why, limit);
        self.buffer.clear();
        // After a large event, it has the rest of a larger read.
        self.buffer.shrink_to(LARGE);
        self.parsed = 0;
        if let Some((event, most)) = self.parser.long_line().map_err(too_large)? {
            // The rest of a large event is read directly into it.
            let count = read(event, most)?;
            self.parser.take_appended(count, &mut self.buffer).map_err(too_large)?;
            return Ok(count > 0);
        }
        self.buffer.try_reserve(self.most).map_err(|_| too_large(BufferError::NoMemory))?;
        let count = read(&mut self.buffer, self.most)?;
        // The rest may be large: use fewer reads for it.
        if count == SMALL {
            self.most = LARGE;
        }
        Ok(count > 0)
    }

    /// The next event of the last read; `None` if it has completed no more. The caller may take the contents of the
    /// event.
    pub fn next_event(&mut self) -> Result<Option<&mut SseEvent>> {
        let mut rest = &self.buffer[self.parsed..];
        let event = self.parser.next_event(&mut rest).map_err(|why| event_buffer_error(why, self.limit))?;
        self.parsed = self.buffer.len() - rest.len();
        Ok(event)
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
            match reader.read(fill) {
                Ok(true) => {}
                Ok(false) => return (found, None),
                Err(error) => return (found, Some(error)),
            }
            loop {
                match reader.next_event() {
                    Ok(Some(event)) => found.push(event.data.clone()),
                    Ok(None) => break,
                    Err(error) => return (found, Some(error)),
                }
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
            assert!(reader.read(fill).unwrap() && reader.next_event().unwrap().is_none());
        }
    }

    #[test]
    fn events_are_returned_when_they_are_complete() {
        let (found, error) = read(&[b"data: 1\n\ndata: 2", b"\n\n", b""], 100);
        assert_eq!(found, [b"1", b"2"]);
        assert!(error.is_none());
    }

    #[test]
    fn the_memory_of_a_small_event_is_used_for_the_next() {
        let mut reader = EventReader::new(1 << 20);
        let text = format!("data: 1\n\ndata\nevent: x\n\ndata: {}\n\ndata: 2\n\n", "x".repeat(LARGE + 1));
        let fill = |buffer: &mut Vec<u8>, _| {
            buffer.extend_from_slice(text.as_bytes());
            Ok(text.len())
        };
        assert!(reader.read(fill).unwrap());
        let mut next = || reader.next_event().unwrap().map(|event| (event.clone(), event.data.capacity())).unwrap();
        let ((first, capacity), (second, same)) = (next(), next());
        assert_eq!((first.data, capacity), (b"1".to_vec(), same));
        assert_eq!((second.name, second.data), (b"x".to_vec(), b"".to_vec()));
        let ((large, _), (last, small)) = (next(), next());
        assert!(large.name.is_empty() && large.data.len() > LARGE && last.data == b"2" && small < LARGE);
    }

    #[test]
    fn a_too_large_event_and_a_truncated_stream_are_errors() {
        let long = "x".repeat(200);
        let (found, error) = read(&[b"data: 1\n\n", long.as_bytes()], 100);
        assert_eq!((found.len(), error.unwrap().status()), (1, MCP_TOO_LARGE));
        let mut reader = EventReader::new(100);
        let broken = reader.read(|_, _| Err(Error::new(MCP_TRUNCATED, "")));
        assert_eq!(broken.err().unwrap().status(), MCP_TRUNCATED);
    }

    #[test]
    fn a_full_read_allows_larger_reads() {
        let mut reader = EventReader::new(1 << 20);
        for (count, size) in [(10, SMALL), (SMALL, SMALL), (SMALL, LARGE), (LARGE, LARGE)] {
            let read = reader.read(|buffer, most| {
                assert_eq!(most, size);
                buffer.resize(buffer.len() + count, b':');
                Ok(count)
            });
            assert!(read.is_ok() && reader.next_event().is_ok());
        }
    }

    #[test]
    fn a_large_event_is_read_into_its_final_memory() {
        const SIZE: usize = 10 * LARGE;
        let text = format!("data: {}\n\ndata: next\n\n", "x".repeat(SIZE));
        let (mut reader, mut rest) = (EventReader::new(SIZE + 6), text.as_bytes());
        let (mut events, mut direct) = (Vec::new(), 0);
        while !rest.is_empty() {
            let read = reader.read(|buffer, most| {
                let count = most.min(rest.len());
                direct += if buffer.is_empty() { 0 } else { count };
                buffer.extend_from_slice(&rest[..count]);
                rest = &rest[count..];
                Ok(count)
            });
            assert!(read.unwrap());
            while let Some(event) = reader.next_event().unwrap() {
                events.push(event.data.len());
            }
        }
        assert_eq!(events, [SIZE, 4]);
        assert!(direct > SIZE - 2 * LARGE, "{direct} bytes");
    }

    #[test]
    fn the_memory_of_events_after_a_large_one_is_freed() {
        let mut reader = EventReader::new(10 << 20);
        let mut read = |text: &str| {
            let mut capacity = 0;
            let fill = |buffer: &mut Vec<u8>, _| {
                capacity = buffer.capacity();
                buffer.extend_from_slice(text.as_bytes());
                Ok(text.len())
            };
            assert!(reader.read(fill).unwrap());
            while reader.next_event().unwrap().is_some() {}
            capacity
        };
        read(&format!("data: {}", "x".repeat(LARGE)));
        read(&format!("x\n\n{}", "data: 1\n\n".repeat(LARGE)));
        let capacity = read(":");
        assert!(capacity <= LARGE, "{capacity}");
    }

    #[test]
    fn event_ids_and_retry_delays_are_reported() {
        let mut reader = EventReader::new(100);
        let mut feed = |text: &[u8]| {
            let _ = reader.read(|buffer, _| {
                buffer.extend_from_slice(text);
                Ok(text.len())
            });
            while reader.next_event().unwrap().is_some() {}
            (reader.retry(), reader.last_id())
        };
        assert_eq!(feed(b"data: 1\n\n"), (None, None));
        let id = Some(Some(HeaderValue::from_static("7")));
        assert_eq!(feed(b"id: 7\nretry: 20\ndata: 1\n\n"), (Some(Duration::from_millis(20)), id));
        assert_eq!(feed(b"id:\ndata: 1\n\n").1, Some(None));
    }
}
