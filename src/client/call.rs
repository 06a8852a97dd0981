//! One call of a caller: who makes it, and what it may spend.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Client;
use super::settings::limit;
use crate::error::Error;
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
        Call { client, budget }
    }

    /// The same call with less time.
    pub(super) fn within(&self, limit: Duration) -> Call<'a> {
        Call { client: self.client, budget: self.budget.within(limit) }
    }

    /// The error of a wait that was ended outside of a request.
    pub(super) fn stopped(&self, stop: &Stop) -> Error {
        stopped(stop, None, &self.budget)
    }
}
