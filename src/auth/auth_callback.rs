//! Custom authentication: a callback that issues credentials before a request, and again when the server refuses them.
//!
//! It runs on one thread at a time. When the server refuses the credentials, one call runs the callback to refresh
//! them. All other calls that are refused, or that begin during the refresh, take its outcome: 64 refused calls use one
//! refresh token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::http::Method;

use super::callback_scope::run_callback;
use crate::call::headers::HeaderSet;
use crate::call::issued_credentials::{CredentialGeneration, CredentialRefusal, IssuedCredentials};
use crate::call::pause_clock::PauseClock;
use crate::error::{Error, ErrorCause, Result};
use crate::status::MCP_AUTH_FAILED;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;

/// The argument of the callback: the HTTP request, and the credentials that the callback sets for it.
pub struct AuthRequest {
    pub url: String,
    pub method: Method,
    /// 1 before a request; higher after refusals.
    pub attempt: u32,
    pub refusal: Option<CredentialRefusal>,
    headers: HeaderSet,
    /// Why the callback has no credentials, and the application's object for the error.
    failure: Option<(String, Option<ErrorCause>)>,
    /// The error of the last setter.
    setter_error: Option<Error>,
}

pub type AuthCallback = dyn Fn(&mut AuthRequest) + Send + Sync;

/// Waits for a callback that runs on another thread.
pub type WaitForCallback<'a> = dyn Fn(&PollableEvent) -> Result<()> + 'a;

/// Removes the call's secrets from an error that other calls may return, too.
pub type SanitizeError<'a> = dyn Fn(Error) -> Error + 'a;

/// One callback, and the credentials that it issued last.
pub struct AuthCallbackState {
    /// Unique in this process.
    pub id: u64,
    callback: Box<AuthCallback>,
    state: Mutex<IssueState>,
}

/// Which run of the callback is in progress, and what the earlier ones issued.
struct IssueState {
    running: Option<Arc<RunningCallback>>,
    /// The callback's id, and the number of its refreshes so far.
    generation: CredentialGeneration,
    /// The outcome of the last refresh, or newer credentials.
    refreshed: Result<Arc<HeaderSet>>,
    /// The credentials that were issued last, by a refresh or another run.
    last: Arc<HeaderSet>,
}

/// A run of the callback.
struct RunningCallback {
    is_refresh: bool,
    done: PollableEvent,
}

impl AuthRequest {
    /// The argument before a request is sent for the first time.
    pub fn new(url: String, method: Method) -> AuthRequest {
        AuthRequest {
            url,
            method,
            attempt: 1,
            refusal: None,
            headers: HeaderSet::default(),
            failure: None,
            setter_error: None,
        }
    }

    /// The argument after the server refused the credentials of `refusal`. `attempt` is the number of the next attempt.
    pub fn after_refusal(refusal: &CredentialRefusal, attempt: u32) -> AuthRequest {
        let first = AuthRequest::new(refusal.url.clone(), refusal.method.clone());
        AuthRequest { attempt, refusal: Some(refusal.clone()), ..first }
    }

    pub fn set_bearer(&mut self, token: Option<&str>) -> Result<()> {
        let outcome = self.headers.set_bearer(token);
        self.note(outcome)
    }

    pub fn set_header(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let outcome = self.headers.set_header(name, value);
        self.note(outcome)
    }

    /// Records that the callback has no credentials.
    pub fn fail(&mut self, reason: &str, cause: Option<ErrorCause>) {
        self.failure = Some((reason.into(), cause));
    }

    /// Records the outcome of a setter. If the last setter failed, the request fails: sending it without credentials
    /// would only hide the error.
    pub fn note<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.setter_error = outcome.as_ref().err().cloned();
        outcome
    }

    fn outcome(self) -> Result<Arc<HeaderSet>> {
        let setter_failure = || Some((format!("it set an invalid value: {}", self.setter_error?), None));
        let Some((reason, cause)) = self.failure.or_else(setter_failure) else { return Ok(Arc::new(self.headers)) };
        let mut error = Error::new(MCP_AUTH_FAILED, format!("the auth callback returned no credentials: {reason}"));
        error.report_mut().cause = cause;
        if let Some(refusal) = self.refusal {
            error = error.with_http_status(refusal.http_status);
            error.report_mut().www_authenticate = refusal.challenge;
        }
        Err(error)
    }
}

impl AuthCallbackState {
    pub fn new(callback: Box<AuthCallback>) -> AuthCallbackState {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        let generation = CredentialGeneration { source_id: id, refreshes: 0 };
        let none = Arc::<HeaderSet>::default();
        let state = IssueState { running: None, generation, refreshed: Ok(Arc::clone(&none)), last: none };
        AuthCallbackState { id, callback, state: Mutex::new(state) }
    }

    /// The credentials that were issued last, without running the callback.
    pub fn last(&self) -> IssuedCredentials {
        let state = self.lock();
        IssuedCredentials { headers: Arc::clone(&state.last), generation: state.generation }
    }

    /// Whether a thread is running the callback.
    pub fn is_running(&self) -> bool {
        self.lock().running.is_some()
    }

    /// Runs the callback, or waits for a refresh on another thread and returns its outcome. `clock` counts both as a
    /// pause. `owner` is what [`run_callback`] needs.
    pub fn issue(
        &self,
        owner: usize,
        mut request: AuthRequest,
        clock: &PauseClock,
        (wait, sanitize): (&WaitForCallback, &SanitizeError),
    ) -> Result<IssuedCredentials> {
        // The number of refreshes before the refused credentials were issued; zero if another callback issued them.
        let refreshes_before = request.refusal.as_ref().map(|refusal| match refusal.generation {
            CredentialGeneration { source_id, refreshes } if source_id == self.id => refreshes,
            _ => 0,
        });
        let (run, generation) = loop {
            let other = {
                let mut state = self.lock();
                if refreshes_before.is_some_and(|refreshes| refreshes < state.generation.refreshes) {
                    return state.refresh_outcome();
                }
                match &state.running {
                    Some(run) => Arc::clone(run),
                    None => {
                        let is_refresh = refreshes_before.is_some();
                        let run = Arc::new(RunningCallback { is_refresh, done: PollableEvent::default() });
                        state.running = Some(Arc::clone(&run));
                        break (run, state.generation);
                    }
                }
            };
            clock.during(|| wait(&other.done))?;
            if other.is_refresh {
                return self.lock().refresh_outcome();
            }
        };
        let mut guard = RunningCallbackGuard { callback_state: self, run: &run, outcome: None };
        run_callback(owner, || clock.during(|| (self.callback)(&mut request)));
        let outcome = request.outcome().map_err(sanitize);
        guard.outcome = Some(outcome.clone());
        drop(guard);
        let refreshes = generation.refreshes + u64::from(refreshes_before.is_some());
        let generation = CredentialGeneration { refreshes, ..generation };
        outcome.map(|headers| IssuedCredentials { headers, generation })
    }

    fn lock(&self) -> MutexGuard<'_, IssueState> {
        self.state.lock()
    }
}

impl IssueState {
    fn refresh_outcome(&self) -> Result<IssuedCredentials> {
        let headers = self.refreshed.clone()?;
        Ok(IssuedCredentials { headers, generation: self.generation })
    }
}

/// Ends a run of the callback when dropped, also if the callback panics.
struct RunningCallbackGuard<'a> {
    callback_state: &'a AuthCallbackState,
    run: &'a RunningCallback,
    outcome: Option<Result<Arc<HeaderSet>>>,
}

impl Drop for RunningCallbackGuard<'_> {
    fn drop(&mut self) {
        let mut state = self.callback_state.lock();
        // Dropped without the lock: dropping an error may drop its cause, which runs application code.
        let mut old_outcome = None;
        if let Some(outcome) = self.outcome.take() {
            if let Ok(headers) = &outcome {
                state.last = Arc::clone(headers);
            }
            if self.run.is_refresh {
                state.generation.refreshes += 1;
            }
            // Newer credentials replace the outcome of an older refresh, even if they were not issued by a refresh.
            if self.run.is_refresh || outcome.is_ok() {
                old_outcome = Some(std::mem::replace(&mut state.refreshed, outcome));
            }
        }
        state.running = None;
        drop(state);
        drop(old_outcome);
        self.run.done.set();
    }
}
