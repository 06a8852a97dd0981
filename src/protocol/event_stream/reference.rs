//! A reference implementation of WHATWG HTML, section 9.2.6: follows the standard step by step, on the whole text at
//! once. It is slow, shares no code with the parser, and is right if the two differ.

use super::{BufferError, EventStream, SseEvent};

/// The state after a stream was parsed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReferenceOutput {
    /// The name and the data of each event.
    pub events: Vec<(String, String)>,
    pub last_id: String,
    pub retry_ms: Option<u64>,
}

/// Parses `bytes` as the standard says, without waiting for more.
pub fn interpret(bytes: &[u8]) -> ReferenceOutput {
    // "UTF-8 decode" drops one byte order mark at the start and replaces invalid UTF-8.
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // The text after the last line end is not a complete line.
    lines.pop();

    let mut outcome = ReferenceOutput::default();
    let (mut data_buffer, mut type_buffer, mut id_buffer) = (String::new(), String::new(), String::new());
    for line in lines {
        if line.is_empty() {
            outcome.last_id = id_buffer.clone();
            if !data_buffer.is_empty() {
                data_buffer.pop();
                let name = if type_buffer.is_empty() { "message" } else { &type_buffer };
                outcome.events.push((name.to_owned(), data_buffer.clone()));
            }
            data_buffer.clear();
            type_buffer.clear();
            continue;
        }
        if line.starts_with(':') {
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => type_buffer = value.to_owned(),
            "data" => {
                data_buffer.push_str(value);
                data_buffer.push('\n');
            }
            "id" if !value.contains('\0') => id_buffer = value.to_owned(),
            "retry" => outcome.retry_ms = integer(value).or(outcome.retry_ms),
            _ => {}
        }
    }
    outcome
}

/// Parses a number that consists of digits only. The standard has no maximum; here, a number that does not fit becomes
/// the maximum. An empty value is not a number.
fn integer(value: &str) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.chars().try_fold(0_u64, |number, c| {
        let digit = c.is_ascii().then(|| c.to_digit(10)).flatten()?;
        Some(number.saturating_mul(10).saturating_add(digit.into()))
    })
}

/// Parses the same bytes with the parser, in `parts`.
pub fn parse<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> ReferenceOutput {
    let mut stream = EventStream::new(usize::MAX);
    let mut events = Vec::new();
    for part in parts {
        stream.feed(part, &mut events).expect("there is no limit");
    }
    outcome(&stream, &events)
}

/// Feeds `bytes` to the parser in reads of at most `most` bytes. The rest of a long line is read directly into its
/// event.
fn feed_directly(
    stream: &mut EventStream,
    mut bytes: &[u8],
    most: usize,
    events: &mut Vec<SseEvent>,
) -> Result<(), BufferError> {
    while !bytes.is_empty() {
        let count;
        if let Some((data, allowed)) = stream.long_line()? {
            count = most.min(allowed).min(bytes.len());
            data.extend_from_slice(&bytes[..count]);
            let mut rest = Vec::new();
            stream.take_appended(count, &mut rest)?;
            stream.feed(&rest, events)?;
        } else {
            count = most.min(bytes.len());
            stream.feed(&bytes[..count], events)?;
        }
        bytes = &bytes[count..];
    }
    Ok(())
}

/// Parses `bytes` with the parser, in reads of at most `most` bytes. Lines of at least `long` bytes are read directly
/// into their events.
pub fn parse_directly(bytes: &[u8], most: usize, long: usize) -> ReferenceOutput {
    let (mut stream, mut events) = (EventStream::new(usize::MAX).with_long_lines_from(long), Vec::new());
    feed_directly(&mut stream, bytes, most, &mut events).expect("there is no limit");
    outcome(&stream, &events)
}

fn outcome(stream: &EventStream, events: &[SseEvent]) -> ReferenceOutput {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let name = |event: &SseEvent| if event.name.is_empty() { "message".to_owned() } else { text(&event.name) };
    ReferenceOutput {
        events: events.iter().map(|event| (name(event), text(&event.data))).collect(),
        last_id: stream.last_id().unwrap_or_default().to_owned(),
        retry_ms: stream.retry_ms(),
    }
}

/// Checks that the parser agrees with the standard after each byte, as if the connection were lost there.
pub fn check_every_prefix(bytes: &[u8]) {
    let mut stream = EventStream::new(usize::MAX);
    let mut events = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        stream.feed(&[*byte], &mut events).expect("there is no limit");
        let received = &bytes[..=at];
        assert_eq!(outcome(&stream, &events), interpret(received), "after {}", received.escape_ascii());
    }
}

/// Checks that no event exceeds the limit. Whether a stream is too large, and the events before that, must not depend
/// on how its bytes are split.
pub fn check_limit(bytes: &[u8], limit: usize) {
    // The bytes of a byte order mark count toward the limit until the mark is complete.
    if bytes.starts_with(b"\xEF") {
        return;
    }
    let (mut whole, mut whole_events) = (EventStream::new(limit), Vec::new());
    let whole_result = whole.feed(bytes, &mut whole_events);
    let (mut single, mut single_events) = (EventStream::new(limit), Vec::new());
    let single_result = bytes.chunks(1).try_for_each(|byte| single.feed(byte, &mut single_events));
    let mut direct = EventStream::new(limit).with_long_lines_from(1);
    let mut direct_events = Vec::new();
    let direct_result = feed_directly(&mut direct, bytes, 7, &mut direct_events);
    let text = bytes.escape_ascii();
    assert_eq!(direct_result, whole_result, "limit {limit}: {text}");
    assert_eq!(outcome(&direct, &direct_events), outcome(&whole, &whole_events), "limit {limit}: {text}");
    assert!(whole_events.iter().all(|event| event.data.len() <= limit), "limit {limit}: {text}");
    assert_eq!(single_result, whole_result, "limit {limit}: {text}");
    assert_eq!(outcome(&single, &single_events), outcome(&whole, &whole_events), "limit {limit}: {text}");
}
