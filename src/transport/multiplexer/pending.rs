//! What the callers and the reader of one shared stream have in common: who waits for which answer, and what comes for whom.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::mailbox::{InboundMessage, Mailbox};
use crate::call::bounded_queue::BoundedQueue;
use crate::call::context::CallContext;
use crate::call::headers::HeaderSet;
use crate::call::interrupt::stopped as stopped_at;
use crate::call::new_signal;
use crate::call::request::PeerContext;
use crate::call::secrets::SecretTexts;
use crate::call::skipped_input::{self, Excerpt, SkippedInput};
use crate::error::{Error, Result, RpcError};
use crate::log::LogLevel;
use crate::net::progress::RequestPhase;
use crate::protocol::ids;
use crate::protocol::incoming::{InputKind, Notification, ServerRequest};
use crate::protocol::jsonrpc::RpcResponse;
use crate::protocol::version::{Era, known};
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::{Interest, Interrupt};

/// So many sets of credentials are remembered.
const MAX_CARRIED: usize = 16;

/// Most servers write something into a stream more often than that, be it a comment. One that has been silent for longer when a call
/// ends by its timeout may be dead: the connection may have been lost without a FIN. Silence alone ends no call: some servers send
/// nothing before an answer.
const DEAD_SILENCE: Duration = Duration::from_secs(20);

/// So many questions of the server wait for a call that can deal with them.
pub const MAX_QUESTIONS: usize = 64;

/// See the module.
pub struct PendingRequests {
    /// It is the stdout of a process.
    is_process: bool,
    /// What must not be shown of what comes on it: where messages are posted to, or what the process was given.
    secrets: Arc<SecretTexts>,
    /// What the initialization settled on.
    pub version: OnceLock<&'static str>,
    /// New calls take another connection: a call ended in vain after a long silence, or the process has ended.
    is_retired: AtomicBool,
    /// Raised when nobody wants the connection any more.
    pub stop: Arc<PollableEvent>,
    /// Raised when nothing comes any more.
    pub end_event: Arc<PollableEvent>,
    state: Mutex<PendingState>,
    /// What the last requests on this line carried: what comes on it may show any of them.
    sent_credentials: Mutex<VecDeque<Arc<HeaderSet>>>,
    /// What was sent has come back.
    has_echo: AtomicBool,
}

struct PendingState {
    waiting: HashMap<u64, Arc<PendingSlot>>,
    /// What the server asks, while all calls that could deal with it deal with something else.
    questions: BoundedQueue<ServerRequest>,
    skipped: SkippedInput,
    /// A call waits that has seen nothing yet of what was skipped.
    has_unaware: bool,
    /// Why no more answer will come.
    ended: Option<Error>,
    /// When the last byte came.
    received_any: Instant,
}

/// Where one answer is put, and what comes for its call before.
struct PendingSlot {
    done: Arc<PollableEvent>,
    outcome: OnceLock<RpcOutcome>,
    method: String,
    /// The first thing that came since it waits and is no message.
    skipped: OnceLock<Arc<Excerpt>>,
    /// Zero where the call wants no progress.
    progress_token: u64,
    is_subscription: bool,
    /// Where the call takes other things than its answer.
    mailbox: Option<Mailbox>,
}

/// What a call that waits gets.
pub enum PendingEvent {
    InboundMessage(InboundMessage),
    TransportResponse(RpcOutcome),
}

/// A question of the server that no call takes.
pub enum UnclaimedRequest {
    NoCallWaits(ServerRequest),
    /// Too many wait already.
    TooMany(ServerRequest),
}

/// What came for a request.
#[derive(Clone)]
pub enum RpcOutcome {
    Result(RpcResponse),
    Refused(RpcError),
    /// No answer will come.
    Failed(Error),
}

/// A request whose answer is waited for; gives its place up when it is dropped.
pub struct PendingResponse<'a> {
    pending: &'a PendingRequests,
    id: u64,
    slot: Arc<PendingSlot>,
}

impl PendingRequests {
    pub fn new(is_process: bool, secrets: Arc<SecretTexts>) -> Result<PendingRequests> {
        let state = PendingState {
            waiting: HashMap::new(),
            questions: BoundedQueue::new(MAX_QUESTIONS),
            skipped: SkippedInput::default(),
            has_unaware: false,
            ended: None,
            received_any: Instant::now(),
        };
        let stop = Arc::new(new_signal()?);
        Ok(PendingRequests {
            is_process,
            secrets,
            version: OnceLock::new(),
            is_retired: AtomicBool::new(false),
            stop,
            end_event: Arc::new(new_signal()?),
            state: Mutex::new(state),
            sent_credentials: Mutex::default(),
            has_echo: AtomicBool::new(false),
        })
    }

    /// The reader of the stream, in its own name.
    pub fn peer_context(&self) -> PeerContext {
        let version = self.version.get().copied();
        let era = version.and_then(known).map_or(Era::Legacy, |(_, era)| era);
        PeerContext { era, version, session_id: None }
    }

    /// Where messages come; for people.
    pub fn response(&self) -> &'static str {
        if self.is_process { skipped_input::ON_STDOUT } else { skipped_input::ON_STREAM }
    }

    /// Makes a place for the answer to request `id`, before that is sent. `takes_questions` says whether the call may deal with what
    /// the server asks.
    pub fn expect(
        &self,
        call: &CallContext,
        id: u64,
        method: &str,
        takes_questions: bool,
    ) -> Result<PendingResponse<'_>> {
        let takes_letters = call.progress_token() != 0 || takes_questions;
        self.register(call, (id, method), takes_letters, false)
    }

    /// The same for a subscription, on which changes come before the answer.
    pub fn expect_changes(&self, call: &CallContext, id: u64, method: &str) -> Result<PendingResponse<'_>> {
        self.register(call, (id, method), true, true)
    }

    fn register(
        &self,
        call: &CallContext,
        (id, method): (u64, &str),
        takes_letters: bool,
        is_subscription: bool,
    ) -> Result<PendingResponse<'_>> {
        let mailbox = takes_letters.then(Mailbox::new).transpose()?;
        let slot = Arc::new(PendingSlot {
            done: Arc::new(new_signal()?),
            outcome: OnceLock::new(),
            method: method.to_owned(),
            skipped: OnceLock::new(),
            progress_token: call.progress_token(),
            is_subscription,
            mailbox,
        });
        let mut state = self.lock();
        if let Some(ended) = &state.ended {
            return Err(ended.clone());
        }
        // The first calls of a process are told how it ended.
        let is_opening = self.is_process && self.version.get().is_none();
        if self.is_retired.load(Ordering::Relaxed) && !is_opening {
            return Err(Error::new(MCP_DISCONNECTED, "the connection is no longer used; a new one is opened"));
        }
        // What a program prints when it is started is about the first request.
        match state.skipped.first().filter(|_| self.version.get().is_none()) {
            Some(first) => drop(slot.skipped.set(Arc::clone(first))),
            None => state.has_unaware = true,
        }
        state.waiting.insert(id, Arc::clone(&slot));
        Ok(PendingResponse { pending: self, id, slot })
    }

    /// Whether a call waits for the answer to request `id`.
    pub fn is_awaited(&self, id: u64) -> bool {
        self.lock().waiting.contains_key(&id)
    }

    /// Notes what came and is no message, for the errors of the calls that wait; gives the level at which it is to be logged.
    pub fn record_skipped(&self, excerpt: &Arc<Excerpt>, is_named: bool) -> LogLevel {
        let mut state = self.lock();
        if std::mem::take(&mut state.has_unaware) {
            // One that has seen something keeps that.
            state.waiting.values().for_each(|slot| drop(slot.skipped.set(Arc::clone(excerpt))));
        }
        state.skipped.note(excerpt, is_named)
    }

    /// Whether a request that has come is one of our own: a terminal echoes what is written to it.
    pub fn is_echo(&self, id: &str, method: &str) -> bool {
        let Some(number) = ids::number(id).filter(|_| self.is_process && !id.starts_with('"')) else {
            return false;
        };
        let has_echo = self.has_echo.load(Ordering::Relaxed);
        let is_pending = || self.lock().waiting.get(&number).is_some_and(|slot| slot.method == method);
        // These a server may ask for, too. The first request of all is none of them.
        if InputKind::of(method).is_some() || method == "ping" || method.starts_with("tasks/") {
            return has_echo && is_pending();
        }
        has_echo || is_pending()
    }

    /// Notes that there is an echo; true for the first time.
    pub fn record_echo(&self) -> bool {
        !self.has_echo.swap(true, Ordering::Relaxed)
    }

    /// Hands an answer to the call that waits for it. Where its id is missing (`None`) and one call waits, it is for that one.
    /// Gives it back where nobody waits.
    pub fn deliver(&self, id: Option<u64>, delivered: RpcOutcome) -> Option<RpcOutcome> {
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
    pub fn deliver_notice(&self, notice: Notification) -> Option<Notification> {
        let (token, subscription) = (notice.progress_token(), notice.subscription());
        let state = self.lock();
        let slot = match (token, subscription) {
            (Some(token), _) => state.waiting.values().find(|slot| slot.progress_token == token && token != 0),
            (None, Some(id)) => state.waiting.get(&id).filter(|slot| slot.is_subscription),
            (None, None) => None,
        };
        // Behind the answer nothing is for the call any more.
        match slot.filter(|slot| slot.outcome.get().is_none()).and_then(|slot| slot.mailbox.as_ref()) {
            Some(mailbox) => mailbox.put_notice(notice),
            None => return Some(notice),
        }
        None
    }

    /// Hands what the server asks to the call that has waited longest of those that have nothing to deal with: on its thread a handler
    /// may take its time. Where all have, the first that is free again takes it.
    pub fn deliver_asked(&self, asked: ServerRequest) -> Result<(), UnclaimedRequest> {
        let mut state = self.lock();
        let oldest = state
            .waiting
            .iter()
            .filter_map(|(id, slot)| Some((id, slot.for_questions()?)))
            .min_by_key(|(id, mailbox)| (mailbox.is_busy(), **id));
        match oldest {
            Some((_, mailbox)) if mailbox.is_busy() => state.questions.push(asked).map_err(UnclaimedRequest::TooMany),
            Some((_, mailbox)) => {
                mailbox.set_busy(true);
                mailbox.put_asked(asked);
                Ok(())
            }
            None => Err(UnclaimedRequest::NoCallWaits(asked)),
        }
    }

    /// Drops what the server has asked and does not want to know any more, where no call has begun to deal with it.
    pub fn forget_asked(&self, id: &str) {
        let mut state = self.lock();
        state.questions.retain(|asked| !ids::is_same_id(&asked.id, id));
        state.waiting.values().filter_map(|slot| slot.mailbox.as_ref()).for_each(|mailbox| mailbox.forget_asked(id));
    }

    /// Something for a call that is free: what has come for it, or a question that waits for such a call. It deals with it now.
    fn next_message(&self, slot: &PendingSlot) -> Option<InboundMessage> {
        let mailbox = slot.mailbox.as_ref()?;
        let mut state = self.lock();
        let message = mailbox.take_first().or_else(|| {
            // A question that came before the answer is asked before the answer is handed out, where no other call can take it.
            let is_other = |other: &&Arc<PendingSlot>| !std::ptr::eq(Arc::as_ptr(other), slot);
            let mut others = state.waiting.values().filter(is_other);
            let is_last = !slot.is_subscription && !others.any(|other| other.for_questions().is_some());
            let takes_one = slot.for_questions().is_some() || is_last;
            takes_one.then(|| state.questions.pop())?.map(InboundMessage::ServerRequest)
        });
        mailbox.set_busy(message.is_some());
        message
    }

    /// Ends every call that waits, and every one that comes.
    pub fn end(&self, error: &Error) {
        let mut state = self.lock();
        state.ended = Some(error.clone());
        state.waiting.values().for_each(|slot| slot.fill(RpcOutcome::Failed(error.clone())));
        self.end_event.set();
    }

    /// Notes what a call's requests have carried here.
    pub fn record_sent_credentials(&self, call: &CallContext) {
        let mut sent_credentials = self.lock_sent_credentials();
        for set in call.credentials() {
            if !sent_credentials.iter().any(|known| Arc::ptr_eq(known, &set)) {
                sent_credentials.push_back(set);
            }
        }
        let surplus = sent_credentials.len().saturating_sub(MAX_CARRIED);
        sent_credentials.drain(..surplus);
    }

    /// Tells a call what has been carried here, so that it shows nothing of it.
    pub fn share_credentials(&self, call: &CallContext) {
        self.lock_sent_credentials().iter().for_each(|set| call.record_credentials(set));
        call.record_secrets(&self.secrets);
    }

    fn lock_sent_credentials(&self) -> MutexGuard<'_, VecDeque<Arc<HeaderSet>>> {
        self.sent_credentials.lock()
    }

    /// Whether new calls have to take another connection. Those that wait keep this one.
    pub fn needs_new_session(&self) -> bool {
        self.is_retired.load(Ordering::Relaxed) || self.lock().ended.is_some()
    }

    /// Why nothing comes any more.
    pub fn ended(&self) -> Option<Error> {
        self.lock().ended.clone()
    }

    /// Bytes have come, whatever they were.
    pub fn record_heard(&self) {
        self.lock().received_any = Instant::now();
    }

    /// A call has ended by its timeout. Where nothing came for long, the next one takes another stream. Calls that wait on this one
    /// keep it until their own end: it may be alive.
    pub fn retire_if_silent(&self) {
        if !self.is_process && self.silent_for() >= DEAD_SILENCE {
            self.retire();
        }
    }

    /// The next call takes another connection.
    pub fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
    }

    fn silent_for(&self) -> Duration {
        self.lock().received_any.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, PendingState> {
        self.state.lock()
    }
}

impl PendingSlot {
    fn fill(&self, delivered: RpcOutcome) {
        // Of two answers, the first one counts.
        let _ = self.outcome.set(delivered);
        self.done.set();
    }

    /// Where what the server asks can be put.
    fn for_questions(&self) -> Option<&Mailbox> {
        self.mailbox.as_ref().filter(|_| !self.is_subscription && self.outcome.get().is_none())
    }
}

impl PendingResponse<'_> {
    /// Raised when the answer is there.
    pub fn done(&self) -> Arc<PollableEvent> {
        Arc::clone(&self.slot.done)
    }

    /// How many notifications had to go because they came faster than the call took them.
    pub fn dropped(&self) -> u64 {
        self.slot.mailbox.as_ref().map_or(0, Mailbox::dropped)
    }

    /// The answer, if it is there.
    pub fn delivered(&self) -> Option<RpcOutcome> {
        self.slot.outcome.get().cloned()
    }

    /// Waits for the answer, or for what comes before it.
    pub fn wait(&self, call: &CallContext) -> Result<PendingEvent> {
        self.wait_for_more(call).map_err(|error| self.explained(call, error))
    }

    /// The error of a call to which no answer came.
    pub fn explained(&self, call: &CallContext, error: Error) -> Error {
        // What came may show what others have carried here, or what the process was given.
        self.pending.share_credentials(call);
        skipped_input::explained(error, call, self.pending.response(), self.slot.skipped.get().map(|first| &**first))
    }

    /// Gives the place up. What the server has asked and this call has not dealt with goes to another one; where there is none, its ids
    /// are given back.
    pub fn leave(&self) -> Vec<String> {
        let mut state = self.pending.lock();
        state.waiting.remove(&self.id);
        let Some(mailbox) = &self.slot.mailbox else { return Vec::new() };
        let has_other = state.waiting.values().any(|slot| slot.for_questions().is_some());
        let left = if has_other { VecDeque::new() } else { state.questions.take() };
        drop(state);
        let left = mailbox.take_asked().into_iter().chain(left);
        let undelivered = left.filter_map(|asked| self.pending.deliver_asked(asked).err());
        undelivered.map(|(UnclaimedRequest::NoCallWaits(asked) | UnclaimedRequest::TooMany(asked))| asked.id).collect()
    }

    fn wait_for_more(&self, call: &CallContext) -> Result<PendingEvent> {
        let wait_context = call.wait_context().clone();
        let stopped = |stop: Interrupt| stopped_at(&stop, RequestPhase::Head.doing(), &wait_context);
        // What waits already; one at a time: what ends the call is looked at before each.
        wait_context.check().map_err(stopped)?;
        if let Some(message) = self.pending.next_message(&self.slot) {
            return Ok(PendingEvent::InboundMessage(message));
        }
        let begun = Instant::now();
        loop {
            // What came for others is a sign of life, too.
            let silence = || self.pending.silent_for().min(begun.elapsed());
            let pause = wait_context.idle.map(|idle| idle.saturating_sub(silence()));
            let wakeup = self.slot.mailbox.as_ref().map(|mailbox| (mailbox.wakeup.waitable(), Interest::Read));
            let fds = [Some((self.slot.done.waitable(), Interest::Read)), wakeup];
            let fds: Vec<_> = fds.into_iter().flatten().collect();
            let ready = wait_context.wait_any(&fds, pause).map_err(|stop| {
                if matches!(stop, Interrupt::TimedOut) {
                    self.pending.retire_if_silent();
                }
                stopped(stop)
            })?;
            // In the order in which they came: all letters were written before the answer, which is looked at first, so that
            // none comes between the two looks.
            let outcome = self.slot.outcome.get();
            if let Some(message) = self.pending.next_message(&self.slot) {
                return Ok(PendingEvent::InboundMessage(message));
            }
            match outcome {
                Some(delivered) if ready.is_some() => return Ok(PendingEvent::TransportResponse(delivered.clone())),
                _ if wait_context.idle.is_some_and(|idle| silence() >= idle) => {
                    self.pending.retire_if_silent();
                    return Err(stopped(Interrupt::Idle));
                }
                _ => {}
            }
        }
    }
}

impl Drop for PendingResponse<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests;
