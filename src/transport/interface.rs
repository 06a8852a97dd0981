//! The interface that every transport is behind.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderValue;

use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::protocol::incoming::Notification;
use crate::protocol::jsonrpc::RpcResponse;
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::MessageText;
use crate::status::MCP_INTERNAL;
use crate::sys::pollable_event::PollableEvent;

/// A cancelled call returns within 50 ms; half of that is for telling the server.
pub const BEST_EFFORT_LIMIT: Duration = Duration::from_millis(25);

pub const LISTENING: &str = "while listening for changes";

/// One way to a server. Used from any number of threads at once.
pub trait Transport: Send + Sync {
    fn transport_kind(&self) -> TransportKind;

    /// One request and its answer. `asked` gets the id that the request had last.
    fn request(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<TransportResponse, SendError>;

    /// A message that has no answer: a notification, or the answer to a server's own request. Where it is `repeatable`, it does no harm
    /// when it comes twice.
    fn post(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        message: &MessageText,
        repeatable: bool,
    ) -> Result<()>;

    /// Sends a message in the time of the call, and waits for no answer; fails where that is over, or nothing is read at the other end.
    fn post_best_effort(&self, call: &CallContext, peer_context: &PeerContext, message: &MessageText) -> Result<()>;

    /// A subscription of a modern server: opened by a request whose answer ends it.
    fn subscribe(
        &self,
        _: &CallContext,
        _: &PeerContext,
        _: &EncodedRequest,
        _: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        let error = Error::new(MCP_INTERNAL, "this transport has no subscriptions");
        Err(SubscriptionFailure { error, received_any: false })
    }

    /// What a request says of the session, which the server may have lost.
    fn session_reference<'a>(&self, peer_context: &'a PeerContext) -> SessionReference<'a>;

    /// Opens the stream for what belongs to no call, where the transport has one of its own, and waits a moment for it; where
    /// `again`, also one that was given up.
    fn open_server_stream(&self, _call: &CallContext, _speaking: &PeerContext, _again: bool) -> Result<()> {
        Ok(())
    }

    /// The handshake has settled on a version.
    fn bind(&self, _version: &'static str) {}

    /// Raised when nothing that belongs to no call will come any more.
    fn end_event(&self) -> Option<Arc<PollableEvent>>;

    /// Why that is so.
    fn end_reason(&self) -> Option<Error>;

    /// Whether new calls need another session.
    fn needs_new_session(&self) -> bool {
        false
    }

    /// Tells the server that the session has ended, where that is told.
    fn terminate_session(&self, _call: &CallContext, _speaking: &PeerContext) -> Result<()> {
        Ok(())
    }

    /// The same, as far as that goes in a moment, and without waiting for an answer.
    fn terminate_session_best_effort(&self, _speaking: &PeerContext) {}

    /// The client is closed: a stream that belongs to no call is not read any more.
    fn stop_server_stream(&self) {}
}

/// Opens transports to one server.
pub trait Connector: Send + Sync {
    /// Those that may lead to the server, in the order in which they are to be tried: one, or two. `found` was the right one the last
    /// time; where `is_modern`, a modern version has to be spoken.
    fn order(&self, found: Option<TransportKind>, is_modern: bool) -> Vec<TransportKind>;

    /// Whether the server's address says that it is this one.
    fn is_named(&self, transport_kind: TransportKind) -> bool;

    fn connect(&self, call: &CallContext, transport_kind: TransportKind) -> Result<Arc<dyn Transport>>;
}

/// Receives the notifications of a subscription.
pub type NotificationCallback<'a> = dyn FnMut(&Notification) + 'a;

/// How a subscription ended without the server's answer, and whether something had come on it.
pub struct SubscriptionFailure {
    pub error: Error,
    pub received_any: bool,
}

/// What the server has answered, and the session id that came with it.
pub struct TransportResponse {
    pub answered: RpcResponse,
    pub session_id: Option<HeaderValue>,
}

/// Which transport it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    StreamableHttp,
    Sse,
    Stdio,
}

impl TransportKind {
    /// As `mcp_server_info` names it.
    pub fn name(self) -> &'static str {
        match self {
            TransportKind::StreamableHttp => "streamable-http",
            TransportKind::Sse => "sse",
            TransportKind::Stdio => "stdio",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            TransportKind::StreamableHttp => "Streamable HTTP",
            TransportKind::Sse => "HTTP+SSE",
            TransportKind::Stdio => "stdio",
        }
    }

    /// Whether modern versions are spoken over it: HTTP+SSE is older.
    pub fn speaks_modern(self) -> bool {
        self != TransportKind::Sse
    }

    /// Whether an old server may end at a request that comes before `initialize`.
    pub fn may_end_by_probe(self) -> bool {
        self == TransportKind::Stdio
    }

    /// Whether requests have headers.
    pub fn has_headers(self) -> bool {
        self != TransportKind::Stdio
    }

    /// Whether a modern server sees by the closed stream that an answer is not awaited any more.
    pub fn cancels_by_closing(self) -> bool {
        self != TransportKind::Stdio
    }
}
