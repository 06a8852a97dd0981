//! One run of the auth callback, which may give the credentials later and from any thread.

use std::sync::{Arc, OnceLock, Weak};

use super::auth_request::AuthRequest;
use crate::call::callback_runner::CallbackRunner;
use crate::call::headers::HeaderSet;
use crate::call::issued_credentials::IssuedCredentials;
use crate::call::over_hook::{OverCallback, OverHook};
use crate::error::{Error, Result};
use crate::status::{MCP_MISUSE, Status};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;

/// Receives the outcome of a run; `None` if it counts as not made.
type Complete = dyn FnOnce(Option<Result<Arc<HeaderSet>>>) + Send;

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
    state: Mutex<PendingAuthState>,
    over: Arc<OverHook>,
}

struct PendingAuthState {
    /// `None` when the credentials were given.
    open: Option<(AuthRequest, Box<Complete>)>,
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

    pub fn set_request(&self, request: &Arc<PendingAuth>) {
        let _ = self.request.set(Arc::downgrade(request));
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
        request: AuthRequest,
        complete: Box<Complete>,
        client_name: Arc<str>,
        callbacks: &Arc<dyn CallbackRunner>,
    ) -> Arc<PendingAuth> {
        let state = PendingAuthState { open: Some((request, complete)), is_deferred: false };
        Arc::new(PendingAuth { client_name, state: Mutex::new(state), over: OverHook::new(callbacks) })
    }

    /// Notices the return of the callback when it is dropped.
    pub fn returned(self: &Arc<Self>) -> CallbackReturned {
        CallbackReturned(Arc::clone(self))
    }

    /// Reads or changes the request. Fails when the credentials were given.
    pub fn with_request<T>(&self, access: impl FnOnce(&mut AuthRequest) -> Result<T>) -> Result<T> {
        let mut state = self.lock();
        let request = state.open.as_mut().map(|(request, _)| request);
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
        let Some((request, complete)) = self.lock().open.take() else { return };
        // A request that was not answered, and for which no call waited any more, counts as not made.
        let has_outcome = !self.is_over() || request.is_answered();
        complete(has_outcome.then(|| request.outcome()));
    }

    fn lock(&self) -> MutexGuard<'_, PendingAuthState> {
        self.state.lock()
    }
}

/// Notices the return of the callback.
pub struct CallbackReturned(Arc<PendingAuth>);

impl Drop for CallbackReturned {
    fn drop(&mut self) {
        if !self.0.is_deferred() {
            self.0.finish();
        }
    }
}
