//! What a caller does with a server: connect, ping, ask who it is, close.
#![forbid(unsafe_code)]

mod answer;
mod call;
mod close;
mod exchange;
mod failure;
mod info;
mod negotiate;
mod ping;
mod session;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use call::{Call, CallOptions};

use crate::auth::credentials::Credentials;
use crate::error::{Error, Result};
use crate::log::{Level, Log};
use crate::status::*;
use crate::sys::process;
use crate::sys::signal::Signal;
use crate::transport::endpoint::Endpoint;
use crate::transport::http::Http;
use session::Sessions;
use settings::Settings;

/// The timeout of a call where nobody sets another one.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// One server, as one program talks to it. Used from any number of threads at once.
pub struct Client {
    http: Http,
    pub credentials: Credentials,
    pub settings: Settings,
    pub log: Log,
    sessions: Sessions,
    closed: Arc<Signal>,
    next_id: AtomicU64,
    process: u32,
}

impl Client {
    pub fn new(url: &str) -> Result<Client> {
        let endpoint = Endpoint::parse(url).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        let closed = Signal::new()
            .map_err(|error| Error::new(MCP_SYSTEM_ERROR, format!("the system refused a descriptor: {error}")))?;
        Ok(Client {
            http: Http::new(endpoint),
            credentials: Credentials::default(),
            settings: Settings::default(),
            log: Log::default(),
            sessions: Sessions::default(),
            closed: Arc::new(closed),
            next_id: AtomicU64::new(1),
            process: process::id(),
        })
    }

    /// Runs one call of a caller: the budget starts here, and a failure says which call to which server it was.
    pub fn call<T>(
        &self,
        operation: &'static str,
        options: &CallOptions,
        run: impl FnOnce(&Call) -> Result<T>,
    ) -> Result<T> {
        let named = |error: Error| error.during(operation, self.http.endpoint().shown());
        self.check_usable().map_err(named)?;
        self.settings.freeze();
        let call = Call::start(self, options);
        run(&call).map_err(|error| call.secrets().tidy_error(named(error)))
    }

    /// Fails in a process that is not the one that made the client.
    pub fn check_process(&self) -> Result<()> {
        if self.process == process::id() {
            return Ok(());
        }
        Err(Error::new(
            MCP_MISUSE,
            "the client was made before a fork and belongs to the parent process; make a new one in the child",
        ))
    }

    fn check_usable(&self) -> Result<()> {
        self.check_process()?;
        if self.closed.is_raised() {
            return Err(Error::new(MCP_CLOSED, "the client was closed; make a new one"));
        }
        Ok(())
    }

    fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// What was thought of when the client first goes to the network.
    fn warn_of_plain_credentials(&self, call: &Call) {
        let origin = self.http.endpoint().origin();
        if !origin.https && !origin.is_loopback() && !self.credentials.current().is_empty() {
            call.remark(Level::Warning, || {
                format!("credentials go unencrypted over http to {}; use https", origin.host)
            });
        }
    }
}
