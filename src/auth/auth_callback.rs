//! A caller's own way to authorise requests: a callback that is asked before a request, and again when the server refuses it.
//!
//! It is asked by one thread at a time. When a server refuses what it gave, one call asks for something better, and all others
//! that are refused, or come while that is under way, take the outcome: 64 refused calls spend one refresh token.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ::http::Method;

use crate::call::headers::HeaderSet;
use crate::call::issued_credentials::{CredentialGeneration, CredentialRefusal, IssuedCredentials};
use crate::call::new_signal;
use crate::call::pause_clock::PauseClock;
use crate::error::{Error, ErrorCause, Result};
use crate::status::MCP_AUTH_FAILED;
use crate::sys::lock::{Mutex, MutexGuard, RwLock};
use crate::sys::pollable_event::PollableEvent;

/// What the callback is asked, and the place for its answer.
pub struct AuthRequest {
    pub url: String,
    pub method: Method,
    /// 1 before a request; more after a refusal.
    pub attempt: u32,
    pub refusal: Option<CredentialRefusal>,
    answer: HeaderSet,
    /// The callback said why it has nothing to give.
    failed: Option<(String, Option<ErrorCause>)>,
    /// The last setter could not use what it was given.
    unusable: Option<Error>,
}

pub type AuthCallback = dyn Fn(&mut AuthRequest) + Send + Sync;

/// How a thread waits for another one that is asking.
pub type WaitForCallback<'a> = dyn Fn(&PollableEvent) -> Result<()> + 'a;

/// How a failure is made fit for other calls to read.
pub type SanitizeError<'a> = dyn Fn(Error) -> Error + 'a;

/// The callback of one client, replaceable at any time.
#[derive(Default)]
pub struct CustomAuth(RwLock<Option<Arc<AuthCallbackState>>>);

/// One callback, and what it said last.
pub struct AuthCallbackState {
    /// Of all callbacks in this process, which one.
    pub number: u64,
    callback: Box<AuthCallback>,
    gate: Mutex<CallbackGate>,
}

struct CallbackGate {
    turn: Option<Arc<RunningCallback>>,
    /// Grows with each refresh.
    generation: CredentialGeneration,
    /// What the last refresh brought, or a later question.
    refreshed: Result<Arc<HeaderSet>>,
    last: Arc<HeaderSet>,
}

/// The callback is running.
struct RunningCallback {
    is_refresh: bool,
    /// Made by the first thread that waits.
    done: OnceLock<PollableEvent>,
}

impl AuthRequest {
    /// The question before a request.
    pub fn new(url: String, method: Method) -> AuthRequest {
        AuthRequest {
            url,
            method,
            attempt: 1,
            refusal: None,
            answer: HeaderSet::default(),
            failed: None,
            unusable: None,
        }
    }

    /// The question for something better than what the server has refused.
    pub fn again(refusal: &CredentialRefusal, attempt: u32) -> AuthRequest {
        let again = AuthRequest::new(refusal.url.clone(), refusal.method.clone());
        AuthRequest { attempt, refusal: Some(refusal.clone()), ..again }
    }

    pub fn set_bearer(&mut self, token: Option<&str>) -> Result<()> {
        let outcome = self.answer.set_bearer(token);
        self.note(outcome)
    }

    pub fn set_header(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let outcome = self.answer.set_header(name, value);
        self.note(outcome)
    }

    /// The callback has no credentials to give.
    pub fn fail(&mut self, reason: &str, cause: Option<ErrorCause>) {
        self.failed = Some((reason.into(), cause));
    }

    /// A setter that failed makes the request fail, unless a later one makes up for it: to send it without credentials would only
    /// hide what went wrong.
    pub fn note<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.unusable = outcome.as_ref().err().cloned();
        outcome
    }

    fn outcome(self) -> Result<Arc<HeaderSet>> {
        let unusable = || Some((format!("it set an invalid value: {}", self.unusable?), None));
        let Some((reason, cause)) = self.failed.or_else(unusable) else { return Ok(Arc::new(self.answer)) };
        let mut error = Error::new(MCP_AUTH_FAILED, format!("the auth callback gave no credentials: {reason}"));
        error.report_mut().cause = cause;
        if let Some(refusal) = self.refusal {
            error = error.with_http_status(refusal.http_status);
            error.report_mut().www_authenticate = refusal.challenge;
        }
        Err(error)
    }
}

impl CustomAuth {
    /// Replaces the callback. The old one is handed back instead of dropped here, so that its end runs under no lock.
    pub fn set(&self, callback: Option<Box<AuthCallback>>) -> Option<Arc<AuthCallbackState>> {
        let callback_state = callback.map(|callback| Arc::new(AuthCallbackState::new(callback)));
        let mut place = self.0.write();
        std::mem::replace(&mut *place, callback_state)
    }

    pub fn current(&self) -> Option<Arc<AuthCallbackState>> {
        self.0.read().clone()
    }

    /// Whether this thread is in the callback of this client right now.
    pub fn is_asking(&self) -> bool {
        ASKING.with_borrow(|asking| asking.contains(&self.place()))
    }

    fn place(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Runs `ask` with the note that this thread is in a callback.
    fn while_asking<T>(&self, ask: impl FnOnce() -> T) -> T {
        ASKING.with_borrow_mut(|asking| asking.push(self.place()));
        let outcome = ask();
        ASKING.with_borrow_mut(Vec::pop);
        outcome
    }
}

thread_local! {
    /// The clients in whose callbacks this thread is, innermost last.
    static ASKING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

impl AuthCallbackState {
    fn new(callback: Box<AuthCallback>) -> AuthCallbackState {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let generation = CredentialGeneration { callback_state: number, refreshes: 0 };
        let nothing = Arc::<HeaderSet>::default();
        let gate = CallbackGate { turn: None, generation, refreshed: Ok(Arc::clone(&nothing)), last: nothing };
        AuthCallbackState { number, callback, gate: Mutex::new(gate) }
    }

    /// What the callback gave last; nobody is asked.
    pub fn last(&self) -> IssuedCredentials {
        let gate = self.lock();
        IssuedCredentials { headers: Arc::clone(&gate.last), generation: gate.generation }
    }

    /// Whether somebody is in the callback now.
    pub fn is_busy(&self) -> bool {
        self.lock().turn.is_some()
    }

    /// Asks the callback, or takes what another thread's asking brings. `clock` runs as long as any of it takes.
    pub fn ask(
        &self,
        custom_auth: &CustomAuth,
        mut request: AuthRequest,
        clock: &PauseClock,
        (wait, sanitize): (&WaitForCallback, &SanitizeError),
    ) -> Result<IssuedCredentials> {
        // What another callback gave was refused before this one refreshed anything.
        let refused = request.refusal.as_ref().map(|refusal| match refusal.generation {
            CredentialGeneration { callback_state, refreshes } if callback_state == self.number => refreshes,
            _ => 0,
        });
        let (turn, generation) = loop {
            let other = {
                let mut gate = self.lock();
                if refused.is_some_and(|refreshes| refreshes < gate.generation.refreshes) {
                    return gate.outcome();
                }
                match &gate.turn {
                    Some(turn) => {
                        // Under the lock: the thread whose turn it is will not overlook it.
                        turn.done()?;
                        Arc::clone(turn)
                    }
                    None => {
                        let turn = Arc::new(RunningCallback::new(refused.is_some()));
                        gate.turn = Some(Arc::clone(&turn));
                        break (turn, gate.generation);
                    }
                }
            };
            clock.during(|| wait(other.done()?))?;
            if other.is_refresh {
                return self.lock().outcome();
            }
        };
        let mut end = RunningCallbackGuard { callback_state: self, turn: &turn, outcome: None };
        custom_auth.while_asking(|| clock.during(|| (self.callback)(&mut request)));
        let outcome = request.outcome().map_err(sanitize);
        end.outcome = Some(outcome.clone());
        drop(end);
        let refreshes = generation.refreshes + u64::from(refused.is_some());
        let generation = CredentialGeneration { refreshes, ..generation };
        outcome.map(|headers| IssuedCredentials { headers, generation })
    }

    fn lock(&self) -> MutexGuard<'_, CallbackGate> {
        self.gate.lock()
    }
}

impl CallbackGate {
    /// What the last refresh brought.
    fn outcome(&self) -> Result<IssuedCredentials> {
        let headers = self.refreshed.clone()?;
        Ok(IssuedCredentials { headers, generation: self.generation })
    }
}

impl RunningCallback {
    fn new(is_refresh: bool) -> RunningCallback {
        RunningCallback { is_refresh, done: OnceLock::new() }
    }

    fn done(&self) -> Result<&PollableEvent> {
        if let Some(done) = self.done.get() {
            return Ok(done);
        }
        let signal = new_signal()?;
        Ok(self.done.get_or_init(|| signal))
    }
}

/// Ends a turn, in whatever way the callback ends.
struct RunningCallbackGuard<'a> {
    callback_state: &'a AuthCallbackState,
    turn: &'a RunningCallback,
    outcome: Option<Result<Arc<HeaderSet>>>,
}

impl Drop for RunningCallbackGuard<'_> {
    fn drop(&mut self) {
        let mut gate = self.callback_state.lock();
        // Dropped under no lock: the end of an error may be the end of a cause, and that runs code of the program.
        let mut before = None;
        if let Some(outcome) = self.outcome.take() {
            if let Ok(headers) = &outcome {
                gate.last = Arc::clone(headers);
            }
            if self.turn.is_refresh {
                gate.generation.refreshes += 1;
            }
            // What was given later, for whatever reason, is better than what a refresh brought or failed to bring.
            if self.turn.is_refresh || outcome.is_ok() {
                before = Some(std::mem::replace(&mut gate.refreshed, outcome));
            }
        }
        gate.turn = None;
        drop(gate);
        drop(before);
        if let Some(done) = self.turn.done.get() {
            done.set();
        }
    }
}
