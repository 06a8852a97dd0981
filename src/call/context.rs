//! The context of one API call: its limits, its options, and its secrets.

use std::cell::{Cell, Ref, RefCell};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ::http::HeaderValue;

pub use super::call_options::{CallData, CallOptions, ProgressCallback, RequestExtras, limit};
use super::callback_runner::CallbackRunner;
use super::headers::HeaderSet;
use super::interrupt::{BEFORE_SENDING, interrupt_error};
use super::issued_credentials::IssuedCredentials;
use super::known_secrets::KnownSecrets;
use super::pause_clock::PauseClock;
use super::secrets::{LastPatterns, SecretTexts, Secrets};
use super::sent_secrets::SentSecrets;
use crate::error::{Error, Result};
use crate::log::{Log, LogLevel};
use crate::protocol::incoming::Notification;
use crate::protocol::params::{Params, members};
use crate::protocol::progress::Progress;
use crate::status::MCP_INVALID_ARGUMENT;
use crate::sys::lock::Mutex;
use crate::sys::pollable_event::{PollableEvent, SetOnDrop};
use crate::sys::thread_pool::Work;
use crate::sys::wait::{Interest, Interrupt, WaitContext};
use crate::trace::Trace;

/// How often a waiting call checks whether a callback on another thread has ended.
const CALLBACK_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The longest time that a server may take to respond to an attempt that has a fallback, such as another transport.
const MAX_FALLBACK_LIMIT: Duration = Duration::from_secs(5);

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
    /// A call of the library, on a thread that reads messages.
    pub is_internal: bool,
    /// The call closes the client.
    is_closing: bool,
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
    client: CallClient,
}

/// What a call has of its client.
pub struct CallClient {
    pub known: Arc<KnownSecrets>,
    pub last_patterns: Arc<LastPatterns>,
    pub log: Arc<Log>,
    pub trace: Arc<Trace>,
    /// Runs the application's callbacks that may take long.
    pub callbacks: Arc<dyn CallbackRunner>,
    /// The name of the client, unless its log has another one.
    pub default_name: Arc<str>,
}

/// The secrets of a call.
pub struct CallSecrets(Arc<SharedCallState>);

impl CallSecrets {
    /// All credentials that the call's requests were sent with.
    pub fn credentials(&self) -> Vec<Arc<HeaderSet>> {
        self.0.sent.lock().credentials().to_vec()
    }
}

impl CallContext {
    /// `progress_token` is zero if the caller requests no progress notifications.
    pub fn new(
        wait_context: WaitContext,
        may_run_auth_callback: bool,
        (extras, progress_token): (RequestExtras, u64),
        client: CallClient,
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
            client,
        };
        CallContext {
            wait_context: RefCell::new(wait_context),
            whole_call: Cell::default(),
            applied_pauses: Cell::default(),
            applied_authorization: Cell::default(),
            may_run_auth_callback,
            is_login: false,
            is_internal: false,
            is_closing: false,
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

    /// A copy for messages after the end of the call: only `limit` ends it.
    pub fn best_effort(&self, limit: Duration) -> CallContext {
        let wait_context = WaitContext::until(Instant::now() + limit);
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
        CallContext { is_closing: true, ..self }
    }

    /// This context, changed so that the auth callback does not run: requests carry the credentials that it issued
    /// last.
    pub fn without_auth_callback(self) -> CallContext {
        CallContext { may_run_auth_callback: false, ..self }
    }

    /// This context, changed to that of a call of the library.
    pub fn internal(self) -> CallContext {
        CallContext { is_internal: true, ..self }
    }

    /// The name of the client, for the user.
    pub fn client_name(&self) -> Arc<str> {
        self.shared.client.log.name().unwrap_or_else(|| Arc::clone(&self.shared.client.default_name))
    }

    /// Runs the application's callbacks that may take long.
    pub fn callbacks(&self) -> &Arc<dyn CallbackRunner> {
        &self.shared.client.callbacks
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

    /// Waits for the end of a callback on another thread, without the time limits of the call but at most for `limit`.
    /// Also ends when one of `others` is set. Clears the end hook, which is set before the callback starts. A call that
    /// closes the client keeps its time limit, because closing the client does not end it.
    pub fn wait_for_callback(
        &self,
        done: &PollableEvent,
        others: &[&PollableEvent],
        limit: Option<Duration>,
    ) -> Result<(), Interrupt> {
        let wait_context = self.wait_context().clone();
        let deadline = wait_context.deadline.filter(|_| self.is_closing);
        let wait_context = WaitContext { deadline, idle: None, ..wait_context };
        let all: Vec<_> = [done].iter().chain(others).map(|event| (event.waitable(), Interest::Read)).collect();
        let mut outcome = Ok(None);
        self.callbacks().while_waiting(&mut || outcome = wait_context.wait_any(&all, limit));
        self.callbacks().set_end_hook(None);
        match outcome {
            Ok(Some(0)) => Ok(()),
            Ok(Some(_)) => Err(Interrupt::Done),
            Ok(None) => Err(Interrupt::Idle),
            Err(interrupt) => Err(interrupt),
        }
    }

    /// Runs a callback that returns at once, and waits for its end: on this thread, or where the queue of the call is
    /// dispatched.
    pub fn run_in_place(&self, callback: Work) -> Result<(), Interrupt> {
        let done = Arc::new(PollableEvent::default());
        // Also if the callback never runs.
        let guard = SetOnDrop(Some(Arc::clone(&done)));
        self.callbacks().notify(Box::new(move || {
            callback();
            drop(guard);
        }));
        if done.is_set() { Ok(()) } else { self.wait_for_callback(&done, &[], None) }
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

    /// Runs the progress callback for each of `all`, until it ends the call, the call is cancelled, or its client is
    /// closed. The time does not count against the timeout. It is measured once for all: a clock query takes as long as
    /// reading an event.
    pub fn report_progress(&self, all: &[Progress]) -> Result<(), Interrupt> {
        let Some(callback) = &self.shared.extras.progress else { return Ok(()) };
        let report = |progress: &Progress| {
            self.wait_context.borrow().interrupted()?;
            if callback(progress.progress, progress.total, progress.message.as_deref()) {
                return Ok(());
            }
            self.wait_context.borrow().stop();
            Err(Interrupt::Cancelled)
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

    /// The application's object for its callbacks.
    pub fn data(&self) -> Option<&CallData> {
        self.shared.extras.data.as_ref()
    }

    /// Records credentials that a request is sent with.
    pub fn record_credentials(&self, credentials: &Arc<HeaderSet>) {
        if !credentials.is_empty() {
            self.shared.sent.lock().add_credentials(credentials);
        }
    }

    /// Records the id of a session, which must be redacted.
    pub fn record_session_id(&self, id: &HeaderValue) {
        self.shared.sent.lock().add_session_id(id);
    }

    /// Records secrets that rarely change, such as those in a URL.
    pub fn record_secrets(&self, texts: &Arc<SecretTexts>) {
        if !texts.is_empty() {
            self.shared.sent.lock().add_fixed(texts);
        }
    }

    /// Records secrets that a server may change with each response.
    pub fn record_changing_secrets(&self, texts: &Arc<SecretTexts>) {
        if !texts.is_empty() {
            self.shared.sent.lock().add_changing(texts);
        }
    }

    /// All credentials that this call's requests were sent with.
    pub fn credentials(&self) -> Vec<Arc<HeaderSet>> {
        self.shared.sent.lock().credentials().to_vec()
    }

    /// A reference to the secrets of this call, for other threads.
    pub fn call_secrets(&self) -> CallSecrets {
        CallSecrets(Arc::clone(&self.shared))
    }

    /// Whether a request was sent with credentials, and whether these included an `Authorization` header.
    pub fn has_sent_credentials(&self) -> (bool, bool) {
        let sent = self.shared.sent.lock();
        (!sent.credentials().is_empty(), sent.credentials().iter().any(|set| set.has_authorization()))
    }

    /// Everything that must be redacted in the texts of this call.
    pub fn secrets(&self) -> Secrets {
        let mut secrets = Secrets::new(Arc::clone(&self.shared.client.last_patterns));
        self.shared.client.known.add_to(&mut secrets);
        self.shared.sent.lock().add_to(&mut secrets);
        secrets
    }

    /// The log of the client.
    pub fn log_hook(&self) -> &Log {
        &self.shared.client.log
    }

    /// Logs a line, with secrets redacted.
    pub fn log(&self, level: LogLevel, text: impl FnOnce() -> String) {
        self.shared.client.log.line(level, || self.secrets().sanitize(&text()));
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

#[cfg(any(test, fuzzing))]
impl Default for CallClient {
    fn default() -> CallClient {
        CallClient {
            known: Arc::default(),
            last_patterns: Arc::default(),
            log: Arc::default(),
            trace: Arc::default(),
            callbacks: Arc::<super::callback_runner::CallbackThreads>::default(),
            default_name: "test".into(),
        }
    }
}

mod message_trace;
#[cfg(test)]
mod tests;
