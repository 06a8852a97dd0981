//! The answer to a request: its head, and a body that is read as it comes. When the body has been read, the connection goes
//! back to where the next request finds it.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use ureq::http::{HeaderMap, header};

use super::chunks::Chunks;
use super::client::{Http, explain_body};
use super::codings::Codings;
use super::endpoint::Endpoint;
use super::lane::{Lane, Phase};
use super::wire::Wire;
use crate::error::{Error, Result};
use crate::status::{MCP_SYSTEM_ERROR, MCP_TOO_LARGE};
use crate::sys::wait::Budget;

/// See the module.
pub struct Response<'a> {
    pub status: u16,
    pub headers: HeaderMap,
    /// Where it comes from: redirects may have led there.
    pub from: Arc<Endpoint>,
    http: &'a Http,
    /// `None` once the connection has been put back.
    open: Option<Body>,
}

/// The body of an answer, with its connection.
pub struct Body {
    lane: Lane,
    source: Source,
}

/// Where the bytes of a body come from.
enum Source {
    /// What ends with its connection, and no body at all.
    Ureq(ureq::BodyReader<'static>),
    /// So many bytes that follow the head as they are.
    Plain {
        wire: Box<Wire>,
        left: u64,
    },
    Chunked {
        wire: Box<Wire>,
        chunks: Chunks,
    },
    Gzip(Box<MultiGzDecoder<Packed>>),
}

/// What is compressed.
struct Packed {
    source: Source,
    /// Reading it has failed: that says nothing about its compression.
    has_failed: bool,
}

/// Why a body that came cannot be read.
#[derive(Debug)]
pub(super) enum BadBody {
    Chunks(&'static str),
    Gzip(io::Error),
}

/// A connection that nobody uses, perhaps with a rest of the last answer still to come.
pub struct Parked {
    lane: Lane,
    rest: Option<Source>,
}

impl Source {
    fn of(body: ureq::Body, lane: &Lane, codings: Codings) -> Source {
        let length = body.content_length().filter(|_| !codings.chunked);
        let source = Source::of_framed(body, lane, codings.chunked, length);
        // Nothing at all is no gzip, and means nothing.
        if codings.gzip && length != Some(0) {
            let packed = Packed { source, has_failed: false };
            return Source::Gzip(Box::new(MultiGzDecoder::new(packed)));
        }
        source
    }

    fn of_framed(body: ureq::Body, lane: &Lane, chunked: bool, length: Option<u64>) -> Source {
        let length = length.filter(|length| *length > 0);
        if !chunked && length.is_none() {
            return Source::Ureq(body.into_reader());
        }
        // ureq would copy it once more. When it lets go of the connection, that rests in the lane.
        drop(body);
        match (lane.rest.take(), length) {
            (Some(wire), Some(left)) => Source::Plain { wire, left },
            (Some(wire), None) => Source::Chunked { wire, chunks: Chunks::new() },
            (None, _) => unreachable!("ureq keeps no connection"),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_at_end() {
            return Ok(0);
        }
        match self {
            Source::Ureq(reader) => reader.read(buffer),
            Source::Plain { wire, left } => {
                let most = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                count_off(left, wire.read(&mut buffer[..most])?)
            }
            Source::Chunked { wire, chunks } => {
                let most = buffer.len().min(next_chunk(wire, chunks)?);
                take_chunk(chunks, most, |most| wire.read(&mut buffer[..most]))
            }
            Source::Gzip(decoder) => decoder.read(buffer).map_err(|error| match decoder.get_ref().has_failed {
                true => error,
                false => io::Error::new(error.kind(), BadBody::Gzip(error)),
            }),
        }
    }

    /// The same, appended to `body`, at most `most` bytes.
    fn read_into(&mut self, body: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        match self {
            Source::Ureq(_) | Source::Gzip(_) => {
                let before = body.len();
                body.resize(before + most, 0);
                let count = self.read(&mut body[before..]);
                body.truncate(before + *count.as_ref().unwrap_or(&0));
                count
            }
            Source::Plain { wire, left } => {
                let most = most.min(usize::try_from(*left).unwrap_or(usize::MAX));
                count_off(left, wire.read_into(body, most)?)
            }
            Source::Chunked { wire, chunks } => {
                let most = most.min(next_chunk(wire, chunks)?);
                take_chunk(chunks, most, |most| wire.read_into(body, most))
            }
        }
    }

    /// Whether nothing more can come, as far as that is known without a look.
    fn is_at_end(&self) -> bool {
        match self {
            Source::Plain { left, .. } => *left == 0,
            Source::Chunked { chunks, .. } => chunks.is_at_end(),
            // What has come may still have to be unpacked.
            Source::Ureq(_) | Source::Gzip(_) => false,
        }
    }

    /// The connection, where the whole body has come.
    fn into_wire(self) -> Result<Box<Wire>, Source> {
        match self {
            Source::Plain { wire, left: 0 } => Ok(wire),
            Source::Chunked { wire, chunks } if chunks.is_at_end() => Ok(wire),
            Source::Gzip(decoder) if decoder.get_ref().source.is_at_end() => decoder.into_inner().source.into_wire(),
            other => Err(other),
        }
    }
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.read(buffer).inspect_err(|_| self.has_failed = true)
    }
}

/// Reads up to the data of the next chunk; gives how many bytes there are of it, and zero at the end of the body.
fn next_chunk(wire: &mut Wire, chunks: &mut Chunks) -> io::Result<usize> {
    while chunks.data() == 0 && !chunks.is_at_end() {
        if wire.buffered().is_empty() && wire.fill()? == 0 {
            if chunks.end() {
                break;
            }
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = chunks.advance(wire.buffered());
        let count = count.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, BadBody::Chunks(why)))?;
        wire.consume(count);
    }
    Ok(usize::try_from(chunks.data()).unwrap_or(usize::MAX))
}

/// Reads at most `most` bytes of a chunk. None is the end of the connection where there should be some.
fn take_chunk(chunks: &mut Chunks, most: usize, read: impl FnOnce(usize) -> io::Result<usize>) -> io::Result<usize> {
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

impl fmt::Display for BadBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadBody::Chunks(why) => f.write_str(why),
            BadBody::Gzip(error) => write!(f, "gzip decompression failed: {error}"),
        }
    }
}

impl std::error::Error for BadBody {}

/// Of so many bytes some have come; that is the end only where it was all.
fn count_off(left: &mut u64, count: usize) -> io::Result<usize> {
    if count == 0 && *left > 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    *left -= count as u64;
    Ok(count)
}

impl Body {
    /// The next bytes; zero at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.read_by(|source| source.read(buffer))
    }

    fn read_by(&mut self, read: impl FnOnce(&mut Source) -> io::Result<usize>) -> Result<usize> {
        if self.source.is_at_end() {
            return Ok(0);
        }
        let state = &self.lane.state;
        let count = match state.check() {
            Ok(()) => read(&mut self.source),
            Err(stop) => Err(state.stopped(stop)),
        };
        match count {
            Ok(count @ 1..) => Ok(count),
            // A body without a length ends like this as well when the wait was ended from outside.
            Ok(_) if !state.is_stopped() && !state.is_broken() => Ok(0),
            ended => Err(explain_body(ended.err(), &self.lane)),
        }
    }

    /// From now on it is read by somebody with another budget.
    pub fn set_budget(&self, budget: Budget) {
        self.lane.state.set_budget(budget);
    }
}

impl<'a> Response<'a> {
    pub(super) fn new(
        http: &'a Http,
        lane: Lane,
        from: Arc<Endpoint>,
        answer: ureq::http::Response<ureq::Body>,
        codings: Codings,
    ) -> Response<'a> {
        let (mut head, body) = answer.into_parts();
        let source = Source::of(body, &lane, codings);
        if codings.gzip {
            // It is the length of what is packed.
            head.headers.remove(header::CONTENT_LENGTH);
        }
        let open = Some(Body { lane, source });
        Response { status: head.status.as_u16(), headers: head.headers, from, http, open }
    }

    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body by itself; its connection is not used for another request.
    pub fn into_body(self) -> Option<Body> {
        self.open
    }

    /// The next bytes of the body; zero at its end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.read_by(|source| source.read(buffer))
    }

    fn read_by(&mut self, read: impl FnOnce(&mut Source) -> io::Result<usize>) -> Result<usize> {
        let Some(body) = &mut self.open else { return Ok(0) };
        let count = body.read_by(read);
        match count {
            Ok(1..) if !body.source.is_at_end() => {}
            Ok(_) => self.put_back(false),
            Err(_) => self.open = None,
        }
        count
    }

    /// The whole body, of at most `limit` bytes.
    pub fn read_all(&mut self, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let is_too_large = self.announced().is_some_and(|length| length > limit as u64);
        if is_too_large || !self.read_up_to(limit, &mut body)? {
            return Err(Error::new(MCP_TOO_LARGE, format!("the server's answer is larger than {limit} bytes")));
        }
        Ok(body)
    }

    /// Reads until the body ends, which gives true, or is larger than `limit` bytes. What was read is in `body` in any case.
    pub fn read_up_to(&mut self, limit: usize, body: &mut Vec<u8>) -> Result<bool> {
        let announced = self.announced().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        let expected = announced.min(limit);
        // Room that nobody writes to costs nothing.
        body.try_reserve_exact(expected).map_err(|_| no_memory(expected))?;
        loop {
            if self.open.is_none() {
                return Ok(body.len() <= limit);
            }
            let step = match expected.saturating_sub(body.len()) {
                // Of no known length, or packed.
                0 => body.len().clamp(FIRST, MOST_AT_ONCE),
                rest => rest,
            };
            body.try_reserve(step).map_err(|_| no_memory(body.len() + step))?;
            let count = self.read_by(|source| source.read_into(body, step));
            if body.len() > limit || !matches!(count, Ok(1..)) {
                return count.map(|_| body.len() <= limit);
            }
        }
    }

    /// For an error that may be another's: the proxy that has passed the request on, if one did.
    pub fn through_proxy(&self) -> Option<String> {
        let proxy = self.http.forwarding_proxy(&self.from)?;
        Some(format!("; this came through the proxy {}, which may have answered itself", proxy.named()))
    }

    /// What the rest of the body may spend from now on.
    pub fn set_budget(&self, budget: &Budget) {
        if let Some(body) = &self.open {
            body.set_budget(budget.clone());
        }
    }

    /// Leaves the rest of the body at most this time.
    pub fn hurry(&self, limit: Duration) {
        if let Some(body) = &self.open {
            body.lane.state.hurry(limit);
        }
    }

    /// The length of the body, where the head tells it.
    pub fn announced(&self) -> Option<u64> {
        self.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// Puts the connection away although a rest of the body may still come: the next request looks whether it has.
    pub fn park(mut self) {
        self.put_back(true);
    }

    fn put_back(&mut self, with_rest: bool) {
        if let Some(Body { mut lane, source }) = self.open.take() {
            lane.start_idling();
            let rest = match source.into_wire() {
                Ok(wire) => {
                    lane.rest.put(wire);
                    None
                }
                Err(source) => with_rest.then_some(source),
            };
            self.http.put_back(Parked { lane, rest });
        }
    }
}

fn no_memory(bytes: usize) -> Error {
    Error::new(MCP_SYSTEM_ERROR, format!("there is no memory for {bytes} bytes of the server's answer"))
}

impl Parked {
    pub fn is_fresh(&self) -> bool {
        self.lane.is_fresh()
    }

    /// The lane, ready for the next request, where its connection can be used for one.
    pub fn into_lane(self, patience: impl FnOnce() -> Budget) -> Result<Lane, Unusable> {
        let Parked { lane, rest } = self;
        if !lane.is_fresh() {
            return Err(Unusable::Old);
        }
        let Some(mut rest) = rest else { return Ok(lane) };
        lane.state.begin(&patience(), false);
        lane.state.set_phase(Phase::Body);
        // Not on the stack, which may be small.
        let mut scrap = vec![0; 4096];
        for _ in 0..MOST_SCRAPS {
            let count = rest.read(&mut scrap);
            rest = match rest.into_wire() {
                Ok(wire) => {
                    lane.rest.put(wire);
                    return Ok(lane);
                }
                Err(rest) => rest,
            };
            match (count, lane.state.take_stop()) {
                (Ok(0), None) => return Ok(lane),
                (Ok(_), None) => {}
                (_, Some(_)) => return Err(Unusable::Unfinished),
                (Err(_), None) => return Err(Unusable::Old),
            }
        }
        Err(Unusable::Unfinished)
    }
}

/// How much of a body whose length is not known is read at first, and at most, at once.
const FIRST: usize = 4 * 1024;
const MOST_AT_ONCE: usize = 128 * 1024;

/// Why a parked connection serves no more request.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    Old,
    /// The last answer still goes on.
    Unfinished,
}

/// A rest of more than 64 KiB is not worth its connection.
const MOST_SCRAPS: usize = 16;
