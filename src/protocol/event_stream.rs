//! The parser of `text/event-stream` (WHATWG HTML, section 9.2.6 "Interpreting an event stream").

use memchr::{memchr, memchr2};

/// One event, dispatched by the blank line after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field; empty if there is none, or if it is "message", which means the same.
    pub name: Vec<u8>,
    /// The values of the `data` fields, joined by line feeds.
    pub data: Vec<u8>,
}

/// Why an event or a line cannot be buffered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferError {
    /// It exceeds the limit.
    TooLarge,
    NoMemory,
}

/// An incremental parser: takes bytes in parts of any size and returns the events that are complete.
#[derive(Debug)]
pub struct EventStream {
    limit: usize,
    /// The received part of an incomplete line.
    line: Vec<u8>,
    /// The incomplete line is a `data` field, whose received part is already in the event.
    streamed: Option<StreamedLine>,
    event: SseEvent,
    /// The event was returned: the next call of [`EventStream::next_event`] clears it.
    is_complete: bool,
    has_data: bool,
    /// The last byte was a CR: an LF that follows belongs to the same line end.
    after_cr: bool,
    /// A byte order mark may still come: neither a mark nor a line is complete.
    may_have_bom: bool,
    /// The id of the incomplete event. It is used only once that event is complete: resuming after it would lose the
    /// event.
    next_id: Option<String>,
    last_id: Option<String>,
    retry_ms: Option<u64>,
    /// The size of a line from which on [`EventStream::long_line`] returns its buffer.
    long: usize,
}

/// The name of events without an `event` field.
const DEFAULT_NAME: &[u8] = b"message";

/// From this size on, the rest of a line is read into its event. Before that, a read could return mostly bytes of later
/// events, which would be copied once more.
const LONG: usize = 64 * 1024;

/// The largest read into an event.
const MAX_READ: usize = 1024 * 1024;

/// A long `data` line, which is appended to the event while it is received.
#[derive(Clone, Copy, Debug)]
struct StreamedLine {
    /// The received bytes of the line.
    length: usize,
    /// The bytes of data that the event had before the line.
    data_before: usize,
}

/// The beginning of a `data` line.
const DATA: &[u8] = b"data:";

/// The byte order mark in UTF-8.
pub const BOM: &[u8] = b"\xEF\xBB\xBF";

impl EventStream {
    /// `limit` is the maximum size of a line and of an event, in bytes.
    pub fn new(limit: usize) -> EventStream {
        EventStream {
            limit,
            line: Vec::new(),
            streamed: None,
            event: SseEvent::default(),
            is_complete: false,
            has_data: false,
            after_cr: false,
            may_have_bom: true,
            next_id: None,
            last_id: None,
            retry_ms: None,
            long: LONG,
        }
    }

    /// Treats lines of at least `long` bytes as long.
    #[cfg(any(test, fuzzing))]
    pub fn with_long_lines_from(self, long: usize) -> EventStream {
        EventStream { long, ..self }
    }

    /// The id of the last complete event, for `Last-Event-ID`.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The reconnection time that the server requested.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Parses the next bytes up to the end of an event, and removes them from `bytes`. `None` if they complete no
    /// event: then all of them are parsed. The caller may take the contents of the event; if it does not, their memory
    /// is used for the next one.
    pub fn next_event(&mut self, bytes: &mut &[u8]) -> Result<Option<&mut SseEvent>, BufferError> {
        if std::mem::take(&mut self.is_complete) {
            self.clear_event();
        }
        while let [first, rest @ ..] = *bytes {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                *bytes = rest;
                continue;
            }
            // A blank line ends each event: without a search for it, a small event costs 5 % fewer instructions.
            let end = if *first == b'\n' { Some(0) } else { memchr2(b'\r', b'\n', bytes) };
            let Some(end) = end else {
                let part = std::mem::take(bytes);
                self.add_to_line(part)?;
                return Ok(None);
            };
            self.after_cr = bytes[end] == b'\r';
            let part = &bytes[..end];
            *bytes = &bytes[end + 1..];
            self.end_line(part)?;
            if self.is_complete {
                return Ok(Some(&mut self.event));
            }
        }
        Ok(None)
    }

    /// Parses all of the next bytes, and appends the events that are now complete to `events`. Copies them, so that the
    /// parser uses their memory again.
    #[cfg(any(test, fuzzing, feature = "benching"))]
    pub fn feed(&mut self, mut bytes: &[u8], events: &mut Vec<SseEvent>) -> Result<(), BufferError> {
        while let Some(event) = self.next_event(&mut bytes)? {
            events.push(event.clone());
        }
        Ok(())
    }

    /// Removes the contents of the event. Keeps their memory, unless it is large.
    fn clear_event(&mut self) {
        let SseEvent { name, data } = &mut self.event;
        for buffer in [name, data] {
            buffer.clear();
            if buffer.capacity() > LONG {
                *buffer = Vec::new();
            }
        }
    }

    /// The buffer of the incomplete event if its last line is long and incomplete: the next bytes are not passed to
    /// [`EventStream::next_event`], but at most so many of them are appended to the buffer. Then
    /// [`EventStream::take_appended`] is called.
    pub fn long_line(&mut self) -> Result<Option<(&mut Vec<u8>, usize)>, BufferError> {
        let Some(line) = self.streamed.filter(|line| line.length >= self.long) else { return Ok(None) };
        // The limit, and one byte more, which may be the line end.
        let allowed = (self.limit - line.length - line.data_before).saturating_add(1);
        let most = line.length.clamp(LONG, MAX_READ).min(allowed);
        self.event.data.try_reserve(most).map_err(|_| BufferError::NoMemory)?;
        Ok(Some((&mut self.event.data, most)))
    }

    /// Takes the last `count` bytes of the buffer that [`EventStream::long_line`] has returned. If the line ends among
    /// them, the line end and the bytes after it are moved to `rest`, which is to be parsed next.
    pub fn take_appended(&mut self, count: usize, rest: &mut Vec<u8>) -> Result<(), BufferError> {
        let before = self.event.data.len() - count;
        let end = memchr2(b'\r', b'\n', &self.event.data[before..]).unwrap_or(count);
        self.check_limit(end)?;
        self.streamed.iter_mut().for_each(|line| line.length += end);
        append(rest, &self.event.data[before + end..])?;
        self.event.data.truncate(before + end);
        Ok(())
    }

    /// Fails if the current line and its event are too large with `count` more bytes.
    fn check_limit(&self, count: usize) -> Result<(), BufferError> {
        let (length, data_before) = match self.streamed {
            Some(line) => (line.length, line.data_before),
            None => (self.line.len(), self.event.data.len()),
        };
        if length + count + data_before > self.limit { Err(BufferError::TooLarge) } else { Ok(()) }
    }

    /// Adds bytes to the current line, which they do not complete.
    fn add_to_line(&mut self, part: &[u8]) -> Result<(), BufferError> {
        self.check_limit(part.len())?;
        if let Some(line) = &mut self.streamed {
            line.length += part.len();
            return append(&mut self.event.data, part);
        }
        append(&mut self.line, part)?;
        self.skip_bom();
        self.stream_data()
    }

    /// Removes a byte order mark at the start of the stream, once it is complete.
    fn skip_bom(&mut self) {
        if self.may_have_bom && self.line.starts_with(BOM) {
            self.line.drain(..BOM.len());
            self.may_have_bom = false;
        }
    }

    /// Moves the data of an incomplete line into the event, so that a large line is not copied twice.
    fn stream_data(&mut self) -> Result<(), BufferError> {
        // At least one byte of the value is needed, to skip a leading space.
        if self.line.len() > DATA.len() && self.line.starts_with(DATA) {
            let line = std::mem::take(&mut self.line);
            self.streamed = Some(StreamedLine { length: line.len(), data_before: self.event.data.len() });
            self.process_field(&line)?;
        }
        Ok(())
    }

    /// Completes the current line with `part`.
    fn end_line(&mut self, part: &[u8]) -> Result<(), BufferError> {
        self.check_limit(part.len())?;
        if self.streamed.take().is_some() {
            self.may_have_bom = false;
            return append(&mut self.event.data, part);
        }
        if self.line.is_empty() {
            // All of the line is here: do not copy it into the buffer for lines.
            let line = part.strip_prefix(BOM).filter(|_| self.may_have_bom).unwrap_or(part);
            return self.process_line(line);
        }
        append(&mut self.line, part)?;
        self.skip_bom();
        let line = std::mem::take(&mut self.line);
        self.process_line(&line)?;
        // Reuse the buffer: a stream has many lines.
        self.line = line;
        self.line.clear();
        Ok(())
    }

    fn process_line(&mut self, line: &[u8]) -> Result<(), BufferError> {
        self.may_have_bom = false;
        if line.is_empty() {
            self.end_event();
            return Ok(());
        }
        self.process_field(line)
    }

    fn end_event(&mut self) {
        if let Some(id) = self.next_id.take() {
            self.last_id = Some(id);
        }
        self.is_complete = std::mem::take(&mut self.has_data);
        if !self.is_complete {
            self.clear_event();
        }
    }

    fn add_data(&mut self, value: &[u8]) -> Result<(), BufferError> {
        if std::mem::replace(&mut self.has_data, true) {
            append(&mut self.event.data, b"\n")?;
        }
        append(&mut self.event.data, value.strip_prefix(b" ").unwrap_or(value))
    }

    fn process_field(&mut self, line: &[u8]) -> Result<(), BufferError> {
        // Most lines are data or the name of a message, which need no search.
        if let Some(value) = line.strip_prefix(DATA) {
            return self.add_data(value);
        }
        if line.strip_prefix(b"event: ") == Some(DEFAULT_NAME) {
            self.event.name.clear();
            return Ok(());
        }
        let (name, value) = match memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => {
                self.event.name.clear();
                if value != DEFAULT_NAME {
                    append(&mut self.event.name, value)?;
                }
            }
            b"data" => self.add_data(value)?,
            b"id" if !value.contains(&0) => {
                self.next_id = Some(String::from_utf8_lossy(value).into_owned());
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                // A number that does not fit is a very long time.
                self.retry_ms = Some(String::from_utf8_lossy(value).parse().unwrap_or(u64::MAX));
            }
            // Comments (an empty name) and unknown fields.
            _ => {}
        }
        Ok(())
    }
}

/// Appends bytes, and fails if there is no memory: a server must not be able to abort the host process.
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
    fn the_examples_of_the_standard_are_parsed() {
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
    fn all_line_ends_and_a_byte_order_mark_are_accepted() {
        for text in ["data: a\n\ndata: b\n\n", "data: a\r\rdata: b\r\r", "data: a\r\n\r\ndata: b\r\n\r\n"] {
            assert_eq!(data(text.as_bytes()), ["a", "b"], "{text:?}");
        }
        assert_eq!(data(b"\xEF\xBB\xBFdata: a\n\n"), ["a"]);
        assert_eq!(data(b"data: a\n\n\xEF\xBB\xBFdata: b\n\n"), ["a"], "a later mark is part of a field's name");
    }

    #[test]
    fn ids_retry_times_and_names_are_parsed() {
        let (events, stream) = parse(b"id: 7\nretry: 500\nevent: message\ndata: x\n\nid: a\0b\nretry: 1x\n\n");
        assert_eq!(events, [(String::new(), "x".into())]);
        assert_eq!(parse(b"event: messages\ndata: x\n\n").0, [("messages".into(), "x".into())]);
        assert_eq!(stream.last_id(), Some("7"));
        assert_eq!(stream.retry_ms(), Some(500));
        // An event without data is not dispatched, and its name is not used for the next event.
        assert_eq!(parse(b"event: x\n\ndata: y\n\n").0, [(String::new(), "y".into())]);
    }

    #[test]
    fn events_do_not_depend_on_how_the_bytes_are_split() {
        let bytes = b"\xEF\xBB\xBF: hi\r\nid: 1\r\nevent: m\r\n\
            data: {\"a\":\r\ndata: 1}\r\n\r\ndata: x\r\rdata: y\n\n\ndata: z";
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
    fn a_line_or_event_over_the_limit_is_rejected() {
        let mut stream = EventStream::new(10);
        assert_eq!(stream.feed(b"data: 12345678", &mut Vec::new()), Err(BufferError::TooLarge));
        let mut stream = EventStream::new(10);
        assert_eq!(stream.feed(b"data: 123\ndata: 45678\n", &mut Vec::new()), Err(BufferError::TooLarge));
        let mut stream = EventStream::new(10);
        let many: Vec<u8> = b"data: 1\n\n".repeat(100);
        assert_eq!(stream.feed(&many, &mut Vec::new()), Ok(()), "the limit applies to one event");
    }
}
