//! Sessions that are saved, and continued by another client of the same server.

use ::http::HeaderValue;

use super::state::{DiscoveredServer, Session};
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::session_record::SessionRecord;
use crate::protocol::version::Era;
use crate::sanitize::shortened;
use crate::status::{MCP_INVALID_ARGUMENT, MCP_INVALID_MESSAGE};
use crate::transport::interface::TransportKind;

/// The longest name of a server in an error message, in bytes.
const MAX_SERVER: usize = 300;

/// A saved session that was checked for this client.
pub struct SavedSession {
    pub discovered: DiscoveredServer,
    pub era_is_certain: bool,
    pub version: &'static str,
    pub id: Option<HeaderValue>,
    /// The capabilities that were declared to a legacy server, as JSON text.
    pub client_capabilities: Option<String>,
    pub result: Option<Json>,
    /// The tools need not be listed before they are called.
    pub has_plain_tools: bool,
}

/// What a saved session must match.
pub struct SavedFor<'a> {
    /// The server, without secrets.
    pub server: &'a str,
    /// The transports of the client.
    pub transports: &'a [TransportKind],
    pub pinned: Option<&'static str>,
}

impl SavedSession {
    /// Reads a text of [`save`].
    pub fn parse(text: &str, client: &SavedFor) -> Result<SavedSession> {
        let invalid = |why: String| Error::new(MCP_INVALID_ARGUMENT, format!("the saved session: {why}"));
        let record = SessionRecord::parse(text).map_err(invalid)?;
        if record.server != client.server {
            let (theirs, ours) = (shortened(&record.server, MAX_SERVER), shortened(client.server, MAX_SERVER));
            return Err(invalid(format!("it belongs to the server {theirs:?}, and this client is for {ours:?}")));
        }
        if let Some(pinned) = client.pinned.filter(|pinned| *pinned != record.version) {
            let why = format!("it has protocol version {}, and this client is pinned to {pinned}", record.version);
            return Err(invalid(why));
        }
        let kind = client.transports.iter().copied().find(|kind| kind.name() == record.transport);
        let is_possible = |kind: &TransportKind| {
            (record.era == Era::Legacy || kind.supports_modern())
                && (record.session_id.is_none() || *kind == TransportKind::StreamableHttp)
        };
        let transport_kind = kind
            .filter(is_possible)
            .ok_or_else(|| invalid("its \"transport\" cannot be used by this client, or in its session".into()))?;
        let id = record.session_id.as_deref().map(HeaderValue::from_str).transpose();
        Ok(SavedSession {
            discovered: DiscoveredServer { era: record.era, transport_kind },
            era_is_certain: record.era_is_certain,
            version: record.version,
            id: id.map_err(|_| invalid("its \"sessionId\" cannot be sent".into()))?,
            client_capabilities: record.client_capabilities,
            result: record.result,
            has_plain_tools: record.has_plain_tools,
        })
    }

    /// What the next handshake may assume.
    pub fn discovered(&self) -> Option<DiscoveredServer> {
        self.era_is_certain.then_some(self.discovered)
    }
}

/// What a client saves with its session.
pub struct SavedBy<'a> {
    /// The server, without secrets.
    pub server: &'a str,
    /// The capabilities that a legacy server was told, as JSON text.
    pub client_capabilities: String,
    pub has_plain_tools: bool,
    /// In seconds since 1970.
    pub saved_at: u64,
}

/// The text with which another client can continue a session.
pub fn save(session: &Session, client: SavedBy) -> Result<Json> {
    let id = session.id.as_ref().map(|id| id.to_str().map(str::to_owned)).transpose().map_err(|_| {
        let why = "the session cannot be saved: the server's session id has characters that are not permitted";
        Error::new(MCP_INVALID_MESSAGE, why)
    })?;
    let record = SessionRecord {
        server: client.server.to_owned(),
        transport: session.transport.transport_kind().name().into(),
        version: session.version,
        era: session.era,
        era_is_certain: session.era_is_certain,
        session_id: id,
        client_capabilities: (session.era == Era::Legacy).then_some(client.client_capabilities),
        result: session.handshake_result.clone(),
        has_plain_tools: session.era == Era::Modern && client.has_plain_tools,
    };
    Ok(Json::from_validated(record.to_json(client.saved_at)))
}
