//! Keeping secrets out of what people read: a server may echo what it got, in many forms.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::protocol::json::{Json, Value};
use crate::sanitize::{LONGEST, beginning, one_line};

/// A shorter value is too common in ordinary text to be taken for the secret.
const SHORTEST: usize = 4;

/// The same for a part of a value, such as one cookie of several.
const SHORTEST_PART: usize = 8;

/// What takes the place of a secret.
const REDACTED: &str = "[redacted]";

/// So much of a text is searched, in bytes: a server decides about its length, and only the beginning is ever shown.
const MOST_SEARCHED: usize = 64 * 1024;

/// What must not be shown. No `Debug`: nothing may print it.
#[derive(Default)]
pub struct Secrets {
    /// Longest first: of two secrets of which one begins like the other, the longer goes whole.
    forms: Vec<Zeroizing<String>>,
}

impl Secrets {
    /// Adds the value of a header.
    pub fn add(&mut self, value: &str) {
        let separators = [' ', ';', ',', '=', '"', '&'];
        let parts = value.split(separators).filter(|part| part.len() >= SHORTEST_PART);
        for secret in std::iter::once(value).filter(|value| value.len() >= SHORTEST).chain(parts) {
            self.add_forms(secret);
        }
        self.sort();
    }

    /// Adds a text of which no part is a secret, such as a segment of a path.
    pub fn add_whole(&mut self, text: &str) {
        self.add_forms(text);
        self.sort();
    }

    fn add_forms(&mut self, secret: &str) {
        for form in forms(secret) {
            if !form.is_empty() && !self.forms.contains(&form) {
                self.forms.push(form);
            }
        }
    }

    fn sort(&mut self) {
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// The text without secrets; of a very long one, the beginning.
    pub fn redact(&self, text: &str) -> String {
        self.redact_first(text, MOST_SEARCHED, false)
    }

    /// The same for the beginning of a text, of which the end was cut off where `is_cut`: what may be a part of a secret there goes.
    pub fn redact_beginning(&self, text: &str, is_cut: bool) -> String {
        self.redact_first(text, MOST_SEARCHED, is_cut)
    }

    /// The text without secrets, taken from its first `most` bytes, or a little more of them.
    fn redact_first(&self, text: &str, most: usize, is_cut: bool) -> String {
        // A secret that begins within `most` is seen whole. What is cut off may leave half of another one at the end, which is
        // therefore dropped after what stands before it has got shorter. One more character may have been damaged by the cut.
        let longest = self.forms.first().map_or(0, |form| form.len());
        let looked = beginning(text, most.saturating_add(longest));
        let mut shown = Cow::Borrowed(looked);
        for form in &self.forms {
            if shown.contains(form.as_str()) {
                shown = Cow::Owned(shown.replace(form.as_str(), REDACTED));
            }
        }
        let is_cut = is_cut || looked.len() < text.len();
        let kept = if is_cut { shown.len().saturating_sub(longest + 4) } else { shown.len() };
        beginning(&shown, kept).to_owned()
    }

    /// A text that is fit to be shown: without secrets, and as [`one_line`] makes it.
    pub fn tidy(&self, text: &str) -> String {
        // So much more than is shown that what is missing is seen to be.
        one_line(&self.redact_first(text, LONGEST + 8, false)).into_owned()
    }

    /// The same for everything in an error.
    pub fn tidy_error(&self, mut error: Error) -> Error {
        let report = error.report_mut();
        report.message = self.tidy(&report.message);
        report.www_authenticate = report.www_authenticate.as_deref().map(|text| self.tidy(text));
        if let Some(rpc) = &mut report.rpc {
            rpc.message = self.tidy(&rpc.message);
            // Data is handed out as the server sent it, or not at all.
            rpc.data = rpc.data.take().filter(|data| !self.are_in(data));
        }
        error
    }

    fn are_in(&self, json: &Json) -> bool {
        let holds = |text: &str| self.forms.iter().any(|form| text.contains(form.as_str()));
        let shows = |value: Value| {
            let key = value.key();
            key.is_some_and(|key| holds(&key)) || value.text().is_some_and(|text| holds(&text))
        };
        // The first look saves the second one nearly always: only an escape can hide a secret from it.
        holds(json.text()) || (json.text().contains('\\') && (0..json.len()).any(|at| shows(json.value(at))))
    }
}

/// The ways in which a text may stand in another one.
fn forms(secret: &str) -> impl Iterator<Item = Zeroizing<String>> {
    let json = |c: char, to: &mut String| match c {
        '"' | '\\' => to.extend(['\\', c]),
        '\t' => to.push_str("\\t"),
        '\r' => to.push_str("\\r"),
        '\n' => to.push_str("\\n"),
        c => to.push(c),
    };
    let slashes = move |c: char, to: &mut String| if c == '/' { to.push_str("\\/") } else { json(c, to) };
    let percent = |digits: &'static [u8; 16]| {
        move |c: char, to: &mut String| {
            for b in c.encode_utf8(&mut [0; 4]).bytes() {
                if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                    to.push(b.into());
                } else {
                    to.extend(['%', digits[usize::from(b >> 4)].into(), digits[usize::from(b & 15)].into()]);
                }
            }
        }
    };
    let (upper, lower) = (percent(b"0123456789ABCDEF"), percent(b"0123456789abcdef"));
    [
        form(secret, |c, to| to.push(c)),
        form(secret, json),
        form(secret, slashes),
        form(secret, upper),
        form(secret, lower),
    ]
    .into_iter()
}

/// A text written letter by letter into room that is large enough from the start: one that grows leaves copies behind.
fn form(secret: &str, mut write: impl FnMut(char, &mut String)) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(3 * secret.len()));
    secret.chars().for_each(|c| write(c, &mut text));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RpcError;
    use crate::status::MCP_RPC_ERROR;

    fn secrets(values: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        values.iter().for_each(|value| secrets.add(value));
        secrets
    }

    #[test]
    fn every_form_is_found() {
        let secrets = secrets(&["tok+en/abc=="]);
        for echo in ["tok+en/abc==", r"tok+en\/abc==", "tok%2Ben%2Fabc%3D%3D", "tok%2ben%2fabc%3d%3d"] {
            assert_eq!(secrets.redact(&format!("got {echo}.")), "got [redacted].", "{echo}");
        }
    }

    #[test]
    fn the_longer_of_two_goes_whole_and_cookies_go_one_by_one() {
        let secrets = secrets(&["abcdef", "abcdefSECRETREST", "sid=SECRETSESSION; theme=dark"]);
        assert_eq!(secrets.redact("abcdefSECRETREST abcdef"), "[redacted] [redacted]");
        assert_eq!(secrets.redact("no SECRETSESSION in a dark theme"), "no [redacted] in a dark theme");
    }

    #[test]
    fn what_is_shown_is_one_short_line() {
        let shown = Secrets::default().tidy(&format!("a\n\u{1b}[31m{}", "x".repeat(5000)));
        assert!(shown.starts_with("a  [31mx") && shown.len() <= LONGEST && shown.ends_with("x..."), "{shown}");
        let shown = Secrets::default().tidy(&"€".repeat(5000));
        assert!(shown.len() <= LONGEST && shown.ends_with("€..."), "{shown}");
    }

    #[test]
    fn what_is_cut_off_leaves_no_half_of_a_secret() {
        let secret = "s3cr3t-".repeat(40);
        let secrets = secrets(&[&secret]);
        for before in (LONGEST - 600..LONGEST + 300).step_by(7) {
            // Many that get shorter move what is behind them to the front.
            for lead in ["x".repeat(before), format!("{} {}", format!("{secret} ").repeat(20), "x".repeat(before))] {
                let shown = secrets.tidy(&format!("{lead}{secret}{}", "y".repeat(5000)));
                assert!(!shown.contains("s3cr3t-") && shown.len() <= LONGEST, "{before}: {shown}");
            }
        }
    }

    #[test]
    fn a_text_without_end_is_not_searched() {
        let secrets = secrets(&["s3cr3t-token"]);
        assert!(secrets.redact(&"s3cr3t-token ".repeat(1_000_000)).len() < 2 * MOST_SEARCHED);
    }

    #[test]
    fn data_that_holds_a_secret_is_left_out() {
        let secrets = secrets(&["tok+en/abc=="]);
        let data_of = |text: &str| {
            let data = Some(Json::parse(text.into()).unwrap());
            let rpc = RpcError { code: 1, message: String::new(), data };
            let error = secrets.tidy_error(Error::new(MCP_RPC_ERROR, "").with_rpc(rpc));
            error.report().rpc.as_ref().unwrap().data.is_some()
        };
        assert!(data_of(r#"{"a":["b\n"]}"#));
        for bad in [r#"["tok+en/abc=="]"#, r#"["tok\u002ben/abc=="]"#, r#"{"tok\u002ben\/abc==":1}"#] {
            assert!(!data_of(bad), "{bad}");
        }
    }
}
