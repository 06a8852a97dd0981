//! The end of a request to the application whose answer is not needed any more, and the callback that reports it.

use std::sync::Arc;

use super::callback_runner::CallbackRunner;
use crate::status::Status;
use crate::sys::lock::{Mutex, MutexGuard};

/// Called if a request to the application is over before it was answered, with the status that tells why.
pub type OverCallback = dyn FnOnce(Status) + Send;

/// Reports that a request is over, at most once.
pub struct OverHook {
    state: Mutex<OverState>,
    callbacks: Arc<dyn CallbackRunner>,
}

#[derive(Default)]
struct OverState {
    /// Why the request is over; `None` if it is not.
    status: Option<Status>,
    callback: Option<Box<OverCallback>>,
    /// The request was answered or released: the callback does not run any more.
    is_released: bool,
}

impl OverHook {
    pub fn new(callbacks: &Arc<dyn CallbackRunner>) -> Arc<OverHook> {
        Arc::new(OverHook { state: Mutex::default(), callbacks: Arc::clone(callbacks) })
    }

    /// Why the request is over; `None` if it is not.
    pub fn status(&self) -> Option<Status> {
        self.lock().status
    }

    /// Sets the callback, or removes it. If the request is over already, the callback runs soon.
    pub fn set(self: &Arc<Self>, callback: Option<Box<OverCallback>>) {
        let mut state = self.lock();
        // Callbacks are dropped without the lock: that runs code of the application.
        let unused = if state.is_released { callback } else { std::mem::replace(&mut state.callback, callback) };
        let is_over = state.status.is_some();
        drop(state);
        drop(unused);
        if is_over {
            self.notify();
        }
    }

    /// The request is over.
    pub fn end(self: &Arc<Self>, status: Status) {
        self.lock().status = Some(status);
        self.notify();
    }

    /// The request was answered or released.
    pub fn release(&self) {
        let mut state = self.lock();
        state.is_released = true;
        let unused = state.callback.take();
        drop(state);
        drop(unused);
    }

    /// Runs the callback, unless the request is released before.
    fn notify(self: &Arc<Self>) {
        if self.lock().callback.is_none() {
            return;
        }
        let hook = Arc::clone(self);
        self.callbacks.notify(Box::new(move || {
            let mut state = hook.lock();
            let (status, callback) = (state.status, state.callback.take());
            drop(state);
            if let (Some(status), Some(callback)) = (status, callback) {
                callback(status);
            }
        }));
    }

    fn lock(&self) -> MutexGuard<'_, OverState> {
        self.state.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::call::callback_runner::CallbackThreads;
    use crate::status::{MCP_CANCELLED, MCP_CLOSED};

    fn hook() -> Arc<OverHook> {
        let callbacks: Arc<dyn CallbackRunner> = Arc::<CallbackThreads>::default();
        OverHook::new(&callbacks)
    }

    /// A callback, and what it receives. The channel ends when the callback was dropped.
    fn callback() -> (Option<Box<OverCallback>>, Receiver<Status>) {
        let (send, receive) = channel();
        (Some(Box::new(move |status| send.send(status).unwrap())), receive)
    }

    #[test]
    fn the_end_is_reported_once() {
        let (over, seen) = callback();
        let hook = hook();
        hook.set(over);
        hook.end(MCP_CANCELLED);
        hook.end(MCP_CLOSED);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [MCP_CANCELLED]);
    }

    #[test]
    fn a_callback_that_is_set_after_the_end_runs_at_once() {
        let (over, seen) = callback();
        let hook = hook();
        hook.end(MCP_CLOSED);
        hook.set(over);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [MCP_CLOSED]);
    }

    #[test]
    fn a_callback_never_runs_after_the_release() {
        let hook = hook();
        let (over, seen) = callback();
        hook.set(over);
        hook.release();
        assert_eq!(seen.iter().count(), 0);
        hook.end(MCP_CANCELLED);
        let (late, seen) = callback();
        hook.set(late);
        assert_eq!(seen.iter().count(), 0);
    }

    #[test]
    fn a_replaced_callback_is_dropped() {
        let hook = hook();
        let ((first, first_seen), (second, second_seen)) = (callback(), callback());
        hook.set(first);
        hook.set(second);
        assert_eq!(first_seen.iter().count(), 0);
        hook.end(MCP_CLOSED);
        assert_eq!(second_seen.iter().collect::<Vec<_>>(), [MCP_CLOSED]);
    }
}
