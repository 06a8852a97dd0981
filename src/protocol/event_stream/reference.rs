//! The algorithm of WHATWG HTML, section 9.2.6, step by step as it stands there and on the whole text at once. It is slow, shares
//! nothing with the parser, and says what is right where the two differ.

use super::{EventStream, SseEvent};

/// What has come of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReferenceOutput {
    /// Name and data.
    pub events: Vec<(String, String)>,
    pub last_id: String,
    pub retry_ms: Option<u64>,
}

/// What the standard makes of `bytes` when no more of them come.
pub fn interpret(bytes: &[u8]) -> ReferenceOutput {
    // "UTF-8 decode" drops one byte order mark at the start and replaces what is no UTF-8.
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What comes after the last line end is no line yet.
    lines.pop();

    let mut outcome = ReferenceOutput::default();
    let (mut data_buffer, mut type_buffer, mut id_buffer) = (String::new(), String::new(), String::new());
    for line in lines {
        if line.is_empty() {
            outcome.last_id = id_buffer.clone();
            if !data_buffer.is_empty() {
                data_buffer.pop();
                outcome.events.push((type_buffer.clone(), data_buffer.clone()));
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

/// A number of digits only. The standard knows no largest integer; here it is the largest that fits. Of no digits at all it makes
/// nothing that would be a number.
fn integer(value: &str) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.chars().try_fold(0_u64, |number, c| {
        let digit = c.is_ascii().then(|| c.to_digit(10)).flatten()?;
        Some(number.saturating_mul(10).saturating_add(digit.into()))
    })
}

/// What the parser makes of the same bytes, given to it in `parts`.
pub fn parse<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> ReferenceOutput {
    let mut stream = EventStream::new(usize::MAX);
    let mut events = Vec::new();
    for part in parts {
        stream.feed(part, &mut events).expect("there is no limit");
    }
    outcome(&stream, &events)
}

fn outcome(stream: &EventStream, events: &[SseEvent]) -> ReferenceOutput {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ReferenceOutput {
        events: events.iter().map(|event| (text(&event.name), text(&event.data))).collect(),
        last_id: stream.last_id().unwrap_or_default().to_owned(),
        retry_ms: stream.retry_ms(),
    }
}

/// The parser, fed byte by byte, agrees with the standard after each of them: so it does wherever a connection breaks off.
pub fn check_every_prefix(bytes: &[u8]) {
    let mut stream = EventStream::new(usize::MAX);
    let mut events = Vec::new();
    for (at, byte) in bytes.iter().enumerate() {
        stream.feed(&[*byte], &mut events).expect("there is no limit");
        let come = &bytes[..=at];
        assert_eq!(outcome(&stream, &events), interpret(come), "after {}", come.escape_ascii());
    }
}

/// No event is larger than the limit. Whether a stream is too large does not depend on how it is cut, nor do the events before that.
pub fn check_limit(bytes: &[u8], limit: usize) {
    // The three bytes of a byte order mark count until they are known for one.
    if bytes.starts_with(b"\xEF") {
        return;
    }
    let (mut whole, mut whole_events) = (EventStream::new(limit), Vec::new());
    let whole_result = whole.feed(bytes, &mut whole_events);
    let (mut single, mut single_events) = (EventStream::new(limit), Vec::new());
    let single_result = bytes.chunks(1).try_for_each(|byte| single.feed(byte, &mut single_events));
    let text = bytes.escape_ascii();
    assert!(whole_events.iter().all(|event| event.data.len() <= limit), "with a limit of {limit}: {text}");
    assert_eq!(single_result, whole_result, "with a limit of {limit}: {text}");
    assert_eq!(outcome(&single, &single_events), outcome(&whole, &whole_events), "with a limit of {limit}: {text}");
}
