//! The connection pool of one client.

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

/// The maximum number of idle connections: the server would probably close more before they are used.
const MAX_IDLE: usize = 16;

/// How long to wait for the rest of the last response on an idle connection. An event stream usually ends a moment
/// after its response, and this wait is cheaper than a new connection.
const REST_TIMEOUT: Duration = Duration::from_millis(5);

/// The timeout for servers that keep event streams open: long enough to read an end that was received already.
const SHORT_REST_TIMEOUT: Duration = Duration::from_millis(1);

pub struct ConnectionPool {
    config: Config,
    factory: Arc<ConnectionFactory>,
    idle: Mutex<Vec<IdleConnection>>,
    /// The server keeps event streams open after the response, so that waiting for their end is useless.
    streams_linger: AtomicBool,
}

impl ConnectionPool {
    pub fn new(factory: Arc<ConnectionFactory>, max_head: usize) -> ConnectionPool {
        ConnectionPool {
            config: ureq_adapter::config(max_head),
            factory,
            idle: Mutex::default(),
            streams_linger: AtomicBool::default(),
        }
    }

    pub fn factory(&self) -> &Arc<ConnectionFactory> {
        &self.factory
    }

    /// The limit for the head of a response, in bytes.
    pub fn max_head(&self) -> usize {
        self.config.max_response_header_size()
    }

    /// The idle connection that was used last and may still be open, or else a new one.
    pub fn take(&self, wait_context: &WaitContext) -> Result<PooledConnection, Interrupt> {
        loop {
            wait_context.check()?;
            let idle = self.idle.lock().pop();
            let Some(idle) = idle else { return Ok(PooledConnection::new(&self.config, &self.factory)) };
            let rest_limit = || {
                let linger = self.streams_linger.load(Ordering::Relaxed);
                wait_context.within(if linger { SHORT_REST_TIMEOUT } else { REST_TIMEOUT })
            };
            match idle.into_pooled(rest_limit) {
                Ok(pooled) => return Ok(pooled),
                Err(ReuseError::Stale) => {}
                Err(ReuseError::Unfinished) => self.streams_linger.store(true, Ordering::Relaxed),
            }
        }
    }

    pub fn put_back(&self, connection: IdleConnection) {
        let mut idle = self.idle.lock();
        // `take` uses the newest one first, so expired ones stay at the beginning until they are removed here.
        idle.retain(IdleConnection::is_fresh);
        if idle.len() < MAX_IDLE {
            // Most clients have one connection: `push` alone would reserve memory for four.
            idle.reserve_exact(1);
            idle.push(connection);
        }
    }

    /// Closes all idle connections.
    pub fn drop_idle(&self) {
        self.idle.lock().clear();
    }
}
