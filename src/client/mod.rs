//! What a caller does with a server: connect, ping, ask who it is, close.
#![forbid(unsafe_code)]

pub mod answer;
mod cache;
mod changes;
mod channel;
mod close;
pub mod config;
mod exchange;
mod incoming;
mod info;
pub mod inputs;
mod letters;
pub mod line;
pub mod listen;
pub mod lists;
pub mod logging;
mod negotiate;
mod operation;
pub mod operations;
mod ping;
pub mod pipe;
mod reader;
pub mod receiver;
mod session;
pub mod settings;
mod standing;
mod stream;
pub mod tasks;
mod tools;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;

pub use crate::call::context::{Call, CallOptions, Progress};
use crate::call::context::{Extras, limit};
use crate::call::new_signal;

use crate::auth::authorizer::Authorizer;
use crate::call::secrets::LastPatterns;
use crate::error::{Error, Result};
use crate::http::client::Http;
use crate::http::endpoint::Endpoint;
use crate::log::{Level, Log};
use crate::status::*;
use crate::sys::child::Program;
use crate::sys::process;
use crate::sys::signal::Signal;
use crate::sys::wait::Budget;
use crate::transport::http_peer::HttpPeer;
use reader::Readers;
use session::Sessions;
use settings::Settings;

/// The timeout of a call where nobody sets another one.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// One server, as one program talks to it. Used from any number of threads at once.
pub struct Client {
    /// For the threads that outlive a call.
    me: Weak<Client>,
    /// Where requests go; of no meaning where the server is a process.
    endpoint: Arc<Endpoint>,
    /// The server in messages.
    shown: String,
    is_process: bool,
    /// Made when the settings are fixed.
    peer: OnceCell<Arc<HttpPeer>>,
    pub auth: Arc<Authorizer>,
    pub settings: Settings,
    pub log: Arc<Log>,
    last_patterns: Arc<LastPatterns>,
    pub logging: logging::Logging,
    pub cache: cache::Cache,
    tools: tools::Tools,
    changes: changes::Changes,
    serving: incoming::Serving,
    sessions: Sessions,
    readers: Readers,
    closed: Arc<Signal>,
    next_id: AtomicU64,
    /// The credentials with which `initialize` was tried after a refused probe.
    passed: negotiate::PassedRefusals,
    process: u32,
}

impl Client {
    pub fn new(url: &str) -> Result<Arc<Client>> {
        let endpoint = Endpoint::parse(url).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        let shown = endpoint.shown().to_owned();
        Client::with(endpoint, shown, Settings::default())
    }

    /// A client of a server that is started as a process.
    pub fn of_process(program: Program) -> Result<Arc<Client>> {
        let invalid = |why: String| Error::new(MCP_INVALID_ARGUMENT, why);
        let name = program.argv.first().filter(|name| !name.is_empty());
        let shown = name.ok_or_else(|| invalid("the command is empty: it begins with the program".into()))?.clone();
        let endpoint = Endpoint::parse("http://localhost/").map_err(invalid)?;
        Client::with(endpoint, shown, Settings::of_program(program))
    }

    fn with(endpoint: Endpoint, shown: String, settings: Settings) -> Result<Arc<Client>> {
        let is_process = settings.program().is_some();
        let closed = new_signal()?;
        Ok(Arc::new_cyclic(|me| Client {
            me: Weak::clone(me),
            endpoint: Arc::new(endpoint),
            shown,
            is_process,
            peer: OnceCell::new(),
            auth: Arc::default(),
            settings,
            log: Arc::default(),
            last_patterns: Arc::default(),
            logging: logging::Logging::default(),
            cache: cache::Cache::default(),
            tools: tools::Tools::default(),
            changes: changes::Changes::default(),
            serving: incoming::Serving::default(),
            sessions: Sessions::default(),
            readers: Readers::new(process::id()),
            closed: Arc::new(closed),
            next_id: AtomicU64::new(1),
            passed: negotiate::PassedRefusals::default(),
            process: process::id(),
        }))
    }

    /// Runs one call of a caller: the budget starts here, and a failure says which call to which server it was.
    pub fn call<T>(
        &self,
        operation: &'static str,
        options: &CallOptions,
        run: impl FnOnce(&Call) -> Result<T>,
    ) -> Result<T> {
        let named = |error: Error| error.during(operation, &self.shown);
        self.check_usable().map_err(named)?;
        self.settings.freeze();
        let call = self.start_call(options);
        if let Some(ms) = self.settings.take_odd_timeout() {
            call.remark(Level::Warning, || {
                format!("the timeout of the configuration file is {ms} ms; if it means seconds, write {ms}000")
            });
        }
        let limit_is_of_file = options.timeout_ms.is_none() && self.settings.timeout_is_of_file();
        run(&call).map_err(|error| {
            let mut error = named(error);
            if limit_is_of_file && error.status() == MCP_TIMEOUT && call.budget().remaining() == Some(Duration::ZERO) {
                error.report_mut().message += " (the \"timeout\" of the configuration file, in milliseconds)";
            }
            call.secrets().tidy_error(error)
        })
    }

    fn start_call(&self, options: &CallOptions) -> Call {
        let allowed = options.timeout_ms.map_or_else(|| self.settings.timeout(), limit);
        let budget = Budget {
            // A timeout beyond what the clock can say is none.
            deadline: allowed.and_then(|allowed| Instant::now().checked_add(allowed)),
            allowed,
            idle: limit(options.idle_ms),
            cancel: options.cancel.clone(),
            closed: Some(Arc::clone(&self.closed)),
            done: None,
        };
        let progress_token = if options.extras.progress.is_some() { self.next_id() } else { 0 };
        self.make_call(budget, true, (options.extras.clone(), progress_token))
    }

    /// A call of the client's own, for which the auth callback is not asked.
    fn own_call(&self, budget: Budget) -> Call {
        self.make_call(budget, false, (Extras::default(), 0))
    }

    fn make_call(&self, budget: Budget, asks: bool, extras: (Extras, u64)) -> Call {
        let call = Call::new(budget, asks, extras, Arc::clone(&self.last_patterns), Arc::clone(&self.log));
        call.keep_secret(&self.auth.credentials.current());
        if let Some(scheme) = self.auth.schemes.current() {
            call.keep_secret(&scheme.last().headers);
        }
        if !self.is_process {
            call.carry_texts(self.endpoint.secrets());
        }
        call
    }

    /// Whether the server is a process of its own.
    fn is_process(&self) -> bool {
        self.is_process
    }

    /// Fails for a setting that means nothing to a server that is a process.
    pub fn check_url(&self, what: &str) -> Result<()> {
        if !self.is_process {
            return Ok(());
        }
        let why = format!("{what} mean nothing to a server that is started as a process; see mcp_set_environment");
        Err(Error::new(MCP_MISUSE, why))
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
        self.check_not_asking()?;
        if receiver::reads_for(self) {
            let why = "the log callback made a call on the thread that reads this client's event stream; make it on another thread";
            return Err(Error::new(MCP_MISUSE, why));
        }
        if self.closed.is_raised() {
            return Err(Error::new(MCP_CLOSED, "the client was closed; make a new one"));
        }
        Ok(())
    }

    /// Fails on a thread that is in the auth callback of this client: what it waits for would wait for it.
    fn check_not_asking(&self) -> Result<()> {
        if !self.auth.schemes.is_asking() {
            return Ok(());
        }
        Err(Error::new(
            MCP_MISUSE,
            "the auth callback made a call on the client that it authorises; use another client",
        ))
    }

    /// The server behind the URL; its settings are fixed from the first use on.
    fn peer(&self) -> &Arc<HttpPeer> {
        self.peer.get_or_init(|| {
            let http = Http::new(Arc::clone(&self.endpoint), self.settings.network());
            let authorizer = Arc::clone(&self.auth);
            Arc::new(HttpPeer::new(http, authorizer, self.settings.limits(), self.settings.requires_https()))
        })
    }

    /// Ends what outlives calls: nothing of the client runs any more when this returns. In the child of a fork nothing runs, and
    /// locks may be held for ever.
    pub fn shut_down(&self) {
        if self.process == process::id() {
            self.closed.raise();
            drop(self.sessions.close());
            self.readers.join();
        }
    }

    fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}
