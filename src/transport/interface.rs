//! The interface that all transports implement.

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

/// How long a best-effort message may take. A cancelled call must return within 50 ms; half of that is for notifying
/// the server.
pub const BEST_EFFORT_LIMIT: Duration = Duration::from_millis(25);

/// For error messages: what an interrupted subscription was doing.
pub const LISTENING: &str = "while listening for changes";

/// A connection to a server, or the means to open connections to it. All threads may use it at the same time.
pub trait Transport: Send + Sync {
    fn transport_kind(&self) -> TransportKind;

    /// Sends a request and waits for its response. Each attempt has a new id; `last_id` is set to the id of the last
    /// one.
    fn request(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        request: &EncodedRequest,
        last_id: &Cell<u64>,
    ) -> Result<TransportResponse, SendError>;

    /// Sends a message that has no response: a notification, or the response to a server request. It may be sent again
    /// only if it is `repeatable`.
    fn post(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        message: &MessageText,
        repeatable: bool,
    ) -> Result<()>;

    /// Sends a message within the time of the call, without waiting for the server. Fails if the time has passed, or if
    /// the server does not read.
    fn post_best_effort(&self, call: &CallContext, peer_context: &PeerContext, message: &MessageText) -> Result<()>;

    /// Opens a subscription on a modern server and reads it. The response to the request ends the subscription.
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

    /// How the requests of this session refer to it, to recognize errors about a lost session.
    fn session_reference<'a>(&self, peer_context: &'a PeerContext) -> SessionReference<'a>;

    /// Opens the stream for messages that belong to no call, if the transport has a separate one, and waits briefly for
    /// it. With `_reopen`, a stream that failed is opened again.
    fn open_server_stream(&self, _call: &CallContext, _peer_context: &PeerContext, _reopen: bool) -> Result<()> {
        Ok(())
    }

    /// Records the protocol version that the handshake negotiated.
    fn bind(&self, _version: &'static str) {}

    /// The event that is set when no more messages that belong to no call can arrive; `None` if there is no stream for
    /// them yet.
    fn end_event(&self) -> Option<Arc<PollableEvent>>;

    /// Why no more such messages can arrive; `None` if they can.
    fn end_reason(&self) -> Option<Error>;

    /// Whether new calls need another session.
    fn needs_new_session(&self) -> bool {
        false
    }

    /// Notifies the server that the session has ended, if the transport has a message for that.
    fn terminate_session(&self, _call: &CallContext, _peer_context: &PeerContext) -> Result<()> {
        Ok(())
    }

    /// Notifies the server that the session has ended, within [`BEST_EFFORT_LIMIT`] and without waiting for a response.
    fn terminate_session_best_effort(&self, _peer_context: &PeerContext) {}

    /// Stops reading the stream that belongs to no call. Called when the client is closed.
    fn stop_server_stream(&self) {}
}

/// Opens transports to one server.
pub trait Connector: Send + Sync {
    /// The one or two transports to try, in that order. `last` is the transport of the last session, if it is known.
    /// With `requires_modern`, a transport that has no modern versions is left out, unless the application has set it.
    fn candidates(&self, last: Option<TransportKind>, requires_modern: bool) -> Vec<TransportKind>;

    /// Whether the server's address indicates this transport.
    fn address_indicates(&self, transport_kind: TransportKind) -> bool;

    fn connect(&self, call: &CallContext, transport_kind: TransportKind) -> Result<Arc<dyn Transport>>;

    /// The client is closed: no connection is opened any more.
    fn close(&self) {}
}

/// Receives the notifications of a subscription.
pub type NotificationCallback<'a> = dyn FnMut(&Notification) + 'a;

/// Why a subscription ended without the server's response.
pub struct SubscriptionFailure {
    pub error: Error,
    /// At least one notification had arrived.
    pub received_any: bool,
}

/// A response, and the session id from its headers.
pub struct TransportResponse {
    pub response: RpcResponse,
    pub session_id: Option<HeaderValue>,
}

/// The kind of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    StreamableHttp,
    Sse,
    Stdio,
}

impl TransportKind {
    /// The name in the document of `mcp_server_info`.
    pub fn name(self) -> &'static str {
        match self {
            TransportKind::StreamableHttp => "streamable-http",
            TransportKind::Sse => "sse",
            TransportKind::Stdio => "stdio",
        }
    }

    /// The name for messages.
    pub fn display_name(self) -> &'static str {
        match self {
            TransportKind::StreamableHttp => "Streamable HTTP",
            TransportKind::Sse => "HTTP+SSE",
            TransportKind::Stdio => "stdio",
        }
    }

    /// Whether modern protocol versions use this transport. HTTP+SSE is older.
    pub fn supports_modern(self) -> bool {
        self != TransportKind::Sse
    }

    /// Whether an old server may exit when it gets `server/discover`, because it expects `initialize` first.
    pub fn may_exit_at_probe(self) -> bool {
        self == TransportKind::Stdio
    }

    /// Whether requests have HTTP headers.
    pub fn has_headers(self) -> bool {
        self != TransportKind::Stdio
    }

    /// Whether closing the response stream cancels the request on a modern server.
    pub fn cancels_by_closing(self) -> bool {
        self != TransportKind::Stdio
    }
}
