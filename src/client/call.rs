//! One call of a caller: who makes it, and what it may spend.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::HeaderValue;

use super::Client;
use super::settings::limit;
use crate::auth::credentials::HeaderSet;
use crate::auth::secrets::Secrets;
use crate::error::Error;
use crate::log::Level;
use crate::sys::signal::Signal;
use crate::sys::wait::{Budget, Stop};
use crate::transport::http::stopped;

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
    pub budget: Budget,
    /// What its requests carried. The caller may have set other credentials since, and these are no less secret for that.
    carried: Rc<RefCell<Carried>>,
}

#[derive(Default)]
struct Carried {
    credentials: Vec<Arc<HeaderSet>>,
    sessions: Vec<HeaderValue>,
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
        };
        Call { client, budget, carried: Rc::default() }
    }

    /// The same call with less time.
    pub(super) fn within(&self, limit: Duration) -> Call<'a> {
        Call { budget: self.budget.within(limit), ..self.clone() }
    }

    /// Notes what a request carries.
    pub(super) fn carry(&self, credentials: &Arc<HeaderSet>, session_id: Option<&HeaderValue>) {
        let mut carried = self.carried.borrow_mut();
        if !carried.credentials.iter().any(|known| Arc::ptr_eq(known, credentials)) {
            carried.credentials.push(Arc::clone(credentials));
        }
        if let Some(id) = session_id.filter(|id| !carried.sessions.contains(id)) {
            carried.sessions.push(id.clone());
        }
    }

    /// What must not be shown of this call.
    pub(super) fn secrets(&self) -> Secrets {
        let carried = self.carried.borrow();
        let mut secrets = Secrets::default();
        for set in carried.credentials.iter().chain([&self.client.credentials.current()]) {
            set.add_to(&mut secrets);
        }
        for id in carried.sessions.iter().filter_map(|id| id.to_str().ok()) {
            secrets.add(id);
        }
        secrets
    }

    /// A line in the log.
    pub(super) fn remark(&self, level: Level, text: impl FnOnce() -> String) {
        self.client.log.line(level, || self.secrets().tidy(&text()));
    }

    /// The error of a wait that was ended outside of a request.
    pub(super) fn stopped(&self, stop: &Stop) -> Error {
        stopped(stop, None, &self.budget)
    }
}
