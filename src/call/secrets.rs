//! Keeping secrets out of what people read: a server may echo what it got, in many forms.

use std::cell::OnceCell;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::patterns::SecretPatterns;
use crate::error::Error;
use crate::sanitize::{beginning, one_line};
use crate::sys::lock::Mutex;

/// A shorter value is too common in ordinary text to be taken for the secret.
const SHORTEST: usize = 4;

/// The same for a part of a value, such as one cookie of several.
const SHORTEST_PART: usize = 8;

/// What takes the place of a secret.
const REDACTED: &str = "[redacted]";

/// Of a text, so many bytes are looked at: much more than is shown.
const MAX_SEARCHED: usize = 64 * 1024;

/// So often a text is decoded: JSON inside of JSON, with what was percent-encoded.
const MAX_DECODINGS: usize = 3;

/// The data of an error is searched as a whole, up to so many bytes.
const MAX_DATA_SEARCHED: usize = 1024 * 1024;

/// What must not be shown. No `Debug`: nothing may print it.
#[derive(Default)]
pub struct Secrets {
    values: Vec<SecretValue>,
    /// Made by the first search after the last one was added.
    patterns: OnceCell<Arc<SecretPatterns>>,
    last: Arc<LastPatterns>,
}

/// A secret, and whether parts of it are secrets as well.
type SecretValue = (Zeroizing<String>, bool);

/// Secrets of one origin, such as a URL's or all cookies', which many calls are told. No `Debug`: nothing may print them.
#[derive(Default)]
pub struct SecretTexts(Vec<SecretValue>);

impl SecretTexts {
    /// `values` may be secret in parts; of what is `whole`, no part is.
    pub fn new(values: Vec<Zeroizing<String>>, whole: Vec<String>) -> Arc<SecretTexts> {
        let values = values.into_iter().map(|value| (value, true));
        Arc::new(SecretTexts(values.chain(whole.into_iter().map(|text| (Zeroizing::new(text), false))).collect()))
    }

    /// All of several.
    pub fn together<'a>(all: impl Iterator<Item = &'a SecretTexts>) -> Arc<SecretTexts> {
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

/// The patterns of the secrets that were looked for last. They are much larger than the secrets, and most of what one client shows is
/// searched for the same ones.
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
        *last = Some((values.to_vec(), Arc::clone(&patterns)));
        patterns
    }
}

impl Secrets {
    /// None yet.
    pub fn new(last: Arc<LastPatterns>) -> Secrets {
        Secrets { last, ..Secrets::default() }
    }

    /// Adds texts that were collected before.
    pub fn add_all(&mut self, texts: &SecretTexts) {
        for (text, has_parts) in &texts.0 {
            if *has_parts { self.add(text) } else { self.add_whole(text) }
        }
    }

    /// Adds the value of a header.
    pub fn add(&mut self, value: &str) {
        if value.len() >= SHORTEST {
            self.push(value, true);
        }
    }

    /// Adds a text of which no part is a secret, such as a segment of a path.
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

    /// The beginning of a text, which is more than can be shown of it, without secrets.
    pub fn redact(&self, text: &str) -> String {
        self.redact_beginning(text, false)
    }

    /// The same where the end of the text was cut off, if `is_cut`: what may be the beginning of a secret there goes.
    pub fn redact_beginning(&self, text: &str, is_cut: bool) -> String {
        let is_cut = is_cut || text.len() > MAX_SEARCHED;
        let text = beginning(text, MAX_SEARCHED);
        let text = if is_cut { without_rest(text) } else { text };
        let (mut hidden, whole) = self.find(text);
        hidden.sort_unstable();
        let end = if is_cut { whole } else { text.len() };
        let mut shown = String::with_capacity(end);
        let mut at = 0;
        let mut hidden = hidden.into_iter().peekable();
        while let Some((start, mut until)) = hidden.next() {
            // Those that overlap go together.
            while let Some((_, next)) = hidden.next_if(|next| next.0 < until) {
                until = until.max(next);
            }
            shown.push_str(text.get(at..start.min(end)).unwrap_or_default());
            if start < end {
                shown.push_str(REDACTED);
            }
            at = until;
        }
        shown.push_str(text.get(at..end).unwrap_or_default());
        shown
    }

    /// Where secrets begin and end in a text, however they are escaped there; and where at its end the beginning of one may stand.
    fn find(&self, text: &str) -> (Vec<(usize, usize)>, usize) {
        let mut places = Vec::new();
        let mut take = |start, end| {
            places.push((start, end));
            true
        };
        let mut whole = text.len() - self.patterns().find(text.as_bytes(), &mut take);
        let mut decoded = DecodedText::of(text.as_bytes(), None);
        for _ in 0..MAX_DECODINGS {
            let Some(DecodedText { bytes, origins }) = decoded else { break };
            let rest = self.patterns().find(&bytes, |start, end| take(origins[start], origins[end]));
            whole = whole.min(origins[bytes.len() - rest]);
            decoded = DecodedText::of(&bytes, Some(&origins));
        }
        (places, whole)
    }

    /// A text that is fit to be shown: without secrets, and as [`one_line`] makes it.
    pub fn sanitize(&self, text: &str) -> String {
        one_line(&self.redact(text)).into_owned()
    }

    /// The same for everything in an error.
    pub fn sanitize_error(&self, mut error: Error) -> Error {
        let report = error.report_mut();
        report.message = self.sanitize(&report.message);
        report.www_authenticate = report.www_authenticate.as_deref().map(|text| self.sanitize(text));
        if let Some(rpc) = &mut report.rpc {
            rpc.message = self.sanitize(&rpc.message);
            // Data is handed out as the server sent it, or not at all.
            rpc.data = rpc.data.take().filter(|data| self.values.is_empty() || !self.may_be_in(data));
        }
        error
    }

    fn may_be_in(&self, json: &str) -> bool {
        if json.len() > MAX_DATA_SEARCHED {
            return true;
        }
        let holds = |text: &[u8]| {
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
            if holds(text) {
                return true;
            }
            let Some(next) = decode(text, |_, _| ()) else { return false };
            decoded = Some(next);
        }
        decoded.is_some_and(|decoded| holds(&decoded))
    }
}

/// A text that was cut without what may be left of a character or of an escape: what comes before may be the beginning of a secret.
fn without_rest(text: &str) -> &str {
    let text = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let cut = |mark: char, longest: usize| {
        let tail = beginning(text, text.len().saturating_sub(longest - 1)).len();
        text[tail..].find(mark).map_or(text.len(), |at| tail + at)
    };
    &text[..cut('%', "%2B".len()).min(cut('\\', r"\ud83d\ude00".len()))]
}

/// A value, and what it has that could be shown without the rest, such as one cookie of several.
fn with_parts(value: &str, has_parts: bool) -> impl Iterator<Item = &str> + Clone {
    let separators = [' ', ';', ',', '=', '"', '&'];
    let parts = value.split(separators).filter(move |part| has_parts && part.len() >= SHORTEST_PART);
    std::iter::once(value).chain(parts)
}

/// A text without its escapes, and for each byte of it, and for its end, where the escape begins that it came from.
struct DecodedText {
    bytes: Zeroizing<Vec<u8>>,
    origins: Vec<usize>,
}

impl DecodedText {
    /// `None` where nothing is escaped; `before` are the origins of `text`.
    fn of(text: &[u8], before: Option<&[usize]>) -> Option<DecodedText> {
        let origin = |at: usize| before.map_or(at, |before| before[at]);
        let mut origins = Vec::new();
        let bytes = decode(text, |at, count| origins.extend(std::iter::repeat_n(origin(at), count)))?;
        origins.push(origin(text.len()));
        Some(DecodedText { bytes, origins })
    }
}

/// Decodes what is percent-encoded (RFC 3986, section 2.1), and the escapes of JSON (RFC 8259, section 7), one by one: an echo may have
/// both, and what need not be escaped may be. `note` is told from which place on each byte, or several, came. `None` where nothing is
/// escaped.
fn decode(text: &[u8], mut note: impl FnMut(usize, usize)) -> Option<Zeroizing<Vec<u8>>> {
    // Byte by byte: wide registers would leave copies on the stack.
    let mark = |text: &[u8]| text.iter().position(|byte| matches!(byte, b'%' | b'\\'));
    mark(text)?;
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut at, mut is_changed) = (0, false);
    while at < text.len() {
        let plain = mark(&text[at..]).unwrap_or(text.len() - at);
        decoded.extend_from_slice(&text[at..at + plain]);
        (at..at + plain).for_each(|at| note(at, 1));
        at += plain;
        let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { break };
        let before = decoded.len();
        let length = escaped(rest, &mut decoded);
        note(at, decoded.len() - before);
        is_changed |= length > 1;
        at += length;
    }
    is_changed.then_some(decoded)
}

/// Decodes the escape that `text` begins with, and gives its length; what is none stays as it is.
fn escaped(text: &[u8], to: &mut Vec<u8>) -> usize {
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
    fn every_form_is_found() {
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
    fn secrets_may_look_escaped_themselves() {
        let secrets = secrets(&["a%41b\\n", "gr\u{fc}\u{df}e \u{1f600}!"]);
        assert_eq!(secrets.redact("x a%41b\\n y a%2541b\\\\n"), "x [redacted] y [redacted]");
        assert_eq!(secrets.redact(r"gr\u00fc%C3%9fe \ud83d\ude00!"), "[redacted]");
    }

    #[test]
    fn half_a_secret_at_the_end_goes() {
        let secrets = secrets(&["tok+en/abc=="]);
        for (text, shown) in [
            ("got tok+en", "got "),
            ("got tok%2Be", "got "),
            ("got tok%2", "got "),
            ("got tok\\u00", "got "),
            ("got nothing", "got nothing"),
            ("got tok+en/abc==tok", "got [redacted]"),
            ("got a to", "got a "),
            ("got tok+\u{fffd}", "got "),
        ] {
            let shown_of_text = secrets.redact_beginning(text, true);
            assert_eq!(shown_of_text, shown, "{text}");
            assert!(secrets.redact_beginning(text, false).starts_with(shown));
        }
        let long = format!("{}tok+en/abc==", "x".repeat(MAX_SEARCHED - 5));
        assert_eq!(secrets.redact(&long), "x".repeat(MAX_SEARCHED - 5));
    }

    /// A search for each, at each place, would take minutes.
    #[test]
    fn many_secrets_that_begin_alike_are_found() {
        let cookies: Vec<String> = (0..500).map(|n| format!("{}{n:08}", "a".repeat(500))).collect();
        let secrets = secrets(&cookies.iter().map(String::as_str).collect::<Vec<_>>());
        let text = format!("{}00000499.", "a".repeat(60_000));
        assert_eq!(secrets.redact(&text), format!("{}[redacted].", "a".repeat(59_500)));
    }

    #[test]
    fn the_longer_of_two_goes_whole_and_cookies_go_one_by_one() {
        let secrets = secrets(&["abcdef", "abcdefSECRETREST", "sid=SECRETSESSION; theme=dark"]);
        assert_eq!(secrets.redact("abcdefSECRETREST abcdef"), "[redacted] [redacted]");
        assert_eq!(secrets.redact("no SECRETSESSION in a dark theme"), "no [redacted] in a dark theme");
    }

    #[test]
    fn what_is_shown_is_one_short_line() {
        let shown = Secrets::default().sanitize(&format!("a\n\u{1b}[31m{}", "x".repeat(5000)));
        assert!(shown.starts_with("a  [31mx") && shown.len() <= LONGEST && shown.ends_with("x..."), "{shown}");
        let shown = Secrets::default().sanitize(&"€".repeat(5000));
        assert!(shown.len() <= LONGEST && shown.ends_with("€..."), "{shown}");
    }

    #[test]
    fn what_is_cut_off_leaves_no_half_of_a_secret() {
        let secret = "s3cr3t-".repeat(40);
        let secrets = secrets(&[&secret]);
        for before in (LONGEST - 600..LONGEST + 300).step_by(7) {
            // Many that get shorter move what is behind them to the front.
            for lead in ["x".repeat(before), format!("{} {}", format!("{secret} ").repeat(20), "x".repeat(before))] {
                let shown = secrets.sanitize(&format!("{lead}{secret}{}", "y".repeat(5000)));
                assert!(!shown.contains("s3cr3t-") && shown.len() <= LONGEST, "{before}: {shown}");
            }
        }
    }

    #[test]
    fn a_text_without_end_is_not_searched() {
        let secrets = secrets(&["s3cr3t-token"]);
        assert!(secrets.redact(&"s3cr3t-token ".repeat(1_000_000)).len() < 2 * MAX_SEARCHED);
    }

    #[test]
    fn patterns_are_made_once_for_the_same_secrets() {
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
    }

    #[test]
    fn data_that_holds_a_secret_is_left_out() {
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
