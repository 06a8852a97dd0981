//! The server's log messages: how severe they have to be, and who receives them (2025-11-25 and 2026-07-28, "Logging").

use super::request::Request;
use crate::call::context::CallContext;
use crate::call::request::RequestPolicy;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::protocol::messages::quoted;
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::status::MCP_INVALID_ARGUMENT;

/// From the least severe on (RFC 5424, section 6.2.1).
const LEVELS: &[&str] = &["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

impl Client {
    /// From which level on the server sends its log. A legacy server is told; a modern one reads it in every request.
    pub fn set_logging_level(&self, call: &CallContext, level: &str) -> Result<()> {
        let known = LEVELS.iter().copied().find(|known| *known == level);
        let Some(level) = known else {
            let why = format!("{level:?} is not a logging level; use one of {}", LEVELS.join(", "));
            return Err(Error::new(MCP_INVALID_ARGUMENT, why));
        };
        let (session, _) = self.session(call)?;
        if session.era == Era::Legacy {
            if self.server_log.has_hook() {
                // Messages that belong to no call come there; the hook may be younger than the session.
                session.open_server_stream(call, false)?;
            }
            self.run_request(call, logging_level(level))?;
        }
        self.server_log.set_level(level);
        Ok(())
    }
}

/// The request that sets the level on legacy servers.
pub fn logging_level<'a>(level: &str) -> Request<'a> {
    Request::new("logging/setLevel", Params::new().with("level", quoted(level)), RequestPolicy::REPEATABLE)
}
