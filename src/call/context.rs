//! One call of a caller: who makes it, and what it may spend.

use std::cell::{Cell, Ref, RefCell};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::headers::HeaderSet;
use super::interrupt::{BEFORE, stopped};
use super::issued_credentials::IssuedCredentials;
use super::known_secrets::KnownSecrets;
use super::object;
use super::pause_clock::PauseClock;
use super::secrets::{LastPatterns, SecretTexts, Secrets};
use crate::error::{Error, Result};
use crate::log::{Log, LogLevel};
use crate::protocol::incoming::Notification;
use crate::protocol::params::{Params, members};
use crate::status::MCP_INVALID_ARGUMENT;
use crate::sys::lock::Mutex;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::{Interest, Interrupt, WaitContext};

/// While a callback runs on another thread, how often a waiting call looks whether it still does.
const LOOK: Duration = Duration::from_millis(50);

/// The longest that a server may keep silent where another way remains to be tried.
const BRIEF: Duration = Duration::from_secs(5);

/// What a caller may set for one call.
#[derive(Clone, Default)]
pub struct CallOptions {
    /// `None`: the client's timeout; zero: no timeout.
    pub timeout_ms: Option<u64>,
    /// Zero: no limit.
    pub idle_ms: u64,
    pub cancel: Option<Arc<PollableEvent>>,
    pub extras: RequestExtras,
}

/// A limit in milliseconds as C gives it: zero is none.
pub fn limit(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

impl CallOptions {
    /// The text of an object; `None` for nothing.
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

/// What the requests of a call carry besides.
#[derive(Clone, Default)]
pub struct RequestExtras {
    /// The text of an object: members of `_meta`.
    pub meta: Option<Arc<str>>,
    pub headers: Option<Arc<HeaderSet>>,
    pub progress: Option<Arc<ProgressCallback>>,
}

/// Receives how far an operation has come, of how much, and what the server says of it.
pub type ProgressCallback = dyn Fn(f64, Option<f64>, Option<&str>) + Send + Sync;

/// So many sets of texts are remembered that a server may change with each answer.
const MAX_CHANGING: usize = 16;

/// A call under way. It may be handed to another thread, and knows neither the client nor the session: it is told what it has to know.
#[derive(Clone)]
pub struct CallContext {
    wait_context: RefCell<WaitContext>,
    /// The pauses that the budget's deadline allows for already.
    allowed_for: Cell<Duration>,
    /// Whether the auth callback may be asked.
    pub may_ask_auth: bool,
    shared: Arc<SharedCallState>,
}

/// What a call has in common with the parts of it that have less time.
struct SharedCallState {
    extras: RequestExtras,
    /// The token of its progress notifications; zero where it wants none.
    progress_token: u64,
    /// The time spent in callbacks, in nanoseconds.
    paused: AtomicU64,
    clock: OnceLock<Arc<PauseClock>>,
    /// How often the server has refused credentials that the auth callback gave.
    refusals: AtomicU32,
    /// What the auth callback gave for the next request after a refusal.
    issued: Mutex<Option<IssuedCredentials>>,
    carried: Mutex<SentSecrets>,
    known: Arc<KnownSecrets>,
    last_patterns: Arc<LastPatterns>,
    log: Arc<Log>,
}

/// What it has to keep secret besides what is known of the client: what its requests carried. The caller may have set other
/// credentials since, and these are no less secret for that.
#[derive(Default)]
struct SentSecrets {
    credentials: Vec<Arc<HeaderSet>>,
    /// Session ids, and secrets of a process.
    texts: Vec<String>,
    /// Of URLs and proxies.
    fixed: Vec<Arc<SecretTexts>>,
    /// Of cookies; the newest at the end.
    changing: VecDeque<Arc<SecretTexts>>,
}

impl CallContext {
    /// `progress_token` is zero where the caller wants no progress.
    pub fn new(
        wait_context: WaitContext,
        may_ask_auth: bool,
        (extras, progress_token): (RequestExtras, u64),
        (known, last_patterns): (Arc<KnownSecrets>, Arc<LastPatterns>),
        log: Arc<Log>,
    ) -> CallContext {
        let shared = SharedCallState {
            extras,
            progress_token,
            paused: AtomicU64::default(),
            clock: OnceLock::new(),
            refusals: AtomicU32::default(),
            issued: Mutex::default(),
            carried: Mutex::default(),
            known,
            last_patterns,
            log,
        };
        CallContext {
            wait_context: RefCell::new(wait_context),
            allowed_for: Cell::default(),
            may_ask_auth,
            shared: Arc::new(shared),
        }
    }

    /// The same call with less time.
    pub fn within(&self, limit: Duration) -> CallContext {
        let wait_context = self.wait_context().within(limit);
        CallContext { wait_context: RefCell::new(wait_context), ..self.clone() }
    }

    /// How long a server may keep silent where another way remains to be tried.
    pub fn fallback_limit(&self) -> Duration {
        self.wait_context().timeout.map_or(BRIEF, |timeout| (timeout / 3).min(BRIEF))
    }

    /// The same call, which only its caller ends.
    pub fn without_deadline(&self) -> CallContext {
        let wait_context = WaitContext { deadline: None, timeout: None, idle: None, ..self.wait_context().clone() };
        CallContext { wait_context: RefCell::new(wait_context), ..self.clone() }
    }

    /// The same call, which ends soon when `done` is raised.
    pub fn until(&self, done: Arc<PollableEvent>) -> CallContext {
        let wait_context = WaitContext { done: Some(done), ..self.wait_context().clone() };
        CallContext { wait_context: RefCell::new(wait_context), ..self.clone() }
    }

    /// The same call, which the closing of its client does not end.
    pub fn ignoring_close(self) -> CallContext {
        self.wait_context.borrow_mut().closed = None;
        self
    }

    /// The same call, for which the auth callback is not asked.
    pub fn without_auth_callback(self) -> CallContext {
        CallContext { may_ask_auth: false, ..self }
    }

    /// What is left. The time that callbacks took is not counted.
    pub fn wait_context(&self) -> Ref<'_, WaitContext> {
        let paused = self.paused_so_far();
        let new = paused.saturating_sub(self.allowed_for.replace(paused));
        if !new.is_zero() {
            let mut wait_context = self.wait_context.borrow_mut();
            wait_context.deadline = wait_context.deadline.and_then(|deadline| deadline.checked_add(new));
        }
        self.wait_context.borrow()
    }

    /// The clock that this call's callbacks run on: by it, other threads know why they wait.
    pub fn clock(&self) -> Arc<PauseClock> {
        Arc::clone(self.shared.clock.get_or_init(Arc::default))
    }

    /// Runs `callbacks`, which tell [`CallContext::clock`] what they take.
    pub fn paused<T>(&self, callbacks: impl FnOnce(&PauseClock) -> T) -> T {
        let clock = self.clock();
        let (before, _) = clock.total();
        let outcome = callbacks(&clock);
        let (after, _) = clock.total();
        self.shared.set_paused(self.paused_so_far() + (after - before));
        outcome
    }

    /// The time that callbacks have taken.
    pub fn paused_so_far(&self) -> Duration {
        Duration::from_nanos(self.shared.paused.load(Ordering::Relaxed))
    }

    /// Waits for what another thread does. The time that it spends in callbacks, by its `clock`, does not count.
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
            match wait_context.wait_any(&[(done.waitable(), Interest::Read)], is_running.then_some(LOOK)) {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                // It may have begun a callback meanwhile.
                Err(Interrupt::TimedOut) if clock.total() != (total, false) => {}
                Err(stop) => return Err(self.stopped(&stop)),
            }
        }
    }

    /// Waits for another thread's callback, for which there is no time limit; but a closing client has one, for nothing else could
    /// end that.
    pub fn wait_for_callback(&self, done: &PollableEvent) -> Result<()> {
        let wait_context = self.wait_context().clone();
        let is_closing = wait_context.closed.is_none();
        let wait_context =
            if is_closing { wait_context } else { WaitContext { deadline: None, idle: None, ..wait_context } };
        wait_context.wait(done.waitable(), Interest::Read).map_err(|stop| self.stopped(&stop))
    }

    /// Counts a refusal of what the auth callback gave; false where the call has had its share of attempts.
    pub fn may_retry_auth(&self, most: u32) -> bool {
        self.shared.refusals.fetch_add(1, Ordering::Relaxed) + 1 < most
    }

    /// How many times the server has refused credentials during this call.
    pub fn refusals(&self) -> u32 {
        self.shared.refusals.load(Ordering::Relaxed)
    }

    pub fn store_issued(&self, issued: IssuedCredentials) {
        *self.shared.issued.lock() = Some(issued);
    }

    pub fn take_issued(&self) -> Option<IssuedCredentials> {
        self.shared.issued.lock().take()
    }

    /// Adds the members of `_meta` that only this call's requests have.
    pub fn add_meta<'p>(&'p self, params: &mut Params<'p>) -> Result<()> {
        if self.shared.progress_token != 0 {
            params.set_meta("progressToken", self.shared.progress_token.to_string());
        }
        let own = self.shared.extras.meta.as_deref().map_or(Ok(Vec::new()), members);
        let own = own.map_err(|why| Error::new(MCP_INVALID_ARGUMENT, format!("the _meta of the call: {why}")))?;
        own.into_iter().for_each(|(name, value)| params.set_meta(name, value));
        Ok(())
    }

    /// Whether a progress notification is for this call.
    pub fn is_progress(&self, notice: &Notification) -> bool {
        self.shared.progress_token != 0 && notice.progress_token() == Some(self.shared.progress_token)
    }

    /// The token of its progress notifications; zero where it wants none.
    pub fn progress_token(&self) -> u64 {
        self.shared.progress_token
    }

    pub fn report_progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        if let Some(tell) = &self.shared.extras.progress {
            tell(progress, total, message);
        }
    }

    /// Whether its requests carry what those of other calls do not.
    pub fn has_extras(&self) -> bool {
        let RequestExtras { meta, headers, .. } = &self.shared.extras;
        meta.is_some() || headers.as_ref().is_some_and(|headers| !headers.is_empty())
    }

    /// The headers of this call alone.
    pub fn headers(&self) -> Option<&Arc<HeaderSet>> {
        self.shared.extras.headers.as_ref()
    }

    /// Notes what a request carries.
    pub fn record_credentials(&self, credentials: &Arc<HeaderSet>) {
        if !credentials.is_empty() {
            put(&mut self.shared.carried.lock().credentials, credentials);
        }
    }

    /// Notes another text that must not be shown.
    pub fn record_secret(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut carried = self.shared.carried.lock();
        if !carried.texts.iter().any(|known| known == text) {
            carried.texts.push(text.into());
        }
    }

    /// Notes texts that stay what they are for long, such as those of a URL.
    pub fn record_secrets(&self, texts: &Arc<SecretTexts>) {
        if texts.is_empty() {
            return;
        }
        let mut carried = self.shared.carried.lock();
        if !carried.fixed.iter().any(|known| Arc::ptr_eq(known, texts)) {
            carried.fixed.push(Arc::clone(texts));
        }
    }

    /// Notes texts that a server may change with each answer. The oldest are forgotten.
    pub fn record_changing_secrets(&self, texts: &Arc<SecretTexts>) {
        let mut carried = self.shared.carried.lock();
        if texts.is_empty() || carried.changing.iter().any(|known| Arc::ptr_eq(known, texts)) {
            return;
        }
        if carried.changing.len() == MAX_CHANGING {
            carried.changing.pop_front();
        }
        carried.changing.push_back(Arc::clone(texts));
    }

    /// All credentials that its requests have carried.
    pub fn credentials(&self) -> Vec<Arc<HeaderSet>> {
        self.shared.carried.lock().credentials.clone()
    }

    /// Whether a request has carried anything; and whether an `Authorization` header was among it.
    pub fn has_sent_credentials(&self) -> (bool, bool) {
        let carried = self.shared.carried.lock();
        (!carried.credentials.is_empty(), carried.credentials.iter().any(|set| set.has_authorization()))
    }

    /// What must not be shown of this call.
    pub fn secrets(&self) -> Secrets {
        let carried = self.shared.carried.lock();
        let mut secrets = Secrets::new(Arc::clone(&self.shared.last_patterns));
        self.shared.known.add_to(&mut secrets);
        carried.credentials.iter().for_each(|set| set.add_to(&mut secrets));
        carried.texts.iter().for_each(|text| secrets.add(text));
        carried.fixed.iter().chain(&carried.changing).for_each(|texts| secrets.add_all(texts));
        secrets
    }

    /// A line in the log.
    pub fn log(&self, level: LogLevel, text: impl FnOnce() -> String) {
        self.shared.log.line(level, || self.secrets().sanitize(&text()));
    }

    /// The error of a wait that was ended outside of a request.
    pub fn stopped(&self, stop: &Interrupt) -> Error {
        self.stopped_while(stop, BEFORE)
    }

    pub fn stopped_while(&self, stop: &Interrupt, doing: &str) -> Error {
        stopped(stop, doing, &self.wait_context())
    }
}

impl SharedCallState {
    fn set_paused(&self, paused: Duration) {
        self.paused.store(u64::try_from(paused.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

fn put(sets: &mut Vec<Arc<HeaderSet>>, set: &Arc<HeaderSet>) {
    if !sets.iter().any(|known| Arc::ptr_eq(known, set)) {
        sets.push(Arc::clone(set));
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::call::known_secrets::SecretSource;

    fn call(known: Arc<KnownSecrets>) -> CallContext {
        CallContext::new(
            WaitContext::default(),
            false,
            (RequestExtras::default(), 0),
            (known, Arc::default()),
            Arc::default(),
        )
    }

    #[test]
    fn a_call_can_be_handed_to_another_thread() {
        let call = call(Arc::default());
        let shown = std::thread::spawn(move || {
            call.record_secret("s3cr3t-text");
            call.secrets().sanitize("it was s3cr3t-text")
        });
        assert_eq!(shown.join().unwrap(), "it was [redacted]");
    }

    #[test]
    fn everything_that_it_was_told_is_hidden() {
        let known = Arc::new(KnownSecrets::default());
        let call = call(Arc::clone(&known));
        let mut set = HeaderSet::default();
        set.set_bearer(Some("t0k3n-of-request")).unwrap();
        call.record_credentials(&Arc::new(set.clone()));
        set.set_bearer(Some("t0k3n-of-client")).unwrap();
        known.add_headers(SecretSource::Credentials, Arc::new(set));
        let text = |text: &str| Zeroizing::new(text.to_owned());
        call.record_secrets(&SecretTexts::new(vec![text("key=qu3ry")], vec!["s3gment".into()]));
        (0..2 * MAX_CHANGING).for_each(|n| {
            call.record_changing_secrets(&SecretTexts::new(vec![text(&format!("c00kie-{n}"))], Vec::new()))
        });
        known.add_texts(SecretSource::Cookies, SecretTexts::new(vec![text("c00kie-that-comes")], Vec::new()));
        let last = format!("c00kie-{}", 2 * MAX_CHANGING - 1);
        // A part of it, too, before the call is divided, and after.
        let part = call.within(Duration::from_secs(1));
        for call in [call, part] {
            for secret in ["t0k3n-of-request", "t0k3n-of-client", "key=qu3ry", "s3gment", "c00kie-that-comes", &last] {
                assert_eq!(call.secrets().sanitize(secret), "[redacted]", "{secret}");
            }
            assert_eq!(call.shared.carried.lock().changing.len(), MAX_CHANGING);
            assert_eq!(call.has_sent_credentials(), (true, true));
        }
    }
}
