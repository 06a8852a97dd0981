//! The answer to a request: its head, and a body that is read as it comes. When the body has been read, the connection goes
//! back to where the next request finds it.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderMap, header};

use super::endpoint::Endpoint;
use super::http::{Http, explain_body};
use super::lane::{Lane, Phase};
use crate::error::{Error, Result};
use crate::status::{MCP_SYSTEM_ERROR, MCP_TOO_LARGE};
use crate::sys::wait::Budget;

type Reader = ureq::BodyReader<'static>;

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
    reader: Reader,
}

/// A connection that nobody uses, perhaps with a rest of the last answer still to come.
pub struct Parked {
    lane: Lane,
    rest: Option<Reader>,
}

impl Body {
    /// The next bytes; zero at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let state = &self.lane.state;
        let count = match state.check() {
            Ok(()) => self.reader.read(buffer),
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
    ) -> Response<'a> {
        let (head, body) = answer.into_parts();
        let open = Some(Body { lane, reader: body.into_reader() });
        Response { status: head.status.as_u16(), headers: head.headers, from, http, open }
    }

    /// The body by itself; its connection is not used for another request.
    pub fn into_body(self) -> Option<Body> {
        self.open
    }

    /// The next bytes of the body; zero at its end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let Some(body) = &mut self.open else { return Ok(0) };
        let count = body.read(buffer);
        match count {
            Ok(1..) => {}
            Ok(0) => self.put_back(false),
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
        let mut filled = 0;
        let expected = self.announced().map(|length| usize::try_from(length).unwrap_or(usize::MAX).min(limit));
        // One more than there is to come: the end is seen by a read that brings nothing.
        let expected = expected.map_or(FIRST, |length| length.saturating_add(1));
        body.try_reserve_exact(expected).map_err(|_| {
            Error::new(MCP_SYSTEM_ERROR, format!("there is no memory for the server's answer of {expected} bytes"))
        })?;
        loop {
            if filled == body.len() {
                // What is announced may never come: no more is touched than twice what has.
                let size = if filled < expected { expected.min(filled + filled.max(MOST_UNSEEN)) } else { filled * 2 };
                body.resize(size, 0);
            }
            let count = self.read(&mut body[filled..]);
            filled += *count.as_ref().unwrap_or(&0);
            if filled > limit || !matches!(count, Ok(1..)) {
                body.truncate(filled);
                return count.map(|_| filled <= limit);
            }
        }
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
        if let Some(Body { mut lane, reader }) = self.open.take() {
            lane.start_idling();
            self.http.put_back(Parked { lane, rest: with_rest.then_some(reader) });
        }
    }
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
        let mut scrap = [0; 4096];
        for _ in 0..MOST_SCRAPS {
            let count = rest.read(&mut scrap);
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

/// How much room there is at first for a body whose length is not known.
const FIRST: usize = 4 * 1024;

/// How much room is made ready for bytes that were announced.
const MOST_UNSEEN: usize = 1024 * 1024;

/// Why a parked connection serves no more request.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    Old,
    /// The last answer still goes on.
    Unfinished,
}

/// A rest of more than 64 KiB is not worth its connection.
const MOST_SCRAPS: usize = 16;
