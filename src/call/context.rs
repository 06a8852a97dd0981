//! The context of one API call: its limits, its options, and its secrets.

use std::cell::{Cell, Ref, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ::http::HeaderValue;

use super::headers::HeaderSet;
use super::interrupt::{BEFORE_SENDING, interrupt_error};
use super::issued_credentials::IssuedCredentials;
use super::known_secrets::KnownSecrets;
use super::object;
use super::pause_clock::PauseClock;
use super::secrets::{LastPatterns, SecretTexts, Secrets};
use crate::error::{Error, Result};
use crate::log::{Log, LogLevel};
use crate::protocol::incoming::Notification;
use crate::protocol::params::{Params, members};
use crate::protocol::progress::Progress;
use crate::status::MCP_INVALID_ARGUMENT;
use crate::sys::lock::Mutex;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::{Interest, Interrupt, WaitContext};

/// How often a waiting call checks whether a callback on another thread has ended.
const CALLBACK_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The longest time that a server may take to respond to an attempt that has a fallback, such as another transport.
const MAX_FALLBACK_LIMIT: Duration = Duration::from_secs(5);

/// Options of one call.
#[derive(Clone, Default)]
pub struct CallOptions {
    /// `None`: the client's timeout. Zero: no timeout.
    pub timeout_ms: Option<u64>,
    /// Zero: no idle limit.
    pub idle_ms: u64,
    pub cancel: Option<Arc<PollableEvent>>,
    pub extras: RequestExtras,
}

/// A time limit from the C interface, in milliseconds: zero means no limit.
pub fn limit(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

impl CallOptions {
    /// Sets the members of `_meta`, the text of a JSON object; `None` removes them.
    pub fn set_meta(&mut self, meta: Option<&str>) -> Result<()> {
        let meta = meta.map(|meta| object(meta, "the _meta")).transpose()?;
        self.extras.meta = meta.map(Arc::from);
        Ok(())
    }

    pub fn set_header(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let mut headers = self.extras.headers.as_deref().cloned().unwrap_or_default();
        headers.set_header(name, value)?;
        self.extras.headers = Some(Arc::new(headers));
        Ok(())
    }
}

/// What the caller adds to the requests of one call.
#[derive(Clone, Default)]
pub struct RequestExtras {
    /// Members of `_meta`: the text of a JSON object.
    pub meta: Option<Arc<str>>,
    pub headers: Option<Arc<HeaderSet>>,
    pub progress: Option<Arc<ProgressCallback>>,
}

/// Called with the progress, the total if it is known, and the server's message if there is one.
pub type ProgressCallback = dyn Fn(f64, Option<f64>, Option<&str>) + Send + Sync;

/// How many sets of secrets are kept that a server may change with each response.
const MAX_CHANGING_SECRETS: usize = 16;

/// The context of one API call. It may be moved to another thread. It has no reference to the client or the session:
/// the values that it needs of them are recorded here.
#[derive(Clone)]
pub struct CallContext {
    wait_context: RefCell<WaitContext>,
    /// The deadline and the timeout of the whole call, if `wait_context` has narrower ones.
    whole_call: Cell<Option<CallLimit>>,
    /// The time in callbacks by which the deadline was already extended.
    applied_pauses: Cell<Duration>,
    /// The time at authorization servers by which a narrower deadline was already extended.
    applied_authorization: Cell<Duration>,
    /// Whether the auth callback may run for this call.
    pub may_run_auth_callback: bool,
    /// The application asks for a login.
    pub is_login: bool,
    shared: Arc<SharedCallState>,
}

/// The time limit of a call.
#[derive(Clone, Copy, Debug)]
struct CallLimit {
    deadline: Option<Instant>,
    timeout: Option<Duration>,
}

/// A step of an authorization that a call takes only once: otherwise a server could keep the user busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationStep {
    Refresh,
    Login,
    /// A login for more scopes.
    StepUp,
}

/// What all copies of a call's context share.
struct SharedCallState {
    extras: RequestExtras,
    /// The token of its progress notifications; zero if it requests none.
    progress_token: u64,
    /// The time spent in callbacks, in nanoseconds.
    paused: AtomicU64,
    /// The time spent at authorization servers, in nanoseconds.
    authorization_time: AtomicU64,
    clock: OnceLock<Arc<PauseClock>>,
    /// How often the server has refused credentials from the auth callback.
    refusals: AtomicU32,
    /// A bit for each [`AuthorizationStep`] that was taken.
    authorization_steps: AtomicU32,
    /// New credentials from the auth callback for the next request, after a refusal.
    issued: Mutex<Option<IssuedCredentials>>,
    sent: Mutex<SentSecrets>,
    known: Arc<KnownSecrets>,
    last_patterns: Arc<LastPatterns>,
    log: Arc<Log>,
}

/// Secrets that were sent with the requests of a call. They stay secret even if the application has set other
/// credentials since.
#[derive(Default)]
struct SentSecrets {
    credentials: Vec<Arc<HeaderSet>>,
    session_id: Option<HeaderValue>,
    /// Those of other sessions, if the call was retried in a new one.
    other_session_ids: Vec<HeaderValue>,
    /// From URLs and proxy settings.
    fixed: Vec<Arc<SecretTexts>>,
    /// From cookies, the newest last.
    changing: VecDeque<Arc<SecretTexts>>,
}

impl CallContext {
    /// `progress_token` is zero if the caller requests no progress notifications.
    pub fn new(
        wait_context: WaitContext,
        may_run_auth_callback: bool,
        (extras, progress_token): (RequestExtras, u64),
        (known, last_patterns): (Arc<KnownSecrets>, Arc<LastPatterns>),
        log: Arc<Log>,
    ) -> CallContext {
        let shared = SharedCallState {
            extras,
            progress_token,
            paused: AtomicU64::default(),
            authorization_time: AtomicU64::default(),
            clock: OnceLock::new(),
            refusals: AtomicU32::default(),
            authorization_steps: AtomicU32::default(),
            issued: Mutex::default(),
            sent: Mutex::default(),
            known,
            last_patterns,
            log,
        };
        CallContext {
            wait_context: RefCell::new(wait_context),
            whole_call: Cell::default(),
            applied_pauses: Cell::default(),
            applied_authorization: Cell::default(),
            may_run_auth_callback,
            is_login: false,
            shared: Arc::new(shared),
        }
    }

    /// A copy whose deadline is at most `limit` from now. The time that is spent at an authorization server does not
    /// count: the limit is for the server, and not for the login.
    pub fn within(&self, limit: Duration) -> CallContext {
        let wait_context = self.wait_context().within(limit);
        let whole_call = self.whole_call.get().unwrap_or_else(|| {
            let WaitContext { deadline, timeout, .. } = *self.wait_context();
            CallLimit { deadline, timeout }
        });
        CallContext {
            wait_context: RefCell::new(wait_context),
            whole_call: Cell::new(Some(whole_call)),
            applied_authorization: Cell::new(self.authorization_time()),
            ..self.clone()
        }
    }

    /// Runs `authorize` with a copy that has the limits of the whole call. Narrower limits do not count the time.
    pub fn authorizing<T>(&self, authorize: impl FnOnce(&CallContext) -> T) -> T {
        let Some(CallLimit { deadline, timeout }) = self.whole_limit() else { return authorize(self) };
        let wait_context = WaitContext { deadline, timeout, ..self.wait_context().clone() };
        let whole =
            CallContext { wait_context: RefCell::new(wait_context), whole_call: Cell::default(), ..self.clone() };
        let (start, paused) = (Instant::now(), self.paused_so_far());
        let outcome = authorize(&whole);
        let new_pauses = self.paused_so_far().saturating_sub(paused);
        let time = nanoseconds(start.elapsed().saturating_sub(new_pauses));
        self.shared.authorization_time.fetch_add(time, Ordering::Relaxed);
        outcome
    }

    /// The limit of the whole call, if this context has a narrower one.
    fn whole_limit(&self) -> Option<CallLimit> {
        drop(self.wait_context());
        self.whole_call.get()
    }

    fn authorization_time(&self) -> Duration {
        Duration::from_nanos(self.shared.authorization_time.load(Ordering::Relaxed))
    }

    /// How long to wait for a response to an attempt that has a fallback, such as another transport.
    pub fn fallback_limit(&self) -> Duration {
        self.wait_context().timeout.map_or(MAX_FALLBACK_LIMIT, |allowed| (allowed / 3).min(MAX_FALLBACK_LIMIT))
    }

    /// A copy without deadline and idle limit: only cancelling the call or closing the client ends it.
    pub fn without_deadline(&self) -> CallContext {
        let wait_context = WaitContext { deadline: None, timeout: None, idle: None, ..self.wait_context().clone() };
        CallContext { wait_context: RefCell::new(wait_context), whole_call: Cell::default(), ..self.clone() }
    }

    /// A copy whose waits end soon after `done` is set.
    pub fn until_done(&self, done: Arc<PollableEvent>) -> CallContext {
        let wait_context = WaitContext { done: Some(done), ..self.wait_context().clone() };
        CallContext { wait_context: RefCell::new(wait_context), ..self.clone() }
    }

    /// This context, changed so that closing the client does not end the call.
    pub fn ignoring_close(self) -> CallContext {
        self.wait_context.borrow_mut().closed = None;
        self
    }

    /// This context, changed so that the auth callback does not run: requests carry the credentials that it issued
    /// last.
    pub fn without_auth_callback(self) -> CallContext {
        CallContext { may_run_auth_callback: false, ..self }
    }

    /// This context, changed so that a login may begin.
    pub fn for_login(self) -> CallContext {
        CallContext { is_login: true, ..self }
    }

    /// Records a step of an authorization. False if this call has taken it before.
    pub fn begin_step(&self, step: AuthorizationStep) -> bool {
        let bit = 1 << step as u32;
        self.shared.authorization_steps.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }

    /// The limits of the call's waits. The deadline has been extended by the time spent in callbacks, and a narrower
    /// deadline than that of the whole call by the time spent at authorization servers.
    pub fn wait_context(&self) -> Ref<'_, WaitContext> {
        let paused = self.paused_so_far();
        let new_pauses = paused.saturating_sub(self.applied_pauses.replace(paused));
        let later = |deadline: Option<Instant>, by: Duration| deadline.and_then(|deadline| deadline.checked_add(by));
        let mut new = new_pauses;
        if let Some(mut whole) = self.whole_call.get() {
            let authorization_time = self.authorization_time();
            new += authorization_time.saturating_sub(self.applied_authorization.replace(authorization_time));
            whole.deadline = later(whole.deadline, new_pauses);
            self.whole_call.set(Some(whole));
        }
        if !new.is_zero() {
            let whole = self.whole_call.get().and_then(|whole| whole.deadline);
            let mut wait_context = self.wait_context.borrow_mut();
            let deadline = later(wait_context.deadline, new);
            wait_context.deadline = deadline.map(|deadline| whole.map_or(deadline, |whole| deadline.min(whole)));
        }
        self.wait_context.borrow()
    }

    /// The clock of this call's callbacks. Threads that wait for this call read it, to exclude the time in callbacks.
    pub fn clock(&self) -> Arc<PauseClock> {
        Arc::clone(self.shared.clock.get_or_init(Arc::default))
    }

    /// Runs `callbacks`, and extends the deadline by the time that they add to [`CallContext::clock`].
    pub fn paused<T>(&self, callbacks: impl FnOnce(&PauseClock) -> T) -> T {
        let clock = self.clock();
        let (before, _) = clock.total();
        let outcome = callbacks(&clock);
        let (after, _) = clock.total();
        self.shared.set_paused(self.paused_so_far() + (after - before));
        outcome
    }

    /// The time spent in callbacks so far.
    pub fn paused_so_far(&self) -> Duration {
        Duration::from_nanos(self.shared.paused.load(Ordering::Relaxed))
    }

    /// Waits until another thread sets `done`. The time that it spends in callbacks, as counted by its `clock`, does
    /// not count.
    pub fn wait_for(&self, done: &PollableEvent, clock: &PauseClock) -> Result<()> {
        let before = self.paused_so_far();
        let (start, _) = clock.total();
        loop {
            let (total, is_running) = clock.total();
            self.shared.set_paused(before + (total - start));
            let mut wait_context = self.wait_context().clone();
            if is_running {
                wait_context.deadline = None;
            }
            match wait_context
                .wait_any(&[(done.waitable(), Interest::Read)], is_running.then_some(CALLBACK_POLL_INTERVAL))
            {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                // A callback may have begun since `total` was read, and may even have ended again.
                Err(Interrupt::TimedOut) if clock.total() != (total, false) => {}
                Err(interrupt) => return Err(self.interrupt_error(&interrupt)),
            }
        }
    }

    /// Waits for a callback on another thread, without a time limit. A call that closes the client keeps its time
    /// limit, because closing the client does not end it.
    pub fn wait_for_callback(&self, done: &PollableEvent) -> Result<()> {
        let wait_context = self.wait_context().clone();
        let is_closing = wait_context.closed.is_none();
        let wait_context =
            if is_closing { wait_context } else { WaitContext { deadline: None, idle: None, ..wait_context } };
        wait_context.wait(done.waitable(), Interest::Read).map_err(|interrupt| self.interrupt_error(&interrupt))
    }

    /// Counts a refusal of credentials from the auth callback. False if it is number `max_attempts` or a later one: the
    /// request is then not sent again.
    pub fn record_refusal(&self, max_attempts: u32) -> bool {
        self.shared.refusals.fetch_add(1, Ordering::Relaxed) + 1 < max_attempts
    }

    /// How many times the server has refused credentials during this call.
    pub fn refusals(&self) -> u32 {
        self.shared.refusals.load(Ordering::Relaxed)
    }

    /// Stores credentials from the auth callback for the next request.
    pub fn store_issued(&self, issued: IssuedCredentials) {
        *self.shared.issued.lock() = Some(issued);
    }

    /// Removes and returns the stored credentials.
    pub fn take_issued(&self) -> Option<IssuedCredentials> {
        self.shared.issued.lock().take()
    }

    /// Adds the call's members of `_meta`: the progress token, and those that the caller set.
    pub fn add_meta<'p>(&'p self, params: &mut Params<'p>) -> Result<()> {
        if self.shared.progress_token != 0 {
            params.set_meta("progressToken", self.shared.progress_token.to_string());
        }
        let extra = self.shared.extras.meta.as_deref().map_or(Ok(Vec::new()), members);
        let extra = extra.map_err(|why| Error::new(MCP_INVALID_ARGUMENT, format!("the _meta of the call: {why}")))?;
        params.extend_meta(extra);
        Ok(())
    }

    /// Whether a progress notification is for this call.
    pub fn is_progress(&self, notification: &Notification) -> bool {
        self.shared.progress_token != 0 && notification.progress_token() == Some(self.shared.progress_token)
    }

    /// The token of this call's progress notifications; zero if it requests none.
    pub fn progress_token(&self) -> u64 {
        self.shared.progress_token
    }

    /// Runs the progress callback for each of `all`, until the call is cancelled or its client closed. The time does
    /// not count against the timeout. It is measured once for all: a clock query takes as long as reading an event.
    pub fn report_progress(&self, all: &[Progress]) -> Result<(), Interrupt> {
        let Some(callback) = &self.shared.extras.progress else { return Ok(()) };
        let report = |progress: &Progress| {
            self.wait_context.borrow().interrupted()?;
            callback(progress.progress, progress.total, progress.message.as_deref());
            Ok(())
        };
        self.paused(|clock| clock.during(|| all.iter().try_for_each(report)))
    }

    /// Whether the caller has set members of `_meta` or headers for this call.
    pub fn has_extras(&self) -> bool {
        let RequestExtras { meta, headers, .. } = &self.shared.extras;
        meta.is_some() || headers.as_ref().is_some_and(|headers| !headers.is_empty())
    }

    /// The headers that the caller has set for this call.
    pub fn headers(&self) -> Option<&Arc<HeaderSet>> {
        self.shared.extras.headers.as_ref()
    }

    /// Records credentials that a request is sent with.
    pub fn record_credentials(&self, credentials: &Arc<HeaderSet>) {
        if !credentials.is_empty() {
            add_once(&mut self.shared.sent.lock().credentials, credentials);
        }
    }

    /// Records the id of a session, which must be redacted.
    pub fn record_session_id(&self, id: &HeaderValue) {
        let mut sent = self.shared.sent.lock();
        match &sent.session_id {
            None => sent.session_id = Some(id.clone()),
            Some(first) if first == id || sent.other_session_ids.contains(id) => {}
            Some(_) => sent.other_session_ids.push(id.clone()),
        }
    }

    /// Records secrets that rarely change, such as those in a URL.
    pub fn record_secrets(&self, texts: &Arc<SecretTexts>) {
        if texts.is_empty() {
            return;
        }
        let mut sent = self.shared.sent.lock();
        if !sent.fixed.iter().any(|known| Arc::ptr_eq(known, texts)) {
            sent.fixed.push(Arc::clone(texts));
        }
    }

    /// Records secrets that a server may change with each response. The oldest ones are removed when there are too
    /// many.
    pub fn record_changing_secrets(&self, texts: &Arc<SecretTexts>) {
        let mut sent = self.shared.sent.lock();
        if texts.is_empty() || sent.changing.iter().any(|known| Arc::ptr_eq(known, texts)) {
            return;
        }
        if sent.changing.len() == MAX_CHANGING_SECRETS {
            sent.changing.pop_front();
        }
        sent.changing.push_back(Arc::clone(texts));
    }

    /// All credentials that this call's requests were sent with.
    pub fn credentials(&self) -> Vec<Arc<HeaderSet>> {
        self.shared.sent.lock().credentials.clone()
    }

    /// Whether a request was sent with credentials, and whether these included an `Authorization` header.
    pub fn has_sent_credentials(&self) -> (bool, bool) {
        let sent = self.shared.sent.lock();
        (!sent.credentials.is_empty(), sent.credentials.iter().any(|set| set.has_authorization()))
    }

    /// Everything that must be redacted in the texts of this call.
    pub fn secrets(&self) -> Secrets {
        let sent = self.shared.sent.lock();
        let mut secrets = Secrets::new(Arc::clone(&self.shared.last_patterns));
        self.shared.known.add_to(&mut secrets);
        sent.credentials.iter().for_each(|set| set.add_to(&mut secrets));
        let session_ids = sent.session_id.iter().chain(&sent.other_session_ids);
        session_ids.filter_map(|id| id.to_str().ok()).for_each(|id| secrets.add(id));
        sent.fixed.iter().chain(&sent.changing).for_each(|texts| secrets.add_all(texts));
        secrets
    }

    /// Logs a line, with secrets redacted.
    pub fn log(&self, level: LogLevel, text: impl FnOnce() -> String) {
        self.shared.log.line(level, || self.secrets().sanitize(&text()));
    }

    /// The error for a wait that was interrupted before a request was sent.
    pub fn interrupt_error(&self, interrupt: &Interrupt) -> Error {
        self.interrupt_error_while(interrupt, BEFORE_SENDING)
    }

    /// The error for an interrupted wait. `doing` says what was in progress.
    pub fn interrupt_error_while(&self, interrupt: &Interrupt, doing: &str) -> Error {
        interrupt_error(interrupt, doing, &self.wait_context())
    }
}

impl SharedCallState {
    fn set_paused(&self, paused: Duration) {
        self.paused.store(nanoseconds(paused), Ordering::Relaxed);
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn add_once(sets: &mut Vec<Arc<HeaderSet>>, set: &Arc<HeaderSet>) {
    if !sets.iter().any(|known| Arc::ptr_eq(known, set)) {
        sets.push(Arc::clone(set));
    }
}

#[cfg(test)]
mod tests;
