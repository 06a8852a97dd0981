//! What can go wrong, and for which requests it does.

mod content;
mod endless;
mod sized;
mod transport;
mod wire;

use crate::channels::End;
use crate::log::Place;
use crate::net::Stream;
use crate::options::{Fault, Scenario};
use crate::protocol::Request;
use crate::reply::Reply;
use crate::rpc::Message;
use crate::{auth, cookies, encoding, sse};
use std::io::{self, Write};
use std::time::Duration;

pub use sized::pad_head;

/// What `late` means.
pub const LATE: Duration = Duration::from_millis(300);
/// Time for the peer to read what came before a reset, which would discard it.
pub const BEFORE_RESET: Duration = Duration::from_millis(50);

/// When an event stream ends: around the event that carries the answer, or the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Moment {
    Before,
    Half,
    After,
}

/// A fault by what it does; `README.md` describes each.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Kind {
    Silent,
    HalfHead,
    SilentBody,
    SilentStream,
    Drip,
    CutHead,
    CutBody,
    CutChunk,
    CutStream,
    Eof,
    Reset,
    ResetBody,
    Html,
    Html404,
    NotJson,
    Plain,
    Empty,
    Accepted,
    ForeignId,
    StringId,
    NoIdError,
    RpcError,
    RpcError500,
    Batch,
    NotRpc,
    BadUtf8,
    HeaderFlood,
    BigBody,
    BigEvent,
    BigContentLength,
    Close,
    CloseAfter,
    Stale,
    TwoAnswers,
    SecretEcho,
    PingRequest,
    Late,
    LostSession,
    NulHeader,
    Continue100,
    InvalidToken,
    ScopeMissing,
    Scope(String),
    UnknownSession401,
    NoEndpoint,
    EndpointLate,
    EndpointEmpty,
    EndpointTwice,
    EarlyAnswer,
    AnswerOnly,
    AnswerInPost,
    PingAfter,
    GarbageEvent,
    UnknownEvents,
    Ends(End, Moment),
    GzipBomb,
    GzipCut,
    GzipGarbage,
    HeadSize(usize),
    BodySize(usize),
    EventSize(usize),
    Status(u16),
    Redirect(u16, String),
}

/// The faults that `fault=` knows.
pub const NAMED: &[(&str, Kind)] = &[
    ("silent", Kind::Silent),
    ("half-head", Kind::HalfHead),
    ("silent-body", Kind::SilentBody),
    ("silent-stream", Kind::SilentStream),
    ("drip", Kind::Drip),
    ("cut-head", Kind::CutHead),
    ("cut-body", Kind::CutBody),
    ("cut-chunk", Kind::CutChunk),
    ("cut-stream", Kind::CutStream),
    ("eof", Kind::Eof),
    ("reset", Kind::Reset),
    ("reset-body", Kind::ResetBody),
    ("html", Kind::Html),
    ("html-404", Kind::Html404),
    ("not-json", Kind::NotJson),
    ("plain", Kind::Plain),
    ("empty", Kind::Empty),
    ("accepted", Kind::Accepted),
    ("foreign-id", Kind::ForeignId),
    ("string-id", Kind::StringId),
    ("no-id-error", Kind::NoIdError),
    ("rpc-error", Kind::RpcError),
    ("rpc-error-500", Kind::RpcError500),
    ("batch", Kind::Batch),
    ("not-rpc", Kind::NotRpc),
    ("bad-utf8", Kind::BadUtf8),
    ("header-flood", Kind::HeaderFlood),
    ("big-body", Kind::BigBody),
    ("big-event", Kind::BigEvent),
    ("big-content-length", Kind::BigContentLength),
    ("close", Kind::Close),
    ("close-after", Kind::CloseAfter),
    ("stale", Kind::Stale),
    ("two-answers", Kind::TwoAnswers),
    ("secret-echo", Kind::SecretEcho),
    ("ping-request", Kind::PingRequest),
    ("late", Kind::Late),
    ("lost-session", Kind::LostSession),
    ("nul-header", Kind::NulHeader),
    ("continue-100", Kind::Continue100),
    ("invalid-token", Kind::InvalidToken),
    ("unknown-session-401", Kind::UnknownSession401),
    ("no-endpoint", Kind::NoEndpoint),
    ("endpoint-late", Kind::EndpointLate),
    ("endpoint-empty", Kind::EndpointEmpty),
    ("endpoint-twice", Kind::EndpointTwice),
    ("early-answer", Kind::EarlyAnswer),
    ("answer-only", Kind::AnswerOnly),
    ("answer-in-post", Kind::AnswerInPost),
    ("ping-after", Kind::PingAfter),
    ("garbage-event", Kind::GarbageEvent),
    ("unknown-events", Kind::UnknownEvents),
    ("gzip-bomb", Kind::GzipBomb),
    ("gzip-cut", Kind::GzipCut),
    ("gzip-garbage", Kind::GzipGarbage),
];

/// The faults that need a message to spoil.
const ABOUT_ANSWERS: &[Kind] = &[
    Kind::Accepted,
    Kind::AnswerInPost,
    Kind::AnswerOnly,
    Kind::BadUtf8,
    Kind::Batch,
    Kind::Drip,
    Kind::EarlyAnswer,
    Kind::ForeignId,
    Kind::GarbageEvent,
    Kind::NoIdError,
    Kind::NotJson,
    Kind::NotRpc,
    Kind::NulHeader,
    Kind::RpcError,
    Kind::RpcError500,
    Kind::SecretEcho,
    Kind::StringId,
    Kind::TwoAnswers,
    Kind::UnknownEvents,
];

/// How a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// With the next request.
    Next,
    /// It is closed in the orderly way.
    Close,
    /// It is dropped: FIN on the socket, nothing on the TLS above it.
    Drop,
    /// It is reset.
    Reset,
}

/// One request and the connection to answer it on.
pub struct Exchange<'a> {
    /// The request.
    pub request: Request<'a>,
    /// The connection.
    pub stream: &'a mut Stream,
    /// A buffer to build responses in, reused.
    pub out: &'a mut Vec<u8>,
    /// Where the request was recorded.
    pub place: Option<Place>,
    /// Whether the client wants the connection to end here.
    pub last: bool,
}

impl Exchange<'_> {
    /// Answers as a server without faults would.
    pub fn answer(&mut self) -> io::Result<Flow> {
        if self.request.opens_channel() {
            return sse::open(self, None);
        }
        let reply = self.request.answer();
        self.send(reply)
    }

    /// Sends a response in one write, and then what it has for another stream.
    pub fn send(&mut self, mut reply: Reply) -> io::Result<Flow> {
        self.prepare(&mut reply)?;
        reply.render(self.out);
        self.stream.write_all(self.out)?;
        self.deliver(reply);
        Ok(if self.last { Flow::Close } else { Flow::Next })
    }

    /// Adds what the scenario has around a response.
    fn prepare(&self, reply: &mut Reply) -> io::Result<()> {
        self.add_cookies(reply);
        if self.last {
            reply.headers.push(("Connection", "close".into()));
        }
        encoding::encode(reply, self.request.scenario, self.request.head)
    }

    /// Sets the cookies that the client has not got yet.
    pub fn add_cookies(&self, reply: &mut Reply) {
        cookies::add(&self.request, reply);
    }

    fn deliver(&self, reply: Reply) {
        if let Some(delivery) = reply.delivery {
            self.request.state.channels.deliver(delivery);
        }
    }

    /// Waits for the client to go away, and records when.
    fn hold(&mut self) -> Flow {
        self.stream.wait_for_end();
        self.gone();
        Flow::Drop
    }

    /// Records that the client went away.
    pub fn gone(&self) {
        if let Some(place) = &self.place {
            self.request.state.log.closed(place);
        }
    }
}

/// The fault that strikes this request, counted against its limits.
pub fn pick<'a>(request: &Request<'a>, reused: bool) -> Option<&'a Kind> {
    let scenario: &'a Scenario = request.scenario;
    let matching = |(index, fault): &(usize, &Fault)| {
        if !matches(fault, request, reused) {
            return false;
        }
        if fault.times.is_none() && fault.after == 0 {
            return true;
        }
        let before = request.state.count(&format!("{}#{index}", request.head.path()));
        let end = fault.times.map_or(u64::MAX, |times| fault.after.saturating_add(times));
        (fault.after..end).contains(&before)
    };
    scenario.faults.iter().enumerate().find(matching).map(|(_, fault)| &fault.kind)
}

fn matches(fault: &Fault, request: &Request, reused: bool) -> bool {
    let Request { head, message, .. } = request;
    let named = |method: &String| message.method() == Some(method) || head.method() == method;
    if !(fault.when.is_empty() || fault.when.iter().any(named)) {
        return false;
    }
    // Faults of answers leave the GET of HTTP+SSE alone, unless it is named.
    let names_get = fault.when.iter().any(|name| name == "GET");
    if request.opens_channel() && is_about_answers(&fault.kind) && !names_get {
        return false;
    }
    match &fault.kind {
        Kind::Stale => reused,
        Kind::LostSession => request.session_id().is_some(),
        Kind::UnknownSession401 => request.session_id().is_some_and(|id| request.state.session(id).is_none()),
        // Nobody can answer a ping before there is a session.
        Kind::PingRequest | Kind::PingAfter => is_legacy_call(request),
        Kind::NoEndpoint | Kind::EndpointLate | Kind::EndpointEmpty | Kind::EndpointTwice => request.opens_channel(),
        Kind::Scope(word) => auth::lacks_scope(request, word),
        Kind::Redirect(_, target) if target == "self-slash" => !head.path().ends_with('/'),
        _ => true,
    }
}

fn is_about_answers(kind: &Kind) -> bool {
    matches!(kind, Kind::BodySize(_) | Kind::EventSize(_)) || ABOUT_ANSWERS.contains(kind)
}

/// Whether the fault is one of the stream that a GET of HTTP+SSE opens.
fn is_about_channels(kind: &Kind) -> bool {
    use Kind::{EndpointEmpty, EndpointLate, EndpointTwice, Ends, HeadSize, NoEndpoint};
    matches!(kind, EndpointEmpty | EndpointLate | EndpointTwice | Ends(..) | HeadSize(_) | NoEndpoint)
}

fn is_legacy_call(request: &Request) -> bool {
    let is_call = matches!(request.message, Message::Request { method, .. } if method != "initialize");
    is_call && !request.is_modern() && (request.scenario.stateless || request.session_id().is_some())
}

/// Answers a request the wrong way.
pub fn strike(kind: &Kind, exchange: &mut Exchange) -> io::Result<Flow> {
    if exchange.request.opens_channel() && is_about_channels(kind) {
        return sse::open(exchange, Some(kind));
    }
    if let Some(reply) = content::reply(kind, &exchange.request) {
        return exchange.send(reply?);
    }
    match kind {
        Kind::HeaderFlood | Kind::BigBody | Kind::BigEvent => {
            let result = endless::send(kind, exchange);
            exchange.gone();
            result
        }
        Kind::Ends(end, moment) => transport::ends(*end, *moment, exchange),
        Kind::PingRequest if !exchange.request.scenario.sse => transport::ping_request(exchange),
        Kind::EarlyAnswer | Kind::AnswerOnly | Kind::AnswerInPost | Kind::PingRequest | Kind::PingAfter => {
            transport::strike(kind, exchange)
        }
        _ => wire::strike(kind, exchange),
    }
}
