//! The faults, and to which requests they apply.

mod connection;
mod content;
mod endless;
mod sized;
mod transport;

use crate::log::RecordId;
use crate::net::Stream;
use crate::options::{Fault, Scenario};
use crate::protocol::Request;
use crate::reply::Reply;
use crate::rpc::Message;
use crate::sse_streams::End;
use crate::{auth, cookies, encoding, sse};
use std::io::{self, Write};
use std::time::Duration;

pub use sized::pad_head;

/// The delay of `late`.
pub const LATE: Duration = Duration::from_millis(300);
/// Time for the peer to read data before a reset, which would discard it.
pub const BEFORE_RESET: Duration = Duration::from_millis(50);

/// When an event stream ends, relative to the event with the response or the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Moment {
    Before,
    Half,
    After,
}

/// The kinds of faults; `README.md` describes each.
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

/// The values of `fault=`.
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

/// The faults that modify a message, and so need one.
const NEEDS_MESSAGE: &[Kind] = &[
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

/// What happens to the connection after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// It waits for the next request.
    Next,
    /// It is closed properly, with close_notify on TLS.
    Close,
    /// It is dropped: the socket sends FIN, without close_notify on TLS.
    Drop,
    /// It is reset.
    Reset,
}

/// One request, and the connection for its response.
pub struct Exchange<'a> {
    /// The request.
    pub request: Request<'a>,
    /// The connection.
    pub stream: &'a mut Stream,
    /// A buffer to build responses in, reused.
    pub out: &'a mut Vec<u8>,
    /// The record of the request, if it is recorded.
    pub record_id: Option<RecordId>,
    /// Whether the client wants the connection to end after the response.
    pub last: bool,
}

impl Exchange<'_> {
    /// Responds like a server without faults.
    pub fn answer(&mut self) -> io::Result<Flow> {
        if self.request.opens_sse_stream() {
            return sse::open(self, None);
        }
        let reply = self.request.answer();
        self.send(reply)
    }

    /// Sends a response in one write, and then its events for an HTTP+SSE stream.
    pub fn send(&mut self, mut reply: Reply) -> io::Result<Flow> {
        self.prepare(&mut reply)?;
        reply.render(self.out);
        self.stream.write_all(self.out)?;
        self.deliver(reply);
        Ok(if self.last { Flow::Close } else { Flow::Next })
    }

    /// Adds cookies, connection header and encoding to a response.
    fn prepare(&self, reply: &mut Reply) -> io::Result<()> {
        self.add_cookies(reply);
        if self.last {
            reply.headers.push(("Connection", "close".into()));
        }
        encoding::encode(reply, self.request.scenario, self.request.head)
    }

    /// Sets the cookies that the client did not send.
    pub fn add_cookies(&self, reply: &mut Reply) {
        cookies::add(&self.request, reply);
    }

    fn deliver(&self, reply: Reply) {
        if let Some(delivery) = reply.delivery {
            self.request.state.sse_streams.deliver(delivery);
        }
    }

    /// Waits until the client disconnects, and records when.
    fn wait_for_disconnect(&mut self) -> Flow {
        self.stream.wait_for_end();
        self.record_disconnect();
        Flow::Drop
    }

    /// Records that the client has disconnected.
    pub fn record_disconnect(&self) {
        if let Some(record_id) = &self.record_id {
            self.request.state.log.closed(record_id);
        }
    }
}

/// The fault that applies to this request, subject to its limits (`times`, `after`).
pub fn select<'a>(request: &Request<'a>, reused: bool) -> Option<&'a Kind> {
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
    if let Some(endpoint) = request.endpoint {
        // A fault without `when` is one of the MCP server.
        return fault.when.iter().any(|name| name == endpoint.name());
    }
    let named = |method: &String| message.method() == Some(method) || head.method() == method;
    if !(fault.when.is_empty() || fault.when.iter().any(named)) {
        return false;
    }
    // Faults that need a message do not apply to the GET of HTTP+SSE, unless `when` names it.
    let names_get = fault.when.iter().any(|name| name == "GET");
    if request.opens_sse_stream() && needs_message(&fault.kind) && !names_get {
        return false;
    }
    match &fault.kind {
        Kind::Stale => reused,
        Kind::LostSession => request.session_id().is_some(),
        Kind::UnknownSession401 => request.session_id().is_some_and(|id| request.state.session(id).is_none()),
        // A client cannot respond to a ping before there is a session.
        Kind::PingRequest | Kind::PingAfter => is_legacy_call(request),
        Kind::NoEndpoint | Kind::EndpointLate | Kind::EndpointEmpty | Kind::EndpointTwice => request.opens_sse_stream(),
        Kind::Scope(word) => auth::lacks_scope(request, word),
        Kind::Redirect(_, target) if target == "self-slash" => !head.path().ends_with('/'),
        _ => true,
    }
}

fn needs_message(kind: &Kind) -> bool {
    matches!(kind, Kind::BodySize(_) | Kind::EventSize(_)) || NEEDS_MESSAGE.contains(kind)
}

/// Whether the fault concerns the stream that a GET of HTTP+SSE opens.
fn affects_sse_stream(kind: &Kind) -> bool {
    use Kind::{EndpointEmpty, EndpointLate, EndpointTwice, Ends, HeadSize, NoEndpoint};
    matches!(kind, EndpointEmpty | EndpointLate | EndpointTwice | Ends(..) | HeadSize(_) | NoEndpoint)
}

fn is_legacy_call(request: &Request) -> bool {
    let is_call = matches!(request.message, Message::Request { method, .. } if method != "initialize");
    is_call && !request.is_modern() && (request.scenario.stateless || request.session_id().is_some())
}

/// Responds to a request with the fault.
pub fn apply(kind: &Kind, exchange: &mut Exchange) -> io::Result<Flow> {
    if exchange.request.opens_sse_stream() && affects_sse_stream(kind) {
        return sse::open(exchange, Some(kind));
    }
    if let Some(reply) = content::reply(kind, &exchange.request) {
        return exchange.send(reply?);
    }
    match kind {
        Kind::HeaderFlood | Kind::BigBody | Kind::BigEvent => {
            let result = endless::send(kind, exchange);
            exchange.record_disconnect();
            result
        }
        Kind::Ends(end, moment) => transport::ends(*end, *moment, exchange),
        Kind::PingRequest if !exchange.request.scenario.sse => transport::ping_request(exchange),
        Kind::EarlyAnswer | Kind::AnswerOnly | Kind::AnswerInPost | Kind::PingRequest | Kind::PingAfter => {
            transport::apply(kind, exchange)
        }
        _ => connection::apply(kind, exchange),
    }
}
