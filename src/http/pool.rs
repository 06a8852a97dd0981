//! The connections of one client to its server: kept while nobody uses them, and opened where none is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::config::Config;

use super::pooled_connection::PooledConnection;
use super::response_body::{IdleConnection, ReuseError};
use super::ureq_adapter;
use crate::net::connection_factory::ConnectionFactory;
use crate::sys::lock::Mutex;
use crate::sys::wait::{Interrupt, WaitContext};

/// Connections that are kept while nobody uses them; more than that only wait to be closed by the server.
const MAX_IDLE: usize = 16;

/// An event stream mostly ends a moment after its answer. To wait that long for its end is cheaper than a new connection.
const PATIENCE: Duration = Duration::from_millis(5);

/// For servers that keep their streams open: long enough to see an end that is there already.
const IMPATIENCE: Duration = Duration::from_millis(1);

pub struct ConnectionPool {
    config: Config,
    network: Arc<ConnectionFactory>,
    idle: Mutex<Vec<IdleConnection>>,
    /// The server keeps event streams open after the answer: waiting for their end is no use.
    streams_linger: AtomicBool,
}

impl ConnectionPool {
    pub fn new(network: ConnectionFactory, max_head: usize) -> ConnectionPool {
        ConnectionPool {
            config: ureq_adapter::config(max_head),
            network: Arc::new(network),
            idle: Mutex::default(),
            streams_linger: AtomicBool::default(),
        }
    }

    pub fn network(&self) -> &ConnectionFactory {
        &self.network
    }

    /// The lane that was used last, if its connection may still be open; else a new one.
    pub fn take(&self, wait_context: &WaitContext) -> Result<PooledConnection, Interrupt> {
        loop {
            wait_context.check()?;
            let parked = self.idle.lock().pop();
            let Some(parked) = parked else { return Ok(PooledConnection::new(&self.config, &self.network)) };
            let patience = || {
                let linger = self.streams_linger.load(Ordering::Relaxed);
                wait_context.within(if linger { IMPATIENCE } else { PATIENCE })
            };
            match parked.into_pooled(patience) {
                Ok(pooled) => return Ok(pooled),
                Err(ReuseError::Old) => {}
                Err(ReuseError::Unfinished) => self.streams_linger.store(true, Ordering::Relaxed),
            }
        }
    }

    pub fn put_back(&self, parked: IdleConnection) {
        let mut idle = self.idle.lock();
        // The oldest are at the bottom, where nobody takes one: they go when their time is over.
        idle.retain(IdleConnection::is_fresh);
        if idle.len() < MAX_IDLE {
            idle.push(parked);
        }
    }

    /// Closes the connections that nobody uses.
    pub fn drop_idle(&self) {
        self.idle.lock().clear();
    }
}
