//! Getting a client's session: the open one, or a new one.

use std::sync::Arc;

use super::Client;
use super::operations::listen::subscription_request;
use super::operations::logging::set_level_request;
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
    /// Opens a session with the server, unless one is open.
    pub fn connect(&self, call: &CallContext) -> Result<()> {
        self.session(call).map(|_| ())
    }

    /// The open session, or a new one.
    pub(super) fn session(&self, call: &CallContext) -> Result<(Arc<Session>, Opened)> {
        // Sanitize here: calls that wait for this handshake return the same error, and do not know this call's secrets.
        let open =
            |discovered| self.open_session(call, discovered).map_err(|error| call.secrets().sanitize_error(error));
        let identity = || CredentialIdentity {
            credentials: self.auth().credentials.current(),
            source_id: self.auth().source().map(|source| source.id()),
            is_login: call.is_login,
        };
        let (session, opened) = self.sessions.get(call, identity, open)?;
        if opened == Opened::ByThisCall && self.sessions.is_closed() {
            session.transport.terminate_session_best_effort(&session.peer_context());
            return Err(call.interrupt_error(&Interrupt::Closed));
        }
        Ok((session, opened))
    }

    fn open_session(&self, call: &CallContext, discovered: Option<DiscoveredServer>) -> Result<Session> {
        if self.settings.network().tls.accepts_any_certificate {
            call.log(LogLevel::Warning, || {
                "server certificates are not verified: any server can impersonate this one".into()
            });
        }
        let client_capabilities = self.settings.client_capabilities();
        let negotiator = Negotiator {
            transport_context: self.transport_context(),
            connector: self.connector()?,
            tried_credentials: &self.tried_credentials,
            options: SessionOptions {
                pinned: self.settings.pinned(),
                client_info: self.settings.client_info(),
                client_capabilities,
                extensions: self.settings.extensions(),
                needs_server_stream: &|| {
                    client_capabilities.any() || self.server_log.has_hook() || self.notifications.is_set()
                },
            },
            restore_requests: &|| self.restore_requests(),
        };
        negotiator.open(call, discovered)
    }

    /// The requests that restore the state of the last session in a new one: the logging level, and the resource
    /// subscriptions.
    fn restore_requests(&self) -> Vec<(&'static str, Params<'static>)> {
        let level = self.server_log.level().map(set_level_request);
        let uris = self.server_state.subscriptions.uris();
        let subscriptions = uris.iter().map(|uri| subscription_request("resources/subscribe", uri));
        let requests = level.into_iter().chain(subscriptions);
        requests.map(|request| (request.method.name(Era::Legacy), request.params)).collect()
    }
}
