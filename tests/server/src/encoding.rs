//! The encoding of bodies: gzip, and line ends and a byte order mark in event streams.

use crate::http::Head;
use crate::options::{Eol, Scenario};
use crate::reply::{Body, Reply};
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};
use std::io::{self, Write};

const BOM: &[u8] = b"\xef\xbb\xbf";
/// An id that a client must ignore, because it contains a NUL.
const NUL_ID: &[u8] = b"id: nul\0id\n";

/// Encodes one event stream, part by part.
pub struct Encoder {
    eol: Eol,
    bom: bool,
    nul_id: bool,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

impl Encoder {
    /// The encoder for the response to a request.
    pub fn new(scenario: &Scenario, head: &Head) -> Self {
        let gzip = wants_gzip(scenario, head).then(|| GzEncoder::new(Vec::new(), Compression::fast()));
        Self { eol: scenario.eol, bom: scenario.bom, nul_id: scenario.nul_id, gzip }
    }

    /// Whether the response needs a `Content-Encoding: gzip` header.
    pub fn is_gzip(&self) -> bool {
        self.gzip.is_some()
    }

    /// Encodes a part completely, so that the client can read it without waiting for the next one.
    pub fn encode_part(&mut self, part: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(part.len() + 32);
        if std::mem::take(&mut self.bom) {
            out.extend_from_slice(BOM);
        }
        if self.nul_id && !part.starts_with(b":") {
            out.extend_from_slice(NUL_ID);
        }
        out.extend_from_slice(part);
        let out = self.eol.apply(out);
        let Some(gzip) = &mut self.gzip else { return Ok(out) };
        gzip.write_all(&out)?;
        gzip.flush()?;
        Ok(std::mem::take(gzip.get_mut()))
    }

    /// The remaining bytes at the end of the stream.
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

/// Encodes a response as the scenario and the client's `Accept-Encoding` require.
pub fn encode(reply: &mut Reply, scenario: &Scenario, head: &Head) -> io::Result<()> {
    match &mut reply.body {
        Body::Stream(parts) => {
            let mut encoder = Encoder::new(scenario, head);
            let is_gzip = encoder.is_gzip();
            for part in parts.iter_mut() {
                *part = encoder.encode_part(part)?;
            }
            if is_gzip {
                parts.push(encoder.end()?);
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

/// The header of a gzip body.
pub fn gzip_header() -> (&'static str, String) {
    ("Content-Encoding", "gzip".into())
}

/// A whole gzip body.
pub fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content)?;
    encoder.finish()
}

/// A gzip body of `opening`, `count` times `filler`, and `closing`. The filler is compressed only once and its blocks
/// are repeated, so that a body that decompresses to gigabytes is created fast.
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

/// Blocks that do not refer to earlier data. All blocks except the last (`Finish`) end at a byte boundary.
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

    fn gunzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn event_streams_have_the_requested_line_ends_and_marks() {
        let scenario = Scenario::parse("eol=cr+bom+nul-id").unwrap();
        let mut encoder = Encoder::new(&scenario, &head(""));
        assert_eq!(encoder.encode_part(b": x\n\n").unwrap(), b"\xef\xbb\xbf: x\r\r");
        assert_eq!(encoder.encode_part(b"data: y\n\n").unwrap(), b"id: nul\0id\rdata: y\r\r");
        let mut encoder = Encoder::new(&Scenario::parse("eol=crlf").unwrap(), &head(""));
        assert_eq!(encoder.encode_part(b"data: y\n\n").unwrap(), b"data: y\r\n\r\n");
    }

    #[test]
    fn each_part_can_be_decompressed_before_the_next() {
        let scenario = Scenario::parse("gzip").unwrap();
        let mut encoder = Encoder::new(&scenario, &head("Accept-Encoding: br, gzip\r\n"));
        let mut sent = encoder.encode_part(b"data: one\n\n").unwrap();
        let mut first = [0; 11];
        GzDecoder::new(&sent[..]).read_exact(&mut first).unwrap();
        assert_eq!(&first, b"data: one\n\n");
        sent.extend(encoder.encode_part(b"data: two\n\n").unwrap());
        sent.extend(encoder.end().unwrap());
        assert_eq!(gunzip(&sent), b"data: one\n\ndata: two\n\n");
    }

    #[test]
    fn only_clients_that_accept_gzip_get_it() {
        let scenario = Scenario::parse("gzip").unwrap();
        assert!(!Encoder::new(&scenario, &head("")).is_gzip());
        let mut reply = Reply::json(200, "{}");
        encode(&mut reply, &scenario, &head("Accept-Encoding: gzip\r\n")).unwrap();
        assert_eq!(reply.headers, [gzip_header()]);
        let Body::Json(body) = reply.body else { panic!("the body is not JSON") };
        assert_eq!(gunzip(&body), b"{}");
    }

    #[test]
    fn repeated_blocks_form_one_valid_body() {
        let filler = vec![b'a'; 100_000];
        let body = gzip_repeated(b"<", &filler, 20, b">").unwrap();
        assert!(body.len() < 10_000);
        assert_eq!(gunzip(&body), [b"<", &filler.repeat(20)[..], b">"].concat());
    }
}
