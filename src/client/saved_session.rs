//! Saving the session of a client, and continuing a saved one.

use std::path::PathBuf;
use std::time::SystemTime;

use zeroize::Zeroizing;

use super::Client;
use crate::auth::oauth::keys::random_bytes;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::messages::capabilities;
use crate::protocol::version::Era;
use crate::session::saved_session::{SavedBy, SavedFor, SavedSession, ServerIdentity, hex, save};
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
        let server = self.server_identity(&self.settings.unix_socket());
        let salt = hex(&*random_bytes::<16>()?);
        save(
            &session,
            SavedBy {
                server: &server,
                salt: &salt,
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
        let unix_socket = self.settings.unix_socket();
        let parse = |text| {
            let transports: &[TransportKind] = match (&self.endpoint, self.settings.transport()) {
                (None, _) => &[TransportKind::Stdio],
                (Some(_), Some(TransportKind::StreamableHttp)) => &[TransportKind::StreamableHttp],
                (Some(_), Some(_)) => &[TransportKind::Sse],
                (Some(_), None) => &[TransportKind::StreamableHttp, TransportKind::Sse],
            };
            let pinned = self.settings.pinned().map(|(version, _)| version);
            SavedSession::parse(text, &SavedFor { server: &self.server_identity(&unix_socket), transports, pinned })
        };
        let saved = text.map(parse).transpose()?;
        let shares_session = saved.as_ref().is_some_and(|saved| saved.id.is_some());
        // The ids of one session must be unique, and another process may use it at the same time. Bytes of the system,
        // because the random numbers of a process are repeated by its forks.
        let random = u32::from_le_bytes(*random_bytes()?) >> (u32::BITS - RANDOM_BITS);
        self.settings.set_saved_session(saved, unix_socket)?;
        if shares_session {
            self.calls.skip_ids_to((u64::from(random) + 1) << BITS_BELOW);
        }
        Ok(())
    }

    /// The server to which a saved session belongs: its whole URL and the Unix domain socket, its program with the
    /// arguments, or the name of its streams.
    pub(super) fn server_identity(&self, unix_socket: &Option<PathBuf>) -> ServerIdentity<'_> {
        let whole = match (self.settings.process_command(), &self.endpoint) {
            (Some(command), _) => command.argv.join("\0"),
            // Neither part contains a NUL.
            (None, Some(endpoint)) => match unix_socket {
                Some(path) => format!("{}\0{}", endpoint.uri(), path.display()),
                None => endpoint.uri().to_string(),
            },
            (None, None) => self.display_name.clone(),
        };
        ServerIdentity { shown: &self.display_name, whole: Zeroizing::new(whole) }
    }
}
