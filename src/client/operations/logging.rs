//! The level of the server's log messages (2025-11-25 and 2026-07-28, "Logging").

use super::request::Request;
use crate::call::context::CallContext;
use crate::call::request::RequestPolicy;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::protocol::messages::quoted;
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::status::MCP_INVALID_ARGUMENT;

/// In order of severity, the least severe first (RFC 5424, section 6.2.1).
const LEVELS: &[&str] = &["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

impl Client {
    /// Sets the lowest level of the log messages that the server sends. A legacy server gets a request; for a modern
    /// server, each request contains the level.
    pub fn request_server_log(&self, call: &CallContext, level: &str) -> Result<()> {
        let known = LEVELS.iter().copied().find(|known| *known == level);
        let Some(level) = known else {
            let why = format!("{level:?} is not a logging level; use one of {}", LEVELS.join(", "));
            return Err(Error::new(MCP_INVALID_ARGUMENT, why));
        };
        let (session, _) = self.session(call)?;
        if session.era == Era::Legacy {
            if self.server_log.has_hook() {
                // Log messages that belong to no request are received on the server event stream. If the log callback
                // was set after the handshake, the stream is not open yet.
                session.open_server_stream(call, false)?;
            }
            self.run_request(call, set_level_request(level))?;
        }
        self.server_log.set_level(level);
        Ok(())
    }
}

/// The request that sets the level on legacy servers.
pub fn set_level_request<'a>(level: &str) -> Request<'a> {
    Request::new("logging/setLevel", Params::new().with("level", quoted(level)), RequestPolicy::REPEATABLE)
}
