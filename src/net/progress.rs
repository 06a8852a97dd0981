//! What a connection has to know of the call that uses it, and how far it has come for that call.
//!
//! It stands beside the calls of `Read` and `Write`, and of the `Connector` and `Transport` of ureq, because none of them has a
//! parameter for it; and a connection outlives the call that opened it.

use std::time::Duration;

use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::{Budget, Stop};

/// How far a request has come; for messages, and to know what a failure means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    #[default]
    Lookup,
    Connect,
    Proxy,
    Tls,
    Send,
    Head,
    Body,
}

impl Phase {
    /// For messages.
    pub fn doing(self) -> &'static str {
        match self {
            Phase::Lookup => "while looking up the server's name",
            Phase::Connect => "while connecting",
            Phase::Proxy => "while waiting for the proxy",
            Phase::Tls => "during the TLS handshake",
            Phase::Send => "while sending the request",
            Phase::Head => "while waiting for the server's answer",
            Phase::Body => "while reading the server's answer",
        }
    }
}

/// Shared by a connection and the code that uses it, one thread at a time: the lock is there because ureq wants connections to be
/// `Sync`.
#[derive(Debug, Default)]
pub struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    budget: Budget,
    phase: Phase,
}

impl Progress {
    /// Begins a request, which may spend `budget`.
    pub fn begin(&self, budget: &Budget) {
        *self.state() = State { budget: budget.clone(), phase: Phase::default() };
    }

    /// Fails where a wait would fail at once.
    pub fn check(&self) -> Result<(), Stop> {
        self.state().budget.check()
    }

    pub fn budget(&self) -> Budget {
        self.state().budget.clone()
    }

    /// From now on the request may spend this.
    pub fn set_budget(&self, budget: Budget) {
        self.state().budget = budget;
    }

    /// Leaves the rest of the request less time.
    pub fn hurry(&self, limit: Duration) {
        let mut state = self.state();
        state.budget = state.budget.within(limit);
    }

    pub fn phase(&self) -> Phase {
        self.state().phase
    }

    pub fn set_phase(&self, phase: Phase) {
        self.state().phase = phase;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_begins_with_the_first_phase() {
        let progress = Progress::default();
        for phase in [Phase::Connect, Phase::Proxy, Phase::Tls, Phase::Send, Phase::Head, Phase::Body] {
            progress.set_phase(phase);
            assert_eq!(progress.phase(), phase);
        }
        progress.begin(&Budget::default());
        assert_eq!(progress.phase(), Phase::Lookup);
    }

    #[test]
    fn a_hurried_request_has_less_time() {
        let progress = Progress::default();
        progress.hurry(Duration::from_secs(5));
        assert_eq!(progress.budget().allowed, Some(Duration::from_secs(5)));
        progress.set_budget(Budget::default());
        assert_eq!(progress.budget().deadline, None);
    }
}
