//! The end of a client.

use super::Client;
use crate::call::context::CallOptions;
use crate::error::Result;

impl Client {
    /// Ends every call in flight, tells the server, and refuses everything from now on. A second close does nothing.
    pub fn close(&self, options: &CallOptions) -> Result<()> {
        self.check_process()?;
        self.check_not_asking()?;
        self.calls.closed.set();
        let session = self.sessions.close();
        if let Some(session) = &session {
            session.transport.stop_server_stream();
        }
        let call = self.start_call(options).ignoring_close();
        // Whoever is in the auth callback now may be there for ever: then the goodbye carries what that gave last.
        let is_busy = self.auth().custom_auth.current().is_some_and(|scheme| scheme.is_busy());
        let call = if is_busy { call.without_auth_callback() } else { call };
        let ended =
            session.map_or(Ok(()), |session| session.transport.terminate_session(&call, &session.peer_context()));
        if let Some(peer) = self.peer.get() {
            peer.http.drop_idle();
        }
        ended.map_err(|error| call.secrets().sanitize_error(error.with_context("close", &self.shown)))
    }
}
