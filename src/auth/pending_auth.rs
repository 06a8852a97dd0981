//! One run of the auth callback, which may give the credentials later and from any thread.

use std::sync::{Arc, OnceLock, Weak};

use super::auth_callback::{AuthCallbackState, AuthRequest};
use super::callback_scope::run_callback;
use crate::call::callback_runner::CallbackRunner;
use crate::call::issued_credentials::IssuedCredentials;
use crate::call::over_hook::{OverCallback, OverHook};
use crate::error::{Error, Result};
use crate::status::{MCP_MISUSE, Status};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;

/// Removes the secrets of a call from an error that other calls may return, too.
pub type SanitizeError = dyn Fn(Error) -> Error + Send;

/// A run of the callback, which calls wait for.
pub struct CallbackRun {
    pub is_refresh: bool,
    /// Set when there is an outcome.
    pub done: PollableEvent,
    /// `None` in it if all calls had ended and the callback gave nothing: the next call runs it again.
    pub outcome: OnceLock<Option<Result<IssuedCredentials>>>,
    /// How many calls wait for it.
    waiting: Mutex<usize>,
    request: OnceLock<Weak<PendingAuth>>,
}

/// The argument of the callback, and what becomes of it.
pub struct PendingAuth {
    /// The name of the client, for the user.
    pub client_name: Arc<str>,
    callback_state: Arc<AuthCallbackState>,
    run: Arc<CallbackRun>,
    state: Mutex<PendingAuthState>,
    over: Arc<OverHook>,
}

struct PendingAuthState {
    /// `None` when the credentials were given.
    request: Option<AuthRequest>,
    sanitize: Box<SanitizeError>,
    /// The application keeps the request after the callback has returned.
    is_deferred: bool,
}

impl CallbackRun {
    pub fn new(is_refresh: bool) -> CallbackRun {
        CallbackRun {
            is_refresh,
            done: PollableEvent::default(),
            outcome: OnceLock::new(),
            waiting: Mutex::default(),
            request: OnceLock::new(),
        }
    }

    /// Runs `wait` for a call that waits for the outcome. If it is interrupted and was the last one, the request ends
    /// with that status.
    pub fn waiting<T>(&self, wait: impl FnOnce() -> Result<T, (Status, Error)>) -> Result<T> {
        *self.waiting.lock() += 1;
        let waited = wait();
        let is_last = {
            let mut waiting = self.waiting.lock();
            *waiting -= 1;
            *waiting == 0
        };
        waited.map_err(|(status, error)| {
            if is_last && let Some(request) = self.request.get().and_then(Weak::upgrade) {
                request.over.end(status);
            }
            error
        })
    }
}

impl PendingAuth {
    pub fn new(
        callback_state: &Arc<AuthCallbackState>,
        run: &Arc<CallbackRun>,
        (request, sanitize): (AuthRequest, Box<SanitizeError>),
        client_name: Arc<str>,
        callbacks: &Arc<dyn CallbackRunner>,
    ) -> Arc<PendingAuth> {
        let state = PendingAuthState { request: Some(request), sanitize, is_deferred: false };
        let pending = Arc::new(PendingAuth {
            client_name,
            callback_state: Arc::clone(callback_state),
            run: Arc::clone(run),
            state: Mutex::new(state),
            over: OverHook::new(callbacks),
        });
        let _ = run.request.set(Arc::downgrade(&pending));
        pending
    }

    /// Runs the callback on this thread. `owner` is what [`run_callback`] needs.
    pub fn run_callback(self: Arc<Self>, owner: usize) {
        // Also if the callback panics.
        let returned = CallbackReturned(Arc::clone(&self));
        run_callback(owner, || self.callback_state.run(&self));
        drop(returned);
    }

    /// Reads or changes the request. Fails when the credentials were given.
    pub fn with_request<T>(&self, access: impl FnOnce(&mut AuthRequest) -> Result<T>) -> Result<T> {
        let mut state = self.lock();
        let request = state.request.as_mut();
        access(request.ok_or_else(|| Error::new(MCP_MISUSE, "the auth request was answered before"))?)
    }

    /// Lets the application give the credentials after the callback has returned.
    pub fn defer(&self) -> Result<()> {
        let mut state = self.lock();
        if state.is_deferred {
            return Err(Error::new(MCP_MISUSE, "the auth request was deferred before"));
        }
        state.is_deferred = true;
        Ok(())
    }

    pub fn is_deferred(&self) -> bool {
        self.lock().is_deferred
    }

    /// Whether no call waits for the credentials any more. They are used by later calls.
    pub fn is_over(&self) -> bool {
        self.over.status().is_some()
    }

    /// Sets what to call when no call waits any more. Called soon if that is the case.
    pub fn set_over(&self, over: Option<Box<OverCallback>>) {
        self.over.set(over);
    }

    /// The application has given the credentials, or none.
    pub fn finish(&self) {
        self.over.release();
        let mut state = self.lock();
        let Some(request) = state.request.take() else { return };
        // A request for which nobody waited any more, and that was not answered, counts as not made.
        let has_outcome = !self.is_over() || request.is_answered();
        let outcome = has_outcome.then(|| request.outcome().map_err(&state.sanitize));
        drop(state);
        self.callback_state.complete(&self.run, outcome);
    }

    fn lock(&self) -> MutexGuard<'_, PendingAuthState> {
        self.state.lock()
    }
}

/// Notices the return of the callback.
struct CallbackReturned(Arc<PendingAuth>);

impl Drop for CallbackReturned {
    fn drop(&mut self) {
        if !self.0.is_deferred() {
            self.0.finish();
        }
    }
}
