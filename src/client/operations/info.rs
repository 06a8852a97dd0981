//! Who the server says that it is.

use crate::call::context::CallContext;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::messages;
use crate::status::MCP_INTERNAL;

impl Client {
    /// What the server said of itself when the session was opened.
    pub fn server_info(&self, call: &CallContext) -> Result<Json> {
        let (session, _) = self.session(call)?;
        let text = messages::server_info(
            session.version,
            session.era,
            session.transport.transport_kind().name(),
            session.answer.as_ref(),
        );
        Json::parse(text).map_err(|why| Error::new(MCP_INTERNAL, why))
    }
}
