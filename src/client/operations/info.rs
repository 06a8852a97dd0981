//! The server's information about itself.

use crate::call::context::CallContext;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::messages;
use crate::status::MCP_INTERNAL;

impl Client {
    /// What the server reported about itself in the handshake, and the transport.
    pub fn server_info(&self, call: &CallContext) -> Result<Json> {
        let (session, _) = self.session(call)?;
        let text = messages::server_info(
            session.version,
            session.era,
            session.transport.transport_kind().name(),
            session.handshake_result.as_ref(),
        );
        Json::parse(text).map_err(|why| Error::new(MCP_INTERNAL, why))
    }
}
