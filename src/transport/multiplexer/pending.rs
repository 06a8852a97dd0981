//! The pending requests of a stream that all calls share, and the delivery of responses, notifications and server
//! requests to the calls. Callers and the reader thread use it at the same time.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::mailbox::{InboundMessage, Mailbox};
use crate::call::bounded_queue::BoundedQueue;
use crate::call::context::{CallContext, CallSecrets};
use crate::call::headers::HeaderSet;
use crate::call::interrupt::interrupt_error;
use crate::call::new_event;
use crate::call::request::PeerContext;
use crate::call::secrets::SecretTexts;
use crate::call::skipped_input::{self, Excerpt, Received, SkippedInput};
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

/// How many sets of sent credentials are remembered.
const MAX_SENT_CREDENTIALS: usize = 16;

/// If a call times out after a silence of this length, the connection may have been lost without a FIN: most servers
/// send something more often, at least a comment. Silence alone does not end a call, because some servers send nothing
/// before a response.
const MAX_SILENCE: Duration = Duration::from_secs(20);

/// How many server requests may wait for a call that can handle them.
pub const MAX_QUEUED_REQUESTS: usize = 64;

/// The requests of one connection that wait for a response.
pub struct PendingRequests {
    /// The stream is the stdout of a process.
    is_process: bool,
    /// Secrets of the endpoint URL, or of the environment of the process. They are redacted in quoted data.
    secrets: Arc<SecretTexts>,
    /// The negotiated protocol version.
    pub version: OnceLock<&'static str>,
    /// New calls must use another connection: a call timed out after a long silence, or the process has exited.
    is_retired: AtomicBool,
    /// Set when the connection is no longer used.
    pub stop: Arc<PollableEvent>,
    /// Set when no more data can arrive. Has a descriptor only if a listener waits for it.
    pub end_event: Arc<PollableEvent>,
    state: Mutex<PendingState>,
    /// The credentials of the last requests. Received data may contain any of them.
    sent_credentials: Mutex<VecDeque<Arc<HeaderSet>>>,
    /// Sent requests have come back from a terminal.
    has_echo: AtomicBool,
}

/// The pending requests by their ids, and the ids by what messages refer to: finding the call for a message does not
/// take longer when more calls wait.
struct PendingState {
    slots: HashMap<u64, Arc<PendingSlot>>,
    /// The requests of the calls that request progress, by the progress token.
    progress_tokens: HashMap<u64, Arc<PendingSlot>>,
    /// How many calls can handle server requests.
    handling_calls: usize,
    /// Those of them that are waiting, the oldest first. The others are busy: they are handling a message, or still
    /// sending their request.
    free_calls: BTreeSet<u64>,
    /// The calls whose mailboxes contain a server request.
    with_server_request: BTreeSet<u64>,
    /// The calls for which no skipped data is recorded yet.
    without_excerpt: BTreeSet<u64>,
    /// Server requests that arrived while all calls were busy.
    server_requests: BoundedQueue<ServerRequest>,
    skipped: SkippedInput,
    /// The beginning of the last line that a process has printed, if it has no line break yet.
    unfinished_line: Option<Arc<Excerpt>>,
    /// Why no more responses can arrive.
    end_reason: Option<Error>,
    /// When the last byte arrived.
    last_received: Instant,
}

/// One pending request: its response, and the messages that arrive for its call before it.
struct PendingSlot {
    id: u64,
    done: Arc<PollableEvent>,
    outcome: OnceLock<RpcOutcome>,
    method: String,
    /// The first data that arrived during the call and is not a message.
    skipped: OnceLock<Arc<Excerpt>>,
    /// Zero if the call requests no progress.
    progress_token: u64,
    is_subscription: bool,
    /// `None` if the call accepts only its response.
    mailbox: Option<Mailbox>,
    secrets: CallSecrets,
}

/// What a waiting call receives.
pub enum PendingEvent {
    Message(InboundMessage),
    Outcome(RpcOutcome),
}

/// A server request that no call can handle.
pub enum UnclaimedRequest {
    NoCallWaits(ServerRequest),
    /// Too many requests are queued already.
    TooMany(ServerRequest),
}

/// How a request ended.
#[derive(Clone)]
pub enum RpcOutcome {
    Result(RpcResponse),
    /// The server responded with an error.
    Refused(RpcError),
    /// The response is invalid, or none can arrive any more.
    Failed(Error),
}

/// A request that waits for its response. It is unregistered when this is dropped.
pub struct PendingResponse<'a> {
    pending: &'a PendingRequests,
    slot: Arc<PendingSlot>,
}

impl PendingRequests {
    pub fn new(is_process: bool, secrets: Arc<SecretTexts>) -> Result<PendingRequests> {
        let state = PendingState {
            slots: HashMap::new(),
            progress_tokens: HashMap::new(),
            handling_calls: 0,
            free_calls: BTreeSet::new(),
            with_server_request: BTreeSet::new(),
            without_excerpt: BTreeSet::new(),
            server_requests: BoundedQueue::new(MAX_QUEUED_REQUESTS),
            skipped: SkippedInput::default(),
            unfinished_line: None,
            end_reason: None,
            last_received: Instant::now(),
        };
        let stop = Arc::new(new_event()?);
        Ok(PendingRequests {
            is_process,
            secrets,
            version: OnceLock::new(),
            is_retired: AtomicBool::new(false),
            stop,
            end_event: Arc::default(),
            state: Mutex::new(state),
            sent_credentials: Mutex::default(),
            has_echo: AtomicBool::new(false),
        })
    }

    /// The context for messages that the reader thread sends.
    pub fn peer_context(&self) -> PeerContext {
        let version = self.version.get().copied();
        let era = version.and_then(known).map_or(Era::Legacy, |(_, era)| era);
        PeerContext { era, version, session_id: None }
    }

    /// The name of the stream, for messages.
    pub fn stream_name(&self) -> &'static str {
        if self.is_process { skipped_input::ON_STDOUT } else { skipped_input::ON_STREAM }
    }

    /// Registers a request before it is sent. `accepts_server_requests` says whether the call may handle server
    /// requests.
    pub fn add_request(
        &self,
        call: &CallContext,
        id: u64,
        method: &str,
        accepts_server_requests: bool,
    ) -> Result<PendingResponse<'_>> {
        let has_mailbox = call.progress_token() != 0 || accepts_server_requests;
        self.add(call, (id, method), has_mailbox, false)
    }

    /// Registers a subscription before it is sent. Its notifications arrive before the response.
    pub fn add_subscription(&self, call: &CallContext, id: u64, method: &str) -> Result<PendingResponse<'_>> {
        self.add(call, (id, method), true, true)
    }

    fn add(
        &self,
        call: &CallContext,
        (id, method): (u64, &str),
        has_mailbox: bool,
        is_subscription: bool,
    ) -> Result<PendingResponse<'_>> {
        let mailbox = has_mailbox.then(Mailbox::new).transpose()?;
        // A call with a mailbox waits for the event of the mailbox. A POST of HTTP+SSE waits for `done`, too.
        let done = if has_mailbox && self.is_process { PollableEvent::default() } else { new_event()? };
        let slot = Arc::new(PendingSlot {
            id,
            done: Arc::new(done),
            outcome: OnceLock::new(),
            method: method.to_owned(),
            skipped: OnceLock::new(),
            progress_token: call.progress_token(),
            is_subscription,
            mailbox,
            secrets: call.call_secrets(),
        });
        let mut state = self.lock();
        if let Some(end_reason) = &state.end_reason {
            return Err(end_reason.clone());
        }
        // The first calls may still use a process that has exited: their error then says how it exited.
        let is_handshake = self.is_process && self.version.get().is_none();
        if self.is_retired.load(Ordering::Relaxed) && !is_handshake {
            return Err(Error::new(MCP_DISCONNECTED, "the connection is no longer used; a new one is opened"));
        }
        // The error of the first request quotes what a program prints at its start.
        match state.skipped.first().filter(|_| self.version.get().is_none()) {
            Some(first) => drop(slot.skipped.set(Arc::clone(first))),
            None => drop(state.without_excerpt.insert(id)),
        }
        if slot.progress_token != 0 {
            state.progress_tokens.insert(slot.progress_token, Arc::clone(&slot));
        }
        state.handling_calls += usize::from(slot.handles_requests());
        state.slots.insert(id, Arc::clone(&slot));
        Ok(PendingResponse { pending: self, slot })
    }

    /// Whether a call waits for the response to request `id`.
    pub fn is_awaited(&self, id: u64) -> bool {
        self.lock().slots.contains_key(&id)
    }

    /// Records data that is not a message, for the errors of the waiting calls. Returns the log level for it.
    pub fn record_skipped(&self, excerpt: &Arc<Excerpt>, has_custom_name: bool) -> LogLevel {
        let mut state = self.lock();
        for id in std::mem::take(&mut state.without_excerpt) {
            if let Some(slot) = state.slots.get(&id) {
                let _ = slot.skipped.set(Arc::clone(excerpt));
            }
        }
        state.skipped.note(excerpt, has_custom_name)
    }

    /// Records the bytes that a process has printed after its last line break, for the errors of the waiting calls.
    pub fn record_unfinished_line(&self, bytes: &[u8]) {
        let excerpt = (!bytes.is_empty()).then(|| Arc::new(Excerpt::of_beginning(bytes)));
        self.lock().unfinished_line = excerpt;
    }

    /// Whether a received request is an echo of a sent one: a terminal echoes its input.
    pub fn is_echo(&self, id: &str, method: &str) -> bool {
        let Some(number) = ids::number(id).filter(|_| self.is_process && !id.starts_with('"')) else {
            return false;
        };
        let has_echo = self.has_echo.load(Ordering::Relaxed);
        let is_pending = || self.lock().slots.get(&number).is_some_and(|slot| slot.method == method);
        // Servers may send these, too, so the method alone proves no echo. The first request is never one of these.
        if InputKind::of(method).is_some() || method == "ping" || method.starts_with("tasks/") {
            return has_echo && is_pending();
        }
        has_echo || is_pending()
    }

    /// Records that the server's terminal echoes; true for the first time.
    pub fn record_echo(&self) -> bool {
        !self.has_echo.swap(true, Ordering::Relaxed)
    }

    /// Delivers a response to the call that waits for it. A response without an id (`None`) is for the only waiting
    /// call. Returns the response if no call waits for it.
    pub fn deliver(&self, id: Option<u64>, outcome: RpcOutcome) -> Option<RpcOutcome> {
        let mut state = self.lock();
        let slot = match id {
            Some(id) => state.slots.get(&id),
            None if state.slots.len() == 1 => state.slots.values().next(),
            None => None,
        };
        let Some(slot) = slot.map(Arc::clone) else { return Some(outcome) };
        state.remove_handling_call(&slot);
        slot.fill(outcome);
        None
    }

    /// Delivers a notification to the call that it is for. Returns it if it is for no call.
    pub fn deliver_notification(&self, notification: Notification) -> Option<Notification> {
        let (token, subscription) = (notification.progress_token(), notification.subscription());
        let state = self.lock();
        let slot = match (token, subscription) {
            (Some(token), _) => state.progress_tokens.get(&token),
            (None, Some(id)) => state.slots.get(&id).filter(|slot| slot.is_subscription),
            (None, None) => None,
        };
        // After the response, the call accepts no more notifications.
        match slot.filter(|slot| slot.outcome.get().is_none()).and_then(|slot| slot.mailbox.as_ref()) {
            Some(mailbox) => mailbox.put_notification(notification),
            None => return Some(notification),
        }
        None
    }

    /// Delivers a server request to the oldest call that is not busy: a handler may block the call's thread for long,
    /// but not the reader's. If all calls are busy, the request is queued for the first one that is free.
    pub fn deliver_server_request(&self, request: ServerRequest) -> Result<(), UnclaimedRequest> {
        let mut state = self.lock();
        if state.handling_calls == 0 {
            return Err(UnclaimedRequest::NoCallWaits(request));
        }
        let oldest = state.free_calls.pop_first();
        match oldest.and_then(|id| state.slots.get(&id)?.mailbox.as_ref()) {
            Some(mailbox) => mailbox.put_server_request(request),
            None => return state.server_requests.push(request).map_err(UnclaimedRequest::TooMany),
        }
        state.with_server_request.extend(oldest);
        Ok(())
    }

    /// Drops a server request that the server has cancelled, unless a call handles it already.
    pub fn forget_server_request(&self, id: &str) {
        let mut state = self.lock();
        state.server_requests.retain(|request| !ids::is_same_id(&request.id, id));
        let PendingState { slots, with_server_request, .. } = &mut *state;
        let mailbox = |slot_id: &u64| slots.get(slot_id).and_then(|slot| slot.mailbox.as_ref());
        with_server_request
            .retain(|slot_id| !mailbox(slot_id).is_some_and(|mailbox| mailbox.forget_server_request(id)));
    }

    /// The next message for a call: from its mailbox, or else a queued server request. The call is then busy. If there
    /// is no message, the response, so that the call gets everything in the order of arrival.
    fn next_event(&self, slot: &PendingSlot) -> Option<PendingEvent> {
        let outcome = || slot.outcome.get().cloned().map(PendingEvent::Outcome);
        let Some(mailbox) = &slot.mailbox else { return outcome() };
        // Nothing arrives between the two reads, because deliveries lock the state, too.
        let mut state = self.lock();
        let message = mailbox.take_first();
        if let Some(InboundMessage::ServerRequest(_)) = &message {
            state.with_server_request.remove(&slot.id);
        }
        let message = message.or_else(|| {
            // After its response has arrived, a call takes queued server requests only if no other call can handle
            // them.
            let is_last = !slot.is_subscription && state.handling_calls == 0;
            let takes_one = slot.handles_requests() || is_last;
            takes_one.then(|| state.server_requests.pop())?.map(InboundMessage::ServerRequest)
        });
        if message.is_some() {
            state.free_calls.remove(&slot.id);
        } else if slot.handles_requests() {
            state.free_calls.insert(slot.id);
        }
        message.map(PendingEvent::Message).or_else(outcome)
    }

    /// Fails all waiting calls, and all later ones.
    pub fn end(&self, error: &Error) {
        let mut state = self.lock();
        state.end_reason = Some(error.clone());
        state.handling_calls = 0;
        state.free_calls.clear();
        state.slots.values().for_each(|slot| slot.fill(RpcOutcome::Failed(error.clone())));
        self.end_event.set();
    }

    /// Remembers the credentials that a call has sent on this connection.
    pub fn record_sent_credentials(&self, call: &CallContext) {
        let mut sent_credentials = self.lock_sent_credentials();
        for set in call.credentials() {
            if !sent_credentials.iter().any(|known| Arc::ptr_eq(known, &set)) {
                sent_credentials.push_back(set);
            }
        }
        let surplus = sent_credentials.len().saturating_sub(MAX_SENT_CREDENTIALS);
        sent_credentials.drain(..surplus);
    }

    /// Passes the secrets of this connection to a call, which redacts them in its messages.
    pub fn share_secrets(&self, call: &CallContext) {
        self.lock_sent_credentials().iter().for_each(|set| call.record_credentials(set));
        call.record_secrets(&self.secrets);
    }

    /// Passes also the credentials of the waiting calls, which the server knows before a request is completely sent.
    pub fn share_secrets_of_calls(&self, call: &CallContext) {
        self.share_secrets(call);
        // A process gets no credentials.
        if !self.is_process {
            let waiting: Vec<_> = self.lock().slots.values().map(Arc::clone).collect();
            waiting.iter().flat_map(|slot| slot.secrets.credentials()).for_each(|set| call.record_credentials(&set));
        }
    }

    fn lock_sent_credentials(&self) -> MutexGuard<'_, VecDeque<Arc<HeaderSet>>> {
        self.sent_credentials.lock()
    }

    /// Whether new calls must use another connection. Waiting calls keep this one.
    pub fn needs_new_session(&self) -> bool {
        self.is_retired.load(Ordering::Relaxed) || self.lock().end_reason.is_some()
    }

    /// Why the stream ended, if it has.
    pub fn end_reason(&self) -> Option<Error> {
        self.lock().end_reason.clone()
    }

    /// Records that bytes have arrived.
    pub fn record_received(&self) {
        self.lock().last_received = Instant::now();
    }

    /// Retires the connection after a timeout if it was silent for long. Calls that wait on it keep it until they end,
    /// because it may still work.
    pub fn retire_if_silent(&self) {
        if !self.is_process && self.silent_for() >= MAX_SILENCE {
            self.retire();
        }
    }

    /// Makes new calls use another connection.
    pub fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
    }

    fn silent_for(&self) -> Duration {
        self.lock().last_received.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, PendingState> {
        self.state.lock()
    }
}

impl PendingState {
    /// A call ends, or gets its response: it handles no more server requests.
    fn remove_handling_call(&mut self, slot: &PendingSlot) {
        if slot.handles_requests() {
            self.handling_calls -= 1;
            self.free_calls.remove(&slot.id);
        }
    }

    fn remove(&mut self, slot: &PendingSlot) {
        if self.slots.remove(&slot.id).is_none() {
            return;
        }
        self.remove_handling_call(slot);
        self.with_server_request.remove(&slot.id);
        self.without_excerpt.remove(&slot.id);
        // The token may already belong to a later request of the call.
        if self.progress_tokens.get(&slot.progress_token).is_some_and(|owner| owner.id == slot.id) {
            self.progress_tokens.remove(&slot.progress_token);
        }
    }
}

impl PendingSlot {
    fn fill(&self, outcome: RpcOutcome) {
        // The first of several responses counts.
        let _ = self.outcome.set(outcome);
        self.done.set();
        self.mailbox.iter().for_each(|mailbox| mailbox.wakeup.set());
    }

    /// Whether the call can handle server requests: it has not got its response.
    fn handles_requests(&self) -> bool {
        self.mailbox.is_some() && !self.is_subscription && self.outcome.get().is_none()
    }
}

impl PendingResponse<'_> {
    /// Set when the response has arrived.
    pub fn done(&self) -> Arc<PollableEvent> {
        Arc::clone(&self.slot.done)
    }

    /// How many notifications were dropped because they arrived faster than the call handled them.
    pub fn dropped(&self) -> u64 {
        self.slot.mailbox.as_ref().map_or(0, Mailbox::dropped)
    }

    /// The response, if it has arrived.
    pub fn outcome(&self) -> Option<RpcOutcome> {
        self.slot.outcome.get().cloned()
    }

    /// Waits for the response, or for a message that arrives before it.
    pub fn wait(&self, call: &CallContext) -> Result<PendingEvent> {
        self.wait_for_more(call).map_err(|error| self.explained(call, error))
    }

    /// The error of a call without a response, with the data that arrived instead.
    pub fn explained(&self, call: &CallContext, error: Error) -> Error {
        // The data may contain credentials of other calls, or secrets of the process's environment.
        self.pending.share_secrets(call);
        let skipped = self.slot.skipped.get().map(|first| &**first);
        if !self.pending.is_process {
            return skipped_input::explained(error, call, skipped);
        }
        let state = self.pending.lock();
        let (unfinished, before) = (state.unfinished_line.clone(), state.skipped.first().cloned());
        drop(state);
        // Output before the call may explain a silence. An exit is explained by its status and by stderr.
        let before = before.filter(|_| error.status() == MCP_TIMEOUT);
        let received = skipped
            .map(Received::Instead)
            .or_else(|| unfinished.as_deref().map(Received::Unfinished))
            .or_else(|| before.as_deref().map(Received::Before));
        skipped_input::explained_by_stdout(error, call, received)
    }

    /// Unregisters the request. Server requests that this call has not handled go to another call. If there is none,
    /// their ids are returned.
    pub fn unregister(&self) -> Vec<String> {
        let mut state = self.pending.lock();
        state.remove(&self.slot);
        let Some(mailbox) = &self.slot.mailbox else { return Vec::new() };
        let has_other = state.handling_calls > 0;
        let unhandled = if has_other { VecDeque::new() } else { state.server_requests.take() };
        drop(state);
        let unhandled = mailbox.take_server_requests().into_iter().chain(unhandled);
        let undelivered = unhandled.filter_map(|request| self.pending.deliver_server_request(request).err());
        undelivered
            .map(|(UnclaimedRequest::NoCallWaits(request) | UnclaimedRequest::TooMany(request))| request.id)
            .collect()
    }

    fn wait_for_more(&self, call: &CallContext) -> Result<PendingEvent> {
        let wait_context = call.wait_context().clone();
        let error_for = |interrupt: Interrupt| interrupt_error(&interrupt, RequestPhase::Head.doing(), &wait_context);
        // Queued messages are returned one at a time, and the call's interrupts are checked before each.
        wait_context.check().map_err(error_for)?;
        let event = self.slot.mailbox.as_ref().map_or(&*self.slot.done, |mailbox| &mailbox.wakeup);
        let start = Instant::now();
        // Data for other calls counts, too: the server is alive.
        let silence = || self.pending.silent_for().min(start.elapsed());
        loop {
            if let Some(event) = self.pending.next_event(&self.slot) {
                return Ok(event);
            }
            let pause = wait_context.idle.map(|idle| idle.saturating_sub(silence()));
            let waited = wait_context.wait_any(&[(event.waitable(), Interest::Read)], pause);
            let ready = waited.map_err(|interrupt| {
                if matches!(interrupt, Interrupt::TimedOut) {
                    self.pending.retire_if_silent();
                }
                error_for(interrupt)
            })?;
            if ready.is_none() && wait_context.idle.is_some_and(|idle| silence() >= idle) {
                self.pending.retire_if_silent();
                return Err(error_for(Interrupt::Idle));
            }
        }
    }
}

impl Drop for PendingResponse<'_> {
    fn drop(&mut self) {
        self.unregister();
    }
}

#[cfg(test)]
mod tests;
