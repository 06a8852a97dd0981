//! What is known of the server: how to speak to it.

use std::sync::Arc;

use ::http::HeaderValue;

use crate::call::context::CallContext;
use crate::call::request::PeerContext;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::raw_value::RawValue;
use crate::protocol::version::Era;
use crate::status::*;
use crate::transport::interface::{Transport, TransportKind};

/// A server, as it was found: how to speak to it.
pub struct Session {
    pub era: Era,
    pub version: &'static str,
    /// Legacy servers may give one; it goes on every request then.
    pub id: Option<HeaderValue>,
    pub transport: Arc<dyn Transport>,
    /// What the `_meta` of every request holds, on modern servers.
    pub meta: String,
    /// The same where the server may make a task of the request.
    pub task_meta: String,
    /// The answer to `server/discover` or `initialize`.
    pub answer: Option<Json>,
    /// Whether tools may be called as tasks by the core of 2025-11-25.
    pub has_core_tasks: bool,
    /// Whether the era may be taken for granted when the session has to be opened anew.
    pub era_is_certain: bool,
}

/// What a server was found to be; the way to a new session with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoveredServer {
    pub era: Era,
    pub transport_kind: TransportKind,
}

/// The one version in whose core tasks are; later they are an extension.
const VERSION_WITH_CORE_TASKS: &str = "2025-11-25";

/// Whether a server of this version, by its answer, may be asked to make tasks of tools.
pub fn has_core_tasks(version: &str, answer: &Json) -> bool {
    version == VERSION_WITH_CORE_TASKS
        && RawValue::of(answer).at(&["capabilities", "tasks", "requests", "tools", "call"]).is_some()
}

impl Session {
    /// How the server is addressed in it.
    pub fn peer_context(&self) -> PeerContext {
        PeerContext { era: self.era, version: Some(self.version), session_id: self.id.clone() }
    }

    /// Opens the stream for what belongs to no call, where a legacy server has one, and waits a moment for it; where `again`, also one
    /// that was given up.
    pub fn open_server_stream(&self, call: &CallContext, again: bool) -> Result<()> {
        if self.era == Era::Modern {
            return Ok(());
        }
        self.transport.open_server_stream(call, &self.peer_context(), again)
    }

    /// Why nothing that belongs to no call will come any more.
    pub fn end_reason(&self) -> Error {
        let why = self.transport.end_reason();
        why.unwrap_or_else(|| Error::new(MCP_DISCONNECTED, "the event stream has ended"))
    }

    /// Whether new calls need another session.
    pub fn is_dead(&self) -> bool {
        self.transport.needs_new_session()
    }
}
