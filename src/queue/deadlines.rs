//! The deadlines of calls that wait for a thread: no thread notices them otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use super::inbox::CallKey;
use super::queued_call::QueuedCall;
use crate::error::{Error, Result};
use crate::status::MCP_TIMEOUT;
use crate::sys::lock::{Mutex, wait_timeout};
use crate::sys::thread_pool::Work;

/// Ends waiting calls at their deadlines, on a thread that exists only while there are any.
#[derive(Default)]
pub struct Deadlines {
    state: Mutex<DeadlineState>,
    changed: Condvar,
}

#[derive(Default)]
struct DeadlineState {
    calls: BTreeMap<(Instant, CallKey), Arc<QueuedCall>>,
    has_thread: bool,
    is_stopped: bool,
}

impl Deadlines {
    /// Ends the call at its deadline, unless it has begun. `start` starts the thread.
    pub fn add(
        self: &Arc<Self>,
        deadline: Instant,
        call: &Arc<QueuedCall>,
        start: impl FnOnce(Work) -> Result<()>,
    ) -> Result<()> {
        let mut state = self.state.lock();
        if state.is_stopped {
            return Ok(());
        }
        state.calls.insert((deadline, call.key), Arc::clone(call));
        self.changed.notify_all();
        if std::mem::replace(&mut state.has_thread, true) {
            return Ok(());
        }
        drop(state);
        let own = Arc::clone(self);
        start(Box::new(move || own.watch())).inspect_err(|_| self.state.lock().has_thread = false)
    }

    pub fn stop(&self) {
        let mut state = self.state.lock();
        state.is_stopped = true;
        let calls = std::mem::take(&mut state.calls);
        self.changed.notify_all();
        drop(state);
        drop(calls);
    }

    fn watch(&self) {
        let mut state = self.state.lock();
        loop {
            // Calls that have begun notice their deadline themselves.
            state.calls.retain(|_, call| call.is_waiting());
            let Some(((deadline, _), _)) = state.calls.first_key_value() else {
                state.has_thread = false;
                return;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                (state, _) = wait_timeout(&self.changed, state, left.min(Duration::from_secs(1)));
                continue;
            }
            let Some((_, call)) = state.calls.pop_first() else { continue };
            drop(state);
            let why = "the timeout passed while the call waited for a thread of its queue (mcp_queue_set_threads)";
            call.interrupt(&Error::new(MCP_TIMEOUT, why));
            state = self.state.lock();
        }
    }
}
