//! What the callers and the reader of one HTTP+SSE connection share: where messages go, and who waits for which answer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::call::Call;
use crate::auth::credentials::HeaderSet;
use crate::error::{Error, Result, RpcError};
use crate::protocol::json::Json;
use crate::status::*;
use crate::sys::signal::Signal;
use crate::sys::wait::{Interest, Stop};
use crate::transport::endpoint::Endpoint;
use crate::transport::http::{Phase, stopped as stopped_at};

/// So many sets of credentials are remembered.
const MOST_CARRIED: usize = 16;

/// Servers write something into a stream more often than that, be it a comment. One that has been silent for longer when a call
/// ends in vain is taken for dead: the connection may have been lost without a word.
const DEAD_SILENCE: Duration = Duration::from_secs(20);

/// See the module.
pub struct Line {
    /// Where messages are posted to.
    pub endpoint: Arc<Endpoint>,
    /// What the initialization settled on.
    pub version: OnceLock<&'static str>,
    /// Raised when nobody wants the connection any more.
    pub stop: Arc<Signal>,
    state: Mutex<State>,
    /// What the last requests on this line carried: what comes on it may show any of them.
    carried: Mutex<VecDeque<Arc<HeaderSet>>>,
}

struct State {
    waiting: HashMap<u64, Arc<Slot>>,
    /// Why no more answer will come.
    ended: Option<Error>,
    /// When the last byte came.
    heard: Instant,
}

/// Where one answer is put.
struct Slot {
    done: Arc<Signal>,
    outcome: OnceLock<Delivered>,
}

/// What came for a request.
#[derive(Clone)]
pub enum Delivered {
    Result(Json),
    Refused(RpcError),
    /// No answer will come.
    Failed(Error),
}

/// A request whose answer is waited for; gives its place up when it is dropped.
pub struct Place<'a> {
    line: &'a Line,
    id: u64,
    slot: Arc<Slot>,
}

impl Line {
    pub fn new(endpoint: Arc<Endpoint>) -> Result<Line> {
        let state = State { waiting: HashMap::new(), ended: None, heard: Instant::now() };
        let stop = Arc::new(signal()?);
        Ok(Line { endpoint, version: OnceLock::new(), stop, state: Mutex::new(state), carried: Mutex::default() })
    }

    /// Makes a place for the answer to request `id`, before that is sent.
    pub fn expect(&self, id: u64) -> Result<Place<'_>> {
        let slot = Arc::new(Slot { done: Arc::new(signal()?), outcome: OnceLock::new() });
        let mut state = self.lock();
        if let Some(ended) = &state.ended {
            return Err(ended.clone());
        }
        state.waiting.insert(id, Arc::clone(&slot));
        Ok(Place { line: self, id, slot })
    }

    /// Hands an answer to the call that waits for it. Where its id is missing (`None`) and one call waits, it is for that one.
    /// Gives it back where nobody waits.
    pub fn deliver(&self, id: Option<u64>, delivered: Delivered) -> Option<Delivered> {
        let state = self.lock();
        let slot = match id {
            Some(id) => state.waiting.get(&id),
            None if state.waiting.len() == 1 => state.waiting.values().next(),
            None => None,
        };
        let Some(slot) = slot else { return Some(delivered) };
        slot.fill(delivered);
        None
    }

    /// Ends every call that waits, and every one that comes.
    pub fn end(&self, error: &Error) {
        let mut state = self.lock();
        state.ended = Some(error.clone());
        state.waiting.values().for_each(|slot| slot.fill(Delivered::Failed(error.clone())));
    }

    /// Notes what a call's requests have carried here.
    pub fn note_carried(&self, call: &Call) {
        let mut carried = self.lock_carried();
        for set in call.credentials() {
            if !carried.iter().any(|known| Arc::ptr_eq(known, &set)) {
                carried.push_back(set);
            }
        }
        let surplus = carried.len().saturating_sub(MOST_CARRIED);
        carried.drain(..surplus);
    }

    /// Tells a call what has been carried here, so that it shows nothing of it.
    pub fn carried(&self, call: &Call) {
        self.lock_carried().iter().for_each(|set| call.carry(set, None));
        call.carry_text(self.endpoint.uri().query().unwrap_or_default());
    }

    fn lock_carried(&self) -> MutexGuard<'_, VecDeque<Arc<HeaderSet>>> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// Bytes have come, whatever they were.
    pub fn note_heard(&self) {
        self.lock().heard = Instant::now();
    }

    /// A call has waited in vain. Where it was the only one, and nothing came for long, the next one tries another stream.
    fn give_up_if_dead(&self) {
        let is_alone = self.lock().waiting.len() <= 1;
        if is_alone && self.silent_for() >= DEAD_SILENCE {
            self.end(&Error::new(MCP_DISCONNECTED, "nothing came on the event stream for long; it was given up"));
            self.stop.raise();
        }
    }

    fn silent_for(&self) -> Duration {
        self.lock().heard.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn fill(&self, delivered: Delivered) {
        // Of two answers, the first one counts.
        let _ = self.outcome.set(delivered);
        self.done.raise();
    }
}

impl Place<'_> {
    /// Raised when the answer is there.
    pub fn done(&self) -> Arc<Signal> {
        Arc::clone(&self.slot.done)
    }

    /// The answer, if it is there.
    pub fn delivered(&self) -> Option<Delivered> {
        self.slot.outcome.get().cloned()
    }

    /// Waits for the answer.
    pub fn wait(&self, call: &Call) -> Result<Delivered> {
        let budget = call.budget().clone();
        let stopped = |stop: Stop| stopped_at(&stop, Some(Phase::Head), &budget);
        let begun = Instant::now();
        loop {
            // What came for others is a sign of life, too.
            let silence = || self.line.silent_for().min(begun.elapsed());
            let pause = budget.idle.map(|idle| idle.saturating_sub(silence()));
            let ready = budget.wait_any(&[(self.slot.done.fd(), Interest::Read)], pause).map_err(|stop| {
                if matches!(stop, Stop::TimedOut) {
                    self.line.give_up_if_dead();
                }
                stopped(stop)
            })?;
            match self.slot.outcome.get() {
                Some(delivered) if ready.is_some() => return Ok(delivered.clone()),
                _ if budget.idle.is_some_and(|idle| silence() >= idle) => return Err(stopped(Stop::Idle)),
                _ => {}
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.lock().waiting.remove(&self.id);
    }
}

fn signal() -> Result<Signal> {
    Signal::new().map_err(|error| Error::new(MCP_SYSTEM_ERROR, format!("the system refused a descriptor: {error}")))
}
