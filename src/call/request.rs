//! A request as transports get it, and how the server is addressed.

use ::http::HeaderValue;

use crate::protocol::lost_session::SessionReference;
use crate::protocol::params::Params;
use crate::protocol::version::Era;

/// How the server is addressed: what the session settled on, or, before there is one, what is being tried.
#[derive(Clone)]
pub struct PeerContext {
    pub era: Era,
    /// `initialize` itself carries no version header.
    pub version: Option<&'static str>,
    pub session_id: Option<HeaderValue>,
}

impl PeerContext {
    pub fn modern(version: &'static str) -> PeerContext {
        PeerContext { era: Era::Modern, version: Some(version), session_id: None }
    }

    /// The first message of the legacy handshake.
    pub fn opening() -> PeerContext {
        PeerContext { era: Era::Legacy, version: None, session_id: None }
    }

    /// What a request says of the session, which the server may have lost; `without_id` where that has no id.
    pub fn session_reference<'a>(&'a self, without_id: SessionReference<'a>) -> SessionReference<'a> {
        match &self.session_id {
            Some(id) => SessionReference::Id(id.to_str().unwrap_or_default()),
            None if self.version.is_none() || self.era == Era::Modern => SessionReference::Nothing,
            None => without_id,
        }
    }
}

/// What may be done with a request besides sending it once.
#[derive(Clone, Copy)]
pub struct RequestPolicy {
    /// Executing it twice does no harm.
    pub repeatable: bool,
    /// The server is told when nobody waits any more.
    pub cancellable: bool,
    /// A modern server may answer that it needs more input (2026-07-28, "Multi Round-Trip Requests": Supported Requests).
    pub may_ask: bool,
    /// A modern server may answer with a task.
    pub may_be_task: bool,
}

impl RequestPolicy {
    /// `server/discover` and `initialize`: never cancelled on the wire.
    pub const PROBE: RequestPolicy =
        RequestPolicy { repeatable: true, cancellable: false, may_ask: false, may_be_task: false };
    /// `ping`, lists, completion.
    pub const REPEATABLE: RequestPolicy = RequestPolicy { cancellable: true, ..RequestPolicy::PROBE };
    /// `resources/read`, `prompts/get`.
    pub const READ: RequestPolicy = RequestPolicy { may_ask: true, ..RequestPolicy::REPEATABLE };
    /// What may do something: `tools/call`, and requests that this client does not know.
    pub const ONCE: RequestPolicy =
        RequestPolicy { repeatable: false, cancellable: true, may_ask: true, may_be_task: false };
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct EncodedRequest<'a> {
    pub method: &'a str,
    pub params: &'a Params<'a>,
    /// What `Mcp-Name` says.
    pub name: Option<&'a str>,
    /// Arguments that headers repeat.
    pub mirrored: &'a [(String, String)],
    pub rules: RequestPolicy,
}

impl<'a> EncodedRequest<'a> {
    pub fn new(method: &'a str, params: &'a Params<'a>, rules: RequestPolicy) -> EncodedRequest<'a> {
        EncodedRequest { method, params, name: None, mirrored: &[], rules }
    }
}
