//! The parser of `text/event-stream` (WHATWG HTML, section 9.2.6 "Interpreting an event stream").

use memchr::{memchr, memchr2};

/// One event, dispatched by the blank line after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field; empty means "message".
    pub name: Vec<u8>,
    /// The `data` lines, joined by line feeds.
    pub data: Vec<u8>,
}

/// Why an event or a line cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferError {
    /// It is larger than the limit.
    TooLarge,
    NoMemory,
}

/// Takes bytes as they come and gives events as they are complete, however the bytes were cut.
#[derive(Debug)]
pub struct EventStream {
    limit: usize,
    /// What has come of a line.
    line: Vec<u8>,
    /// The line is one of data, and goes on; what has come of it is in the event already.
    moved: Option<StreamedLine>,
    event: SseEvent,
    has_data: bool,
    /// The last byte was a CR, so that an LF right after it belongs to it.
    after_cr: bool,
    /// How many bytes of a byte order mark may still come; only at the very start.
    bom: usize,
    /// The last id seen since the last blank line. It counts once its event is complete: to resume after it would lose the event.
    next_id: Option<String>,
    last_id: Option<String>,
    retry_ms: Option<u64>,
}

/// A line that is put into the event as it comes.
#[derive(Clone, Copy, Debug)]
struct StreamedLine {
    /// How much of the line has come.
    length: usize,
    /// How much data the event had before.
    before: usize,
}

/// How a line of data begins.
const DATA: &[u8] = b"data:";

/// A byte order mark in UTF-8.
pub const BOM: &[u8] = b"\xEF\xBB\xBF";

impl EventStream {
    /// `limit` bounds a line, and an event, in bytes.
    pub fn new(limit: usize) -> EventStream {
        EventStream {
            limit,
            line: Vec::new(),
            moved: None,
            event: SseEvent::default(),
            has_data: false,
            after_cr: false,
            bom: BOM.len(),
            next_id: None,
            last_id: None,
            retry_ms: None,
        }
    }

    /// The id to resume after; the last one that was complete.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// How long the server asks to wait before a reconnect.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Takes the next bytes and appends the events that they complete to `events`.
    pub fn feed(&mut self, mut bytes: &[u8], events: &mut Vec<SseEvent>) -> Result<(), BufferError> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = memchr2(b'\r', b'\n', bytes);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let (length, before) = match self.moved {
                Some(moved) => (moved.length, moved.before),
                None => (self.line.len(), self.event.data.len()),
            };
            if length + part.len() + before > self.limit {
                return Err(BufferError::TooLarge);
            }
            if let Some(moved) = &mut self.moved {
                moved.length += part.len();
                append(&mut self.event.data, part)?;
            } else {
                append(&mut self.line, part)?;
                self.skip_bom();
            }
            let Some(end) = end else {
                self.move_data()?;
                break;
            };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_of_line(events)?;
        }
        Ok(())
    }

    /// Drops a byte order mark at the start of the stream, as soon as it is whole.
    fn skip_bom(&mut self) {
        if self.bom > 0 && self.line.starts_with(BOM) {
            self.line.drain(..BOM.len());
            self.bom = 0;
        }
    }

    /// Of a line that has not ended, puts what is data where it belongs: it may be large, and is not copied again then.
    fn move_data(&mut self) -> Result<(), BufferError> {
        // With one byte more, a space that does not belong to the value is past.
        if self.line.len() > DATA.len() && self.line.starts_with(DATA) {
            let line = std::mem::take(&mut self.line);
            self.moved = Some(StreamedLine { length: line.len(), before: self.event.data.len() });
            self.field(&line)?;
        }
        Ok(())
    }

    fn end_of_line(&mut self, events: &mut Vec<SseEvent>) -> Result<(), BufferError> {
        self.bom = 0;
        if self.moved.take().is_some() {
            return Ok(());
        }
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.dispatch(events);
        } else {
            self.field(&line)?;
        }
        // The buffer is kept: a stream has many lines.
        self.line = line;
        self.line.clear();
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<SseEvent>) {
        if let Some(id) = self.next_id.take() {
            self.last_id = Some(id);
        }
        let event = std::mem::take(&mut self.event);
        if std::mem::take(&mut self.has_data) {
            events.push(event);
        }
    }

    fn field(&mut self, line: &[u8]) -> Result<(), BufferError> {
        let (name, value) = match memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => self.event.name = value.to_vec(),
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    append(&mut self.event.data, b"\n")?;
                }
                append(&mut self.event.data, value)?;
            }
            b"id" if !value.contains(&0) => {
                self.next_id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                // A number too large to hold is still a long time.
                self.retry_ms = Some(String::from_utf8_lossy(value).parse().unwrap_or(u64::MAX));
            }
            // Comments (an empty name) and unknown fields.
            _ => {}
        }
        Ok(())
    }
}

/// A server must not end the host by what it sends: memory that is not to be had is an error.
pub fn append(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), BufferError> {
    to.try_reserve(bytes.len()).map_err(|_| BufferError::NoMemory)?;
    to.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod properties;
#[cfg(any(test, fuzzing))]
pub mod reference;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> (Vec<(String, String)>, EventStream) {
        let mut stream = EventStream::new(1000);
        let mut events = Vec::new();
        stream.feed(bytes, &mut events).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (events.into_iter().map(|e| (text(e.name), text(e.data))).collect(), stream)
    }

    fn data(bytes: &[u8]) -> Vec<String> {
        parse(bytes).0.into_iter().map(|(_, data)| data).collect()
    }

    #[test]
    fn the_examples_of_the_standard() {
        assert_eq!(data(b"data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
        let (events, stream) =
            parse(b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n");
        let got: Vec<_> = events.iter().map(|(_, d)| d.as_str()).collect();
        assert_eq!(got, ["first event", "second event", " third event"]);
        assert_eq!(stream.last_id(), Some(""));
        assert_eq!(data(b"data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
        assert_eq!(data(b"data:test\n\ndata: test\n\n"), ["test", "test"]);
    }

    #[test]
    fn line_ends_of_every_kind_and_a_byte_order_mark() {
        for text in ["data: a\n\ndata: b\n\n", "data: a\r\rdata: b\r\r", "data: a\r\n\r\ndata: b\r\n\r\n"] {
            assert_eq!(data(text.as_bytes()), ["a", "b"], "{text:?}");
        }
        assert_eq!(data(b"\xEF\xBB\xBFdata: a\n\n"), ["a"]);
        assert_eq!(data(b"data: a\n\n\xEF\xBB\xBFdata: b\n\n"), ["a"], "a mark further on is part of a field's name");
    }

    #[test]
    fn ids_retries_and_names() {
        let (events, stream) = parse(b"id: 7\nretry: 500\nevent: message\ndata: x\n\nid: a\0b\nretry: 1x\n\n");
        assert_eq!(events, [("message".into(), "x".into())]);
        assert_eq!(stream.last_id(), Some("7"));
        assert_eq!(stream.retry_ms(), Some(500));
        // The name does not leak into the next event, and an event without data is none.
        assert_eq!(parse(b"event: x\n\ndata: y\n\n").0, [(String::new(), "y".into())]);
    }

    #[test]
    fn the_events_do_not_depend_on_how_the_bytes_are_cut() {
        let bytes = b"\xEF\xBB\xBF: hi\r\nid: 1\r\nevent: m\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata: x\r\rdata: y\n\n\ndata: z";
        let whole = parse(bytes).0;
        assert_eq!(whole.len(), 3);
        for cut in 0..=bytes.len() {
            for second in cut..=bytes.len() {
                let mut stream = EventStream::new(1000);
                let mut events = Vec::new();
                for part in [&bytes[..cut], &bytes[cut..second], &bytes[second..]] {
                    stream.feed(part, &mut events).unwrap();
                }
                let got: Vec<_> = events.into_iter().map(|e| (e.name, e.data)).collect();
                let want: Vec<_> =
                    whole.iter().map(|(n, d)| (n.clone().into_bytes(), d.clone().into_bytes())).collect();
                assert_eq!(got, want, "cut at {cut} and {second}");
            }
        }
    }

    #[test]
    fn what_grows_past_the_limit_is_refused() {
        let mut stream = EventStream::new(10);
        assert_eq!(stream.feed(b"data: 12345678", &mut Vec::new()), Err(BufferError::TooLarge));
        let mut stream = EventStream::new(10);
        assert_eq!(stream.feed(b"data: 123\ndata: 45678\n", &mut Vec::new()), Err(BufferError::TooLarge));
        let mut stream = EventStream::new(10);
        let many: Vec<u8> = b"data: 1\n\n".repeat(100);
        assert_eq!(stream.feed(&many, &mut Vec::new()), Ok(()), "the limit is for one event");
    }
}
