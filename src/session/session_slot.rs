//! The session of a client, shared by all threads: one of them opens it, the others wait for it.

use std::sync::{Arc, OnceLock};

use super::state::{DiscoveredServer, Session};
use crate::call::context::CallContext;
use crate::call::headers::HeaderSet;
use crate::call::new_signal;
use crate::call::pause_clock::PauseClock;
use crate::call::retry::is_of_this_call;
use crate::error::{Error, Result};
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;
use crate::sys::process::{self, ThreadId};

/// The session of a client, and who is opening it.
#[derive(Default)]
pub struct SessionSlot(Mutex<SessionSlotState>);

#[derive(Default)]
struct SessionSlotState {
    session: Option<Arc<Session>>,
    found: Option<DiscoveredServer>,
    opening: Option<Arc<Handshake>>,
    /// The client was closed: what is opened now is not kept.
    closed: bool,
}

/// What a call authorises itself with.
#[derive(Clone)]
pub struct CredentialIdentity {
    pub credentials: Arc<HeaderSet>,
    /// Which callback authorises it. Its number, and not itself: who has removed it waits for its end.
    pub scheme: Option<u64>,
}

impl CredentialIdentity {
    /// Whether a call with the other one would have met the same failure.
    fn is(&self, other: &CredentialIdentity) -> bool {
        self.scheme == other.scheme && Arc::ptr_eq(&self.credentials, &other.credentials)
    }
}

/// One thread is finding out; the others wait for `done`.
struct Handshake {
    done: PollableEvent,
    outcome: OnceLock<HandshakeOutcome>,
    leader: ThreadId,
    /// A failure with these credentials says nothing about others.
    identity: CredentialIdentity,
    /// The leader's callbacks: whoever waits for them waits without a time limit.
    clock: Arc<PauseClock>,
}

enum HandshakeOutcome {
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

impl SessionSlot {
    /// The session; opened by `open` where there is none.
    pub fn get(
        &self,
        call: &CallContext,
        identity: impl Fn() -> CredentialIdentity,
        open: impl Fn(Option<DiscoveredServer>) -> Result<Session>,
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
                        state.opening = Some(Arc::new(Handshake::new(call, identity())?));
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
                Some(HandshakeOutcome::Open(session)) => return Ok((Arc::clone(session), Opened::Before)),
                Some(HandshakeOutcome::Failed(error)) if opening.identity.is(&identity()) => return Err(error.clone()),
                _ => {}
            }
        }
    }

    /// Opens the session for everybody who waits.
    fn lead(&self, open: impl FnOnce() -> Result<Session>) -> Result<Arc<Session>> {
        // Also if `open` panics, nobody is left waiting.
        let mut lead = HandshakeLeader { sessions: self, outcome: HandshakeOutcome::Abandoned };
        let opened = open().map(Arc::new);
        lead.outcome = match &opened {
            Ok(session) => HandshakeOutcome::Open(Arc::clone(session)),
            Err(error) if is_of_this_call(error) => HandshakeOutcome::Abandoned,
            Err(error) => HandshakeOutcome::Failed(error.clone()),
        };
        opened
    }

    /// What is open now; nothing that is opened later is kept.
    pub fn close(&self) -> Option<Arc<Session>> {
        let mut state = self.lock();
        state.closed = true;
        state.session.take()
    }

    /// Whether a session that was just opened came too late for [`SessionSlot::close`] to know of it.
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

    fn lock(&self) -> MutexGuard<'_, SessionSlotState> {
        self.0.lock()
    }
}

impl Handshake {
    fn new(call: &CallContext, identity: CredentialIdentity) -> Result<Handshake> {
        let done = new_signal()?;
        let clock = call.clock();
        Ok(Handshake { done, outcome: OnceLock::new(), leader: process::thread(), identity, clock })
    }
}

/// The thread that opens the session; when it is done, in whatever way, everybody is told.
struct HandshakeLeader<'a> {
    sessions: &'a SessionSlot,
    outcome: HandshakeOutcome,
}

impl Drop for HandshakeLeader<'_> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, HandshakeOutcome::Abandoned);
        let mut state = self.sessions.lock();
        if let HandshakeOutcome::Open(session) = &outcome
            && !state.closed
        {
            state.session = Some(Arc::clone(session));
            let found = DiscoveredServer { era: session.era, transport_kind: session.transport.transport_kind() };
            state.found = session.era_is_certain.then_some(found);
        }
        if let Some(opening) = state.opening.take() {
            let _ = opening.outcome.set(outcome);
            opening.done.set();
        }
    }
}
