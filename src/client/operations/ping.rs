//! Is the server there, and does it answer me?

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
    /// `ping` on a legacy server. A modern one has no `ping`: `server/discover`, which every modern server implements, stands
    /// in for it, and any JSON-RPC answer means that it is alive.
    pub fn ping(&self, call: &CallContext) -> Result<()> {
        let (session, opened) = self.session(call)?;
        match session.era {
            // The probe that opened it was the ping.
            Era::Modern if opened == Opened::ByThisCall => Ok(()),
            Era::Modern => self.ping_modern(call, &session),
            Era::Legacy => self.ping_legacy(call),
        }
    }

    fn ping_modern(&self, call: &CallContext, session: &Arc<Session>) -> Result<()> {
        let outcome = discover(self.host(), call, &*session.transport, &session.peer_context(), &session.meta);
        // The same answer again says the same again, and is not read again.
        let same = matches!((&outcome, &session.answer), (Ok(now), Some(first)) if now.text() == first.text());
        // A server that fails is not another one for that.
        let fails = outcome.as_ref().is_err_and(|error| error.status() == MCP_SERVER_ERROR);
        let is_legacy = !same && !fails && matches!(judge_probe(outcome.as_ref()), ProbeVerdict::Legacy { .. });
        if is_legacy {
            // Another server answers there now: it is found out anew.
            self.sessions.forget_era(session);
        }
        match outcome {
            Ok(_) => Ok(()),
            // A JSON-RPC error that is not about credentials: the server is alive, and it answers this caller.
            Err(error) if error.status() == MCP_RPC_ERROR => Ok(()),
            Err(_) if is_legacy => self.ping_again(call),
            Err(error) => Err(error),
        }
    }

    fn ping_legacy(&self, call: &CallContext) -> Result<()> {
        let method = MethodName::ByEra(method);
        let request = Request { method, ..Request::new("", Params::new(), RequestPolicy::REPEATABLE) };
        match self.run_request(call, request) {
            // Some servers do not know `ping`. A JSON-RPC error that is not about credentials or the session: the server is alive.
            Err(error) if error.status() == MCP_RPC_ERROR => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }

    /// After the server turned out to be another one, once.
    fn ping_again(&self, call: &CallContext) -> Result<()> {
        let (session, _) = self.session(call)?;
        match session.era {
            Era::Modern => Ok(()),
            Era::Legacy => self.ping_legacy(call),
        }
    }
}

/// What asks for a sign of life.
fn method(era: Era) -> &'static str {
    match era {
        Era::Legacy => "ping",
        Era::Modern => "server/discover",
    }
}
