//! Redacts secrets in messages and log lines: a server may echo what it received, escaped in many ways.

use std::cell::OnceCell;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::patterns::SecretPatterns;
use crate::error::Error;
use crate::sanitize::{beginning, one_line};
use crate::sys::lock::Mutex;

/// Shorter values are not redacted: they are too common in ordinary text.
const SHORTEST: usize = 4;

/// Shorter parts of a value, such as one cookie of several, are not redacted separately.
const SHORTEST_PART: usize = 8;

/// The replacement for a secret.
const REDACTED: &str = "[redacted]";

/// How many bytes of a text are searched and returned. No message contains more.
const MAX_SEARCHED: usize = 64 * 1024;

/// How many bytes of a message are searched and returned for the application's trace. The search takes 24 bytes of
/// memory for each.
const MAX_TRACED: usize = 1024 * 1024;

/// How many times a text is decoded: JSON may be nested in JSON and contain percent-encoding.
const MAX_DECODINGS: usize = 3;

/// The longest `data` of an error that is searched, in bytes. Longer data is left out.
const MAX_DATA_SEARCHED: usize = 1024 * 1024;

/// The secrets to redact. No `Debug`: they must not be printed.
#[derive(Default)]
pub struct Secrets {
    values: Vec<SecretValue>,
    /// Created by the first search after a secret was added.
    patterns: OnceCell<Arc<SecretPatterns>>,
    last: Arc<LastPatterns>,
}

/// A secret, and whether parts of it are secrets as well.
type SecretValue = (Zeroizing<String>, bool);

/// The secrets of one source, such as a URL or all cookies, shared by many calls. No `Debug`: they must not be printed.
#[derive(Default)]
pub struct SecretTexts(Vec<SecretValue>);

impl SecretTexts {
    /// Parts of `values`, such as single cookies, are secrets too. `whole` texts are secrets only as a whole.
    pub fn new(values: Vec<Zeroizing<String>>, whole: Vec<String>) -> Arc<SecretTexts> {
        let values = values.into_iter().map(|value| (value, true));
        Arc::new(SecretTexts(values.chain(whole.into_iter().map(|text| (Zeroizing::new(text), false))).collect()))
    }

    /// The secrets of several sources.
    pub fn merged<'a>(all: impl Iterator<Item = &'a SecretTexts>) -> Arc<SecretTexts> {
        Arc::new(SecretTexts(all.flat_map(|texts| texts.0.iter().cloned()).collect()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(any(test, fuzzing))]
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(text, _)| text.as_str())
    }
}

/// A cache of the last search's patterns: they take much more memory than the secrets, and most texts of a client are
/// searched for the same secrets.
#[derive(Default)]
pub struct LastPatterns(Mutex<Option<(Vec<SecretValue>, Arc<SecretPatterns>)>>);

impl LastPatterns {
    fn of(&self, values: &[SecretValue]) -> Arc<SecretPatterns> {
        let mut last = self.0.lock();
        if let Some((_, patterns)) = last.as_ref().filter(|(known, _)| known == values) {
            return Arc::clone(patterns);
        }
        let all = values.iter().flat_map(|(value, has_parts)| with_parts(value, *has_parts));
        let patterns = Arc::new(SecretPatterns::new(all));
        // Patterns of nothing are cheap to make, and would take 1 KiB.
        *last = (!values.is_empty()).then(|| (values.to_vec(), Arc::clone(&patterns)));
        patterns
    }
}

impl Secrets {
    /// An empty set.
    pub fn new(last: Arc<LastPatterns>) -> Secrets {
        Secrets { last, ..Secrets::default() }
    }

    /// Adds the secrets of one source.
    pub fn add_all(&mut self, texts: &SecretTexts) {
        for (text, has_parts) in &texts.0 {
            if *has_parts { self.add(text) } else { self.add_whole(text) }
        }
    }

    /// Adds a secret of which parts are secrets too, such as the value of a header.
    pub fn add(&mut self, value: &str) {
        if value.len() >= SHORTEST {
            self.push(value, true);
        }
    }

    /// Adds a text that is a secret only as a whole, such as a segment of a path.
    pub fn add_whole(&mut self, text: &str) {
        if !text.is_empty() {
            self.push(text, false);
        }
    }

    fn push(&mut self, value: &str, has_parts: bool) {
        self.values.push((Zeroizing::new(value.to_owned()), has_parts));
        self.patterns.take();
    }

    fn patterns(&self) -> &SecretPatterns {
        self.patterns.get_or_init(|| self.last.of(&self.values))
    }

    /// Redacts the first 64 KiB of a text. No message contains more.
    pub fn redact(&self, text: &str) -> String {
        self.redact_beginning(text, false)
    }

    /// Redacts a text. With `is_cut`, the end of the text is missing: anything at its end that may be the beginning of
    /// a secret is removed.
    pub fn redact_beginning(&self, text: &str, is_cut: bool) -> String {
        self.redact_up_to(MAX_SEARCHED, text, is_cut)
    }

    /// Redacts the first 1 MiB of a JSON-RPC message.
    pub fn redact_message(&self, text: &str) -> String {
        self.redact_up_to(MAX_TRACED, text, false)
    }

    fn redact_up_to(&self, limit: usize, text: &str, is_cut: bool) -> String {
        let is_cut = is_cut || text.len() > limit;
        let text = beginning(text, limit);
        let text = if is_cut { without_partial_end(text) } else { text };
        let (mut ranges, complete) = self.find(text);
        ranges.sort_unstable();
        let end = if is_cut { complete } else { text.len() };
        let mut redacted = String::with_capacity(end);
        let mut at = 0;
        let mut ranges = ranges.into_iter().peekable();
        while let Some((start, mut until)) = ranges.next() {
            // Overlapping secrets are replaced together.
            while let Some((_, next)) = ranges.next_if(|next| next.0 < until) {
                until = until.max(next);
            }
            redacted.push_str(text.get(at..start.min(end)).unwrap_or_default());
            if start < end {
                redacted.push_str(REDACTED);
            }
            at = until;
        }
        redacted.push_str(text.get(at..end).unwrap_or_default());
        redacted
    }

    /// The ranges of secrets in a text, escaped or not; and the length of the text without an end that may be the
    /// beginning of a secret.
    fn find(&self, text: &str) -> (Vec<(usize, usize)>, usize) {
        let mut ranges = Vec::new();
        let mut record = |start, end| {
            ranges.push((start, end));
            true
        };
        let mut complete = text.len() - self.patterns().find(text.as_bytes(), &mut record);
        let mut decoded = DecodedText::of(text.as_bytes(), None);
        for _ in 0..MAX_DECODINGS {
            let Some(DecodedText { bytes, origins }) = decoded else { break };
            let rest = self.patterns().find(&bytes, |start, end| record(origins[start], origins[end]));
            complete = complete.min(origins[bytes.len() - rest]);
            decoded = DecodedText::of(&bytes, Some(&origins));
        }
        (ranges, complete)
    }

    /// Prepares a text for a message: redacts it, and applies [`one_line`].
    pub fn sanitize(&self, text: &str) -> String {
        one_line(&self.redact(text)).into_owned()
    }

    /// Sanitizes all texts of an error.
    pub fn sanitize_error(&self, mut error: Error) -> Error {
        let report = error.report_mut();
        report.message = self.sanitize(&report.message);
        report.www_authenticate = report.www_authenticate.as_deref().map(|text| self.sanitize(text));
        if let Some(rpc) = &mut report.rpc {
            rpc.message = self.sanitize(&rpc.message);
            // Data is returned unchanged, or left out if it may contain a secret.
            rpc.data = rpc.data.take().filter(|data| self.values.is_empty() || !self.may_contain_secret(data));
        }
        error
    }

    fn may_contain_secret(&self, json: &str) -> bool {
        if json.len() > MAX_DATA_SEARCHED {
            return true;
        }
        let has_secret = |text: &[u8]| {
            let mut found = false;
            self.patterns().find(text, |_, _| {
                found = true;
                false
            });
            found
        };
        let mut decoded: Option<Zeroizing<Vec<u8>>> = None;
        for _ in 0..MAX_DECODINGS {
            let text = decoded.as_ref().map_or(json.as_bytes(), |decoded| decoded.as_slice());
            if has_secret(text) {
                return true;
            }
            let Some(next) = decode(text, |_, _| ()) else { return false };
            decoded = Some(next);
        }
        decoded.is_some_and(|decoded| has_secret(&decoded))
    }
}

/// A text that was cut, without an incomplete character or escape at its end: it would hide that the text before it is
/// the beginning of a secret.
fn without_partial_end(text: &str) -> &str {
    let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let cut = |mark: char, longest: usize| {
        let tail = beginning(text, text.len().saturating_sub(longest - 1)).len();
        text[tail..].find(mark).map_or(text.len(), |at| tail + at)
    };
    &text[..cut('%', "%2B".len()).min(cut('\\', r"\ud83d\ude00".len()))]
}

/// A value, and if it has parts, those that are long enough to be redacted separately.
fn with_parts(value: &str, has_parts: bool) -> impl Iterator<Item = &str> + Clone {
    let separators = [' ', ';', ',', '=', '"', '&'];
    let parts = value.split(separators).filter(move |part| has_parts && part.len() >= SHORTEST_PART);
    std::iter::once(value).chain(parts)
}

/// A decoded text, with the position in the original text of each byte and of the end. For a decoded escape, that is
/// the start of the escape.
struct DecodedText {
    bytes: Zeroizing<Vec<u8>>,
    origins: Vec<usize>,
}

impl DecodedText {
    /// Decodes `text`, whose own positions in the original text are `before`. `None` if it contains no escape.
    fn of(text: &[u8], before: Option<&[usize]>) -> Option<DecodedText> {
        let origin = |at: usize| before.map_or(at, |before| before[at]);
        let mut origins = Vec::new();
        let bytes = decode(text, |at, count| origins.extend(std::iter::repeat_n(origin(at), count)))?;
        origins.push(origin(text.len()));
        Some(DecodedText { bytes, origins })
    }
}

/// Decodes percent-encoding (RFC 3986, section 2.1) and JSON escapes (RFC 8259, section 7). An echo may contain both,
/// and may escape any character. Calls `note` with a position in `text` and the number of bytes decoded from there.
/// `None` if `text` contains no escape.
fn decode(text: &[u8], mut note: impl FnMut(usize, usize)) -> Option<Zeroizing<Vec<u8>>> {
    // A search byte by byte: vector registers would leave copies on the stack.
    let find_escape = |text: &[u8]| text.iter().position(|byte| matches!(byte, b'%' | b'\\'));
    find_escape(text)?;
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut at, mut is_changed) = (0, false);
    while at < text.len() {
        let plain = find_escape(&text[at..]).unwrap_or(text.len() - at);
        decoded.extend_from_slice(&text[at..at + plain]);
        (at..at + plain).for_each(|at| note(at, 1));
        at += plain;
        let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { break };
        let before = decoded.len();
        let length = decode_escape(rest, &mut decoded);
        note(at, decoded.len() - before);
        is_changed |= length > 1;
        at += length;
    }
    is_changed.then_some(decoded)
}

/// Decodes the escape at the start of `text` and returns its length. If there is none, copies one byte unchanged.
fn decode_escape(text: &[u8], to: &mut Vec<u8>) -> usize {
    let hex = |from: usize, count: usize| {
        let digits = text.get(from..from + count).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let simple = |byte: u8| {
        Some(match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 0x8,
            b'f' => 0xC,
            b'"' | b'\\' | b'/' => byte,
            _ => return None,
        })
    };
    if text[0] == b'%' {
        if let Some(byte) = hex(1, 2) {
            to.push(byte as u8);
            return 3;
        }
    } else if text.get(1) == Some(&b'u') {
        if let Some(first) = hex(2, 4) {
            let low = text.get(6..8).filter(|mark| mark == b"\\u").and_then(|_| hex(8, 4));
            let units = [first as u16, low.unwrap_or_default() as u16];
            let pair = char::decode_utf16(units).next().and_then(Result::ok).filter(|c| *c > '\u{ffff}');
            let decoded = pair.or(char::from_u32(first)).unwrap_or(char::REPLACEMENT_CHARACTER);
            to.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
            return if pair.is_some() { 12 } else { 6 };
        }
    } else if let Some(byte) = text.get(1).and_then(|byte| simple(*byte)) {
        to.push(byte);
        return 2;
    }
    to.push(text[0]);
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RpcError;
    use crate::sanitize::LONGEST;
    use crate::status::MCP_RPC_ERROR;

    fn secrets(values: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        values.iter().for_each(|value| secrets.add(value));
        secrets
    }

    #[test]
    fn secrets_are_found_in_every_escaped_form() {
        let secrets = secrets(&["tok+en/abc=="]);
        let percent: String = "tok+en/abc==".bytes().map(|byte| format!("%{byte:02x}")).collect();
        let json: String = "tok+en/abc==".bytes().map(|byte| format!("\\u00{byte:02X}")).collect();
        for echo in [
            "tok+en/abc==",
            r"tok+en\/abc==",
            "tok%2Ben%2Fabc%3D%3D",
            "tok%2ben%2fabc%3d%3d",
            "tok%2Ben%2fabc=%3D",
            "%74ok+en/abc==",
            r"tok\u002ben%2fabc==",
            r"tok\\u002ben\\\/abc==",
            "tok%252Ben%252Fabc==",
            r"tok\u00252Ben/abc==",
            &percent,
            &json,
        ] {
            assert_eq!(secrets.redact(&format!("got {echo}.")), "got [redacted].", "{echo}");
            assert_eq!(secrets.redact(&format!("é%zz\\ {echo}\\x{echo}")), "é%zz\\ [redacted]\\x[redacted]", "{echo}");
        }
        assert_eq!(secrets.redact(r"100% of tok\u002ben, %41\n%"), r"100% of tok\u002ben, %41\n%");
    }

    #[test]
    fn secrets_that_contain_escapes_are_found() {
        let secrets = secrets(&["a%41b\\n", "gr\u{fc}\u{df}e \u{1f600}!"]);
        assert_eq!(secrets.redact("x a%41b\\n y a%2541b\\\\n"), "x [redacted] y [redacted]");
        assert_eq!(secrets.redact(r"gr\u00fc%C3%9fe \ud83d\ude00!"), "[redacted]");
    }

    #[test]
    fn a_partial_secret_at_the_end_is_removed() {
        let secrets = secrets(&["tok+en/abc=="]);
        for (text, expected) in [
            ("got tok+en", "got "),
            ("got tok%2Be", "got "),
            ("got tok%2", "got "),
            ("got tok\\u00", "got "),
            ("got nothing", "got nothing"),
            ("got tok+en/abc==tok", "got [redacted]"),
            ("got a to", "got a "),
            ("got tok+\u{fffd}", "got "),
        ] {
            assert_eq!(secrets.redact_beginning(text, true), expected, "{text}");
            assert!(secrets.redact_beginning(text, false).starts_with(expected));
        }
        let long = format!("{}tok+en/abc==", "x".repeat(MAX_SEARCHED - 5));
        assert_eq!(secrets.redact(&long), "x".repeat(MAX_SEARCHED - 5));
    }

    /// Searching for each secret at each position would take minutes.
    #[test]
    fn many_secrets_with_a_common_prefix_are_found() {
        let cookies: Vec<String> = (0..500).map(|n| format!("{}{n:08}", "a".repeat(500))).collect();
        let secrets = secrets(&cookies.iter().map(String::as_str).collect::<Vec<_>>());
        let text = format!("{}00000499.", "a".repeat(60_000));
        assert_eq!(secrets.redact(&text), format!("{}[redacted].", "a".repeat(59_500)));
    }

    #[test]
    fn the_longer_of_two_secrets_and_single_cookies_are_redacted() {
        let secrets = secrets(&["abcdef", "abcdefSECRETREST", "sid=SECRETSESSION; theme=dark"]);
        assert_eq!(secrets.redact("abcdefSECRETREST abcdef"), "[redacted] [redacted]");
        assert_eq!(secrets.redact("no SECRETSESSION in a dark theme"), "no [redacted] in a dark theme");
    }

    #[test]
    fn sanitized_texts_are_one_short_line() {
        let sanitized = Secrets::default().sanitize(&format!("a\n\u{1b}[31m{}", "x".repeat(5000)));
        assert!(
            sanitized.starts_with("a  [31mx") && sanitized.len() <= LONGEST && sanitized.ends_with("x..."),
            "{sanitized}"
        );
        let sanitized = Secrets::default().sanitize(&"€".repeat(5000));
        assert!(sanitized.len() <= LONGEST && sanitized.ends_with("€..."), "{sanitized}");
    }

    #[test]
    fn shortening_leaves_no_partial_secret() {
        let secret = "s3cr3t-".repeat(40);
        let secrets = secrets(&[&secret]);
        for before in (LONGEST - 600..LONGEST + 300).step_by(7) {
            // Redacting many long secrets moves the text after them toward the beginning.
            for lead in ["x".repeat(before), format!("{} {}", format!("{secret} ").repeat(20), "x".repeat(before))] {
                let sanitized = secrets.sanitize(&format!("{lead}{secret}{}", "y".repeat(5000)));
                assert!(!sanitized.contains("s3cr3t-") && sanitized.len() <= LONGEST, "{before}: {sanitized}");
            }
        }
    }

    #[test]
    fn long_texts_are_searched_only_at_the_beginning() {
        let secrets = secrets(&["s3cr3t-token"]);
        assert!(secrets.redact(&"s3cr3t-token ".repeat(1_000_000)).len() < 2 * MAX_SEARCHED);
    }

    #[test]
    fn patterns_are_reused_for_the_same_secrets() {
        let last = Arc::new(LastPatterns::default());
        let patterns = |values: &[&str]| {
            let mut secrets = Secrets::new(Arc::clone(&last));
            values.iter().for_each(|value| secrets.add(value));
            secrets.patterns();
            Arc::clone(secrets.patterns.get().unwrap())
        };
        let first = patterns(&["a-secret", "another"]);
        assert!(Arc::ptr_eq(&first, &patterns(&["a-secret", "another"])));
        assert!(!Arc::ptr_eq(&first, &patterns(&["a-secret", "anothe"])));
        assert!(!Arc::ptr_eq(&first, &patterns(&["a-secret"])));
        patterns(&[]);
        assert!(last.0.lock().is_none(), "secrets that are no longer used are kept");
    }

    #[test]
    fn error_data_with_a_secret_is_left_out() {
        let secrets = secrets(&["tok+en/abc=="]);
        let data_of = |text: &str| {
            let data = Some(text.to_owned());
            let rpc = RpcError { code: 1, message: String::new(), data };
            let error = secrets.sanitize_error(Error::new(MCP_RPC_ERROR, "").with_rpc(rpc));
            error.report().rpc.as_ref().unwrap().data.is_some()
        };
        assert!(data_of(r#"{"a":["b\n"]}"#));
        let long = format!(r#"["{}"]"#, "x".repeat(MAX_DATA_SEARCHED));
        for bad in [&long, r#"["tok+en/abc=="]"#, r#"["tok\u002ben/abc=="]"#, r#"{"tok\u002ben\/abc==":1}"#] {
            assert!(!data_of(bad), "{bad}");
        }
    }
}
