//! One call of a caller: who makes it, and what it may spend.

use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::HeaderValue;

use super::Client;
use super::exchange::Rules;
use super::incoming::Notice;
use super::session::Session;
use super::settings::limit;
use crate::auth::credentials::HeaderSet;
use crate::auth::pause::PauseClock;
use crate::auth::scheme::Granted;
use crate::auth::secrets::Secrets;
use crate::error::{Error, Result};
use crate::http::client::{BEFORE, stopped};
use crate::http::endpoint::Endpoint;
use crate::log::Level;
use crate::protocol::messages::quoted;
use crate::protocol::params::{Params, members};
use crate::protocol::version::Era;
use crate::status::MCP_INVALID_ARGUMENT;
use crate::sys::signal::Signal;
use crate::sys::wait::{Budget, Interest, Stop};

/// While a callback runs on another thread, how often a waiting call looks whether it still does.
const LOOK: Duration = Duration::from_millis(50);

/// What a caller may set for one call.
#[derive(Clone, Default)]
pub struct CallOptions {
    /// `None`: the client's timeout; zero: no timeout.
    pub timeout_ms: Option<u64>,
    /// Zero: no limit.
    pub idle_ms: u64,
    pub cancel: Option<Arc<Signal>>,
    pub extras: Extras,
}

impl CallOptions {
    /// The text of an object; `None` for nothing.
    pub fn set_meta(&mut self, meta: Option<&str>) -> Result<()> {
        let meta = meta.map(|meta| super::operation::object(meta, "the _meta")).transpose()?;
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
pub struct Extras {
    /// The text of an object: members of `_meta`.
    pub meta: Option<Arc<str>>,
    pub headers: Option<Arc<HeaderSet>>,
    pub progress: Option<Arc<Progress>>,
}

/// Receives how far an operation has come, of how much, and what the server says of it.
pub type Progress = dyn Fn(f64, Option<f64>, Option<&str>) + Send + Sync;

/// A call under way.
#[derive(Clone)]
pub struct Call<'a> {
    pub client: &'a Client,
    budget: RefCell<Budget>,
    /// The pauses that the budget's deadline allows for already.
    allowed_for: Cell<Duration>,
    /// Whether the auth callback may be asked.
    pub asks: bool,
    shared: Rc<Shared>,
}

/// What a call has in common with the parts of it that have less time.
#[derive(Default)]
struct Shared {
    extras: Extras,
    /// The token of its progress notifications; zero where it wants none.
    progress_token: u64,
    /// The time spent in callbacks.
    paused: Cell<Duration>,
    clock: OnceCell<Arc<PauseClock>>,
    /// How often the server has refused credentials that the auth callback gave.
    refusals: Cell<u32>,
    /// What the auth callback gave for the next request after a refusal.
    granted: RefCell<Option<Granted>>,
    carried: RefCell<Carried>,
}

/// What its requests carried. The caller may have set other credentials since, and these are no less secret for that.
#[derive(Default)]
struct Carried {
    credentials: Vec<Arc<HeaderSet>>,
    /// Session ids, and secrets of a process.
    texts: Vec<String>,
    /// Where messages were posted to.
    urls: Vec<Arc<Endpoint>>,
}

impl<'a> Call<'a> {
    pub(super) fn start(client: &'a Client, options: &CallOptions) -> Call<'a> {
        let allowed = options.timeout_ms.map_or_else(|| client.settings.timeout(), limit);
        let budget = Budget {
            // A timeout beyond what the clock can say is none.
            deadline: allowed.and_then(|allowed| Instant::now().checked_add(allowed)),
            allowed,
            idle: limit(options.idle_ms),
            cancel: options.cancel.clone(),
            closed: Some(Arc::clone(&client.closed)),
            done: None,
        };
        let progress_token = if options.extras.progress.is_some() { client.next_id() } else { 0 };
        let shared = Shared { extras: options.extras.clone(), progress_token, ..Shared::default() };
        Call::sharing(client, budget, true, shared)
    }

    pub(super) fn with_budget(client: &'a Client, budget: Budget, asks: bool) -> Call<'a> {
        Call::sharing(client, budget, asks, Shared::default())
    }

    fn sharing(client: &'a Client, budget: Budget, asks: bool, shared: Shared) -> Call<'a> {
        let budget = RefCell::new(budget);
        Call { client, budget, allowed_for: Cell::default(), asks, shared: Rc::new(shared) }
    }

    /// The same call with less time.
    pub(super) fn within(&self, limit: Duration) -> Call<'a> {
        let budget = self.budget().within(limit);
        Call { budget: RefCell::new(budget), ..self.clone() }
    }

    /// The same call, which only its caller ends.
    pub(super) fn without_deadline(&self) -> Call<'a> {
        let budget = Budget { deadline: None, allowed: None, idle: None, ..self.budget().clone() };
        Call { budget: RefCell::new(budget), ..self.clone() }
    }

    /// The same call, which ends soon when `done` is raised.
    pub(super) fn until(&self, done: Arc<Signal>) -> Call<'a> {
        let budget = Budget { done: Some(done), ..self.budget().clone() };
        Call { budget: RefCell::new(budget), ..self.clone() }
    }

    /// The same call, which the closing of its client does not end.
    pub(super) fn past_closing(self) -> Call<'a> {
        self.budget.borrow_mut().closed = None;
        self
    }

    /// The same call, for which the auth callback is not asked.
    pub(super) fn without_asking(self) -> Call<'a> {
        Call { asks: false, ..self }
    }

    /// What is left. The time that callbacks took is not counted.
    pub fn budget(&self) -> Ref<'_, Budget> {
        let paused = self.shared.paused.get();
        let new = paused.saturating_sub(self.allowed_for.replace(paused));
        if !new.is_zero() {
            let mut budget = self.budget.borrow_mut();
            budget.deadline = budget.deadline.and_then(|deadline| deadline.checked_add(new));
        }
        self.budget.borrow()
    }

    /// The clock that this call's callbacks run on: by it, other threads know why they wait.
    pub(super) fn clock(&self) -> Arc<PauseClock> {
        Arc::clone(self.shared.clock.get_or_init(Arc::default))
    }

    /// Runs `callbacks`, which tell [`Call::clock`] what they take.
    pub(super) fn paused<T>(&self, callbacks: impl FnOnce(&PauseClock) -> T) -> T {
        let clock = self.clock();
        let (before, _) = clock.total();
        let outcome = callbacks(&clock);
        let (after, _) = clock.total();
        self.shared.paused.set(self.shared.paused.get() + (after - before));
        outcome
    }

    /// The time that callbacks have taken.
    pub(super) fn paused_so_far(&self) -> Duration {
        self.shared.paused.get()
    }

    /// Waits for what another thread does. The time that it spends in callbacks, by its `clock`, does not count.
    pub(super) fn wait_for(&self, done: &Signal, clock: &PauseClock) -> Result<()> {
        let before = self.shared.paused.get();
        let (start, _) = clock.total();
        loop {
            let (total, is_running) = clock.total();
            self.shared.paused.set(before + (total - start));
            let mut budget = self.budget().clone();
            if is_running {
                budget.deadline = None;
            }
            match budget.wait_any(&[(done.fd(), Interest::Read)], is_running.then_some(LOOK)) {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                // It may have begun a callback meanwhile.
                Err(Stop::TimedOut) if clock.total() != (total, false) => {}
                Err(stop) => return Err(self.stopped(&stop)),
            }
        }
    }

    /// Waits for another thread's callback, for which there is no time limit; but a closing client has one, for nothing else could
    /// end that.
    pub(super) fn wait_for_callback(&self, done: &Signal) -> Result<()> {
        let budget = self.budget().clone();
        let is_closing = budget.closed.is_none();
        let budget = if is_closing { budget } else { Budget { deadline: None, idle: None, ..budget } };
        budget.wait(done.fd(), Interest::Read).map_err(|stop| self.stopped(&stop))
    }

    /// Counts a refusal of what the auth callback gave; false where the call has had its share of attempts.
    pub(super) fn may_ask_again(&self, most: u32) -> bool {
        let refusals = self.shared.refusals.get() + 1;
        self.shared.refusals.set(refusals);
        refusals < most
    }

    /// How many times the server has refused credentials during this call.
    pub(super) fn refusals(&self) -> u32 {
        self.shared.refusals.get()
    }

    pub(super) fn grant(&self, granted: Granted) {
        self.shared.granted.replace(Some(granted));
    }

    pub(super) fn take_granted(&self) -> Option<Granted> {
        self.shared.granted.take()
    }

    /// Adds the members of `_meta` that a request of this call has in a session.
    pub(super) fn add_meta<'p>(&'p self, params: &mut Params<'p>, session: &'p Session, rules: Rules) -> Result<()> {
        params.share_meta(if rules.may_be_task { &session.task_meta } else { &session.meta });
        if session.era == Era::Modern
            && let Some(level) = self.client.logging.level()
        {
            params.set_meta("io.modelcontextprotocol/logLevel", quoted(level));
        }
        if self.shared.progress_token != 0 {
            params.set_meta("progressToken", self.shared.progress_token.to_string());
        }
        let own = self.shared.extras.meta.as_deref().map_or(Ok(Vec::new()), members);
        let own = own.map_err(|why| Error::new(MCP_INVALID_ARGUMENT, format!("the _meta of the call: {why}")))?;
        own.into_iter().for_each(|(name, value)| params.set_meta(name, value));
        Ok(())
    }

    /// Whether a progress notification is for this call.
    pub(super) fn is_progress(&self, notice: &Notice) -> bool {
        self.shared.progress_token != 0 && notice.progress_token() == Some(self.shared.progress_token)
    }

    /// The token of its progress notifications; zero where it wants none.
    pub(super) fn progress_token(&self) -> u64 {
        self.shared.progress_token
    }

    pub(super) fn tell_progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        if let Some(tell) = &self.shared.extras.progress {
            tell(progress, total, message);
        }
    }

    /// Whether its requests carry what those of other calls do not.
    pub(super) fn has_extras(&self) -> bool {
        let Extras { meta, headers, .. } = &self.shared.extras;
        meta.is_some() || headers.as_ref().is_some_and(|headers| !headers.is_empty())
    }

    /// The headers of this call alone.
    pub(super) fn headers(&self) -> Option<&Arc<HeaderSet>> {
        self.shared.extras.headers.as_ref()
    }

    /// Notes what a request carries.
    pub(super) fn carry(&self, credentials: &Arc<HeaderSet>, session_id: Option<&HeaderValue>) {
        let mut carried = self.shared.carried.borrow_mut();
        if !credentials.is_empty() && !carried.credentials.iter().any(|known| Arc::ptr_eq(known, credentials)) {
            carried.credentials.push(Arc::clone(credentials));
        }
        drop(carried);
        self.carry_text(session_id.and_then(|id| id.to_str().ok()).unwrap_or_default());
    }

    /// Notes another text that must not be shown.
    pub(super) fn carry_text(&self, text: &str) {
        let mut carried = self.shared.carried.borrow_mut();
        if !text.is_empty() && !carried.texts.iter().any(|known| known == text) {
            carried.texts.push(text.into());
        }
    }

    /// Notes where its messages went.
    pub(super) fn carry_url(&self, url: &Arc<Endpoint>) {
        let mut carried = self.shared.carried.borrow_mut();
        if !carried.urls.iter().any(|known| Arc::ptr_eq(known, url)) {
            carried.urls.push(Arc::clone(url));
        }
    }

    /// All credentials that its requests have carried.
    pub(super) fn credentials(&self) -> Vec<Arc<HeaderSet>> {
        self.shared.carried.borrow().credentials.clone()
    }

    /// Whether a request has carried anything; and whether an `Authorization` header was among it.
    pub(super) fn has_carried(&self) -> (bool, bool) {
        let carried = self.shared.carried.borrow();
        let any = carried.credentials.iter().any(|set| !set.is_empty());
        (any, carried.credentials.iter().any(|set| set.has_authorization()))
    }

    /// What must not be shown of this call.
    pub(super) fn secrets(&self) -> Secrets {
        let carried = self.shared.carried.borrow();
        let mut secrets = Secrets::new(Arc::clone(&self.client.last_patterns));
        for set in carried.credentials.iter().chain([&self.client.credentials.current()]) {
            set.add_to(&mut secrets);
        }
        if let Some(scheme) = self.client.schemes.current() {
            scheme.last().headers.add_to(&mut secrets);
        }
        carried.texts.iter().for_each(|text| secrets.add(text));
        if !self.client.is_process() {
            let redirects = self.client.http().redirects();
            for url in carried.urls.iter().chain(&redirects).chain([&self.client.endpoint]) {
                url.uri().query().into_iter().for_each(|query| secrets.add(query));
                url.path_secrets().iter().for_each(|segment| secrets.add_whole(segment));
            }
            self.client.http().secrets().iter().for_each(|value| secrets.add(value));
        }
        secrets
    }

    /// A line in the log.
    pub(super) fn remark(&self, level: Level, text: impl FnOnce() -> String) {
        self.client.log.line(level, || self.secrets().tidy(&text()));
    }

    /// The error of a wait that was ended outside of a request.
    pub(super) fn stopped(&self, stop: &Stop) -> Error {
        self.stopped_while(stop, BEFORE)
    }

    pub(super) fn stopped_while(&self, stop: &Stop, doing: &str) -> Error {
        stopped(stop, doing, &self.budget())
    }
}
