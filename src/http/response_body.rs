//! The body of an answer, which is read as it comes, and past ureq where its end is known.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use flate2::read::MultiGzDecoder;

use super::chunked::ChunkDecoder;
use super::content_encoding::ContentEncodings;
use super::error::no_http;
use super::http_connection::HttpConnection;
use super::pooled_connection::PooledConnection;
use crate::call::interrupt::stopped;
use crate::error::{Error, Result};
use crate::net::io_error::{IoInterrupt, interrupted, io_reason, is_stopped};
use crate::net::progress::RequestPhase;
use crate::status::*;
use crate::sys::wait::WaitContext;

/// The body of an answer, with its connection.
pub struct ResponseBody {
    pooled: PooledConnection,
    source: BodySource,
}

/// Where the bytes of a body come from.
enum BodySource {
    /// What ends with its connection, and no body at all.
    Ureq(ureq::BodyReader<'static>),
    /// So many bytes that follow the head as they are.
    Plain {
        connection: Box<HttpConnection>,
        left: u64,
    },
    Chunked {
        connection: Box<HttpConnection>,
        chunks: ChunkDecoder,
    },
    Gzip(Box<MultiGzDecoder<CompressedBody>>),
}

/// What is compressed.
struct CompressedBody {
    source: BodySource,
    /// Reading it has failed: that says nothing about its compression.
    has_failed: bool,
}

/// Why a body that came cannot be read.
#[derive(Debug)]
enum BodyError {
    ChunkDecoder(&'static str),
    Gzip(io::Error),
}

/// A connection that nobody uses, perhaps with a rest of the last answer still to come.
pub struct IdleConnection {
    pooled: PooledConnection,
    rest: Option<BodySource>,
}

impl BodySource {
    fn of(body: ureq::Body, pooled: &PooledConnection, codings: ContentEncodings) -> Result<BodySource> {
        let length = body.content_length().filter(|_| !codings.chunked);
        let source = BodySource::of_framed(body, pooled, codings.chunked, length)?;
        // Nothing at all is no gzip, and means nothing.
        if codings.gzip && length != Some(0) {
            let packed = CompressedBody { source, has_failed: false };
            return Ok(BodySource::Gzip(Box::new(MultiGzDecoder::new(packed))));
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
        // ureq would copy it once more. When it lets go of the connection, the lane has it again.
        drop(body);
        let lost = || Error::new(MCP_INTERNAL, "ureq has not given the connection back");
        let connection = pooled.notes.take_connection().ok_or_else(lost)?;
        Ok(match length {
            Some(left) => BodySource::Plain { connection, left },
            None => BodySource::Chunked { connection, chunks: ChunkDecoder::new() },
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_at_end() {
            return Ok(0);
        }
        match self {
            BodySource::Ureq(reader) => reader.read(buffer),
            BodySource::Plain { connection, left } => {
                let most = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                count_off(left, connection.read(&mut buffer[..most])?)
            }
            BodySource::Chunked { connection, chunks } => {
                let most = buffer.len().min(next_chunk(connection, chunks)?);
                take_chunk(chunks, most, |most| connection.read(&mut buffer[..most]))
            }
            BodySource::Gzip(decoder) => decoder.read(buffer).map_err(|error| match decoder.get_ref().has_failed {
                true => error,
                false => io::Error::new(error.kind(), BodyError::Gzip(error)),
            }),
        }
    }

    /// The same, appended to `body`, at most `most` bytes.
    fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        match self {
            BodySource::Ureq(_) | BodySource::Gzip(_) => {
                let before = body.len();
                body.resize(before + most, 0);
                let count = self.read(&mut body[before..]);
                body.truncate(before + *count.as_ref().unwrap_or(&0));
                count
            }
            BodySource::Plain { connection, left } => {
                let most = most.min(usize::try_from(*left).unwrap_or(usize::MAX));
                count_off(left, connection.read_into(body, most)?)
            }
            BodySource::Chunked { connection, chunks } => {
                let most = most.min(next_chunk(connection, chunks)?);
                take_chunk(chunks, most, |most| connection.read_into(body, most))
            }
        }
    }

    /// Whether nothing more can come, as far as that is known without a look.
    fn is_at_end(&self) -> bool {
        match self {
            BodySource::Plain { left, .. } => *left == 0,
            BodySource::Chunked { chunks, .. } => chunks.is_at_end(),
            // What has come may still have to be unpacked.
            BodySource::Ureq(_) | BodySource::Gzip(_) => false,
        }
    }

    /// The connection, where the whole body has come.
    fn into_connection(self) -> Result<Box<HttpConnection>, BodySource> {
        match self {
            BodySource::Plain { connection, left: 0 } => Ok(connection),
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

/// Reads up to the data of the next chunk; gives how many bytes there are of it, and zero at the end of the body.
fn next_chunk(connection: &mut HttpConnection, chunks: &mut ChunkDecoder) -> io::Result<usize> {
    while chunks.data() == 0 && !chunks.is_at_end() {
        if connection.buffered().is_empty() && connection.fill()? == 0 {
            if chunks.end() {
                break;
            }
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = chunks.advance(connection.buffered());
        let count = count.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, BodyError::ChunkDecoder(why)))?;
        connection.consume(count);
    }
    Ok(usize::try_from(chunks.data()).unwrap_or(usize::MAX))
}

/// Reads at most `most` bytes of a chunk. None is the end of the connection where there should be some.
fn take_chunk(
    chunks: &mut ChunkDecoder,
    most: usize,
    read: impl FnOnce(usize) -> io::Result<usize>,
) -> io::Result<usize> {
    if most == 0 {
        return Ok(0);
    }
    match read(most)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            chunks.take_data(count as u64);
            Ok(count)
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::ChunkDecoder(why) => f.write_str(why),
            BodyError::Gzip(error) => write!(f, "gzip decompression failed: {error}"),
        }
    }
}

impl std::error::Error for BodyError {}

/// Of so many bytes some have come; that is the end only where it was all.
fn count_off(left: &mut u64, count: usize) -> io::Result<usize> {
    if count == 0 && *left > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    *left -= count as u64;
    Ok(count)
}

impl ResponseBody {
    /// What follows the head of an answer that came in `pooled`.
    pub(super) fn new(pooled: PooledConnection, body: ureq::Body, codings: ContentEncodings) -> Result<ResponseBody> {
        let source = BodySource::of(body, &pooled, codings)?;
        Ok(ResponseBody { pooled, source })
    }

    /// The next bytes; zero at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.read_by(|source| source.read(buffer))
    }

    /// Appends the next bytes to `body`, at most `most`; zero at the end.
    pub(super) fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> Result<usize> {
        self.read_by(|source| source.read_into(body, most))
    }

    fn read_by(&mut self, read: impl FnOnce(&mut BodySource) -> io::Result<usize>) -> Result<usize> {
        if self.source.is_at_end() {
            return Ok(0);
        }
        let notes = &self.pooled.notes;
        // Reading what has come already waits for nothing, and so would not notice.
        let count = match notes.progress.check() {
            Ok(()) => read(&mut self.source),
            Err(stop) => Err(interrupted(stop)),
        };
        match count {
            Ok(count @ 1..) => Ok(count),
            Ok(_) if !notes.is_broken() => Ok(0),
            ended => Err(self.explain(ended.err())),
        }
    }

    /// Whether nothing more can come, as far as that is known without a look.
    pub(super) fn is_at_end(&self) -> bool {
        self.source.is_at_end()
    }

    /// From now on it is read by somebody with another budget.
    pub fn set_wait_context(&self, wait_context: WaitContext) {
        self.pooled.notes.progress.set_wait_context(wait_context);
    }

    /// Leaves the rest at most this time.
    pub(super) fn hurry(&self, limit: Duration) {
        self.pooled.notes.progress.hurry(limit);
    }

    /// Puts the connection away; with `with_rest`, also where a rest of the body may still come.
    pub(super) fn park(self, with_rest: bool) -> IdleConnection {
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

    /// What reading said, or else how the connection ended.
    fn explain(&self, error: Option<io::Error>) -> Error {
        let error = match error.map(io::Error::downcast) {
            Some(Ok(IoInterrupt::Stopped(stop))) => {
                return stopped(&stop, RequestPhase::Body.doing(), &self.pooled.notes.progress.wait_context());
            }
            Some(Ok(IoInterrupt::Failed(error))) => return error,
            Some(Err(error)) => Some(error),
            None => None,
        };
        let end = self.pooled.notes.take_end();
        let bad = error.as_ref().and_then(|error| error.get_ref()).and_then(|inner| inner.downcast_ref::<BodyError>());
        let reason = match bad {
            Some(BodyError::ChunkDecoder(why)) => return no_http(why),
            Some(bad @ BodyError::Gzip(why)) if why.kind() != io::ErrorKind::UnexpectedEof => {
                return Error::new(MCP_HTTP_ERROR, format!("the server's response cannot be decompressed: {bad}"));
            }
            Some(bad) => Some(io::Error::other(bad.to_string())),
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

    /// The lane, ready for the next request, where its connection can be used for one.
    pub fn into_pooled(self, patience: impl FnOnce() -> WaitContext) -> Result<PooledConnection, ReuseError> {
        let IdleConnection { pooled, rest } = self;
        if !pooled.is_fresh() {
            return Err(ReuseError::Old);
        }
        let Some(mut rest) = rest else { return Ok(pooled) };
        pooled.notes.begin(&patience(), false);
        pooled.notes.progress.set_phase(RequestPhase::Body);
        // Not on the stack, which may be small.
        let mut scrap = vec![0; 4096];
        for _ in 0..MAX_SCRAPS {
            let count = rest.read(&mut scrap);
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
                Err(_) => return Err(ReuseError::Old),
            }
        }
        Err(ReuseError::Unfinished)
    }
}

/// Why a parked connection serves no more request.
#[derive(Debug, PartialEq, Eq)]
pub enum ReuseError {
    Old,
    /// The last answer still goes on.
    Unfinished,
}

/// A rest of more than 64 KiB is not worth its connection.
const MAX_SCRAPS: usize = 16;
