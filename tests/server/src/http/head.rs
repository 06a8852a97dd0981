//! Parsing of request and response heads.
//!
//! Lenient on purpose: requests are recorded unchanged, and validated elsewhere.

use std::ops::Range;

/// The largest accepted head. It limits the memory that a faulty client can use.
pub const MAX_HEAD: usize = 256 * 1024;

/// The start line and the headers of one message. It is reused for many requests: fields are ranges of one buffer, so
/// that parsing does not allocate memory for each header.
#[derive(Debug, Default, Clone)]
pub struct Head {
    raw: Vec<u8>,
    start: [Range<usize>; 3],
    fields: Vec<(Range<usize>, Range<usize>)>,
}

impl Head {
    /// Finds the end of a head in `bytes`: the offset after its empty line. `from` is how many bytes were already
    /// searched, so that a head that arrives in many small parts takes linear time.
    pub fn find_end(bytes: &[u8], from: usize) -> Option<usize> {
        let from = from.saturating_sub(3);
        bytes[from..].windows(4).position(|window| window == b"\r\n\r\n").map(|position| from + position + 4)
    }

    /// Parses the head in `bytes`, which must end with the empty line.
    pub fn parse(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.raw.clear();
        self.raw.extend_from_slice(bytes);
        self.fields.clear();
        let raw = &self.raw;
        let mut lines = Lines { raw, at: 0 };
        let first = lines.next().ok_or("an empty head")?;
        self.start = split_start(raw, first).ok_or("a start line without three parts")?;
        for line in lines {
            if line.is_empty() {
                break;
            }
            let colon = raw[line.clone()]
                .iter()
                .position(|&byte| byte == b':')
                .ok_or_else(|| format!("a header line without a colon: {}", lossy(&raw[line.clone()])))?;
            let name = line.start..line.start + colon;
            let value = trim(raw, name.end + 1..line.end);
            self.fields.push((name, value));
        }
        Ok(())
    }

    /// The received bytes.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The method of a request.
    pub fn method(&self) -> &str {
        self.text(&self.start[0])
    }

    /// The target of a request, query included.
    pub fn target(&self) -> &str {
        self.text(&self.start[1])
    }

    /// The target of a request without its query.
    pub fn path(&self) -> &str {
        let target = self.target();
        target.split('?').next().unwrap_or(target)
    }

    /// Whether the target of a request has a query.
    pub fn has_query(&self) -> bool {
        self.target().contains('?')
    }

    /// A parameter of the query, without percent-decoding.
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.target().split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Whether a request has the version HTTP/1.0.
    pub fn is_http_10(&self) -> bool {
        self.text(&self.start[2]) == "HTTP/1.0"
    }

    /// The status code of a response.
    pub fn status(&self) -> Option<u16> {
        self.text(&self.start[1]).parse().ok()
    }

    /// The first value of a header. The name is case-insensitive.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a header that may be repeated.
    pub fn all<'head>(&'head self, name: &str) -> impl Iterator<Item = &'head str> {
        self.fields
            .iter()
            .filter(move |(key, _)| self.raw[key.clone()].eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| self.text(value))
    }

    /// All headers, in the received order and spelling.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (self.text(name), self.text(value)))
    }

    /// Whether a header with a comma-separated list contains `token`.
    pub fn lists(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|item| item.split(';').next().unwrap_or(item).trim().eq_ignore_ascii_case(token))
    }

    /// The head with the value of one header replaced. All other bytes are unchanged.
    pub fn with_value(&self, name: &str, value: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.raw.len() + value.len());
        let mut at = 0;
        for (key, old) in &self.fields {
            if self.raw[key.clone()].eq_ignore_ascii_case(name.as_bytes()) {
                out.extend_from_slice(&self.raw[at..old.start]);
                out.extend_from_slice(value.as_bytes());
                at = old.end;
            }
        }
        out.extend_from_slice(&self.raw[at..]);
        out
    }

    fn text(&self, range: &Range<usize>) -> &str {
        // Latin-1 bytes are not valid UTF-8; a marker shows such a header in the records.
        std::str::from_utf8(&self.raw[range.clone()]).unwrap_or("<not UTF-8>")
    }
}

struct Lines<'a> {
    raw: &'a [u8],
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.raw.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        let start = self.at;
        self.at += length + 1;
        let end = start + length;
        let end = if end > start && self.raw[end - 1] == b'\r' { end - 1 } else { end };
        Some(start..end)
    }
}

/// The three parts of a start line. The last may contain spaces (a reason phrase) or be missing.
fn split_start(raw: &[u8], line: Range<usize>) -> Option<[Range<usize>; 3]> {
    let space = |from: usize| raw[from..line.end].iter().position(|&byte| byte == b' ').map(|at| from + at);
    let first = space(line.start)?;
    let second = space(first + 1).unwrap_or(line.end);
    let rest = (second + 1).min(line.end)..line.end;
    (first > line.start && second > first + 1).then(|| [line.start..first, first + 1..second, rest])
}

fn trim(raw: &[u8], mut range: Range<usize>) -> Range<usize> {
    let blank = |byte: u8| byte == b' ' || byte == b'\t';
    while range.start < range.end && blank(raw[range.start]) {
        range.start += 1;
    }
    while range.start < range.end && blank(raw[range.end - 1]) {
        range.end -= 1;
    }
    range
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Head {
        let mut head = Head::default();
        head.parse(text.as_bytes()).unwrap();
        head
    }

    #[test]
    fn a_request_is_parsed() {
        let head = parsed("POST /s/dual/mcp?x=1 HTTP/1.1\r\nHost: a\r\nACCEPT:\t text/html , b;q=1 \r\nX:\r\n\r\n");
        assert_eq!((head.method(), head.target(), head.path()), ("POST", "/s/dual/mcp?x=1", "/s/dual/mcp"));
        assert_eq!((head.has_query(), head.query("x"), head.query("y")), (true, Some("1"), None));
        assert_eq!(head.get("accept"), Some("text/html , b;q=1"));
        assert_eq!(head.get("x"), Some(""));
        assert_eq!(head.get("y"), None);
        assert!(head.lists("Accept", "text/html") && head.lists("Accept", "B") && !head.lists("Accept", "q"));
        assert!(!head.is_http_10());
    }

    #[test]
    fn a_response_is_parsed() {
        assert_eq!(parsed("HTTP/1.1 404 Not Found Here\r\n\r\n").status(), Some(404));
        assert_eq!(parsed("HTTP/1.1 200\r\nA: b\r\n\r\n").status(), Some(200));
    }

    #[test]
    fn a_repeated_header_keeps_every_value() {
        let head = parsed("GET / HTTP/1.1\r\nA: 1\r\na: 2\r\n\r\n");
        assert_eq!(head.all("A").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(head.pairs().collect::<Vec<_>>(), [("A", "1"), ("a", "2")]);
    }

    #[test]
    fn invalid_heads_are_rejected() {
        let mut head = Head::default();
        for text in ["\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"] {
            assert!(head.parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_end_of_a_head_is_found_across_reads() {
        let bytes = b"GET / HTTP/1.1\r\n\r\nbody";
        assert_eq!(Head::find_end(bytes, 0), Some(18));
        assert_eq!(Head::find_end(&bytes[..17], 0), None);
        assert_eq!(Head::find_end(bytes, 17), Some(18));
        assert_eq!(Head::find_end(b"", 0), None);
    }

    #[test]
    fn with_value_replaces_only_one_value() {
        let head = parsed("GET / HTTP/1.1\r\nA:b\r\nhost:   old:1\r\nC: d\r\n\r\n");
        assert_eq!(head.with_value("Host", "new:2"), b"GET / HTTP/1.1\r\nA:b\r\nhost:   new:2\r\nC: d\r\n\r\n");
    }
}
