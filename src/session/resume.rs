//! Continuing a saved session without a handshake, over Streamable HTTP: the server is not asked before the first
//! request. A new process and a new event stream always need a handshake.

use std::sync::atomic::AtomicBool;

use super::negotiate::Negotiator;
use super::saved_session::SavedSession;
use super::state::{Session, has_core_tasks};
use crate::call::context::CallContext;
use crate::error::Result;
use crate::log::LogLevel;
use crate::protocol::json::Json;
use crate::protocol::messages::capabilities;
use crate::protocol::version::Era;
use crate::status::MCP_CLOSED;
use crate::transport::interface::TransportKind;

impl Negotiator<'_> {
    /// Continues a saved session. `None` if a handshake is necessary.
    pub fn resume(&self, call: &CallContext, saved: &SavedSession) -> Result<Option<Session>> {
        let kind = saved.discovered.transport_kind;
        if kind != TransportKind::StreamableHttp || !self.permits(saved) {
            return Ok(None);
        }
        let transport = self.connector.connect(call, kind)?;
        let result = saved.result.clone();
        let session = match saved.discovered.era {
            Era::Modern => self.modern_session(saved.version, result, transport),
            Era::Legacy => {
                transport.bind(saved.version);
                let has_core_tasks = result.as_ref().is_some_and(|result: &Json| has_core_tasks(saved.version, result));
                Session {
                    era: Era::Legacy,
                    version: saved.version,
                    id: saved.id.clone(),
                    transport,
                    meta: String::new(),
                    task_meta: String::new(),
                    has_core_tasks,
                    handshake_result: result,
                    era_is_certain: saved.era_is_certain,
                    is_unproven: AtomicBool::new(true),
                }
            }
        };
        call.log(LogLevel::Info, || format!("continuing the saved session, protocol version {}", saved.version));
        if (self.options.needs_server_stream)() {
            session.open_server_stream(call, false).inspect_err(|error| {
                // No other code has this session, so that it would remain on the server.
                if error.status() == MCP_CLOSED {
                    session.transport.terminate_session_best_effort(&session.peer_context());
                }
            })?;
        }
        Ok(Some(Session { is_unproven: AtomicBool::new(true), ..session }))
    }

    /// Whether the client's settings are those with which the session was saved.
    fn permits(&self, saved: &SavedSession) -> bool {
        let options = &self.options;
        let kind = saved.discovered.transport_kind;
        if options.pinned.is_some_and(|(version, _)| version != saved.version)
            || !self.connector.candidates(Some(kind), false).contains(&kind)
        {
            return false;
        }
        // A legacy server keeps the capabilities that `initialize` declared.
        let declared = capabilities(Era::Legacy, options.client_capabilities, &options.own_capabilities);
        saved.client_capabilities.as_ref().is_none_or(|known| *known == declared)
    }
}
