//! A request as transports get it, and how the server is addressed.

use ::http::HeaderValue;

use crate::protocol::lost_session::Carried;
use crate::protocol::params::Params;
use crate::protocol::version::Era;

/// How the server is addressed: what the session settled on, or, before there is one, what is being tried.
#[derive(Clone)]
pub struct Speaking {
    pub era: Era,
    /// `initialize` itself carries no version header.
    pub version: Option<&'static str>,
    pub session_id: Option<HeaderValue>,
}

impl Speaking {
    pub fn modern(version: &'static str) -> Speaking {
        Speaking { era: Era::Modern, version: Some(version), session_id: None }
    }

    /// The first message of the legacy handshake.
    pub fn opening() -> Speaking {
        Speaking { era: Era::Legacy, version: None, session_id: None }
    }

    /// What a request says of the session, which the server may have lost; `without_id` where that has no id.
    pub fn carried<'a>(&'a self, without_id: Carried<'a>) -> Carried<'a> {
        match &self.session_id {
            Some(id) => Carried::Id(id.to_str().unwrap_or_default()),
            None if self.version.is_none() || self.era == Era::Modern => Carried::Nothing,
            None => without_id,
        }
    }
}

/// What may be done with a request besides sending it once.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Executing it twice does no harm.
    pub repeatable: bool,
    /// The server is told when nobody waits any more.
    pub cancellable: bool,
    /// A modern server may answer that it needs more input (2026-07-28, "Multi Round-Trip Requests": Supported Requests).
    pub may_ask: bool,
    /// A modern server may answer with a task.
    pub may_be_task: bool,
}

impl Rules {
    /// `server/discover` and `initialize`: never cancelled on the wire.
    pub const PROBE: Rules = Rules { repeatable: true, cancellable: false, may_ask: false, may_be_task: false };
    /// `ping`, lists, completion.
    pub const REPEATABLE: Rules = Rules { cancellable: true, ..Rules::PROBE };
    /// `resources/read`, `prompts/get`.
    pub const READ: Rules = Rules { may_ask: true, ..Rules::REPEATABLE };
    /// What may do something: `tools/call`, and requests that this client does not know.
    pub const ONCE: Rules = Rules { repeatable: false, cancellable: true, may_ask: true, may_be_task: false };
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub method: &'a str,
    pub params: &'a Params<'a>,
    /// What `Mcp-Name` says.
    pub name: Option<&'a str>,
    /// Arguments that headers repeat.
    pub mirrored: &'a [(String, String)],
    pub rules: Rules,
}

impl<'a> Ask<'a> {
    pub fn new(method: &'a str, params: &'a Params<'a>, rules: Rules) -> Ask<'a> {
        Ask { method, params, name: None, mirrored: &[], rules }
    }
}
