//! Body framing: a scanner that gets the received bytes, in parts of any size.
//!
//! Both programs use it: the server needs the decoded body; the recorder forwards the bytes unchanged and only needs to
//! know where the message ends.

use super::Head;

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// This number of bytes.
    Length(u64),
    /// Chunks, each with its size.
    Chunked,
    /// Until the connection ends (responses only).
    Close,
}

impl Framing {
    /// The framing of a request's body.
    pub fn of_request(head: &Head) -> Result<Self, String> {
        Ok(Self::declared(head)?.unwrap_or(Self::Length(0)))
    }

    /// The framing of a response's body, which also depends on the request's method.
    pub fn of_response(head: &Head, request_method: &str) -> Result<Self, String> {
        let status = head.status().ok_or("a response without a status")?;
        if request_method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return Ok(Self::Length(0));
        }
        Ok(Self::declared(head)?.unwrap_or(Self::Close))
    }

    fn declared(head: &Head) -> Result<Option<Self>, String> {
        if head.lists("Transfer-Encoding", "chunked") {
            return Ok(Some(Self::Chunked));
        }
        match head.get("Content-Length") {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(length) => Ok(Some(Self::Length(length))),
                Err(_) => Err(format!("the Content-Length is not a number: {text}")),
            },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScanState {
    Data,
    SizeLine,
    ChunkData,
    AfterChunk,
    Trailer,
    Done,
}

/// Finds the end of one body in the received bytes.
#[derive(Debug)]
pub struct Scanner {
    framing: Framing,
    state: ScanState,
    left: u64,
    line: Vec<u8>,
}

impl Scanner {
    /// A scanner at the start of a body.
    pub fn new(framing: Framing) -> Self {
        let (state, left) = match framing {
            Framing::Length(0) => (ScanState::Done, 0),
            Framing::Length(length) => (ScanState::Data, length),
            Framing::Chunked => (ScanState::SizeLine, 0),
            Framing::Close => (ScanState::Data, u64::MAX),
        };
        Self { framing, state, left, line: Vec::new() }
    }

    /// Whether the whole body has been scanned.
    pub fn is_done(&self) -> bool {
        self.state == ScanState::Done
    }

    /// Whether the body may end here if the connection ends.
    pub fn may_end(&self) -> bool {
        self.is_done() || self.framing == Framing::Close
    }

    /// How many more bytes must follow, so that a caller can reserve memory once; 0 if this is unknown.
    pub fn expected(&self) -> usize {
        match self.framing {
            Framing::Length(_) => usize::try_from(self.left).unwrap_or(usize::MAX),
            _ => 0,
        }
    }

    /// Scans bytes and appends the content to `out`. Returns how many bytes belong to the body.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, String> {
        let mut at = 0;
        while at < bytes.len() && self.state != ScanState::Done {
            match self.state {
                ScanState::Data | ScanState::ChunkData => {
                    let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    out.extend_from_slice(&bytes[at..at + take]);
                    at += take;
                    self.take(take as u64);
                }
                _ => {
                    let byte = bytes[at];
                    at += 1;
                    if byte == b'\n' {
                        self.line_ended()?;
                        self.line.clear();
                    } else if self.line.len() < 4096 {
                        self.line.push(byte);
                    } else {
                        return Err("a chunk line is too long".into());
                    }
                }
            }
        }
        Ok(at)
    }

    fn take(&mut self, count: u64) {
        if self.framing == Framing::Close {
            return;
        }
        self.left -= count;
        if self.left == 0 {
            self.state = if self.state == ScanState::Data { ScanState::Done } else { ScanState::AfterChunk };
        }
    }

    fn line_ended(&mut self) -> Result<(), String> {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.trim_end_matches('\r');
        self.state = match self.state {
            ScanState::SizeLine => {
                let size = line.split(';').next().unwrap_or(line).trim();
                self.left =
                    u64::from_str_radix(size, 16).map_err(|_| format!("a chunk size is not a number: {line:?}"))?;
                if self.left == 0 { ScanState::Trailer } else { ScanState::ChunkData }
            }
            ScanState::AfterChunk if line.is_empty() => ScanState::SizeLine,
            ScanState::AfterChunk => return Err("a chunk is longer than its size".into()),
            ScanState::Trailer if line.is_empty() => ScanState::Done,
            other => other,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans in parts of every size, because sockets return parts of any size.
    fn scanned(framing: Framing, bytes: &[u8]) -> (Vec<u8>, usize, bool) {
        let mut results = (1..=bytes.len()).map(|step| {
            let (mut scanner, mut out, mut used) = (Scanner::new(framing), Vec::new(), 0);
            for piece in bytes.chunks(step) {
                used += scanner.feed(piece, &mut out).unwrap();
            }
            (out, used, scanner.is_done())
        });
        let first = results.next().unwrap();
        assert!(results.all(|other| other == first));
        first
    }

    #[test]
    fn a_body_with_a_length_ends_after_it() {
        assert_eq!(scanned(Framing::Length(3), b"abcdef"), (b"abc".to_vec(), 3, true));
        assert_eq!(scanned(Framing::Length(9), b"abcdef"), (b"abcdef".to_vec(), 6, false));
        assert_eq!(scanned(Framing::Length(0), b"x"), (Vec::new(), 0, true));
    }

    #[test]
    fn chunks_are_joined() {
        let body = b"3;name=x\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: y\r\n\r\nnext";
        assert_eq!(scanned(Framing::Chunked, body), (b"abc0123456789".to_vec(), body.len() - 4, true));
    }

    #[test]
    fn invalid_chunks_are_rejected() {
        for body in [&b"zz\r\n"[..], b"1\r\nabc\r\n"] {
            assert!(Scanner::new(Framing::Chunked).feed(body, &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn a_body_without_framing_ends_with_the_connection() {
        assert_eq!(scanned(Framing::Close, b"abc"), (b"abc".to_vec(), 3, false));
        assert!(Scanner::new(Framing::Close).may_end());
    }

    #[test]
    fn framing_is_read_from_the_head() {
        let mut head = Head::default();
        head.parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").unwrap();
        assert_eq!(Framing::of_response(&head, "POST"), Ok(Framing::Length(5)));
        assert_eq!(Framing::of_response(&head, "HEAD"), Ok(Framing::Length(0)));
        head.parse(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        assert_eq!(Framing::of_response(&head, "GET"), Ok(Framing::Close));
        head.parse(b"POST / HTTP/1.1\r\ntransfer-encoding: gzip, Chunked\r\n\r\n").unwrap();
        assert_eq!(Framing::of_request(&head), Ok(Framing::Chunked));
        head.parse(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n").unwrap();
        assert!(Framing::of_request(&head).is_err());
    }
}
