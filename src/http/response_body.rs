//! The body of a response. It is read as it arrives, and without ureq if it has a length or is chunked.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use flate2::read::MultiGzDecoder;

use super::chunked::ChunkDecoder;
use super::content_encoding::ContentEncodings;
use super::error::invalid_http;
use super::http_connection::HttpConnection;
use super::pooled_connection::PooledConnection;
use crate::call::interrupt::interrupt_error;
use crate::error::{Error, Result};
use crate::net::io_error::{IoInterrupt, interrupted, io_reason, is_stopped};
use crate::net::progress::RequestPhase;
use crate::status::*;
use crate::sys::wait::WaitContext;

/// The body of a response, with its connection.
pub struct ResponseBody {
    pooled: PooledConnection,
    source: BodySource,
}

/// How the bytes of a body are read.
enum BodySource {
    /// By ureq: a body that ends with its connection, or no body.
    Ureq(ureq::BodyReader<'static>),
    /// A body with a known length, of which `remaining` bytes are not read yet.
    Plain {
        connection: Box<HttpConnection>,
        remaining: u64,
    },
    Chunked {
        connection: Box<HttpConnection>,
        chunks: ChunkDecoder,
    },
    Gzip(Box<MultiGzDecoder<CompressedBody>>),
}

/// The source of a compressed body.
struct CompressedBody {
    source: BodySource,
    /// Reading the source has failed, so a failure to decompress is not an error in the compressed data.
    has_failed: bool,
}

/// Why the received bytes of a body cannot be decoded.
#[derive(Debug)]
enum BodyError {
    Chunked(&'static str),
    Gzip(io::Error),
}

/// An idle connection. The rest of the last response may still have to be read.
pub struct IdleConnection {
    pooled: PooledConnection,
    rest: Option<BodySource>,
}

impl BodySource {
    fn of(body: ureq::Body, pooled: &PooledConnection, encodings: ContentEncodings) -> Result<BodySource> {
        let length = body.content_length().filter(|_| !encodings.chunked);
        let source = BodySource::of_framed(body, pooled, encodings.chunked, length)?;
        // An empty body is not valid gzip, but some servers label it so: do not decode it.
        if encodings.gzip && length != Some(0) {
            let compressed = CompressedBody { source, has_failed: false };
            return Ok(BodySource::Gzip(Box::new(MultiGzDecoder::new(compressed))));
        }
        Ok(source)
    }

    fn of_framed(
        body: ureq::Body,
        pooled: &PooledConnection,
        chunked: bool,
        length: Option<u64>,
    ) -> Result<BodySource> {
        let length = length.filter(|length| *length > 0);
        if !chunked && length.is_none() {
            return Ok(BodySource::Ureq(body.into_reader()));
        }
        // Do not read it by ureq, which would copy the body once more. Dropping ureq's body returns the connection.
        drop(body);
        let missing = || Error::new(MCP_INTERNAL, "internal error: the HTTP library did not return the connection");
        let connection = pooled.notes.take_connection().ok_or_else(missing)?;
        Ok(match length {
            Some(remaining) => BodySource::Plain { connection, remaining },
            None => BodySource::Chunked { connection, chunks: ChunkDecoder::new() },
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_at_end() {
            return Ok(0);
        }
        match self {
            BodySource::Ureq(reader) => reader.read(buffer),
            BodySource::Plain { connection, remaining } => {
                let most = buffer.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                subtract_read(remaining, connection.read(&mut buffer[..most])?)
            }
            BodySource::Chunked { connection, chunks } => read_chunk(connection, chunks, buffer),
            BodySource::Gzip(decoder) => decoder.read(buffer).map_err(|error| match decoder.get_ref().has_failed {
                true => error,
                false => io::Error::new(error.kind(), BodyError::Gzip(error)),
            }),
        }
    }

    /// Reads at most `most` bytes and appends them to `body`.
    fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        match self {
            BodySource::Ureq(_) | BodySource::Gzip(_) => {
                let before = body.len();
                body.resize(before + most.min(MAX_DECODED_READ), 0);
                let count = self.read(&mut body[before..]);
                body.truncate(before + *count.as_ref().unwrap_or(&0));
                count
            }
            BodySource::Plain { connection, remaining } => {
                let most = most.min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                subtract_read(remaining, connection.read_into(body, most)?)
            }
            BodySource::Chunked { connection, chunks } => read_chunks_into(connection, chunks, body, most),
        }
    }

    /// Whether the body is known to be at its end, without reading.
    fn is_at_end(&self) -> bool {
        match self {
            BodySource::Plain { remaining, .. } => *remaining == 0,
            BodySource::Chunked { chunks, .. } => chunks.is_at_end(),
            // Received data may still have to be decompressed.
            BodySource::Ureq(_) | BodySource::Gzip(_) => false,
        }
    }

    /// The connection, if the whole body was received.
    fn into_connection(self) -> Result<Box<HttpConnection>, BodySource> {
        match self {
            BodySource::Plain { connection, remaining: 0 } => Ok(connection),
            BodySource::Chunked { connection, chunks } if chunks.is_at_end() => Ok(connection),
            BodySource::Gzip(decoder) if decoder.get_ref().source.is_at_end() => {
                decoder.into_inner().source.into_connection()
            }
            other => Err(other),
        }
    }
}

impl Read for CompressedBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer).inspect_err(|_| self.has_failed = true)
    }
}

/// Reads up to the data of the next chunk. Returns the length of the data that is left of it, and zero at the end of
/// the body.
fn next_chunk(connection: &mut HttpConnection, chunks: &mut ChunkDecoder) -> io::Result<u64> {
    while chunks.data() == 0 && !chunks.is_at_end() {
        if connection.buffered().is_empty() && connection.fill()? == 0 {
            if chunks.end() {
                break;
            }
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        parse_framing(connection, chunks)?;
    }
    Ok(chunks.data())
}

/// Parses the buffered input up to the data of the next chunk.
fn parse_framing(connection: &mut HttpConnection, chunks: &mut ChunkDecoder) -> io::Result<()> {
    let count = chunks.advance(connection.buffered());
    let count = count.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, BodyError::Chunked(why)))?;
    connection.consume(count);
    Ok(())
}

/// Reads data of one chunk. Fails if the connection ends within it.
fn read_chunk(connection: &mut HttpConnection, chunks: &mut ChunkDecoder, buffer: &mut [u8]) -> io::Result<usize> {
    let most = usize::try_from(next_chunk(connection, chunks)?).unwrap_or(usize::MAX).min(buffer.len());
    if most == 0 {
        return Ok(0);
    }
    data_read(chunks, connection.read(&mut buffer[..most])?)
}

/// Appends at most `most` bytes of data to `body`: of a chunk, and of all chunks after it that were received already.
/// A server may send each event as a chunk.
fn read_chunks_into(
    connection: &mut HttpConnection,
    chunks: &mut ChunkDecoder,
    body: &mut Vec<u8>,
    most: usize,
) -> io::Result<usize> {
    let mut left = next_chunk(connection, chunks)?;
    if connection.buffered().is_empty() && (1..SMALL_CHUNK).contains(&left) {
        // Read more than this chunk. The end of the connection is noticed below.
        connection.fill()?;
    }
    let mut total = 0;
    while left > 0 && total < most {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(most - total);
        total += data_read(chunks, connection.read_into(body, count)?)?;
        if connection.buffered().is_empty() {
            break;
        }
        // If the framing is invalid, return the data before it; the next read fails.
        while chunks.data() == 0 && !chunks.is_at_end() && !connection.buffered().is_empty() {
            if parse_framing(connection, chunks).is_err() {
                break;
            }
        }
        left = chunks.data();
    }
    Ok(total)
}

/// Records that `count` bytes of a chunk were read. Fails if the connection has ended within the chunk.
fn data_read(chunks: &mut ChunkDecoder, count: usize) -> io::Result<usize> {
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    chunks.take_data(count as u64);
    Ok(count)
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::Chunked(why) => f.write_str(why),
            BodyError::Gzip(error) => write!(f, "gzip decompression failed: {error}"),
        }
    }
}

impl std::error::Error for BodyError {}

/// Subtracts `count` bytes that were read from a body's length. Fails if the connection ended before the body did.
fn subtract_read(remaining: &mut u64, count: usize) -> io::Result<usize> {
    if count == 0 && *remaining > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    *remaining -= count as u64;
    Ok(count)
}

impl ResponseBody {
    /// The body of a response whose head was received on `pooled`.
    pub(super) fn new(pooled: PooledConnection, body: ureq::Body, encodings: ContentEncodings) -> Result<ResponseBody> {
        let source = BodySource::of(body, &pooled, encodings)?;
        Ok(ResponseBody { pooled, source })
    }

    /// Appends the next bytes to `body`, at most `most`; returns zero at the end.
    pub fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> Result<usize> {
        if self.source.is_at_end() {
            return Ok(0);
        }
        let notes = &self.pooled.notes;
        // Reading buffered data does not wait, so check the deadline and the cancel token here.
        let count = match notes.progress.check() {
            Ok(()) => self.source.read_into(body, most),
            Err(interrupt) => Err(interrupted(interrupt)),
        };
        match count {
            Ok(count @ 1..) => Ok(count),
            Ok(_) if !notes.is_broken() => Ok(0),
            ended => Err(self.explain(ended.err())),
        }
    }

    /// Whether the body is known to be at its end, without reading.
    pub(super) fn is_at_end(&self) -> bool {
        self.source.is_at_end()
    }

    /// Replaces the limits for reading the rest.
    pub fn set_wait_context(&self, wait_context: WaitContext) {
        self.pooled.notes.progress.set_wait_context(wait_context);
    }

    /// Limits the time for reading the rest to `limit` from now.
    pub(super) fn limit_time(&self, limit: Duration) {
        self.pooled.notes.progress.limit_time(limit);
    }

    /// Makes the connection idle. With `with_rest`, it can be reused even if the body was not read to its end: the next
    /// request reads the rest.
    pub(super) fn into_idle(self, with_rest: bool) -> IdleConnection {
        let ResponseBody { mut pooled, source } = self;
        pooled.start_idling();
        let rest = match source.into_connection() {
            Ok(connection) => {
                pooled.notes.put_connection(connection);
                None
            }
            Err(source) => with_rest.then_some(source),
        };
        IdleConnection { pooled, rest }
    }

    /// The error for a body that could not be read: from the failed read, or else from how the connection ended.
    fn explain(&self, error: Option<io::Error>) -> Error {
        let error = match error.map(io::Error::downcast) {
            Some(Ok(IoInterrupt::Stopped(interrupt))) => {
                return interrupt_error(
                    &interrupt,
                    RequestPhase::Body.doing(),
                    &self.pooled.notes.progress.wait_context(),
                );
            }
            Some(Ok(IoInterrupt::Failed(error))) => return error,
            Some(Err(error)) => Some(error),
            None => None,
        };
        let end = self.pooled.notes.take_end();
        let body_error =
            error.as_ref().and_then(|error| error.get_ref()).and_then(|inner| inner.downcast_ref::<BodyError>());
        let reason = match body_error {
            Some(BodyError::Chunked(why)) => return invalid_http(why),
            Some(error @ BodyError::Gzip(why)) if why.kind() != io::ErrorKind::UnexpectedEof => {
                return Error::new(MCP_HTTP_ERROR, format!("the server's response cannot be decompressed: {error}"));
            }
            Some(error) => Some(io::Error::other(error.to_string())),
            None => end.or(error),
        };
        let reason = reason.map_or_else(String::new, |error| format!(": {}", io_reason(&error)));
        Error::new(MCP_TRUNCATED, format!("the server's response ended before it was complete{reason}"))
    }
}

impl IdleConnection {
    pub fn is_fresh(&self) -> bool {
        self.pooled.is_fresh()
    }

    /// Prepares the connection for the next request: reads the rest of the last response, within the limits that
    /// `rest_limit` returns. Fails if the connection cannot be reused.
    pub fn into_pooled(self, rest_limit: impl FnOnce() -> WaitContext) -> Result<PooledConnection, ReuseError> {
        let IdleConnection { pooled, rest } = self;
        if !pooled.is_fresh() {
            return Err(ReuseError::Stale);
        }
        let Some(mut rest) = rest else { return Ok(pooled) };
        pooled.notes.begin(&rest_limit(), false);
        pooled.notes.progress.set_phase(RequestPhase::Body);
        // On the heap: the stack may be small.
        let mut buffer = vec![0; REST_BUFFER];
        for _ in 0..MAX_REST_READS {
            let count = rest.read(&mut buffer);
            rest = match rest.into_connection() {
                Ok(connection) => {
                    pooled.notes.put_connection(connection);
                    return Ok(pooled);
                }
                Err(rest) => rest,
            };
            match count {
                Ok(0) => return Ok(pooled),
                Ok(_) => {}
                Err(error) if is_stopped(&error) => return Err(ReuseError::Unfinished),
                Err(_) => return Err(ReuseError::Stale),
            }
        }
        Err(ReuseError::Unfinished)
    }
}

/// Why an idle connection cannot be reused.
#[derive(Debug, PartialEq, Eq)]
pub enum ReuseError {
    /// It was idle for too long, or has failed.
    Stale,
    /// The last response has not ended yet.
    Unfinished,
}

/// The largest read of a body that ureq or flate2 decodes: they need initialized memory.
const MAX_DECODED_READ: usize = 16 * 1024;

/// If fewer bytes than this are left of a chunk, what follows it is read together with it.
const SMALL_CHUNK: u64 = 16 * 1024;

/// The rest of a response is read up to 64 KiB: for more, a new connection is cheaper.
const REST_BUFFER: usize = 4096;
const MAX_REST_READS: usize = 16;

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::io::Write;
    use std::net::TcpListener;
    use std::sync::Arc;

    use ::http::Method;

    use super::*;
    use crate::call::known_secrets::KnownSecrets;
    use crate::http::client::Http;
    use crate::http::endpoint::Endpoint;
    use crate::http::send::OutgoingRequest;
    use crate::net::connection_factory::ConnectionOptions;
    use crate::net::proxy::ProxyChoice;
    use crate::protocol::message_text::EMPTY_BODY;

    /// Reads a chunked body that the server sends and then closes the connection, by at most `most` bytes. Returns the
    /// data and the status of the error.
    fn read_chunked(body: &[u8], most: usize) -> (Vec<u8>, Option<Status>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let options = ConnectionOptions { proxy: ProxyChoice::None, ..ConnectionOptions::default() };
        let http = Http::new(Arc::new(endpoint), options, Arc::new(KnownSecrets::default()));
        let (to, headers) = (http.endpoint(), Cow::default());
        let outgoing = OutgoingRequest { to, method: Method::GET, headers, body: &EMPTY_BODY };
        let mut data = Vec::new();
        let error = std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut socket, _) = listener.accept().unwrap();
                while socket.read(&mut [0; 4096]).unwrap() == 4096 {}
                socket.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
                socket.write_all(body).unwrap();
            });
            let mut response = http.send(&outgoing, &WaitContext::default().within(Duration::from_secs(20))).unwrap();
            loop {
                let before = data.len();
                match response.read_into(&mut data, most) {
                    Ok(0) => return None,
                    Ok(count) => assert!(count <= most && data.len() == before + count, "{count} bytes"),
                    Err(error) => return Some(error.status()),
                }
            }
        });
        (data, error)
    }

    #[test]
    fn the_data_of_chunks_is_joined() {
        for size in [1, 7, 1000, 20_000, 300_000] {
            let data: Vec<u8> = (0..300_000_u32.min(size * 2000)).map(|n| n as u8).collect();
            let mut body = Vec::new();
            for chunk in data.chunks(size as usize) {
                body.extend_from_slice(format!("{:x};a=b\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            let most = if size < 10 { 100 } else { 1 << 20 };
            for (end, error) in
                [("0\r\nx: y\r\n\r\n", None), ("0\r\n\r\nHTTP/1.1", None), ("5\r\nx", Some(MCP_TRUNCATED))]
            {
                let (read, status) = read_chunked(&[&body, end.as_bytes()].concat(), most);
                let expected = if error.is_some() { [&data, &b"x"[..]].concat() } else { data.clone() };
                assert!(read == expected, "{} of {} bytes, chunks of {size}, {end:?}", read.len(), expected.len());
                assert_eq!(status, error, "chunks of {size}, {end:?}");
            }
        }
    }

    #[test]
    fn data_before_an_invalid_chunk_is_returned() {
        for end in ["g\r\n", "5x\r\n", "0x5\r\n", "-1\r\n", "1;\n", "fffffffffffffffff\r\n"] {
            let body = format!("5\r\nhello\r\n6\r\n world\r\n{end}");
            assert_eq!(read_chunked(body.as_bytes(), 100), (b"hello world".to_vec(), Some(MCP_HTTP_ERROR)), "{end:?}");
        }
        assert_eq!(read_chunked(b"5\r\nhellox\r\n", 100), (b"hello".to_vec(), Some(MCP_HTTP_ERROR)));
        // A size without data must not reserve memory for it.
        assert_eq!(read_chunked(b"fffffffffffffff\r\nx", 100), (b"x".to_vec(), Some(MCP_TRUNCATED)));
    }
}
