//! Closing a client.

use super::Client;
use crate::call::context::CallOptions;
use crate::error::Result;

impl Client {
    /// Cancels all calls in flight, terminates the session on the server, and makes later calls fail. A second close
    /// has no effect.
    pub fn close(&self, options: &CallOptions) -> Result<()> {
        self.check_process()?;
        self.check_not_in_auth_callback()?;
        self.calls.closed.set();
        let session = self.sessions.close();
        if let Some(session) = &session {
            session.transport.stop_server_stream();
        }
        let call = self.start_call(options).ignoring_close();
        // An auth callback that is running may never return, and a login takes long: then the request that terminates
        // the session carries the credentials that were issued last.
        let is_running = self.auth().source().is_some_and(|source| source.is_running());
        let call = if is_running { call.without_auth_callback() } else { call };
        let terminated =
            session.map_or(Ok(()), |session| session.transport.terminate_session(&call, &session.peer_context()));
        if let Some(peer) = self.http_peer.get() {
            peer.http.drop_idle();
        }
        terminated.map_err(|error| call.secrets().sanitize_error(error.with_context("close", &self.display_name)))
    }
}
