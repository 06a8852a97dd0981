//! One run of the auth callback, which may give the credentials later and from any thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use super::auth_request::AuthRequest;
use crate::call::call_options::CallData;
use crate::call::callback_runner::CallbackRunner;
use crate::call::headers::HeaderSet;
use crate::call::issued_credentials::IssuedCredentials;
use crate::call::over_hook::{OverCallback, OverHook};
use crate::error::{Error, Result};
use crate::status::{MCP_MISUSE, Status};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::{PollableEvent, SetOnDrop};

/// Receives the outcome of a run; `None` if it counts as not made. The calls continue when the result is dropped.
type Complete = dyn FnOnce(Option<Result<Arc<HeaderSet>>>) -> SetOnDrop + Send;

/// A run of the callback, which calls wait for.
pub struct CallbackRun {
    pub is_refresh: bool,
    /// Set when there is an outcome.
    pub done: Arc<PollableEvent>,
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
    /// Of the call that needs the credentials.
    pub call_data: Option<CallData>,
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
            done: Arc::default(),
            outcome: OnceLock::new(),
            waiting: Mutex::default(),
            request: OnceLock::new(),
        }
    }

    pub fn set_request(&self, request: &Arc<PendingAuth>) {
        let _ = self.request.set(Arc::downgrade(request));
    }

    /// One more call waits for the outcome.
    pub fn enter(self: &Arc<Self>) -> Arc<RunWaiter> {
        *self.waiting.lock() += 1;
        Arc::new(RunWaiter { run: Arc::clone(self), has_left: AtomicBool::new(false) })
    }
}

/// A call that waits for the outcome of a run.
pub struct RunWaiter {
    run: Arc<CallbackRun>,
    has_left: AtomicBool,
}

impl RunWaiter {
    /// The call does not wait any more. If it was interrupted and was the last one, the request ends with that status.
    pub fn leave(&self, interrupted: Option<Status>) {
        if self.has_left.swap(true, Ordering::SeqCst) {
            return;
        }
        let is_last = {
            let mut waiting = self.run.waiting.lock();
            *waiting -= 1;
            *waiting == 0
        };
        if let (true, Some(status)) = (is_last, interrupted)
            && let Some(request) = self.run.request.get().and_then(Weak::upgrade)
        {
            request.over.end(status);
        }
    }
}

impl PendingAuth {
    pub fn new(
        request: AuthRequest,
        complete: Box<Complete>,
        (client_name, call_data): (Arc<str>, Option<CallData>),
        callbacks: &Arc<dyn CallbackRunner>,
    ) -> Arc<PendingAuth> {
        let state = PendingAuthState { open: Some((request, complete)), is_deferred: false };
        Arc::new(PendingAuth { client_name, call_data, state: Mutex::new(state), over: OverHook::new(callbacks) })
    }

    /// Notices the return of the callback when it is dropped, also if the callback panics or never runs.
    pub fn returned(self: &Arc<Self>) -> CallbackReturned {
        CallbackReturned { pending: Arc::clone(self), has_begun: false, done: SetOnDrop::default() }
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

    /// The application has given the credentials, or none. The calls continue when the result is dropped: after the
    /// request, so that nothing of the application is in use when they end.
    pub fn finish(&self) -> SetOnDrop {
        self.over.release();
        let Some((request, complete)) = self.lock().open.take() else { return SetOnDrop::default() };
        // A request that was not answered, and for which no call waited any more, counts as not made.
        let has_outcome = !self.is_over() || request.is_answered();
        complete(has_outcome.then(|| request.outcome()))
    }

    fn lock(&self) -> MutexGuard<'_, PendingAuthState> {
        self.state.lock()
    }
}

/// Notices the return of the callback.
pub struct CallbackReturned {
    pending: Arc<PendingAuth>,
    has_begun: bool,
    /// The last field: see [`PendingAuth::finish`].
    done: SetOnDrop,
}

impl CallbackReturned {
    /// The callback begins.
    pub fn begin(&mut self) -> &Arc<PendingAuth> {
        self.has_begun = true;
        &self.pending
    }
}

impl Drop for CallbackReturned {
    fn drop(&mut self) {
        if !self.has_begun {
            // Its queue was freed.
            if let Some((_, complete)) = self.pending.lock().open.take() {
                self.done = complete(None);
            }
        } else if !self.pending.is_deferred() {
            self.done = self.pending.finish();
        }
    }
}
