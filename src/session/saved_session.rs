//! Sessions that are saved, and continued by another client of the same server.

use ::http::HeaderValue;
use zeroize::Zeroizing;

use super::state::{DiscoveredServer, Session};
use crate::auth::oauth::keys::hmac_sha256;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::session_record::SessionRecord;
use crate::protocol::version::Era;
use crate::sanitize::shortened;
use crate::status::{MCP_INVALID_ARGUMENT, MCP_INVALID_MESSAGE};
use crate::transport::interface::TransportKind;

/// The longest name of a server in an error message, in bytes.
const MAX_SERVER: usize = 300;

/// The server to which a saved session belongs.
pub struct ServerIdentity<'a> {
    /// Without secrets, for messages.
    pub shown: &'a str,
    /// All that distinguishes it from other servers, also what is secret.
    pub whole: Zeroizing<String>,
}

impl ServerIdentity<'_> {
    /// What is saved instead of the secret parts: the salt, which makes the same secret unrecognizable in two texts,
    /// and a hash.
    pub fn hash(&self, salt: &str) -> String {
        let hash = hmac_sha256(salt.as_bytes(), self.whole.as_bytes());
        format!("{salt}:{}", hex(&hash))
    }

    fn has_hash(&self, hash: &str) -> bool {
        hash.split_once(':').is_some_and(|(salt, _)| self.hash(salt) == hash)
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

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
    pub server: &'a ServerIdentity<'a>,
    /// The transports of the client.
    pub transports: &'a [TransportKind],
    pub pinned: Option<&'static str>,
}

impl SavedSession {
    /// Reads a text of [`save`].
    pub fn parse(text: &str, client: &SavedFor) -> Result<SavedSession> {
        let invalid = |why: String| Error::new(MCP_INVALID_ARGUMENT, format!("the saved session: {why}"));
        let record = SessionRecord::parse(text).map_err(invalid)?;
        let (theirs, ours) = (shortened(&record.server, MAX_SERVER), shortened(client.server.shown, MAX_SERVER));
        if record.server != client.server.shown {
            return Err(invalid(format!("it belongs to the server {theirs:?}, and this client is for {ours:?}")));
        }
        if !client.server.has_hash(&record.server_hash) {
            return Err(invalid(format!(
                "it belongs to another server than that of this client; both are shown as {ours:?}, but the query, a \
                 secret part of the path, the Unix domain socket or an argument is different"
            )));
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
    pub server: &'a ServerIdentity<'a>,
    /// Random.
    pub salt: &'a str,
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
    let mut record = SessionRecord {
        server: client.server.shown.to_owned(),
        server_hash: client.server.hash(client.salt),
        transport: session.transport.transport_kind().name().into(),
        version: session.version,
        era: session.era,
        era_is_certain: session.era_is_certain,
        session_id: id,
        client_capabilities: (session.era == Era::Legacy).then_some(client.client_capabilities),
        result: session.handshake_result.clone(),
        has_plain_tools: session.era == Era::Modern && client.has_plain_tools,
    };
    let mut text = record.to_json(client.saved_at);
    // What is saved can be read. The result of the handshake is not necessary, and a server chose it.
    if SessionRecord::parse(&text).is_err() {
        record.result = None;
        text = record.to_json(client.saved_at);
        SessionRecord::parse(&text)
            .map_err(|why| Error::new(MCP_INVALID_MESSAGE, format!("the session cannot be saved: {why}")))?;
    }
    Ok(Json::from_validated(text))
}
