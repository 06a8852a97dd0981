//! What a connection has to know of the call that uses it, and how far it has come for that call.
//!
//! It stands beside the calls of `Read` and `Write`, and of the `Connector` and `Transport` of ureq, because none of them has a
//! parameter for it; and a connection outlives the call that opened it.

use std::time::Duration;

use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::{Interrupt, WaitContext};

/// How far a request has come; for messages, and to know what a failure means.
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
    /// For messages.
    pub fn doing(self) -> &'static str {
        match self {
            RequestPhase::DnsLookup => "while looking up the server's name",
            RequestPhase::Connect => "while connecting",
            RequestPhase::Proxy => "while waiting for the proxy",
            RequestPhase::Tls => "during the TLS handshake",
            RequestPhase::Send => "while sending the request",
            RequestPhase::Head => "while waiting for the server's answer",
            RequestPhase::Body => "while reading the server's answer",
        }
    }
}

/// Shared by a connection and the code that uses it, one thread at a time: the lock is there because ureq wants connections to be
/// `Sync`.
#[derive(Debug, Default)]
pub struct ConnectionProgress(Mutex<ConnectionProgressState>);

#[derive(Debug, Default)]
struct ConnectionProgressState {
    wait_context: WaitContext,
    phase: RequestPhase,
}

impl ConnectionProgress {
    /// Begins a request, which may spend `wait_context`.
    pub fn begin(&self, wait_context: &WaitContext) {
        *self.state() = ConnectionProgressState { wait_context: wait_context.clone(), phase: RequestPhase::default() };
    }

    /// Fails where a wait would fail at once.
    pub fn check(&self) -> Result<(), Interrupt> {
        self.state().wait_context.check()
    }

    pub fn wait_context(&self) -> WaitContext {
        self.state().wait_context.clone()
    }

    /// From now on the request may spend this.
    pub fn set_wait_context(&self, wait_context: WaitContext) {
        self.state().wait_context = wait_context;
    }

    /// Leaves the rest of the request less time.
    pub fn hurry(&self, limit: Duration) {
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
    fn a_request_begins_with_the_first_phase() {
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
    fn a_hurried_request_has_less_time() {
        let progress = ConnectionProgress::default();
        progress.hurry(Duration::from_secs(5));
        assert_eq!(progress.wait_context().timeout, Some(Duration::from_secs(5)));
        progress.set_wait_context(WaitContext::default());
        assert_eq!(progress.wait_context().deadline, None);
    }
}
