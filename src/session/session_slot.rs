//! The session of a client, shared by all threads: one thread does the handshake, the others wait for it.

use std::sync::{Arc, OnceLock};

use super::state::{DiscoveredServer, Session};
use super::state_monitor::StateMonitor;
use crate::auth::call_factory::CallFactory;
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
pub struct SessionSlot {
    state: Mutex<SessionSlotState>,
    pub monitor: Arc<StateMonitor>,
}

#[derive(Default)]
struct SessionSlotState {
    session: Option<Arc<Session>>,
    earlier: EarlierSessions,
    handshake: Option<Arc<Handshake>>,
    /// The client was closed: a session that is opened now is not stored.
    is_closed: bool,
}

/// What a handshake knows from the earlier sessions of the client.
#[derive(Clone, Copy, Default)]
pub struct EarlierSessions {
    /// There was one.
    pub any: bool,
    /// The server, if it may be assumed to be the same.
    pub discovered: Option<DiscoveredServer>,
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
    pub fn new(calls: Arc<CallFactory>) -> SessionSlot {
        SessionSlot { state: Mutex::default(), monitor: StateMonitor::new(calls) }
    }

    /// The open session. If there is none, one of the calling threads runs `open`.
    pub fn get(
        &self,
        call: &CallContext,
        identity: impl Fn() -> CredentialIdentity,
        open: impl Fn(EarlierSessions) -> Result<Session>,
    ) -> Result<(Arc<Session>, Opened)> {
        loop {
            // A session that has ended. Dropped after the lock is released.
            let mut ended = None;
            let (handshake, earlier) = {
                let mut state = self.lock();
                match &state.session {
                    Some(session) if session.needs_new_session() => {
                        self.monitor.record_end(session.end_state());
                        ended = state.session.take();
                    }
                    Some(session) => return Ok((Arc::clone(session), Opened::Before)),
                    None => {}
                }
                match &state.handshake {
                    Some(handshake) => (Some(Arc::clone(handshake)), state.earlier),
                    None => {
                        state.handshake = Some(Arc::new(Handshake::new(call, identity())?));
                        (None, state.earlier)
                    }
                }
            };
            if ended.is_some() {
                drop(ended);
                self.monitor.deliver();
            }
            let Some(handshake) = handshake else {
                return self.run_handshake(|| open(earlier)).map(|session| (session, Opened::ByThisCall));
            };
            handshake.wait(call)?;
            match handshake.outcome.get() {
                Some(HandshakeOutcome::Opened(session)) => return Ok((Arc::clone(session), Opened::Before)),
                Some(HandshakeOutcome::Failed(error)) if handshake.identity.matches(&identity()) => {
                    return Err(error.clone());
                }
                _ => {}
            }
        }
    }

    /// The open session, after the end of a handshake that is running; `None` if there is none. Opens none.
    pub fn session_after_handshake(&self, call: &CallContext) -> Result<Option<Arc<Session>>> {
        loop {
            let handshake = {
                let state = self.lock();
                match (&state.session, &state.handshake) {
                    (Some(session), _) if !session.needs_new_session() => return Ok(Some(Arc::clone(session))),
                    (_, Some(handshake)) => Arc::clone(handshake),
                    _ => return Ok(None),
                }
            };
            handshake.wait(call)?;
        }
    }

    /// Runs `open`, and publishes its outcome to the waiting threads.
    fn run_handshake(&self, open: impl FnOnce() -> Result<Session>) -> Result<Arc<Session>> {
        // Wakes the waiting threads when dropped, also if `open` panics.
        let mut leader = HandshakeLeader { sessions: self, outcome: Some(HandshakeOutcome::Abandoned) };
        let opened = open().map(Arc::new);
        leader.outcome = Some(match &opened {
            Ok(session) => HandshakeOutcome::Opened(Arc::clone(session)),
            Err(error) if is_of_this_call(error) => HandshakeOutcome::Abandoned,
            Err(error) => HandshakeOutcome::Failed(error.clone()),
        });
        let published = leader.publish();
        if let (Ok(session), Some(number)) = (&opened, published) {
            let (monitor, end) = (Arc::clone(&self.monitor), session.end_state());
            // Runs at once if the connection has ended already.
            session.transport.on_end(Box::new(move || {
                monitor.record_end_of(number, end);
                monitor.deliver();
            }));
            self.monitor.deliver();
        }
        opened
    }

    /// The open session, if new calls can use it.
    pub fn open_session(&self) -> Option<Arc<Session>> {
        self.lock().session.clone().filter(|session| !session.needs_new_session())
    }

    /// Removes and returns the open session. Sessions that are opened later are not stored.
    pub fn close(&self) -> Option<Arc<Session>> {
        let mut state = self.lock();
        state.is_closed = true;
        self.monitor.release_session();
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
            self.monitor.record_end(session.end_state());
        }
        drop(state);
        self.monitor.deliver();
    }

    /// Removes a session whose era is wrong. The next call negotiates the era again.
    pub fn forget_era(&self, session: &Arc<Session>) {
        let mut state = self.lock();
        if state.session.as_ref().is_none_or(|current| Arc::ptr_eq(current, session)) {
            if state.session.take().is_some() {
                self.monitor.record_end(session.end_state());
            }
            state.earlier.discovered = None;
        }
        drop(state);
        self.monitor.deliver();
    }

    fn lock(&self) -> MutexGuard<'_, SessionSlotState> {
        self.state.lock()
    }
}

impl Handshake {
    fn new(call: &CallContext, identity: CredentialIdentity) -> Result<Handshake> {
        let done = new_event()?;
        let clock = call.clock();
        Ok(Handshake { done, outcome: OnceLock::new(), leader: process::thread(), identity, clock })
    }

    /// Waits for its end, with another call.
    fn wait(&self, call: &CallContext) -> Result<()> {
        if self.leader == process::thread() {
            let why = "the log callback made a call on the client that is connecting; \
                       make it when the call that connects has returned";
            return Err(Error::new(MCP_MISUSE, why));
        }
        call.wait_for(&self.done, &self.clock)
    }
}

/// The thread that runs the handshake. Dropping this publishes the outcome and wakes the waiting threads.
struct HandshakeLeader<'a> {
    sessions: &'a SessionSlot,
    /// `None` if it was published.
    outcome: Option<HandshakeOutcome>,
}

impl HandshakeLeader<'_> {
    /// Stores the session, and wakes the waiting threads. Returns the number of the session if it was stored.
    fn publish(&mut self) -> Option<u64> {
        let outcome = self.outcome.take()?;
        let mut number = None;
        let mut state = self.sessions.lock();
        if let HandshakeOutcome::Opened(session) = &outcome
            && !state.is_closed
        {
            state.session = Some(Arc::clone(session));
            let discovered = DiscoveredServer { era: session.era, transport_kind: session.transport.transport_kind() };
            let discovered = session.era_is_certain.then_some(discovered);
            state.earlier = EarlierSessions { any: true, discovered };
            number = Some(self.sessions.monitor.record_session());
        }
        if let Some(handshake) = state.handshake.take() {
            let _ = handshake.outcome.set(outcome);
            handshake.done.set();
        }
        number
    }
}

impl Drop for HandshakeLeader<'_> {
    fn drop(&mut self) {
        self.publish();
    }
}
