//! What the callers and the reader of one HTTP+SSE connection share: where messages go, and who waits for which answer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::call::Call;
use super::incoming::{Asked, Notice};
use super::new_signal;
use super::pipe::Pipe;
use crate::auth::credentials::HeaderSet;
use crate::error::{Error, Result, RpcError};
use crate::protocol::jsonrpc::Answered;
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
    way: Way,
    /// What the initialization settled on.
    pub version: OnceLock<&'static str>,
    /// Raised when nobody wants the connection any more.
    pub stop: Arc<Signal>,
    /// Raised when nothing comes any more.
    pub over: Signal,
    state: Mutex<State>,
    /// What the last requests on this line carried: what comes on it may show any of them.
    carried: Mutex<VecDeque<Arc<HeaderSet>>>,
}

/// How messages go to the server.
pub enum Way {
    /// They are posted to the endpoint of HTTP+SSE.
    Post(Arc<Endpoint>),
    /// They are written to its stdin.
    Pipe(Pipe),
}

struct State {
    waiting: HashMap<u64, Arc<Slot>>,
    /// Why no more answer will come.
    ended: Option<Error>,
    /// When the last byte came.
    heard: Instant,
}

/// Where one answer is put, and what comes for its call before.
struct Slot {
    done: Arc<Signal>,
    outcome: OnceLock<Delivered>,
    /// Zero where the call wants no progress.
    progress_token: u64,
    is_subscription: bool,
    /// Where the call takes other things than its answer.
    letters: Option<Letters>,
}

struct Letters {
    bell: Signal,
    waiting: Mutex<VecDeque<Letter>>,
}

/// What comes for a call beside its answer.
pub enum Letter {
    Notice(Notice),
    Asked(Asked),
}

/// What a call that waits gets.
pub enum Arrived {
    Letters(VecDeque<Letter>),
    Answer(Delivered),
}

/// What came for a request.
#[derive(Clone)]
pub enum Delivered {
    Result(Answered),
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
    pub fn new(way: Way) -> Result<Line> {
        let state = State { waiting: HashMap::new(), ended: None, heard: Instant::now() };
        let stop = Arc::new(new_signal()?);
        Ok(Line {
            way,
            version: OnceLock::new(),
            stop,
            over: new_signal()?,
            state: Mutex::new(state),
            carried: Mutex::default(),
        })
    }

    /// Where messages are posted to.
    pub fn endpoint(&self) -> Option<&Arc<Endpoint>> {
        match &self.way {
            Way::Post(endpoint) => Some(endpoint),
            Way::Pipe(_) => None,
        }
    }

    /// Where messages are written to.
    pub fn pipe(&self) -> Option<&Pipe> {
        match &self.way {
            Way::Post(_) => None,
            Way::Pipe(pipe) => Some(pipe),
        }
    }

    /// Makes a place for the answer to request `id`, before that is sent.
    pub fn expect(&self, call: &Call, id: u64) -> Result<Place<'_>> {
        let takes_letters = call.progress_token() != 0 || call.client.settings.abilities().any();
        self.place(call, id, takes_letters, false)
    }

    /// The same for a subscription, on which changes come before the answer.
    pub fn expect_changes(&self, call: &Call, id: u64) -> Result<Place<'_>> {
        self.place(call, id, true, true)
    }

    fn place(&self, call: &Call, id: u64, takes_letters: bool, is_subscription: bool) -> Result<Place<'_>> {
        let letters =
            if takes_letters { Some(Letters { bell: new_signal()?, waiting: Mutex::default() }) } else { None };
        let slot = Arc::new(Slot {
            done: Arc::new(new_signal()?),
            outcome: OnceLock::new(),
            progress_token: call.progress_token(),
            is_subscription,
            letters,
        });
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

    /// Hands a notification to the call that it is for, and gives everything else back.
    pub fn deliver_notice(&self, notice: Notice) -> Option<Notice> {
        let (token, subscription) = (notice.progress_token(), notice.subscription());
        let state = self.lock();
        let slot = match (token, subscription) {
            (Some(token), _) => state.waiting.values().find(|slot| slot.progress_token == token && token != 0),
            (None, Some(id)) => state.waiting.get(&id).filter(|slot| slot.is_subscription),
            (None, None) => None,
        };
        match slot.and_then(|slot| slot.letters.as_ref()) {
            Some(letters) => letters.put(Letter::Notice(notice)),
            None => return Some(notice),
        }
        None
    }

    /// Hands what the server asks to the call that has waited longest, on whose thread a handler may take its time. Gives it back
    /// where none waits.
    pub fn deliver_asked(&self, asked: Asked) -> Option<Asked> {
        let state = self.lock();
        let oldest = state
            .waiting
            .iter()
            .filter(|(_, slot)| slot.letters.is_some() && !slot.is_subscription && slot.outcome.get().is_none())
            .min_by_key(|(id, _)| **id);
        match oldest.and_then(|(_, slot)| slot.letters.as_ref()) {
            Some(letters) => letters.put(Letter::Asked(asked)),
            None => return Some(asked),
        }
        None
    }

    /// Ends every call that waits, and every one that comes.
    pub fn end(&self, error: &Error) {
        let mut state = self.lock();
        state.ended = Some(error.clone());
        state.waiting.values().for_each(|slot| slot.fill(Delivered::Failed(error.clone())));
        self.over.raise();
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
        self.endpoint().into_iter().for_each(|to| call.carry_url(to));
        self.pipe().into_iter().flat_map(|pipe| &pipe.secrets).for_each(|secret| call.carry_text(secret));
    }

    fn lock_carried(&self) -> MutexGuard<'_, VecDeque<Arc<HeaderSet>>> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// Why nothing comes any more.
    pub fn ended(&self) -> Option<Error> {
        self.lock().ended.clone()
    }

    /// Bytes have come, whatever they were.
    pub fn note_heard(&self) {
        self.lock().heard = Instant::now();
    }

    /// A call has waited in vain. Where it was the only one, and nothing came for long, the next one tries another stream.
    fn give_up_if_dead(&self) {
        let is_alone = self.pipe().is_none() && self.lock().waiting.len() <= 1;
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

impl Letters {
    fn put(&self, letter: Letter) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(letter);
        self.bell.raise();
    }

    fn take(&self) -> VecDeque<Letter> {
        self.bell.lower();
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
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

    /// Waits for the answer, or for what comes before it.
    pub fn wait(&self, call: &Call) -> Result<Arrived> {
        let budget = call.budget().clone();
        let stopped = |stop: Stop| stopped_at(&stop, Phase::Head.doing(), &budget);
        let begun = Instant::now();
        loop {
            // What came for others is a sign of life, too.
            let silence = || self.line.silent_for().min(begun.elapsed());
            let pause = budget.idle.map(|idle| idle.saturating_sub(silence()));
            let bell = self.slot.letters.as_ref().map(|letters| (letters.bell.fd(), Interest::Read));
            let fds = [Some((self.slot.done.fd(), Interest::Read)), bell];
            let fds: Vec<_> = fds.into_iter().flatten().collect();
            let ready = budget.wait_any(&fds, pause).map_err(|stop| {
                if matches!(stop, Stop::TimedOut) {
                    self.line.give_up_if_dead();
                }
                stopped(stop)
            })?;
            // In the order in which they came: all letters were written before the answer, which is looked at first, so that
            // none comes between the two looks.
            let outcome = self.slot.outcome.get();
            let letters = self.slot.letters.as_ref().map(Letters::take).unwrap_or_default();
            if !letters.is_empty() {
                return Ok(Arrived::Letters(letters));
            }
            match outcome {
                Some(delivered) if ready.is_some() => return Ok(Arrived::Answer(delivered.clone())),
                _ if budget.idle.is_some_and(|idle| silence() >= idle) => return Err(stopped(Stop::Idle)),
                _ => {}
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.lock().waiting.remove(&self.id);
        // What a call that was ended has not served may belong to another one.
        for letter in self.slot.letters.as_ref().map(Letters::take).unwrap_or_default() {
            if let Letter::Asked(asked) = letter {
                let _ = self.line.deliver_asked(asked);
            }
        }
    }
}
