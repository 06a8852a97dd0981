//! The session of a client, shared by all threads: one thread does the handshake, the others wait for it.

use std::sync::{Arc, OnceLock};

use super::state::{DiscoveredServer, Session};
use crate::call::context::CallContext;
use crate::call::headers::HeaderSet;
use crate::call::new_event;
use crate::call::pause_clock::PauseClock;
use crate::call::retry::is_of_this_call;
use crate::error::{Error, Result};
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;
use crate::sys::process::{self, ThreadId};

/// The session of a client, and the handshake that is running.
#[derive(Default)]
pub struct SessionSlot(Mutex<SessionSlotState>);

#[derive(Default)]
struct SessionSlotState {
    session: Option<Arc<Session>>,
    discovered: Option<DiscoveredServer>,
    handshake: Option<Arc<Handshake>>,
    /// The client was closed: a session that is opened now is not stored.
    is_closed: bool,
}

/// Which credentials a handshake uses, to compare those of two calls.
#[derive(Clone)]
pub struct CredentialIdentity {
    pub credentials: Arc<HeaderSet>,
    /// The id of the auth callback or the authorization. Not a reference, which would delay the release of one that was
    /// removed.
    pub source_id: Option<u64>,
    /// The user may be asked to log in.
    pub is_login: bool,
}

impl CredentialIdentity {
    /// Whether a handshake with the other credentials would fail in the same way.
    fn matches(&self, other: &CredentialIdentity) -> bool {
        self.source_id == other.source_id
            && self.is_login == other.is_login
            && Arc::ptr_eq(&self.credentials, &other.credentials)
    }
}

/// A handshake that one thread runs. The other threads wait for `done`.
struct Handshake {
    done: PollableEvent,
    outcome: OnceLock<HandshakeOutcome>,
    leader: ThreadId,
    /// The leader's credentials: a failure with them does not apply to other credentials.
    identity: CredentialIdentity,
    /// Runs while the leader is in a callback: the timeouts of waiting calls are paused, too.
    clock: Arc<PauseClock>,
}

enum HandshakeOutcome {
    Opened(Arc<Session>),
    Failed(Error),
    /// It ended for a reason that applies only to the leader's call: a waiting call becomes the next leader.
    Abandoned,
}

/// Whether the session was already open, or this call opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    Before,
    ByThisCall,
}

impl SessionSlot {
    /// The open session. If there is none, one of the calling threads runs `open`.
    pub fn get(
        &self,
        call: &CallContext,
        identity: impl Fn() -> CredentialIdentity,
        open: impl Fn(Option<DiscoveredServer>) -> Result<Session>,
    ) -> Result<(Arc<Session>, Opened)> {
        loop {
            // A session that has ended. Dropped after the lock is released.
            let mut ended = None;
            let (handshake, discovered) = {
                let mut state = self.lock();
                match &state.session {
                    Some(session) if session.needs_new_session() => ended = state.session.take(),
                    Some(session) => return Ok((Arc::clone(session), Opened::Before)),
                    None => {}
                }
                match &state.handshake {
                    Some(handshake) => (Some(Arc::clone(handshake)), None),
                    None => {
                        state.handshake = Some(Arc::new(Handshake::new(call, identity())?));
                        (None, state.discovered)
                    }
                }
            };
            drop(ended);
            let Some(handshake) = handshake else {
                return self.run_handshake(|| open(discovered)).map(|session| (session, Opened::ByThisCall));
            };
            if handshake.leader == process::thread() {
                let why = "the log callback made a call on the client that is connecting; \
                           make it when the call that connects has returned";
                return Err(Error::new(MCP_MISUSE, why));
            }
            call.wait_for(&handshake.done, &handshake.clock)?;
            match handshake.outcome.get() {
                Some(HandshakeOutcome::Opened(session)) => return Ok((Arc::clone(session), Opened::Before)),
                Some(HandshakeOutcome::Failed(error)) if handshake.identity.matches(&identity()) => {
                    return Err(error.clone());
                }
                _ => {}
            }
        }
    }

    /// Runs `open`, and publishes its outcome to the waiting threads.
    fn run_handshake(&self, open: impl FnOnce() -> Result<Session>) -> Result<Arc<Session>> {
        // Wakes the waiting threads when dropped, also if `open` panics.
        let mut leader = HandshakeLeader { sessions: self, outcome: HandshakeOutcome::Abandoned };
        let opened = open().map(Arc::new);
        leader.outcome = match &opened {
            Ok(session) => HandshakeOutcome::Opened(Arc::clone(session)),
            Err(error) if is_of_this_call(error) => HandshakeOutcome::Abandoned,
            Err(error) => HandshakeOutcome::Failed(error.clone()),
        };
        opened
    }

    /// Removes and returns the open session. Sessions that are opened later are not stored.
    pub fn close(&self) -> Option<Arc<Session>> {
        let mut state = self.lock();
        state.is_closed = true;
        state.session.take()
    }

    /// Whether [`SessionSlot::close`] was called: the caller has to terminate a session that it opened.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Removes a session that the server has lost. The next call opens a new one.
    pub fn forget(&self, session: &Arc<Session>) {
        let mut state = self.lock();
        if state.session.as_ref().is_some_and(|current| Arc::ptr_eq(current, session)) {
            state.session = None;
        }
    }

    /// Removes a session whose era is wrong. The next call negotiates the era again.
    pub fn forget_era(&self, session: &Arc<Session>) {
        let mut state = self.lock();
        if state.session.as_ref().is_none_or(|current| Arc::ptr_eq(current, session)) {
            state.session = None;
            state.discovered = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, SessionSlotState> {
        self.0.lock()
    }
}

impl Handshake {
    fn new(call: &CallContext, identity: CredentialIdentity) -> Result<Handshake> {
        let done = new_event()?;
        let clock = call.clock();
        Ok(Handshake { done, outcome: OnceLock::new(), leader: process::thread(), identity, clock })
    }
}

/// The thread that runs the handshake. Dropping this publishes the outcome and wakes the waiting threads.
struct HandshakeLeader<'a> {
    sessions: &'a SessionSlot,
    outcome: HandshakeOutcome,
}

impl Drop for HandshakeLeader<'_> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, HandshakeOutcome::Abandoned);
        let mut state = self.sessions.lock();
        if let HandshakeOutcome::Opened(session) = &outcome
            && !state.is_closed
        {
            state.session = Some(Arc::clone(session));
            let discovered = DiscoveredServer { era: session.era, transport_kind: session.transport.transport_kind() };
            state.discovered = session.era_is_certain.then_some(discovered);
        }
        if let Some(handshake) = state.handshake.take() {
            let _ = handshake.outcome.set(outcome);
            handshake.done.set();
        }
    }
}
