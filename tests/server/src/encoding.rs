//! How bodies are written down: line ends and a byte order mark in event streams, and gzip.

use crate::http::Head;
use crate::options::{Eol, Scenario};
use crate::reply::{Body, Reply};
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};
use std::io::{self, Write};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// An id that a client has to ignore, since it contains a NUL byte.
const NUL_ID: &[u8] = b"id: nul\0id\n";

/// Writes down one event stream, piece by piece.
pub struct Encoder {
    eol: Eol,
    bom: bool,
    nul_id: bool,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

impl Encoder {
    /// The encoder for the answer to a request.
    pub fn new(scenario: &Scenario, head: &Head) -> Self {
        let gzip = wants_gzip(scenario, head).then(|| GzEncoder::new(Vec::new(), Compression::fast()));
        Self { eol: scenario.eol, bom: scenario.bom, nul_id: scenario.nul_id, gzip }
    }

    /// Whether a head has to say that gzip follows.
    pub fn is_gzip(&self) -> bool {
        self.gzip.is_some()
    }

    /// The bytes of a piece, whole: the client can read it without waiting for the next.
    pub fn piece(&mut self, piece: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(piece.len() + 32);
        if std::mem::take(&mut self.bom) {
            out.extend_from_slice(BOM);
        }
        if self.nul_id && !piece.starts_with(b":") {
            out.extend_from_slice(NUL_ID);
        }
        out.extend_from_slice(piece);
        let out = self.eol.apply(out);
        let Some(gzip) = &mut self.gzip else { return Ok(out) };
        gzip.write_all(&out)?;
        gzip.flush()?;
        Ok(std::mem::take(gzip.get_mut()))
    }

    /// What remains to be written at a proper end.
    pub fn end(&mut self) -> io::Result<Vec<u8>> {
        self.gzip.take().map_or_else(|| Ok(Vec::new()), GzEncoder::finish)
    }
}

impl Eol {
    fn apply(self, text: Vec<u8>) -> Vec<u8> {
        let end: &[u8] = match self {
            Self::Lf => return text,
            Self::Cr => b"\r",
            Self::CrLf => b"\r\n",
        };
        text.split(|&byte| byte == b'\n').collect::<Vec<_>>().join(end)
    }
}

/// Writes a response down as the scenario and the client want it.
pub fn encode(reply: &mut Reply, scenario: &Scenario, head: &Head) -> io::Result<()> {
    match &mut reply.body {
        Body::Stream(pieces) => {
            let mut encoder = Encoder::new(scenario, head);
            let is_gzip = encoder.is_gzip();
            for piece in pieces.iter_mut() {
                *piece = encoder.piece(piece)?;
            }
            if is_gzip {
                pieces.push(encoder.end()?);
                reply.headers.push(gzip_header());
            }
        }
        Body::Json(body) if wants_gzip(scenario, head) && !body.is_empty() => {
            *body = gzip(body)?;
            reply.headers.push(gzip_header());
        }
        _ => {}
    }
    Ok(())
}

fn wants_gzip(scenario: &Scenario, head: &Head) -> bool {
    scenario.gzip && head.lists("Accept-Encoding", "gzip")
}

/// What a head says of a body in gzip.
pub fn gzip_header() -> (&'static str, String) {
    ("Content-Encoding", "gzip".into())
}

/// A whole gzip body.
pub fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content)?;
    encoder.finish()
}

/// A gzip body of `opening`, `count` times `filler`, and `closing`. The filler is compressed once and its blocks are
/// repeated, so that a body which grows to gigabytes is made in no time.
pub fn gzip_repeated(opening: &[u8], filler: &[u8], count: usize, closing: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend_from_slice(&deflate(opening, FlushCompress::Full)?);
    out.extend_from_slice(&deflate(filler, FlushCompress::Full)?.repeat(count));
    out.extend_from_slice(&deflate(closing, FlushCompress::Finish)?);
    let (mut crc, filler) = (crc_of(opening), crc_of(filler));
    (0..count).for_each(|_| crc.combine(&filler));
    crc.combine(&crc_of(closing));
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
    Ok(out)
}

/// Blocks that refer to nothing before them. All but the last end at a whole byte.
fn deflate(content: &[u8], flush: FlushCompress) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(content.len() + 1024);
    Compress::new(Compression::best(), false).compress_vec(content, &mut out, flush).map_err(io::Error::other)?;
    Ok(out)
}

fn crc_of(content: &[u8]) -> Crc {
    let mut crc = Crc::new();
    crc.update(content);
    crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn head(text: &str) -> Head {
        let mut head = Head::default();
        head.parse(format!("GET / HTTP/1.1\r\n{text}\r\n").as_bytes()).unwrap();
        head
    }

    fn unzipped(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn line_ends_and_marks_are_as_asked() {
        let scenario = Scenario::parse("eol=cr+bom+nul-id").unwrap();
        let mut encoder = Encoder::new(&scenario, &head(""));
        assert_eq!(encoder.piece(b": x\n\n").unwrap(), b"\xef\xbb\xbf: x\r\r");
        assert_eq!(encoder.piece(b"data: y\n\n").unwrap(), b"id: nul\0id\rdata: y\r\r");
        let mut encoder = Encoder::new(&Scenario::parse("eol=crlf").unwrap(), &head(""));
        assert_eq!(encoder.piece(b"data: y\n\n").unwrap(), b"data: y\r\n\r\n");
    }

    #[test]
    fn each_piece_can_be_unzipped_when_it_is_there() {
        let scenario = Scenario::parse("gzip").unwrap();
        let mut encoder = Encoder::new(&scenario, &head("Accept-Encoding: br, gzip\r\n"));
        let mut sent = encoder.piece(b"data: one\n\n").unwrap();
        let mut first = [0; 11];
        GzDecoder::new(&sent[..]).read_exact(&mut first).unwrap();
        assert_eq!(&first, b"data: one\n\n");
        sent.extend(encoder.piece(b"data: two\n\n").unwrap());
        sent.extend(encoder.end().unwrap());
        assert_eq!(unzipped(&sent), b"data: one\n\ndata: two\n\n");
    }

    #[test]
    fn gzip_is_for_clients_that_take_it() {
        let scenario = Scenario::parse("gzip").unwrap();
        assert!(!Encoder::new(&scenario, &head("")).is_gzip());
        let mut reply = Reply::json(200, "{}");
        encode(&mut reply, &scenario, &head("Accept-Encoding: gzip\r\n")).unwrap();
        assert_eq!(reply.headers, [gzip_header()]);
        let Body::Json(body) = reply.body else { panic!("another body") };
        assert_eq!(unzipped(&body), b"{}");
    }

    #[test]
    fn repeated_blocks_are_one_proper_body() {
        let filler = vec![b'a'; 100_000];
        let body = gzip_repeated(b"<", &filler, 20, b">").unwrap();
        assert!(body.len() < 10_000);
        assert_eq!(unzipped(&body), [b"<", &filler.repeat(20)[..], b">"].concat());
    }
}
