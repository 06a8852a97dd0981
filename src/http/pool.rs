//! The connections of one client to its server: kept while nobody uses them, and opened where none is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::config::Config;

use super::adapter;
use super::body::{Parked, Unusable};
use super::lane::Lane;
use crate::net::network::Network;
use crate::sys::lock::Mutex;
use crate::sys::wait::{Budget, Stop};

/// Connections that are kept while nobody uses them; more than that only wait to be closed by the server.
const MAX_IDLE: usize = 16;

/// An event stream mostly ends a moment after its answer. To wait that long for its end is cheaper than a new connection.
const PATIENCE: Duration = Duration::from_millis(5);

/// For servers that keep their streams open: long enough to see an end that is there already.
const IMPATIENCE: Duration = Duration::from_millis(1);

pub struct Pool {
    config: Config,
    network: Arc<Network>,
    idle: Mutex<Vec<Parked>>,
    /// The server keeps event streams open after the answer: waiting for their end is no use.
    streams_linger: AtomicBool,
}

impl Pool {
    pub fn new(network: Network, max_head: usize) -> Pool {
        Pool {
            config: adapter::config(max_head),
            network: Arc::new(network),
            idle: Mutex::default(),
            streams_linger: AtomicBool::default(),
        }
    }

    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The lane that was used last, if its connection may still be open; else a new one.
    pub fn take(&self, budget: &Budget) -> Result<Lane, Stop> {
        loop {
            budget.check()?;
            let parked = self.idle.lock().pop();
            let Some(parked) = parked else { return Ok(Lane::new(&self.config, &self.network)) };
            let patience = || {
                let linger = self.streams_linger.load(Ordering::Relaxed);
                budget.within(if linger { IMPATIENCE } else { PATIENCE })
            };
            match parked.into_lane(patience) {
                Ok(lane) => return Ok(lane),
                Err(Unusable::Old) => {}
                Err(Unusable::Unfinished) => self.streams_linger.store(true, Ordering::Relaxed),
            }
        }
    }

    pub fn put_back(&self, parked: Parked) {
        let mut idle = self.idle.lock();
        // The oldest are at the bottom, where nobody takes one: they go when their time is over.
        idle.retain(Parked::is_fresh);
        if idle.len() < MAX_IDLE {
            idle.push(parked);
        }
    }

    /// Closes the connections that nobody uses.
    pub fn drop_idle(&self) {
        self.idle.lock().clear();
    }
}
