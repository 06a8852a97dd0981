//! The ends of calls that wait for a thread, which no thread notices otherwise: their deadlines and cancel tokens.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use super::inbox::CallKey;
use super::queued_call::QueuedCall;
use crate::error::{Error, Result};
use crate::status::{MCP_CANCELLED, MCP_TIMEOUT};
use crate::sys::lock::{Mutex, wait_timeout};
use crate::sys::pollable_event::PollableEvent;
use crate::sys::thread_pool::Work;

/// How often cancel tokens are checked.
const TOKEN_INTERVAL: Duration = Duration::from_millis(20);

/// How often calls that have begun are forgotten.
const CLEANING_INTERVAL: Duration = Duration::from_secs(1);

/// Ends waiting calls, on a thread that exists only while there are any.
#[derive(Default)]
pub struct Deadlines {
    state: Mutex<DeadlineState>,
    changed: Condvar,
}

#[derive(Default)]
struct DeadlineState {
    calls: BTreeMap<(Instant, CallKey), Arc<QueuedCall>>,
    tokens: HashMap<CallKey, (Arc<PollableEvent>, Arc<QueuedCall>)>,
    has_thread: bool,
    is_stopped: bool,
}

impl Deadlines {
    /// Ends the call at its deadline or when its token is triggered, unless it has begun. `start` starts the thread.
    pub fn add(
        self: &Arc<Self>,
        (deadline, token): (Option<Instant>, Option<Arc<PollableEvent>>),
        call: &Arc<QueuedCall>,
        start: impl FnOnce(Work) -> Result<()>,
    ) -> Result<()> {
        let mut state = self.state.lock();
        if state.is_stopped || (deadline.is_none() && token.is_none()) {
            return Ok(());
        }
        let is_first_token = token.is_some() && state.tokens.is_empty();
        if let Some(token) = token {
            state.tokens.insert(call.key, (token, Arc::clone(call)));
        }
        let first = state.calls.first_key_value().map(|((first, _), _)| *first);
        let is_earlier = deadline.is_some_and(|deadline| first.is_none_or(|first| deadline < first));
        if let Some(deadline) = deadline {
            state.calls.insert((deadline, call.key), Arc::clone(call));
        }
        if is_earlier || is_first_token {
            self.changed.notify_all();
        }
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
        let all = (std::mem::take(&mut state.calls), std::mem::take(&mut state.tokens));
        self.changed.notify_all();
        drop(state);
        drop(all);
    }

    fn watch(&self) {
        let mut next_cleaning = Instant::now();
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            if next_cleaning <= now {
                // Calls that have begun notice their ends themselves.
                state.calls.retain(|_, call| call.is_waiting());
                next_cleaning = now + CLEANING_INTERVAL;
            }
            state.tokens.retain(|_, (_, call)| call.is_waiting());
            if state.calls.is_empty() && state.tokens.is_empty() {
                state.has_thread = false;
                return;
            }
            let ended = state.take_ended(now);
            if ended.is_empty() {
                let next = state.calls.first_key_value().map_or(next_cleaning, |((deadline, _), _)| *deadline);
                let limit = if state.tokens.is_empty() { CLEANING_INTERVAL } else { TOKEN_INTERVAL };
                (state, _) = wait_timeout(&self.changed, state, next.saturating_duration_since(now).min(limit));
                continue;
            }
            drop(state);
            for (call, reason) in ended {
                if call.is_waiting() {
                    call.interrupt(&reason);
                }
            }
            state = self.state.lock();
        }
    }
}

impl DeadlineState {
    /// Removes the calls whose deadline has passed or whose token was triggered.
    fn take_ended(&mut self, now: Instant) -> Vec<(Arc<QueuedCall>, Error)> {
        let mut ended = Vec::new();
        while let Some(first) = self.calls.first_entry().filter(|first| first.key().0 <= now) {
            let why = "the timeout passed while the call waited for a thread of its queue (mcp_queue_set_threads)";
            ended.push((first.remove(), Error::new(MCP_TIMEOUT, why)));
        }
        let triggered: Vec<_> = self.tokens.extract_if(|_, (token, _)| token.is_set()).collect();
        let cancelled = || Error::new(MCP_CANCELLED, "cancelled while the call waited for a thread of its queue");
        ended.extend(triggered.into_iter().map(|(_, (_, call))| (call, cancelled())));
        ended
    }
}
