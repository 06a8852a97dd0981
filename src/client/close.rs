//! Closing a client.

use std::sync::Arc;

use super::Client;
use super::call_enders::CallEnder;
use crate::call::context::CallOptions;
use crate::error::Result;

impl Client {
    /// Cancels all calls in flight, terminates the session on the server, and makes later calls fail. A second close
    /// has no effect.
    pub fn close(&self, options: &CallOptions) -> Result<()> {
        self.begin_close()?;
        self.finish_close(options)
    }

    /// Ends all calls of the client. Does not block.
    pub fn begin_close(&self) -> Result<()> {
        self.check_process()?;
        self.check_not_in_auth_callback()?;
        self.end_calls();
        Ok(())
    }

    /// Ends all calls: blocking ones notice the event, and those of queues end here.
    pub(super) fn end_calls(&self) {
        let address = std::ptr::from_ref(self).addr();
        let end_queued = || self.call_enders.all().iter().for_each(|ender| ender.end_calls(address));
        // Before the event wakes up their threads, which would get in the way; and those that began since.
        end_queued();
        self.calls.closed.set();
        end_queued();
    }

    /// A queue runs calls of this client.
    pub fn add_call_ender(&self, ender: &Arc<dyn CallEnder>) {
        self.call_enders.add(ender);
    }

    /// Terminates the session on the server.
    pub fn finish_close(&self, options: &CallOptions) -> Result<()> {
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
        drop(self.streams.lock().take());
        if let Some(connector) = self.connector.get() {
            connector.close();
        }
        terminated
            .map_err(|error| call.secrets().sanitize_error(error.with_context("close", &self.server_in_messages())))
    }
}
