//! The session of a client: the one that is there, or a new one.

use std::sync::Arc;

use super::Client;
use super::operations::listen::subscribe;
use super::operations::logging::logging_level;
use crate::call::context::CallContext;
use crate::error::Result;
use crate::log::LogLevel;
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::session::negotiate::{Negotiator, SessionOptions};
use crate::session::session_slot::{CredentialIdentity, Opened};
use crate::session::state::{DiscoveredServer, Session};
use crate::sys::wait::Interrupt;

impl Client {
    /// The session with the server, opened where there is none.
    pub fn connect(&self, call: &CallContext) -> Result<()> {
        self.session(call).map(|_| ())
    }

    pub(super) fn session(&self, call: &CallContext) -> Result<(Arc<Session>, Opened)> {
        // Other calls may read the error as well, and they do not know what this one carried.
        let open = |found| self.open_session(call, found).map_err(|error| call.secrets().sanitize_error(error));
        let identity = || CredentialIdentity {
            credentials: self.auth().credentials.current(),
            scheme: self.auth().custom_auth.current().map(|scheme| scheme.number),
        };
        let (session, opened) = self.sessions.get(call, identity, open)?;
        if opened == Opened::ByThisCall && self.sessions.came_too_late() {
            session.transport.terminate_session_best_effort(&session.peer_context());
            return Err(call.stopped(&Interrupt::Closed));
        }
        Ok((session, opened))
    }

    fn open_session(&self, call: &CallContext, found: Option<DiscoveredServer>) -> Result<Session> {
        if self.settings.network().tls.accepts_any_certificate {
            call.log(LogLevel::Warning, || {
                "server certificates are not verified: any server can impersonate this one".into()
            });
        }
        let client_capabilities = self.settings.client_capabilities();
        let negotiator = Negotiator {
            host: self.host(),
            connector: self.connector()?,
            passed: &self.passed,
            wanted: SessionOptions {
                pinned: self.settings.pinned(),
                client_info: self.settings.client_info(),
                client_capabilities,
                server_stream: &|| client_capabilities.any() || self.server_log.has_hook(),
            },
            restored: &|| self.restored(),
        };
        negotiator.open(call, found)
    }

    /// What a new session has to be told: the level of the server's log, and which resources are watched.
    fn restored(&self) -> Vec<(&'static str, Params<'static>)> {
        let level = self.server_log.level().map(logging_level);
        let uris = self.known.changes.uris();
        let watched = uris.iter().map(|uri| subscribe("resources/subscribe", uri));
        let operations = level.into_iter().chain(watched);
        operations.map(|request| (request.method.name(Era::Legacy), request.params)).collect()
    }
}
