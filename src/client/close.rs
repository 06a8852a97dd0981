//! The end of a client.

use ureq::http::Method;

use super::Client;
use super::exchange::Speaking;
use super::session::Session;
use crate::call::context::{Call, CallOptions};
use crate::error::Result;
use crate::protocol::text::NOTHING;

impl Client {
    /// Ends every call in flight, tells the server, and refuses everything from now on. A second close does nothing.
    pub fn close(&self, options: &CallOptions) -> Result<()> {
        self.check_process()?;
        self.check_not_asking()?;
        self.closed.raise();
        let session = self.sessions.close();
        if let Some(standing) = session.as_ref().and_then(|session| session.standing.as_ref()) {
            standing.stop();
        }
        let call = self.start_call(options).past_closing();
        // Whoever is in the auth callback now may be there for ever: then the goodbye carries what that gave last.
        let is_busy = self.auth.schemes.current().is_some_and(|scheme| scheme.is_busy());
        let call = if is_busy { call.without_asking() } else { call };
        let ended = session.map_or(Ok(()), |session| self.end_session(&call, &session));
        if let Some(peer) = self.peer.get() {
            peer.http.drop_idle();
        }
        ended.map_err(|error| call.secrets().tidy_error(error.during("close", &self.shown)))
    }

    /// Ends a session that nobody will ever use, as far as that goes in a moment: the server need not keep it.
    pub(super) fn abandon(&self, session: &Session) {
        if session.id.is_some() {
            self.leave(&Speaking::in_session(session), Method::DELETE, &NOTHING);
        }
    }

    /// HTTP+SSE ends with its event stream, which nothing but the session holds open. Else DELETE, where the server gave a session id (2025-11-25, "Transports": Session Management). A server that does not offer
    /// it answers 405; one that has forgotten the session, 404.
    fn end_session(&self, call: &Call, session: &Session) -> Result<()> {
        if session.id.is_none() {
            return Ok(());
        }
        let speaking = Speaking::in_session(session);
        let response = self.peer().safely(call, || {
            let outgoing = self.outgoing(&speaking, Method::DELETE, None, &NOTHING);
            self.peer().send(call, outgoing, speaking.session_id, speaking.carried(), None)
        });
        let response = response.map_err(|setback| setback.error)?;
        match response.status {
            404 | 405 => Ok(()),
            _ => self.peer().expect_success(call, response, speaking.carried(), None).map_err(|setback| setback.error),
        }
    }
}
