//! One call of a caller: who makes it, and what it may spend.

use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::HeaderValue;

use super::Client;
use super::settings::limit;
use crate::auth::credentials::HeaderSet;
use crate::auth::pause::PauseClock;
use crate::auth::scheme::Granted;
use crate::auth::secrets::Secrets;
use crate::error::{Error, Result};
use crate::log::Level;
use crate::sys::signal::Signal;
use crate::sys::wait::{Budget, Interest, Stop};
use crate::transport::http::stopped;

/// While a callback runs on another thread, how often a waiting call looks whether it still does.
const LOOK: Duration = Duration::from_millis(50);

/// What a caller may set for one call.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// `None`: the client's timeout; zero: no timeout.
    pub timeout_ms: Option<u64>,
    /// Zero: no limit.
    pub idle_ms: u64,
    pub cancel: Option<Arc<Signal>>,
}

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
    /// Session ids, and queries of URLs.
    texts: Vec<String>,
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
        Call::with_budget(client, budget, true)
    }

    pub(super) fn with_budget(client: &'a Client, budget: Budget, asks: bool) -> Call<'a> {
        let budget = RefCell::new(budget);
        Call { client, budget, allowed_for: Cell::default(), asks, shared: Rc::default() }
    }

    /// The same call with less time.
    pub(super) fn within(&self, limit: Duration) -> Call<'a> {
        let budget = self.budget().within(limit);
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

    /// Waits for another thread's callback, for which there is no time limit.
    pub(super) fn wait_for_callback(&self, done: &Signal) -> Result<()> {
        let budget = Budget { deadline: None, idle: None, ..self.budget().clone() };
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

    /// Notes what a request carries.
    pub(super) fn carry(&self, credentials: &Arc<HeaderSet>, session_id: Option<&HeaderValue>) {
        let mut carried = self.shared.carried.borrow_mut();
        if !carried.credentials.iter().any(|known| Arc::ptr_eq(known, credentials)) {
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
        let mut secrets = Secrets::default();
        for set in carried.credentials.iter().chain([&self.client.credentials.current()]) {
            set.add_to(&mut secrets);
        }
        if let Some(scheme) = self.client.schemes.current() {
            scheme.last().headers.add_to(&mut secrets);
        }
        let query = self.client.endpoint.uri().query().map(str::to_owned);
        carried.texts.iter().chain(&query).for_each(|text| secrets.add(text));
        self.client.http().secrets().iter().for_each(|value| secrets.add(value));
        secrets
    }

    /// A line in the log.
    pub(super) fn remark(&self, level: Level, text: impl FnOnce() -> String) {
        self.client.log.line(level, || self.secrets().tidy(&text()));
    }

    /// The error of a wait that was ended outside of a request.
    pub(super) fn stopped(&self, stop: &Stop) -> Error {
        stopped(stop, None, &self.budget())
    }
}
