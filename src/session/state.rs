//! A session: the result of a handshake with the server.

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

/// A session with the server. On modern servers, which have no sessions, the result of the version negotiation.
pub struct Session {
    pub era: Era,
    pub version: &'static str,
    /// The session id, if a legacy server assigned one: every request carries it.
    pub id: Option<HeaderValue>,
    pub transport: Arc<dyn Transport>,
    /// The members that `_meta` has in every request, on modern servers.
    pub meta: String,
    /// The members that `_meta` has in requests that may become tasks, on modern servers.
    pub task_meta: String,
    /// The result of `server/discover` or `initialize`.
    pub handshake_result: Option<Json>,
    /// Whether tools may be called as tasks, which 2025-11-25 has in its core.
    pub has_core_tasks: bool,
    /// Whether the next handshake may assume this era.
    pub era_is_certain: bool,
}

/// The era and the transport of a server, for the next handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscoveredServer {
    pub era: Era,
    pub transport_kind: TransportKind,
}

/// The only version with tasks in its core; in later ones they are an extension.
const VERSION_WITH_CORE_TASKS: &str = "2025-11-25";

/// Whether the result of `initialize` declares that tools may be called as tasks.
pub fn has_core_tasks(version: &str, result: &Json) -> bool {
    version == VERSION_WITH_CORE_TASKS
        && RawValue::of(result).at(&["capabilities", "tasks", "requests", "tools", "call"]).is_some()
}

impl Session {
    /// The era, version and session id for a request.
    pub fn peer_context(&self) -> PeerContext {
        PeerContext { era: self.era, version: Some(self.version), session_id: self.id.clone() }
    }

    /// Opens the server event stream of a legacy server, unless it is open, and waits a short time for it. With
    /// `reopen`, also if it has ended for a temporary reason.
    pub fn open_server_stream(&self, call: &CallContext, reopen: bool) -> Result<()> {
        if self.era == Era::Modern {
            return Ok(());
        }
        self.transport.open_server_stream(call, &self.peer_context(), reopen)
    }

    /// Why the server event stream has ended.
    pub fn end_reason(&self) -> Error {
        let why = self.transport.end_reason();
        why.unwrap_or_else(|| Error::new(MCP_DISCONNECTED, "the event stream has ended"))
    }

    /// Whether new calls need a new session.
    pub fn needs_new_session(&self) -> bool {
        self.transport.needs_new_session()
    }
}
