//! What can go wrong, and for which requests it does.

mod content;
mod endless;
mod wire;

use crate::http::Head;
use crate::log::Place;
use crate::net::Stream;
use crate::options::{Fault, Scenario};
use crate::protocol::Request;
use crate::reply::Reply;
use crate::rpc::Message;
use std::io::{self, Write};

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
    /// Sends a response in one write.
    pub fn send(&mut self, mut reply: Reply) -> io::Result<Flow> {
        if self.last {
            reply.headers.push(("Connection", "close".into()));
        }
        reply.render(self.out);
        self.stream.write_all(self.out)?;
        Ok(if self.last { Flow::Close } else { Flow::Next })
    }

    /// Waits for the client to go away, and records when.
    fn hold(&mut self) -> Flow {
        self.stream.wait_for_end();
        self.gone();
        Flow::Drop
    }

    fn gone(&self) {
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
    match &fault.kind {
        Kind::Stale => reused,
        Kind::LostSession => head.get("Mcp-Session-Id").is_some(),
        // Nobody can answer a ping before there is a session.
        Kind::PingRequest => is_legacy_call(request),
        Kind::Redirect(_, target) if target == "self-slash" => !head.path().ends_with('/'),
        _ => true,
    }
}

fn is_legacy_call(request: &Request) -> bool {
    let is_call = matches!(request.message, Message::Request { method, .. } if method != "initialize");
    is_call && !request.is_modern() && (request.scenario.stateless || has_session(request.head))
}

fn has_session(head: &Head) -> bool {
    head.get("Mcp-Session-Id").is_some()
}

/// Answers a request the wrong way.
pub fn strike(kind: &Kind, exchange: &mut Exchange) -> io::Result<Flow> {
    if let Some(reply) = content::reply(kind, &exchange.request) {
        return exchange.send(reply);
    }
    match kind {
        Kind::HeaderFlood | Kind::BigBody | Kind::BigEvent => {
            let result = endless::send(kind, exchange);
            exchange.gone();
            result
        }
        _ => wire::strike(kind, exchange),
    }
}
