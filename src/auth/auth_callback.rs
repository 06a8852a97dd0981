//! Custom authentication: a callback that issues credentials before a request, and again when the server refuses them.
//!
//! It runs once at a time, on another thread than that of the call. When the server refuses the credentials, one call
//! runs the callback to refresh them. All other calls that are refused, or that begin during the refresh, take its
//! outcome: 64 refused calls use one refresh token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::auth_request::AuthRequest;
use super::pending_auth::{CallbackRun, PendingAuth};
use crate::call::callback_scope::run_callback;
use crate::call::context::CallContext;
use crate::call::headers::HeaderSet;
use crate::call::interrupt::status_of;
use crate::call::issued_credentials::{CredentialGeneration, IssuedCredentials};
use crate::error::Result;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::SetOnDrop;

pub type AuthCallback = dyn Fn(&Arc<PendingAuth>) + Send + Sync;

/// One callback, and the credentials that it issued last.
pub struct AuthCallbackState {
    /// Unique in this process.
    pub id: u64,
    callback: Box<AuthCallback>,
    state: Mutex<IssueState>,
}

/// Which run of the callback is in progress, and what the earlier ones issued.
struct IssueState {
    running: Option<Arc<CallbackRun>>,
    /// The callback's id, and the number of its refreshes so far.
    generation: CredentialGeneration,
    /// The outcome of the last refresh, or newer credentials.
    refreshed: Result<Arc<HeaderSet>>,
    /// The credentials that were issued last, by a refresh or another run.
    last: Arc<HeaderSet>,
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

    /// Runs the callback, or waits for a refresh by another call and returns its outcome. The time does not count
    /// against the timeout of the call. `owner` is what [`run_callback`] needs.
    pub fn issue(
        self: &Arc<Self>,
        owner: usize,
        request: AuthRequest,
        call: &CallContext,
    ) -> Result<IssuedCredentials> {
        // The number of refreshes before the refused credentials were issued; zero if another callback issued them.
        let refreshes_before = request.refusal.as_ref().map(|refusal| match refusal.generation {
            CredentialGeneration { source_id, refreshes } if source_id == self.id => refreshes,
            _ => 0,
        });
        loop {
            let (waiter, run, is_own) = {
                let mut state = self.lock();
                if refreshes_before.is_some_and(|refreshes| refreshes < state.generation.refreshes) {
                    return state.refresh_outcome();
                }
                match &state.running {
                    Some(run) => (run.enter(), Arc::clone(run), false),
                    None => {
                        let run = Arc::new(CallbackRun::new(refreshes_before.is_some()));
                        state.running = Some(Arc::clone(&run));
                        (run.enter(), run, true)
                    }
                }
            };
            let leaving = Arc::clone(&waiter);
            call.callbacks().set_end_hook(Some(Arc::new(move |status| leaving.leave(Some(status)))));
            if is_own {
                self.start(&run, owner, request.clone(), call).inspect_err(|_| call.callbacks().set_end_hook(None))?;
            }
            let wait = || call.wait_for_callback(&run.done, &[], None);
            let waited = call.paused(|clock| clock.during(wait));
            waiter.leave(waited.as_ref().err().map(status_of));
            waited.map_err(|interrupt| call.interrupt_error(&interrupt))?;
            match run.outcome.get() {
                Some(Some(outcome)) if is_own => return outcome.clone(),
                Some(Some(_)) if run.is_refresh => return self.lock().refresh_outcome(),
                // It was no refresh, and its credentials are for another request; or it gave nothing.
                _ => {}
            }
        }
    }

    /// Starts a run of the callback.
    fn start(
        self: &Arc<Self>,
        run: &Arc<CallbackRun>,
        owner: usize,
        request: AuthRequest,
        call: &CallContext,
    ) -> Result<()> {
        let (callback_state, own_run, own_call) = (Arc::clone(self), Arc::clone(run), call.clone());
        let complete = Box::new(move |outcome: Option<Result<Arc<HeaderSet>>>| {
            // Other calls may return the error, too.
            let outcome = outcome.map(|outcome| outcome.map_err(|error| own_call.secrets().sanitize_error(error)));
            callback_state.complete(&own_run, outcome);
            SetOnDrop(Some(Arc::clone(&own_run.done)))
        });
        let of_call = (call.client_name(), call.data().cloned());
        let pending = PendingAuth::new(request, complete, of_call, call.callbacks());
        run.set_request(&pending);
        let (callback_state, mut returned) = (Arc::clone(self), pending.returned());
        // If it never runs, dropping it completes the run.
        call.callbacks().run(Box::new(move || {
            let pending = returned.begin();
            run_callback(owner, || (callback_state.callback)(pending));
            // The call continues when `returned` is dropped: nothing of the application may be in use then.
            drop(callback_state);
            drop(returned);
        }))
    }

    /// Ends a run of the callback with its outcome, which is `None` if it counts as not made. Its event is set later.
    fn complete(&self, run: &CallbackRun, outcome: Option<Result<Arc<HeaderSet>>>) {
        let mut state = self.lock();
        // Dropped without the lock: dropping an error may drop its cause, which runs application code.
        let mut old_outcome = None;
        if let Some(outcome) = &outcome {
            if let Ok(headers) = outcome {
                state.last = Arc::clone(headers);
            }
            if run.is_refresh {
                state.generation.refreshes += 1;
            }
            // Newer credentials replace the outcome of an older refresh, even if they were not issued by a refresh.
            if run.is_refresh || outcome.is_ok() {
                old_outcome = Some(std::mem::replace(&mut state.refreshed, outcome.clone()));
            }
        }
        let generation = state.generation;
        state.running = None;
        drop(state);
        drop(old_outcome);
        let issued = outcome.map(|outcome| outcome.map(|headers| IssuedCredentials { headers, generation }));
        let _ = run.outcome.set(issued);
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
