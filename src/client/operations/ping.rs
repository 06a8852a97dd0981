//! Ping: whether the server responds to this client.

use std::sync::Arc;

use super::request::{MethodName, Request};
use crate::call::context::CallContext;
use crate::call::request::RequestPolicy;
use crate::client::Client;
use crate::error::Result;
use crate::protocol::negotiation::{ProbeVerdict, judge_probe};
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::session::negotiate::discover;
use crate::session::session_slot::Opened;
use crate::session::state::Session;
use crate::status::{MCP_RPC_ERROR, MCP_SERVER_ERROR};

impl Client {
    /// Sends `ping` to a legacy server. Modern versions have no `ping`: `server/discover`, which every modern server
    /// implements, is sent instead. Any JSON-RPC response, also an error, means that the server is alive.
    pub fn ping(&self, call: &CallContext) -> Result<()> {
        let (session, opened) = self.session(call)?;
        match session.era {
            // The probe that opened the session was the ping.
            Era::Modern if opened == Opened::ByThisCall => Ok(()),
            Era::Modern => self.ping_modern(call, &session),
            Era::Legacy => self.ping_legacy(call),
        }
    }

    fn ping_modern(&self, call: &CallContext, session: &Arc<Session>) -> Result<()> {
        let outcome =
            discover(self.transport_context(), call, &*session.transport, &session.peer_context(), &session.meta);
        // An unchanged result needs no new verdict.
        let is_unchanged =
            matches!((&outcome, &session.handshake_result), (Ok(now), Some(first)) if now.text() == first.text());
        // A server error says nothing about the era.
        let is_server_error = outcome.as_ref().is_err_and(|error| error.status() == MCP_SERVER_ERROR);
        let is_legacy =
            !is_unchanged && !is_server_error && matches!(judge_probe(outcome.as_ref()), ProbeVerdict::Legacy { .. });
        if is_legacy {
            // The server was replaced by a legacy one: negotiate again.
            self.sessions.forget_era(session);
        }
        match outcome {
            Ok(_) => Ok(()),
            // A JSON-RPC error that is not about credentials: the server is alive and accepts this client.
            Err(error) if error.status() == MCP_RPC_ERROR => Ok(()),
            Err(_) if is_legacy => self.ping_new_session(call),
            Err(error) => Err(error),
        }
    }

    fn ping_legacy(&self, call: &CallContext) -> Result<()> {
        let method = MethodName::ByEra(ping_method);
        let request = Request { method, ..Request::new("", Params::new(), RequestPolicy::REPEATABLE) };
        match self.run_request(call, request) {
            // Some servers do not know `ping`. A JSON-RPC error that is not about credentials or the session means that
            // the server is alive.
            Err(error) if error.status() == MCP_RPC_ERROR => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }

    /// Opens a session, after the server's era has changed, and pings once more if the handshake was not a ping
    /// already.
    fn ping_new_session(&self, call: &CallContext) -> Result<()> {
        let (session, _) = self.session(call)?;
        match session.era {
            Era::Modern => Ok(()),
            Era::Legacy => self.ping_legacy(call),
        }
    }
}

fn ping_method(era: Era) -> &'static str {
    match era {
        Era::Legacy => "ping",
        Era::Modern => "server/discover",
    }
}
