//! Parses the head of a request, as far as the server needs it.

/// The parsed head of a request.
#[derive(Debug, PartialEq)]
pub struct Head<'a> {
    pub method: &'a [u8],
    pub path: &'a [u8],
    /// The size of the body in bytes.
    pub length: usize,
    /// The client waits for "100 Continue" before it sends the body.
    pub expects: bool,
    /// The body is chunked, which the server does not support.
    pub chunked: bool,
    /// The size of the head in bytes, including the empty line.
    pub size: usize,
}

/// Parses a head; `None` if it is incomplete.
pub fn head(input: &[u8]) -> Option<Head<'_>> {
    let (first, mut at) = line(input, 0)?;
    let mut words = first.split(|&byte| byte == b' ');
    let method = words.next()?;
    let path = words.next().unwrap_or_default();
    let mut head = Head { method, path, length: 0, expects: false, chunked: false, size: 0 };
    loop {
        let (line, next) = line(input, at)?;
        at = next;
        if line.is_empty() {
            head.size = at;
            return Some(head);
        }
        // Compare the first byte first: it excludes most header names.
        match line[0] | 0x20 {
            b'c' => {
                if let Some(value) = field(line, b"content-length:") {
                    head.length = str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
                }
            }
            b'e' => head.expects |= field(line, b"expect:").is_some(),
            b't' => head.chunked |= field(line, b"transfer-encoding:").is_some(),
            _ => {}
        }
    }
}

fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

/// The line at `at` without its line ending, and the offset of the next line.
fn line(input: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = &input[at..];
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    Some((rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]), at + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_parsed() {
        let text = b"POST /modern/sse HTTP/1.1\r\nHost: a\r\nContent-length:  12\r\nExpect: 100-continue\r\n\r\nbody";
        let head = head(text).unwrap();
        assert_eq!((head.method, head.path), (b"POST".as_slice(), b"/modern/sse".as_slice()));
        assert_eq!((head.length, head.expects, head.chunked, head.size), (12, true, false, text.len() - 4));
        for end in 0..text.len() - 4 {
            assert_eq!(super::head(&text[..end]), None);
        }
    }
}
