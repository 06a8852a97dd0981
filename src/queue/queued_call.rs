//! One call of a queue, from its submission to its delivery.

use std::sync::Arc;

use super::core::QueueCore;
use super::inbox::{CallKey, DueItem};
use crate::call::callback_runner::{CallbackRunner, EndHook};
use crate::call::context::ProgressCallback;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::progress::Progress;
use crate::status::{MCP_CANCELLED, MCP_CLOSED};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::thread_pool::Work;
use crate::sys::wake_group::EndFlag;

/// How a call ended. `None` for a call without a result.
pub type Outcome = Result<Option<Json>>;

/// Receives the outcome of a call.
pub type DoneCallback = dyn Fn(&Outcome) + Send + Sync;

/// A call in a queue.
pub struct QueuedCall {
    pub key: CallKey,
    /// The address of the client; zero if there is none.
    pub client: usize,
    core: Arc<QueueCore>,
    /// Tells the thread that runs the call that it has ended.
    pub ended: Arc<EndFlag>,
    /// The context of an error that ends the call from outside: the request and the server.
    request: &'static str,
    server: String,
    state: Mutex<CallState>,
    /// Ends what the call waits for. Locked while it runs, so that the call's thread, which removes it, goes on later.
    end_hook: Mutex<Option<Arc<EndHook>>>,
}

struct CallState {
    progress_callback: Option<Arc<ProgressCallback>>,
    /// Dropped after the progress callback: both may have the same userdata, which `done` owns.
    done: Option<Arc<DoneCallback>>,
    /// The newest progress that was not reported.
    progress: Option<Progress>,
    /// A thread runs the call.
    has_begun: bool,
    has_ended: bool,
    outcome: Option<Outcome>,
}

impl QueuedCall {
    /// `client` is its address, and `server` its name.
    pub fn new(
        core: &Arc<QueueCore>,
        key: CallKey,
        (client, request, server): (usize, &'static str, String),
        progress_callback: Option<Arc<ProgressCallback>>,
        done: Arc<DoneCallback>,
    ) -> Arc<QueuedCall> {
        let state = CallState {
            progress_callback,
            done: Some(done),
            progress: None,
            has_begun: false,
            has_ended: false,
            outcome: None,
        };
        let ended = Arc::new(EndFlag::new(&core.wake_group));
        let core = Arc::clone(core);
        let (state, end_hook) = (Mutex::new(state), Mutex::default());
        Arc::new(QueuedCall { key, client, core, ended, request, server, state, end_hook })
    }

    /// A thread begins to run the call. False if it has ended already.
    pub fn begin(&self) -> bool {
        let mut state = self.lock();
        state.has_begun = true;
        !state.has_ended
    }

    /// Whether the call waits for a thread.
    pub fn is_waiting(&self) -> bool {
        let state = self.lock();
        !state.has_begun && !state.has_ended
    }

    /// Whether this is the close of a client.
    pub fn is_close(&self) -> bool {
        self.request == "close"
    }

    /// Ends the call, unless it has ended already. Returns whether this has ended it.
    pub fn end(&self, outcome: Outcome) -> bool {
        let has_ended = self.set_outcome(outcome);
        if has_ended {
            self.core.inbox.push(DueItem::Done(self.key));
        }
        has_ended
    }

    /// Ends the call on its thread, which does nothing else for it.
    pub fn end_work(&self, outcome: Outcome) {
        // First, so that a call which follows this one needs no other thread.
        self.core.threads.end_work();
        self.end(outcome);
    }

    fn set_outcome(&self, outcome: Outcome) -> bool {
        let mut state = self.lock();
        let has_ended = !std::mem::replace(&mut state.has_ended, true);
        if has_ended {
            state.outcome = Some(outcome);
        }
        has_ended
    }

    /// Ends the call from outside, with a reason. Its thread follows after the next wake-up of the queue's threads.
    pub fn interrupt(&self, reason: &Error) -> bool {
        // What the call waits for ends before the end is delivered: a dialog is closed before. And after the call has
        // ended: its thread, which goes on then, would end it in another way.
        let mut hook = self.end_hook.lock();
        if !self.set_outcome(Err(reason.clone().with_context(self.request, &self.server))) {
            return false;
        }
        self.ended.set(reason.status() == MCP_CLOSED);
        hook.take().iter().for_each(|hook| hook(reason.status()));
        drop(hook);
        self.core.inbox.push(DueItem::Done(self.key));
        true
    }

    /// The queue was freed: the call ends, and its callbacks are dropped.
    pub fn abandon(&self) {
        let mut hook = self.end_hook.lock();
        let mut state = self.lock();
        state.has_ended = true;
        self.ended.set(false);
        let (progress_callback, done) = (state.progress_callback.take(), state.done.take());
        drop(state);
        hook.take().iter().for_each(|hook| hook(MCP_CANCELLED));
        drop(hook);
        // First: see `CallState::done`.
        drop(progress_callback);
        drop(done);
    }

    /// Keeps the newest progress until it is reported.
    pub fn add_progress(self: &Arc<Self>, progress: Progress) {
        let mut state = self.lock();
        if !state.has_ended && state.progress.replace(progress).is_none() {
            let call = Arc::clone(self);
            // With the lock, so that the end comes after it.
            let added = self.core.inbox.add(DueItem::Callback(Box::new(move || call.report_progress())));
            drop(state);
            if added == Some(true) {
                self.core.inbox.wake();
            }
        }
    }

    /// Reports the newest progress, unless the call has ended from outside.
    fn report_progress(&self) {
        let mut state = self.lock();
        let progress = state.progress.take();
        let callback = state.progress_callback.clone();
        // Kept during the callback, which may dispatch the end of the call: both may have the same userdata.
        let _done = state.done.clone();
        drop(state);
        if let (Some(progress), Some(callback), false) = (progress, callback, self.ended.is_set())
            && !callback(progress.progress, progress.total, progress.message.as_deref())
        {
            self.interrupt(&Error::new(MCP_CANCELLED, "ended by the progress callback"));
            self.core.wake_group.wake();
        }
    }

    /// Delivers the outcome, and drops the callbacks.
    pub fn run_done(&self) {
        let mut state = self.lock();
        let (outcome, progress_callback, done) =
            (state.outcome.take(), state.progress_callback.take(), state.done.take());
        drop(state);
        // First: see `CallState::done`.
        drop(progress_callback);
        if let (Some(outcome), Some(done)) = (outcome, done) {
            done(&outcome);
        }
    }

    fn lock(&self) -> MutexGuard<'_, CallState> {
        self.state.lock()
    }
}

/// The callbacks of a queued call run where the queue is dispatched.
impl CallbackRunner for QueuedCall {
    fn run(&self, callback: Work) -> Result<()> {
        let ended = || Error::new(MCP_CLOSED, "the call has ended");
        // Nothing of a call begins after its end.
        if self.lock().has_ended || !self.core.inbox.push(DueItem::Callback(callback)) {
            return Err(ended());
        }
        Ok(())
    }

    fn notify(&self, callback: Work) {
        self.core.inbox.push(DueItem::Callback(callback));
    }

    fn start_waiting(&self, work: Work) -> Result<()> {
        self.core.run_uncounted(work)
    }

    fn while_waiting(&self, wait: &mut dyn FnMut()) {
        self.core.threads.uncounted(wait);
    }

    fn set_end_hook(&self, hook: Option<Arc<EndHook>>) {
        *self.end_hook.lock() = hook;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn call() -> Arc<QueuedCall> {
        let core = Arc::new(QueueCore::new().unwrap());
        QueuedCall::new(&core, (0, 0), (0, "ping", "server".into()), None, Arc::new(|_: &Outcome| {}))
    }

    #[test]
    fn a_call_that_is_ended_from_outside_keeps_that_reason_while_what_it_waits_for_ends() {
        let call = call();
        let was_set = Arc::new(AtomicBool::new(false));
        // What the call's thread does if the request for input ends first.
        let (ending, seen) = (Arc::clone(&call), Arc::clone(&was_set));
        call.set_end_hook(Some(Arc::new(move |_| {
            seen.store(ending.ended.is_set(), Ordering::Relaxed);
            ending.end(Ok(None));
        })));
        assert!(call.interrupt(&Error::new(MCP_CANCELLED, "cancelled")));
        assert!(was_set.load(Ordering::Relaxed));
        let outcome = call.lock().outcome.take();
        assert!(matches!(outcome, Some(Err(error)) if error.status() == MCP_CANCELLED));
    }

    #[test]
    fn the_end_of_what_a_call_waits_for_is_delivered_before_the_end_of_the_call() {
        let call = call();
        let notifying = Arc::clone(&call);
        call.set_end_hook(Some(Arc::new(move |_| notifying.notify(Box::new(|| {})))));
        call.interrupt(&Error::new(MCP_CLOSED, "closed"));
        let inbox = &call.core.inbox;
        assert!(matches!(inbox.pop(), Some(DueItem::Callback(_))));
        assert!(matches!(inbox.pop(), Some(DueItem::Done(key)) if key == call.key));
    }
}
