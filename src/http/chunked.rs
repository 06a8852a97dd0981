//! Where the chunks of a body begin and end (RFC 9112, section 7.1).
//!
//! ureq's own reader takes a chunk size with a sign and refuses a line of more than 20 bytes, which a chunk extension may have.

/// The longest line of a chunk's size with its extensions, in bytes.
const LONGEST_LINE: u32 = 4096;

/// What comes next in a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChunkState {
    /// The size of a chunk; the digits so far are worth `size`.
    Size {
        size: u64,
        has_digits: bool,
    },
    /// Spaces or an extension behind the size. `begun` once a semicolon has come: before, only spaces may.
    Extension {
        size: u64,
        begun: bool,
    },
    /// The line feed behind the size.
    SizeEnd {
        size: u64,
    },
    /// So many bytes of a chunk.
    Data {
        left: u64,
    },
    /// The carriage return and the line feed behind a chunk.
    DataEnd {
        has_return: bool,
    },
    /// A line of the trailers. An empty one is the end of the body.
    Trailer {
        is_empty: bool,
        has_return: bool,
    },
    End,
}

/// How far a chunked body has come.
#[derive(Debug)]
pub struct ChunkDecoder {
    state: ChunkState,
    /// The bytes of the size's line so far.
    line: u32,
}

const NO_NUMBER: &str = "chunk length cannot be read as a number";
const NO_LINE: &str = "chunk expected crlf as next character";
const TOO_LONG: &str = "the chunk-size line is not terminated";

impl ChunkDecoder {
    pub fn new() -> ChunkDecoder {
        ChunkDecoder { state: ChunkState::Size { size: 0, has_digits: false }, line: 0 }
    }

    pub fn is_at_end(&self) -> bool {
        self.state == ChunkState::End
    }

    /// The connection has ended; whether all data had come by then. Some servers leave the line behind the last chunk out.
    pub fn end(&mut self) -> bool {
        let is_complete = matches!(self.state, ChunkState::Trailer { .. } | ChunkState::End);
        if is_complete {
            self.state = ChunkState::End;
        }
        is_complete
    }

    /// How many bytes of data come next; zero where something else does.
    pub fn data(&self) -> u64 {
        if let ChunkState::Data { left } = self.state { left } else { 0 }
    }

    /// Of the data that came next, so much has been taken.
    pub fn take_data(&mut self, count: u64) {
        if let ChunkState::Data { left } = &mut self.state {
            *left -= count;
            if *left == 0 {
                self.state = ChunkState::DataEnd { has_return: false };
            }
        }
    }

    /// Goes through `input` up to the next data, or the end; gives how many bytes of it those were.
    pub fn advance(&mut self, input: &[u8]) -> Result<usize, &'static str> {
        for (at, byte) in input.iter().enumerate() {
            match self.state {
                ChunkState::Data { .. } | ChunkState::End => return Ok(at),
                state => self.state = self.step(state, *byte)?,
            }
        }
        Ok(input.len())
    }

    fn step(&mut self, state: ChunkState, byte: u8) -> Result<ChunkState, &'static str> {
        let is_space = matches!(byte, b' ' | b'\t');
        if matches!(state, ChunkState::Size { .. } | ChunkState::Extension { .. }) {
            self.line += 1;
            if self.line > LONGEST_LINE {
                return Err(TOO_LONG);
            }
        }
        Ok(match state {
            ChunkState::Size { size, has_digits } => match byte {
                b'\r' if has_digits => ChunkState::SizeEnd { size },
                b';' if has_digits => ChunkState::Extension { size, begun: true },
                _ if is_space && has_digits => ChunkState::Extension { size, begun: false },
                _ => {
                    let digit = (byte as char).to_digit(16).ok_or(NO_NUMBER)?;
                    let size = size.checked_mul(16).ok_or(NO_NUMBER)? | u64::from(digit);
                    ChunkState::Size { size, has_digits: true }
                }
            },
            ChunkState::Extension { size, begun } => match byte {
                b'\r' => ChunkState::SizeEnd { size },
                b'\n' => return Err(NO_LINE),
                b';' => ChunkState::Extension { size, begun: true },
                _ if begun || is_space => state,
                _ => return Err(NO_NUMBER),
            },
            ChunkState::SizeEnd { size } => {
                self.line = 0;
                match (byte, size) {
                    (b'\n', 0) => ChunkState::Trailer { is_empty: true, has_return: false },
                    (b'\n', left) => ChunkState::Data { left },
                    _ => return Err(NO_LINE),
                }
            }
            ChunkState::DataEnd { has_return } => match (byte, has_return) {
                (b'\r', false) => ChunkState::DataEnd { has_return: true },
                (b'\n', true) => ChunkState::Size { size: 0, has_digits: false },
                _ => return Err(NO_LINE),
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

    /// What the body holds, taken in pieces of that size; `None` where it does not end.
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
    fn chunks_are_read_however_they_are_cut() {
        let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(4000));
        let good: [(&str, &[u8]); 7] = [
            ("5\r\nhello\r\n0\r\n\r\n", b"hello"),
            ("0\r\n\r\n", b""),
            ("2\r\nhe\r\n003\r\nllo\r\n000\r\n\r\n", b"hello"),
            ("A;a=\"b;c\";d\r\n0123456789\r\n0 ;x\r\nX: y\r\nZ:\r\n\r\n", b"0123456789"),
            ("5  \r\n\r\n\r\n0\r\n0\r\n\r\n", b"\r\n\r\n0"),
            ("5\r\nhello\r\n0\r\n\rX: y\r\n\r\n", b"hello"),
            (&long, b"hello"),
        ];
        for (body, data) in good {
            for piece in [1, 2, 3, 7, usize::MAX] {
                assert_eq!(read(body.as_bytes(), piece).unwrap().as_deref(), Some(data), "{body:?} by {piece}");
            }
            assert_eq!(read(&body.as_bytes()[..body.len() - 1], 5), Ok(None), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let bad = [
            ("+5\r\nhello\r\n", NO_NUMBER),
            ("-5\r\n", NO_NUMBER),
            ("0x5\r\n", NO_NUMBER),
            ("5_0\r\n", NO_NUMBER),
            (" 5\r\n", NO_NUMBER),
            ("5 5\r\n", NO_NUMBER),
            ("\r\n", NO_NUMBER),
            (";x\r\n", NO_NUMBER),
            ("5\n", NO_NUMBER),
            ("10000000000000000\r\n", NO_NUMBER),
            ("5\rx", NO_LINE),
            ("5;x\nhello", NO_LINE),
            ("5\r\nhello0\r\n", NO_LINE),
            ("5\r\nhello\n0\r\n", NO_LINE),
        ];
        for (body, why) in bad {
            for piece in [1, usize::MAX] {
                assert_eq!(read(body.as_bytes(), piece), Err(why), "{body:?}");
            }
        }
        assert_eq!(read("0".repeat(5000).as_bytes(), 64), Err(TOO_LONG));
        assert_eq!(read(format!("5;{}", "x".repeat(5000)).as_bytes(), 64), Err(TOO_LONG));
    }

    #[test]
    fn the_connection_may_end_behind_the_last_chunk() {
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
    fn the_largest_size_is_one() {
        let mut chunks = ChunkDecoder::new();
        assert_eq!(chunks.advance(b"ffffffffffffffff\r\nx"), Ok(18));
        assert_eq!(chunks.data(), u64::MAX);
    }
}
