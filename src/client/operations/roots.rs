//! Telling the server that the roots have changed (2025-11-25, "Roots").

use crate::call::context::CallContext;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::status::{MCP_MISUSE, MCP_SESSION_LOST};

impl Client {
    /// Sends `notifications/roots/list_changed`. Modern versions have no such notification: their servers request the
    /// roots when they need them. Without a session there is no server that knows the old roots.
    pub fn notify_roots_changed(&self, call: &CallContext) -> Result<()> {
        if !self.settings.client_capabilities().roots {
            let why = "the server was not told that this client has roots; call mcp_set_roots before the first call";
            return Err(Error::new(MCP_MISUSE, why));
        }
        let Some(session) = self.sessions.session_after_handshake(call)? else { return Ok(()) };
        if session.era == Era::Modern {
            return Ok(());
        }
        match self.notify_in_session(call, &session, "notifications/roots/list_changed", Params::new()) {
            // The server has forgotten the roots with the session.
            Err(error) if error.status() == MCP_SESSION_LOST => Ok(()),
            outcome => outcome,
        }
    }
}
