//! The session of a client, shared by all threads: one of them opens it, the others wait for it.

use std::sync::{Arc, OnceLock};

use super::state::{Found, Session};
use crate::call::context::Call;
use crate::call::headers::HeaderSet;
use crate::call::new_signal;
use crate::call::pause::PauseClock;
use crate::call::retry::is_of_this_call;
use crate::error::{Error, Result};
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::process::{self, ThreadId};
use crate::sys::signal::Signal;

/// The session of a client, and who is opening it.
#[derive(Default)]
pub struct Sessions(Mutex<State>);

#[derive(Default)]
struct State {
    session: Option<Arc<Session>>,
    found: Option<Found>,
    opening: Option<Arc<Opening>>,
    /// The client was closed: what is opened now is not kept.
    closed: bool,
}

/// What a call authorises itself with.
#[derive(Clone)]
pub struct Identity {
    pub credentials: Arc<HeaderSet>,
    /// Which callback authorises it. Its number, and not itself: who has removed it waits for its end.
    pub scheme: Option<u64>,
}

impl Identity {
    /// Whether a call with the other one would have met the same failure.
    fn is(&self, other: &Identity) -> bool {
        self.scheme == other.scheme && Arc::ptr_eq(&self.credentials, &other.credentials)
    }
}

/// One thread is finding out; the others wait for `done`.
struct Opening {
    done: Signal,
    outcome: OnceLock<Outcome>,
    leader: ThreadId,
    /// A failure with these credentials says nothing about others.
    identity: Identity,
    /// The leader's callbacks: whoever waits for them waits without a time limit.
    clock: Arc<PauseClock>,
}

enum Outcome {
    Open(Arc<Session>),
    Failed(Error),
    /// It ended for a reason of that thread's own call: somebody else has to do it.
    Abandoned,
}

/// Whether a session was there already, or this call opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    Before,
    ByThisCall,
}

impl Sessions {
    /// The session; opened by `open` where there is none.
    pub fn get(
        &self,
        call: &Call,
        identity: impl Fn() -> Identity,
        open: impl Fn(Option<Found>) -> Result<Session>,
    ) -> Result<(Arc<Session>, Opened)> {
        loop {
            // Dropped under no lock.
            let mut dead = None;
            let (opening, found) = {
                let mut state = self.lock();
                match &state.session {
                    Some(session) if session.is_dead() => dead = state.session.take(),
                    Some(session) => return Ok((Arc::clone(session), Opened::Before)),
                    None => {}
                }
                match &state.opening {
                    Some(opening) => (Some(Arc::clone(opening)), None),
                    None => {
                        state.opening = Some(Arc::new(Opening::new(call, identity())?));
                        (None, state.found)
                    }
                }
            };
            drop(dead);
            let Some(opening) = opening else {
                return self.lead(|| open(found)).map(|session| (session, Opened::ByThisCall));
            };
            if opening.leader == process::thread() {
                let why = "the log callback made a call on the client that is connecting; make it when the first call has returned";
                return Err(Error::new(MCP_MISUSE, why));
            }
            call.wait_for(&opening.done, &opening.clock)?;
            match opening.outcome.get() {
                Some(Outcome::Open(session)) => return Ok((Arc::clone(session), Opened::Before)),
                Some(Outcome::Failed(error)) if opening.identity.is(&identity()) => return Err(error.clone()),
                _ => {}
            }
        }
    }

    /// Opens the session for everybody who waits.
    fn lead(&self, open: impl FnOnce() -> Result<Session>) -> Result<Arc<Session>> {
        // Also if `open` panics, nobody is left waiting.
        let mut lead = Lead { sessions: self, outcome: Outcome::Abandoned };
        let opened = open().map(Arc::new);
        lead.outcome = match &opened {
            Ok(session) => Outcome::Open(Arc::clone(session)),
            Err(error) if is_of_this_call(error) => Outcome::Abandoned,
            Err(error) => Outcome::Failed(error.clone()),
        };
        opened
    }

    /// What is open now; nothing that is opened later is kept.
    pub fn close(&self) -> Option<Arc<Session>> {
        let mut state = self.lock();
        state.closed = true;
        state.session.take()
    }

    /// Whether a session that was just opened came too late for [`Sessions::close`] to know of it.
    pub fn came_too_late(&self) -> bool {
        self.lock().closed
    }

    /// The server does not know the session any more; the next call opens a new one.
    pub fn forget(&self, session: &Arc<Session>) {
        let mut state = self.lock();
        if state.session.as_ref().is_some_and(|current| Arc::ptr_eq(current, session)) {
            state.session = None;
        }
    }

    /// The server is not of the era that it was found to be; the next call finds out anew.
    pub fn forget_era(&self, session: &Arc<Session>) {
        let mut state = self.lock();
        if state.session.as_ref().is_none_or(|current| Arc::ptr_eq(current, session)) {
            state.session = None;
            state.found = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl Opening {
    fn new(call: &Call, identity: Identity) -> Result<Opening> {
        let done = new_signal()?;
        let clock = call.clock();
        Ok(Opening { done, outcome: OnceLock::new(), leader: process::thread(), identity, clock })
    }
}

/// The thread that opens the session; when it is done, in whatever way, everybody is told.
struct Lead<'a> {
    sessions: &'a Sessions,
    outcome: Outcome,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Abandoned);
        let mut state = self.sessions.lock();
        if let Outcome::Open(session) = &outcome
            && !state.closed
        {
            state.session = Some(Arc::clone(session));
            let found = Found { era: session.era, travels: session.transport.travels() };
            state.found = session.era_is_certain.then_some(found);
        }
        if let Some(opening) = state.opening.take() {
            let _ = opening.outcome.set(outcome);
            opening.done.raise();
        }
    }
}
