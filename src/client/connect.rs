//! Getting a client's session: the open one, or a new one.

use std::sync::Arc;

use super::Client;
use super::operations::listen::subscription_request;
use super::operations::logging::set_level_request;
use crate::call::context::CallContext;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::session::negotiate::{Negotiator, SessionOptions};
use crate::session::saved_session::SavedSession;
use crate::session::session_slot::{CredentialIdentity, EarlierSessions, Opened};
use crate::session::state::Session;
use crate::status::MCP_TIMEOUT;
use crate::sys::wait::Interrupt;

impl Client {
    /// Opens a session with the server, unless one is open.
    pub fn connect(&self, call: &CallContext) -> Result<()> {
        self.session(call).map(|_| ())
    }

    /// The open session, or a new one.
    pub(super) fn session(&self, call: &CallContext) -> Result<(Arc<Session>, Opened)> {
        // Sanitize here: calls that wait for this handshake return the same error, and do not know this call's secrets.
        let open = |earlier| self.open_in_time(call, earlier).map_err(|error| call.secrets().sanitize_error(error));
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

    /// Opens a session within the connect timeout, or that of the call if there is none.
    fn open_in_time(&self, call: &CallContext, earlier: EarlierSessions) -> Result<Session> {
        let Some(limit) = self.settings.connect_timeout() else { return self.open_session(call, earlier) };
        // The limit replaces that of the call, which may have passed already.
        call.wait_context().check().map_err(|interrupt| call.interrupt_error(&interrupt))?;
        if call.counts_connecting {
            return self.open_session(&call.connecting_within(limit), earlier);
        }
        let is_whole_limit = call.connecting_time().is_zero();
        let opened = call.connecting(limit, |connecting| {
            connecting.wait_context().check().map_err(|interrupt| connecting.interrupt_error(&interrupt))?;
            self.open_session(connecting, earlier)
        });
        opened.map_err(|error| connect_error(error, is_whole_limit))
    }

    fn open_session(&self, call: &CallContext, earlier: EarlierSessions) -> Result<Session> {
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
                own_capabilities: self.settings.own_capabilities(),
                needs_server_stream: &|| {
                    client_capabilities.any() || self.server_log.has_hook() || self.notifications.is_set()
                },
            },
            restore_requests: &|| self.restore_requests(),
        };
        let saved = self.settings.saved_session().filter(|_| !earlier.any);
        let resumed = saved.as_ref().map(|saved| negotiator.resume(call, saved)).transpose()?.flatten();
        if let Some(session) = resumed {
            if saved.is_some_and(|saved| saved.has_plain_tools) {
                self.server_state.tools.record_complete();
            }
            return Ok(session);
        }
        // A new process is always asked: it may be another program, and wait forever for a request that it knows.
        let known =
            |saved: Arc<SavedSession>| saved.discovered().filter(|known| !known.transport_kind.may_exit_at_probe());
        let discovered = earlier.discovered.or_else(|| saved.and_then(known));
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

/// The error of a call that could not connect within the connect timeout. If it had all of that time, the end of it is
/// not an error of this call only: the call has not chosen the limit, and another one would only wait once more.
fn connect_error(mut error: Error, is_whole_limit: bool) -> Error {
    error.report_mut().is_connect_timeout = is_whole_limit && error.status() == MCP_TIMEOUT;
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::retry::is_of_this_call;
    use crate::status::{MCP_CANCELLED, MCP_LOGIN_REQUIRED};

    #[test]
    fn only_the_whole_connect_timeout_is_an_error_of_all_calls_that_wait() {
        let error = |status| Error::new(status, "no");
        assert!(!is_of_this_call(&connect_error(error(MCP_TIMEOUT), true)));
        assert!(is_of_this_call(&connect_error(error(MCP_TIMEOUT), false)));
        assert!(is_of_this_call(&connect_error(error(MCP_CANCELLED), true)));
        let mut without_login = error(MCP_LOGIN_REQUIRED);
        without_login.report_mut().of_this_call = true;
        assert!(is_of_this_call(&connect_error(without_login, true)));
    }
}
