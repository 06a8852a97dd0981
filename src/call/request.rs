//! The request that a transport sends, and what it needs to know about the session.

use ::http::HeaderValue;

use crate::protocol::lost_session::SessionReference;
use crate::protocol::params::Params;
use crate::protocol::version::Era;

/// The protocol version and session that messages are sent with: the negotiated ones, or the ones that a handshake
/// tries.
#[derive(Clone)]
pub struct PeerContext {
    pub era: Era,
    /// The `MCP-Protocol-Version` header; `None` for `initialize`, which is sent without it.
    pub version: Option<&'static str>,
    pub session_id: Option<HeaderValue>,
}

impl PeerContext {
    pub fn modern(version: &'static str) -> PeerContext {
        PeerContext { era: Era::Modern, version: Some(version), session_id: None }
    }

    /// For `initialize`, the first message of the legacy handshake.
    pub fn for_initialize() -> PeerContext {
        PeerContext { era: Era::Legacy, version: None, session_id: None }
    }

    /// How a request refers to its session, to recognize errors about a lost session. `without_id` is the result for a
    /// session that has no id.
    #[inline]
    pub fn session_reference<'a>(&'a self, without_id: SessionReference<'a>) -> SessionReference<'a> {
        match &self.session_id {
            Some(id) => SessionReference::Id(id.to_str().unwrap_or_default()),
            None if self.version.is_none() || self.era == Era::Modern => SessionReference::Nothing,
            None => without_id,
        }
    }
}

/// Whether a request may be sent again or cancelled, and which results it may have.
#[derive(Clone, Copy)]
pub struct RequestPolicy {
    /// It is safe to execute twice.
    pub repeatable: bool,
    /// If the caller gives up, the server is sent a cancellation.
    pub cancellable: bool,
    /// A modern server may respond that it needs more input (2026-07-28, "Multi Round-Trip Requests": Supported
    /// Requests).
    pub may_require_input: bool,
    /// A modern server may respond with a task.
    pub may_be_task: bool,
}

impl RequestPolicy {
    /// `server/discover` and `initialize`: no cancellation is sent for them.
    pub const PROBE: RequestPolicy =
        RequestPolicy { repeatable: true, cancellable: false, may_require_input: false, may_be_task: false };
    /// `ping`, lists, completion.
    pub const REPEATABLE: RequestPolicy = RequestPolicy { cancellable: true, ..RequestPolicy::PROBE };
    /// `resources/read`, `prompts/get`.
    pub const READ: RequestPolicy = RequestPolicy { may_require_input: true, ..RequestPolicy::REPEATABLE };
    /// Requests that may have side effects: `tools/call`, and methods that this client does not know.
    pub const ONCE: RequestPolicy =
        RequestPolicy { repeatable: false, cancellable: true, may_require_input: true, may_be_task: false };
}

/// A request: its method, its parameters, and the headers that repeat parts of them.
#[derive(Clone, Copy)]
pub struct EncodedRequest<'a> {
    pub method: &'a str,
    pub params: &'a Params<'a>,
    /// The value of the `Mcp-Name` header.
    pub name: Option<&'a str>,
    /// Arguments that are repeated in headers: the name and the value of each header.
    pub mirrored: &'a [(String, String)],
    pub policy: RequestPolicy,
}

impl<'a> EncodedRequest<'a> {
    pub fn new(method: &'a str, params: &'a Params<'a>, policy: RequestPolicy) -> EncodedRequest<'a> {
        EncodedRequest { method, params, name: None, mirrored: &[], policy }
    }
}
