//! The ends of calls that wait for a thread, which no thread notices otherwise: their deadlines and cancel tokens.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

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
    /// The earliest deadline first.
    deadlines: BinaryHeap<Reverse<CallDeadline>>,
    tokens: Vec<(Arc<PollableEvent>, Arc<QueuedCall>)>,
    has_thread: bool,
    is_stopped: bool,
}

/// Ordered by the deadline.
struct CallDeadline {
    deadline: Instant,
    call: Arc<QueuedCall>,
}

impl PartialEq for CallDeadline {
    fn eq(&self, other: &CallDeadline) -> bool {
        self.deadline == other.deadline
    }
}

impl Eq for CallDeadline {}

impl PartialOrd for CallDeadline {
    fn partial_cmp(&self, other: &CallDeadline) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CallDeadline {
    fn cmp(&self, other: &CallDeadline) -> Ordering {
        self.deadline.cmp(&other.deadline)
    }
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
            state.tokens.push((token, Arc::clone(call)));
        }
        let first = state.first_deadline();
        let is_earlier = deadline.is_some_and(|deadline| first.is_none_or(|first| deadline < first));
        if let Some(deadline) = deadline {
            state.deadlines.push(Reverse(CallDeadline { deadline, call: Arc::clone(call) }));
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
        let all = (std::mem::take(&mut state.deadlines), std::mem::take(&mut state.tokens));
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
                state.deadlines.retain(|Reverse(deadline)| deadline.call.is_waiting());
                next_cleaning = now + CLEANING_INTERVAL;
            }
            state.tokens.retain(|(_, call)| call.is_waiting());
            if state.deadlines.is_empty() && state.tokens.is_empty() {
                state.has_thread = false;
                return;
            }
            let ended = state.take_ended(now);
            if ended.is_empty() {
                let next = state.first_deadline().unwrap_or(next_cleaning);
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
    fn first_deadline(&self) -> Option<Instant> {
        self.deadlines.peek().map(|Reverse(first)| first.deadline)
    }

    /// Removes the calls whose deadline has passed or whose token was triggered.
    fn take_ended(&mut self, now: Instant) -> Vec<(Arc<QueuedCall>, Error)> {
        let mut ended = Vec::new();
        while self.first_deadline().is_some_and(|first| first <= now) {
            let why = "the timeout passed while the call waited for a thread of its queue (mcp_queue_set_threads)";
            ended.extend(self.deadlines.pop().map(|Reverse(first)| (first.call, Error::new(MCP_TIMEOUT, why))));
        }
        self.tokens.retain(|(token, call)| {
            if token.is_set() {
                let why = "cancelled while the call waited for a thread of its queue";
                ended.push((Arc::clone(call), Error::new(MCP_CANCELLED, why)));
            }
            !token.is_set()
        });
        ended
    }
}
