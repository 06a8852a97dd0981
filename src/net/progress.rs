//! The limits of the request that uses a connection, and the phase that the request is in.
//!
//! `Read`, `Write`, and ureq's `Connector` and `Transport` have no parameters for these, so a connection and its user
//! share them. A connection exists longer than the call that opened it.

use std::time::Duration;

use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::{Interrupt, WaitContext};

/// The phase of a request. Error messages contain it, and the meaning of a failure depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestPhase {
    #[default]
    DnsLookup,
    Connect,
    Proxy,
    Tls,
    Send,
    Head,
    Body,
}

impl RequestPhase {
    /// The phase in words, for error messages.
    pub fn doing(self) -> &'static str {
        match self {
            RequestPhase::DnsLookup => "while looking up the server's name",
            RequestPhase::Connect => "while connecting",
            RequestPhase::Proxy => "while waiting for the proxy",
            RequestPhase::Tls => "during the TLS handshake",
            RequestPhase::Send => "while sending the request",
            RequestPhase::Head => "while waiting for the server's response",
            RequestPhase::Body => "while reading the server's response",
        }
    }
}

/// Shared by a connection and the code that uses it. Only one thread at a time uses it; the lock exists because ureq
/// requires connections to be `Sync`.
#[derive(Debug, Default)]
pub struct ConnectionProgress(Mutex<ConnectionProgressState>);

#[derive(Debug, Default)]
struct ConnectionProgressState {
    wait_context: WaitContext,
    phase: RequestPhase,
}

impl ConnectionProgress {
    /// Begins a request with the limits of `wait_context`.
    pub fn begin(&self, wait_context: &WaitContext) {
        *self.state() = ConnectionProgressState { wait_context: wait_context.clone(), phase: RequestPhase::default() };
    }

    /// Fails if a wait would fail immediately.
    pub fn check(&self) -> Result<(), Interrupt> {
        self.state().wait_context.check()
    }

    pub fn wait_context(&self) -> WaitContext {
        self.state().wait_context.clone()
    }

    /// Replaces the limits of the request.
    pub fn set_wait_context(&self, wait_context: WaitContext) {
        self.state().wait_context = wait_context;
    }

    /// Limits the time for the rest of the request to `limit` from now.
    pub fn limit_time(&self, limit: Duration) {
        let mut state = self.state();
        state.wait_context = state.wait_context.within(limit);
    }

    pub fn phase(&self) -> RequestPhase {
        self.state().phase
    }

    pub fn set_phase(&self, phase: RequestPhase) {
        self.state().phase = phase;
    }

    fn state(&self) -> MutexGuard<'_, ConnectionProgressState> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_request_begins_in_the_first_phase() {
        let progress = ConnectionProgress::default();
        for phase in [
            RequestPhase::Connect,
            RequestPhase::Proxy,
            RequestPhase::Tls,
            RequestPhase::Send,
            RequestPhase::Head,
            RequestPhase::Body,
        ] {
            progress.set_phase(phase);
            assert_eq!(progress.phase(), phase);
        }
        progress.begin(&WaitContext::default());
        assert_eq!(progress.phase(), RequestPhase::DnsLookup);
    }

    #[test]
    fn limiting_the_time_sets_an_earlier_deadline() {
        let progress = ConnectionProgress::default();
        progress.limit_time(Duration::from_secs(5));
        assert_eq!(progress.wait_context().timeout, Some(Duration::from_secs(5)));
        progress.set_wait_context(WaitContext::default());
        assert_eq!(progress.wait_context().deadline, None);
    }
}
