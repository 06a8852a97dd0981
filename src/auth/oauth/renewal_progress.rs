//! A renewal of tokens, as the calls see it that wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::call::issued_credentials::IssuedCredentials;
use crate::call::pause_clock::PauseClock;
use crate::error::Result;
use crate::sys::lock::Mutex;
use crate::sys::pollable_event::PollableEvent;

/// A renewal, as the calls see it that wait for it.
pub(super) struct RenewalProgress {
    done: PollableEvent,
    /// For calls whose requests were not refused; they do not wait for the user.
    done_or_at_user: PollableEvent,
    /// Of the call that renews the tokens.
    pub clock: Arc<PauseClock>,
    /// The renewal waits for the user, or has waited.
    has_user_part: AtomicBool,
    outcome: Mutex<Option<SharedOutcome>>,
}

/// The outcome of a renewal, for the calls that wait for it.
#[derive(Clone)]
pub(super) struct SharedOutcome {
    /// The HTTP status of the refusal that caused the renewal.
    pub of_status: Option<u16>,
    pub outcome: Result<RenewalOutcome>,
}

/// What a renewal results in.
#[derive(Clone)]
pub enum RenewalOutcome {
    /// The request can be sent with these credentials.
    Issued(IssuedCredentials),
    /// Other tokens would not help: the refusal is final. The text says why, if the refusal itself does not.
    Useless(Option<String>),
}

impl RenewalProgress {
    /// `clock` is that of the call that renews the tokens.
    pub fn new(clock: Arc<PauseClock>) -> RenewalProgress {
        RenewalProgress {
            done: PollableEvent::default(),
            done_or_at_user: PollableEvent::default(),
            clock,
            has_user_part: AtomicBool::default(),
            outcome: Mutex::default(),
        }
    }

    pub fn set_outcome(&self, outcome: SharedOutcome) {
        *self.outcome.lock() = Some(outcome);
    }

    pub fn has_user_part(&self) -> bool {
        self.has_user_part.load(Ordering::Relaxed)
    }

    pub fn set_user_part(&self) {
        self.has_user_part.store(true, Ordering::Relaxed);
    }

    /// Wakes the calls that do not wait for the user.
    pub fn wake_at_user(&self) {
        self.done_or_at_user.set();
    }

    /// Wakes all calls that wait.
    pub fn wake_all(&self) {
        self.done.set();
        self.done_or_at_user.set();
    }

    /// `None` if the renewal was interrupted.
    pub fn outcome(&self) -> Option<SharedOutcome> {
        self.outcome.lock().clone()
    }

    /// Set when the renewal has ended, and unless `to_the_end`, when it waits for the user.
    pub fn event(&self, to_the_end: bool) -> &PollableEvent {
        if to_the_end { &self.done } else { &self.done_or_at_user }
    }
}
