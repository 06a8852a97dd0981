//! Decodes chunked bodies (RFC 9112, section 7.1).
//!
//! ureq's own reader is not used: it accepts a sign in a chunk size, and refuses chunk extensions that make the line
//! longer than 20 bytes.

/// The longest line with a chunk size and its extensions, in bytes.
const MAX_LINE: u32 = 4096;

/// The longest chunk size that is parsed at once. It fits into 64 bits.
const MAX_PLAIN_DIGITS: usize = 8;

/// What is expected next in a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChunkState {
    /// A digit of a chunk size, or its end; `size` is the value of the digits so far.
    Size {
        size: u64,
        has_digits: bool,
    },
    /// Spaces or an extension after the size. Before the semicolon, only spaces are allowed.
    Extension {
        size: u64,
        has_semicolon: bool,
    },
    /// The line feed after the size.
    SizeEnd {
        size: u64,
    },
    /// Data of a chunk, of which `remaining` bytes are left.
    Data {
        remaining: u64,
    },
    /// The carriage return and the line feed after the data of a chunk.
    DataEnd {
        has_return: bool,
    },
    /// A line of the trailer section. An empty line ends the body.
    Trailer {
        is_empty: bool,
        has_return: bool,
    },
    End,
}

/// A decoder for the framing of a chunked body. The caller reads the data.
#[derive(Debug)]
pub struct ChunkDecoder {
    state: ChunkState,
    /// The length of the current line with a chunk size so far.
    line_length: u32,
}

const INVALID_SIZE: &str = "a chunk size is not a hexadecimal number";
const MISSING_CRLF: &str = "a line end (CRLF) is missing after a chunk size or a chunk";
const LINE_TOO_LONG: &str = "a chunk-size line is too long";

impl ChunkDecoder {
    pub fn new() -> ChunkDecoder {
        ChunkDecoder { state: ChunkState::Size { size: 0, has_digits: false }, line_length: 0 }
    }

    pub fn is_at_end(&self) -> bool {
        self.state == ChunkState::End
    }

    /// To be called when the connection has ended. Returns whether the body is complete: some servers omit the empty
    /// line after the last chunk.
    pub fn end(&mut self) -> bool {
        let is_complete = matches!(self.state, ChunkState::Trailer { .. } | ChunkState::End);
        if is_complete {
            self.state = ChunkState::End;
        }
        is_complete
    }

    /// How many bytes of data come next; zero if something else comes next.
    pub fn data(&self) -> u64 {
        if let ChunkState::Data { remaining } = self.state { remaining } else { 0 }
    }

    /// Records that the caller has read `count` bytes of the data.
    pub fn take_data(&mut self, count: u64) {
        if let ChunkState::Data { remaining } = &mut self.state {
            *remaining -= count;
            if *remaining == 0 {
                self.state = ChunkState::DataEnd { has_return: false };
            }
        }
    }

    /// Parses `input` up to the next data, up to the end of the body, or up to an invalid byte. Returns the number of
    /// bytes parsed. Fails if the first byte is invalid.
    pub fn advance(&mut self, input: &[u8]) -> Result<usize, &'static str> {
        if let Some((count, remaining)) = self.plain_size(input) {
            self.state = ChunkState::Data { remaining };
            return Ok(count);
        }
        for (at, byte) in input.iter().enumerate() {
            match self.state {
                ChunkState::Data { .. } | ChunkState::End => return Ok(at),
                state => match self.step(state, *byte) {
                    Ok(next) => self.state = next,
                    Err(why) if at == 0 => return Err(why),
                    Err(_) => return Ok(at),
                },
            }
        }
        Ok(input.len())
    }

    /// The length of the framing before the next data, and the length of that data, if the framing is a size without
    /// extensions and complete. A server may send each event as a chunk: this takes 90 instead of 350 instructions.
    fn plain_size(&self, input: &[u8]) -> Option<(usize, u64)> {
        let rest = match self.state {
            ChunkState::DataEnd { has_return: false } => input.strip_prefix(b"\r\n")?,
            ChunkState::Size { has_digits: false, .. } => input,
            _ => return None,
        };
        let mut size = 0;
        for (at, byte) in rest.iter().enumerate().take(MAX_PLAIN_DIGITS + 1) {
            match (*byte as char).to_digit(16) {
                Some(digit) => size = size << 4 | u64::from(digit),
                None => {
                    let is_complete = size > 0 && rest[at..].starts_with(b"\r\n");
                    return is_complete.then_some((input.len() - rest.len() + at + 2, size));
                }
            }
        }
        None
    }

    fn step(&mut self, state: ChunkState, byte: u8) -> Result<ChunkState, &'static str> {
        let is_space = matches!(byte, b' ' | b'\t');
        if matches!(state, ChunkState::Size { .. } | ChunkState::Extension { .. }) {
            self.line_length += 1;
            if self.line_length > MAX_LINE {
                return Err(LINE_TOO_LONG);
            }
        }
        Ok(match state {
            ChunkState::Size { size, has_digits } => match byte {
                b'\r' if has_digits => ChunkState::SizeEnd { size },
                b';' if has_digits => ChunkState::Extension { size, has_semicolon: true },
                _ if is_space && has_digits => ChunkState::Extension { size, has_semicolon: false },
                _ => {
                    let digit = (byte as char).to_digit(16).ok_or(INVALID_SIZE)?;
                    let size = size.checked_mul(16).ok_or(INVALID_SIZE)? | u64::from(digit);
                    ChunkState::Size { size, has_digits: true }
                }
            },
            ChunkState::Extension { size, has_semicolon } => match byte {
                b'\r' => ChunkState::SizeEnd { size },
                b'\n' => return Err(MISSING_CRLF),
                b';' => ChunkState::Extension { size, has_semicolon: true },
                _ if has_semicolon || is_space => state,
                _ => return Err(INVALID_SIZE),
            },
            ChunkState::SizeEnd { size } => {
                self.line_length = 0;
                match (byte, size) {
                    (b'\n', 0) => ChunkState::Trailer { is_empty: true, has_return: false },
                    (b'\n', remaining) => ChunkState::Data { remaining },
                    _ => return Err(MISSING_CRLF),
                }
            }
            ChunkState::DataEnd { has_return } => match (byte, has_return) {
                (b'\r', false) => ChunkState::DataEnd { has_return: true },
                (b'\n', true) => ChunkState::Size { size: 0, has_digits: false },
                _ => return Err(MISSING_CRLF),
            },
            ChunkState::Trailer { is_empty, has_return } => match byte {
                b'\n' if has_return && is_empty => ChunkState::End,
                b'\n' if has_return => ChunkState::Trailer { is_empty: true, has_return: false },
                b'\r' => ChunkState::Trailer { is_empty: is_empty && !has_return, has_return: true },
                _ => ChunkState::Trailer { is_empty: false, has_return: false },
            },
            ChunkState::Data { .. } | ChunkState::End => state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of `body`, decoded in pieces of `piece` bytes; `None` if the body is incomplete.
    fn read(body: &[u8], piece: usize) -> Result<Option<Vec<u8>>, &'static str> {
        let (mut chunks, mut data) = (ChunkDecoder::new(), Vec::new());
        for mut piece in body.chunks(piece) {
            while !piece.is_empty() && !chunks.is_at_end() {
                let count = (chunks.data() as usize).min(piece.len());
                data.extend_from_slice(&piece[..count]);
                chunks.take_data(count as u64);
                piece = &piece[count..];
                piece = &piece[chunks.advance(piece)?..];
            }
        }
        Ok(chunks.is_at_end().then_some(data))
    }

    #[test]
    fn chunks_are_decoded_in_pieces_of_any_size() {
        let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(4000));
        let valid: [(&str, &[u8]); 7] = [
            ("5\r\nhello\r\n0\r\n\r\n", b"hello"),
            ("0\r\n\r\n", b""),
            ("2\r\nhe\r\n003\r\nllo\r\n000\r\n\r\n", b"hello"),
            ("A;a=\"b;c\";d\r\n0123456789\r\n0 ;x\r\nX: y\r\nZ:\r\n\r\n", b"0123456789"),
            ("5  \r\n\r\n\r\n0\r\n0\r\n\r\n", b"\r\n\r\n0"),
            ("5\r\nhello\r\n0\r\n\rX: y\r\n\r\n", b"hello"),
            (&long, b"hello"),
        ];
        for (body, data) in valid {
            for piece in [1, 2, 3, 7, usize::MAX] {
                assert_eq!(read(body.as_bytes(), piece).unwrap().as_deref(), Some(data), "{body:?} by {piece}");
            }
            assert_eq!(read(&body.as_bytes()[..body.len() - 1], 5), Ok(None), "{body:?}");
        }
    }

    #[test]
    fn invalid_chunks_are_rejected() {
        let invalid = [
            ("+5\r\nhello\r\n", INVALID_SIZE),
            ("-5\r\n", INVALID_SIZE),
            ("0x5\r\n", INVALID_SIZE),
            ("5_0\r\n", INVALID_SIZE),
            (" 5\r\n", INVALID_SIZE),
            ("5 5\r\n", INVALID_SIZE),
            ("\r\n", INVALID_SIZE),
            (";x\r\n", INVALID_SIZE),
            ("5\n", INVALID_SIZE),
            ("10000000000000000\r\n", INVALID_SIZE),
            ("5\rx", MISSING_CRLF),
            ("5;x\nhello", MISSING_CRLF),
            ("5\r\nhello0\r\n", MISSING_CRLF),
            ("5\r\nhello\n0\r\n", MISSING_CRLF),
        ];
        for (body, why) in invalid {
            for piece in [1, usize::MAX] {
                assert_eq!(read(body.as_bytes(), piece), Err(why), "{body:?}");
            }
        }
        assert_eq!(read("0".repeat(5000).as_bytes(), 64), Err(LINE_TOO_LONG));
        assert_eq!(read(format!("5;{}", "x".repeat(5000)).as_bytes(), 64), Err(LINE_TOO_LONG));
    }

    #[test]
    fn the_empty_line_after_the_last_chunk_may_be_missing() {
        for (body, is_complete) in
            [("1\r\nx\r\n0\r\n", true), ("1\r\nx\r\n0\r", false), ("1\r\nx\r\n", false), ("1\r\n", false)]
        {
            let mut chunks = ChunkDecoder::new();
            let head = chunks.advance(body.as_bytes()).unwrap();
            if chunks.data() > 0 && body.len() > head {
                chunks.take_data(1);
                chunks.advance(&body.as_bytes()[head + 1..]).unwrap();
            }
            assert_eq!((chunks.end(), chunks.is_at_end()), (is_complete, is_complete), "{body:?}");
        }
    }

    #[test]
    fn the_largest_chunk_size_is_accepted() {
        let mut chunks = ChunkDecoder::new();
        assert_eq!(chunks.advance(b"ffffffffffffffff\r\nx"), Ok(18));
        assert_eq!(chunks.data(), u64::MAX);
    }
}
