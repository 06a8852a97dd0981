//! The lines of a request's head that ureq does not write.

use std::fmt;

use ::http::{HeaderName, HeaderValue};

use crate::call::request_headers::RequestHeaders;
use crate::sys::memory::wipe;

/// Header fields in the form in which they are sent. They may contain a token, so they are wiped after use; the memory
/// is used again for the next request.
#[derive(Default)]
pub struct HeaderLines(Vec<u8>);

impl HeaderLines {
    /// Replaces the lines with `headers`, and with those of `defaults` whose names `headers` does not contain.
    pub fn set(&mut self, headers: &RequestHeaders, defaults: &[(HeaderName, HeaderValue)]) {
        self.clear();
        let missing = defaults.iter().filter(|(name, _)| headers.get(name).is_none());
        let all = headers.iter().chain(missing);
        // Reserve once: growing a buffer would leave copies in memory.
        self.0.reserve(all.clone().map(|(name, value)| name.as_str().len() + value.len() + 4).sum());
        for (name, value) in all {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                self.0.extend_from_slice(part);
            }
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn clear(&mut self) {
        wipe(&mut self.0);
        self.0.clear();
    }
}

impl Drop for HeaderLines {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for HeaderLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the lines, which may contain a token.
        f.debug_struct("HeaderLines").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ::http::header;

    use super::*;

    #[test]
    fn defaults_are_added_unless_a_header_replaces_them() {
        let mut headers = RequestHeaders::default();
        headers.set(header::USER_AGENT, HeaderValue::from_static("mine"));
        headers.set(HeaderName::from_static("x-a"), HeaderValue::from_bytes(b"\xE4").unwrap());
        let defaults = [(header::USER_AGENT, "theirs"), (header::ACCEPT, "all")];
        let mut lines = HeaderLines::default();
        lines.set(&RequestHeaders::default(), &[]);
        assert_eq!(lines.bytes(), b"");
        lines.set(&headers, &defaults.map(|(name, value)| (name, HeaderValue::from_static(value))));
        assert_eq!(lines.bytes(), b"user-agent: mine\r\nx-a: \xE4\r\naccept: all\r\n");
        assert!(!format!("{lines:?}").contains("109"));
    }
}
