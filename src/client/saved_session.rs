//! Saving the session of a client, and continuing a saved one.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

use super::Client;
use crate::auth::oauth::keys::sha256;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::messages::capabilities;
use crate::protocol::version::Era;
use crate::session::saved_session::{SavedBy, SavedFor, SavedSession, save};
use crate::status::MCP_MISUSE;
use crate::transport::interface::TransportKind;

/// The number of random bits in the first id of a client that continues a session, and of the bits below them. Some
/// servers read ids as numbers of 32 bits.
const RANDOM_BITS: u32 = 20;
const BITS_BELOW: u32 = 10;

impl Client {
    /// What another client needs to continue the session, as the text of a JSON object.
    pub fn save_session(&self) -> Result<Json> {
        self.check_process()?;
        let session = self.sessions.open_session().ok_or_else(|| {
            let why = "the client is not connected, so that there is no session to save; make a call first, and save \
                       before mcp_client_close";
            Error::new(MCP_MISUSE, why)
        })?;
        let server = self.server_identity();
        save(
            &session,
            SavedBy {
                server: &server,
                client_capabilities: capabilities(
                    Era::Legacy,
                    self.settings.client_capabilities(),
                    &self.settings.own_capabilities(),
                ),
                has_plain_tools: self.server_state.tools.is_plain(),
                saved_at: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            },
        )
    }

    /// Sets the text of a saved session with which the first call begins, or removes it.
    pub fn set_saved_session(&self, text: Option<&str>) -> Result<()> {
        let parse = |text| {
            let transports: &[TransportKind] = match (&self.endpoint, self.settings.transport()) {
                (None, _) => &[TransportKind::Stdio],
                (Some(_), Some(TransportKind::StreamableHttp)) => &[TransportKind::StreamableHttp],
                (Some(_), Some(_)) => &[TransportKind::Sse],
                (Some(_), None) => &[TransportKind::StreamableHttp, TransportKind::Sse],
            };
            let pinned = self.settings.pinned().map(|(version, _)| version);
            SavedSession::parse(text, &SavedFor { server: &self.server_identity(), transports, pinned })
        };
        let saved = text.map(parse).transpose()?;
        let shares_session = saved.as_ref().is_some_and(|saved| saved.id.is_some());
        self.settings.set_saved_session(saved)?;
        if shares_session {
            // The ids of one session must be unique, and another process may use it at the same time.
            let random = RandomState::new().hash_one(0) >> (u64::BITS - RANDOM_BITS);
            self.calls.skip_ids_to((random + 1) << BITS_BELOW);
        }
        Ok(())
    }

    /// The server to which a saved session belongs: its URL without secrets, its program with a hash of the arguments,
    /// which may be secret, or the name of its streams.
    pub(super) fn server_identity(&self) -> Cow<'_, str> {
        match self.settings.process_command() {
            Some(command) => {
                let hash = sha256(command.argv.join("\0").as_bytes());
                let hash: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
                Cow::Owned(format!("{} {hash}", self.display_name))
            }
            None => Cow::Borrowed(&self.display_name),
        }
    }
}
