//! Reads progress notifications in the form that nearly all servers send, without the steps for any JSON-RPC message: a
//! server may send thousands of them, and this takes few instructions. Everything else is left to
//! [`super::jsonrpc`].

use super::json_strings;

/// The longest notification that is read here, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// A number of so many digits is exact in a `double`, and so is ten to the power of this.
const MAX_EXACT_DIGITS: usize = 15;

/// The progress of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub progress: f64,
    pub total: Option<f64>,
    pub message: Option<String>,
}

/// Reads the data of an event. The progress token, and the progress. `None` if it is something else, or a progress
/// notification with a member or a notation that is unusual: it may nevertheless be valid.
pub fn read(data: &[u8]) -> Option<(u64, Progress)> {
    if data.len() > MAX_LENGTH {
        return None;
    }
    let (mut cursor, mut members) = (Cursor(data), ReadMembers::default());
    cursor.object(&mut members, false)?;
    cursor.skip_space();
    let is_complete = cursor.0.is_empty() && members.present & REQUIRED == REQUIRED;
    let token = members.token.integer().filter(|_| is_complete)?;
    let total = (members.present & TOTAL != 0).then(|| members.total.double());
    Some((token, Progress { progress: members.progress.double(), total, message: members.text }))
}

/// The members of the message and of its parameters, one bit for each.
const VERSION: u8 = 1;
const METHOD: u8 = 1 << 1;
const PARAMS: u8 = 1 << 2;
const TOKEN: u8 = 1 << 3;
const PROGRESS: u8 = 1 << 4;
const TOTAL: u8 = 1 << 5;
const TEXT: u8 = 1 << 6;

const REQUIRED: u8 = VERSION | METHOD | PARAMS | TOKEN | PROGRESS;

/// The members that were read.
#[derive(Default)]
struct ReadMembers {
    present: u8,
    token: ExactNumber,
    progress: ExactNumber,
    total: ExactNumber,
    text: Option<String>,
}

/// The rest of the text. Each function fails at what it does not know.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Reads an object with at least one member, and each only once. `in_params`: it is that of the parameters.
    fn object(&mut self, members: &mut ReadMembers, in_params: bool) -> Option<()> {
        self.literal(b"{")?;
        loop {
            self.skip_space();
            let member = if in_params { self.params_key()? } else { self.message_key()? };
            if members.present & member != 0 {
                return None;
            }
            members.present |= member;
            self.literal(b":")?;
            self.skip_space();
            match member {
                VERSION => self.literal(b"\"2.0\"")?,
                METHOD => self.literal(b"\"notifications/progress\"")?,
                PARAMS => self.object(members, true)?,
                TOKEN => members.token = self.number()?,
                PROGRESS => members.progress = self.number()?,
                TOTAL => members.total = self.number()?,
                _ => members.text = Some(self.string()?),
            }
            self.skip_space();
            if self.skip(b"}") {
                return Some(());
            }
            self.literal(b",")?;
        }
    }

    #[inline]
    fn message_key(&mut self) -> Option<u8> {
        if self.skip(b"\"jsonrpc\"") {
            Some(VERSION)
        } else if self.skip(b"\"method\"") {
            Some(METHOD)
        } else {
            self.skip(b"\"params\"").then_some(PARAMS)
        }
    }

    #[inline]
    fn params_key(&mut self) -> Option<u8> {
        if self.skip(b"\"progressToken\"") {
            Some(TOKEN)
        } else if self.skip(b"\"progress\"") {
            Some(PROGRESS)
        } else if self.skip(b"\"total\"") {
            Some(TOTAL)
        } else {
            self.skip(b"\"message\"").then_some(TEXT)
        }
    }

    #[inline]
    fn skip_space(&mut self) {
        // Most servers send no white space: check for it with one comparison.
        if let [..=b' ', ..] = self.0 {
            self.skip_spaces();
        }
    }

    #[cold]
    fn skip_spaces(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// Skips a text, if it is the next one.
    #[inline]
    fn skip(&mut self, text: &[u8]) -> bool {
        let Some(rest) = self.0.strip_prefix(text) else { return false };
        self.0 = rest;
        true
    }

    /// Skips white space and a text.
    #[inline]
    fn literal(&mut self, text: &[u8]) -> Option<()> {
        self.skip_space();
        self.skip(text).then_some(())
    }

    /// Reads a number without a sign or an exponent.
    #[inline]
    fn number(&mut self) -> Option<ExactNumber> {
        let (text, mut length, mut value, mut point) = (self.0, 0, 0_u64, None);
        loop {
            match text.get(length) {
                Some(digit @ b'0'..=b'9') => value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')),
                Some(b'.') if point.is_none() => point = Some(length),
                _ => break,
            }
            length += 1;
        }
        self.0 = &text[length..];
        let whole = point.unwrap_or(length);
        let fraction = length - point.map_or(length, |point| point + 1);
        let has_leading_zero = whole > 1 && text[0] == b'0';
        let is_valid = whole > 0 && !has_leading_zero && (point.is_none() || fraction > 0);
        (is_valid && whole + fraction <= MAX_EXACT_DIGITS).then_some(ExactNumber { value, fraction })
    }

    fn string(&mut self) -> Option<String> {
        if !self.0.starts_with(b"\"") {
            return None;
        }
        let (quoted, rest) = self.0.split_at(json_strings::end(self.0, 0)?);
        self.0 = rest;
        str::from_utf8(quoted).ok().map(|quoted| json_strings::decode(quoted).into_owned())
    }
}

/// A number of at most 15 digits, the last `fraction` of which follow the decimal point.
#[derive(Default)]
struct ExactNumber {
    value: u64,
    fraction: usize,
}

impl ExactNumber {
    fn integer(self) -> Option<u64> {
        (self.fraction == 0).then_some(self.value)
    }

    /// The nearest `double`: both operands are exact, so the quotient is rounded once.
    fn double(self) -> f64 {
        let divisor = (0..self.fraction).fold(1.0, |power, _| power * 10.0);
        self.value as f64 / divisor
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::protocol::incoming::Notification;
    use crate::protocol::json::Json;
    use crate::protocol::jsonrpc::{self, ItemClass, Message};

    /// What [`jsonrpc`] reads.
    fn reference(data: &[u8]) -> Option<(u64, Progress)> {
        let item = jsonrpc::read(String::from_utf8(data.to_vec()).ok()?).items.pop()?;
        let ItemClass::Message(Message::Notification { method, params }) = item.classify(|_| false) else {
            return None;
        };
        let notification = Notification { method, params };
        Some((notification.progress_token()?, notification.progress()?))
    }

    fn expected(message: Option<&str>) -> Option<(u64, Progress)> {
        Some((7, Progress { progress: 1.5, total: Some(10.0), message: message.map(str::to_owned) }))
    }

    #[test]
    fn the_forms_of_common_servers_are_read() {
        let plain = concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/progress","#,
            r#""params":{"progressToken":7,"progress":1.5,"total":10.0}}"#
        );
        let other_order = concat!(
            r#"{"method":"notifications/progress","params":{"message":"a\n\u00e4é","total":10,"progress":1.5,"#,
            r#""progressToken":7},"jsonrpc":"2.0"}"#
        );
        let spaced = plain.replace(':', " : ").replace(',', "\t,\n").replace('{', " { ").replace('}', " }\r ");
        for (text, message) in [(plain, None), (other_order, Some("a\nä\u{e9}")), (&spaced, None)] {
            assert_eq!(read(text.as_bytes()), expected(message), "{text}");
            assert_eq!(reference(text.as_bytes()), expected(message), "{text}");
        }
    }

    #[test]
    fn what_is_unusual_or_invalid_is_left_to_the_parser() {
        let with = |version: &str, params: &str| {
            format!(r#"{{"jsonrpc":{version},"method":"notifications/progress","params":{params}}}"#)
        };
        let usual = r#"{"progressToken":7,"progress":1}"#;
        assert!(read(with("\"2.0\"", usual).as_bytes()).is_some());
        for (version, params) in [
            ("\"2.0\",\"id\":1", usual),
            ("\"2.0\",\"jsonrpc\":\"2.0\"", usual),
            ("2.0", usual),
            ("\"2.0\"", "{}"),
            ("\"2.0\"", r#"{"progressToken":7}"#),
            ("\"2.0\"", r#"{"progressToken":"7","progress":1}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":1e1}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":-1}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":01}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":1.}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":1,"total":null}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":1,"message":null}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":1,"message":"\x"}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":1,"_meta":{}}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":1,"progress":2}"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":1},"#),
            ("\"2.0\"", r#"{"progressToken":7,"progress":1}}"#),
        ] {
            assert_eq!(read(with(version, params).as_bytes()), None, "{version} {params}");
        }
        let invalid_utf8 = with("\"2.0\"", r#"{"progressToken":7,"progress":1,"message":"x"}"#).replace('x', "é");
        let invalid_utf8: Vec<u8> = invalid_utf8.bytes().filter(|byte| *byte != b'\xA9').collect();
        assert_eq!(read(&invalid_utf8), None);
    }

    #[test]
    fn only_an_object_contains_progress() {
        for (params, expected) in [(r#"{"progress":1}"#, Some(1.0)), ("[1]", None), ("\"progress\"", None)] {
            let params = Some(Json::parse(params.into()).unwrap());
            let notification = Notification { method: "notifications/progress".into(), params };
            assert_eq!(notification.progress().map(|progress| progress.progress), expected);
        }
    }

    /// One of the usual texts, and rarely one of the others.
    fn text(usual: &'static [&'static str], others: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop_oneof![15 => select(usual), 1 => select(others)].prop_map(str::to_owned)
    }

    /// A member of an object; rarely another one, or none.
    fn member(name: &'static str, value: impl Strategy<Value = String> + 'static) -> BoxedStrategy<Option<String>> {
        let usual = (text(&[":", " : "], &["", "::"]), value)
            .prop_map(move |(colon, value)| Some(format!("\"{name}\"{colon}{value}")));
        let others = vec![None, Some(r#""x":[1]"#), Some(r#""id":1"#), Some(r#""total":1"#), Some(r#""tot\u0061l":1"#)];
        prop_oneof![15 => usual, 1 => select(others).prop_map(|other| other.map(str::to_owned))].boxed()
    }

    fn object(members: Vec<BoxedStrategy<Option<String>>>) -> impl Strategy<Value = String> {
        let join = |(members, comma): (Vec<Option<String>>, String)| {
            format!("{{{}}}", members.into_iter().flatten().collect::<Vec<_>>().join(&comma))
        };
        (members.prop_shuffle(), text(&[",", " ,\t"], &[",,", " "])).prop_map(join)
    }

    fn message() -> impl Strategy<Value = String> {
        let numbers = &["0", "3", "2.50", "1234567890123456", "123456789012345", "0.1", "12345678901.2345"];
        let unusual = &["1e1", "-1", "01", "1.", "null", "99999999999999999999999", "\"7\""];
        let messages = &[r#""""#, r#""a\"\u0041""#, r#""é""#, r#""\ud83d""#];
        let params = object(vec![
            member("progressToken", text(&["7", "12", "0"], unusual)),
            member("progress", text(numbers, unusual)),
            member("total", text(numbers, unusual)),
            member("message", text(messages, &["null", r#""\x""#])),
        ]);
        object(vec![
            member("jsonrpc", text(&["\"2.0\""], &["2.0"])),
            member("method", text(&["\"notifications/progress\""], &["\"notifications/message\""])),
            member("params", params),
        ])
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_parser_reads(text in message(), cut: proptest::sample::Index, byte: u8) {
            let mut changed = text.clone().into_bytes();
            *cut.get_mut(&mut changed) = byte;
            for data in [text.as_bytes(), &text.as_bytes()[..cut.index(text.len())], &changed] {
                if let found @ Some(_) = read(data) {
                    prop_assert_eq!(&found, &reference(data), "{}", data.escape_ascii());
                }
            }
        }
    }
}
