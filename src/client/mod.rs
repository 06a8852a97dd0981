//! What a caller does with a server: connect, ping, ask who it is, close.
#![forbid(unsafe_code)]

mod cache;
mod close;
pub mod config;
mod connect;
pub mod operations;
pub mod server_state;
pub mod settings;
mod subscriptions;
#[cfg(test)]
mod tests;
mod tool_registry;

use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;

pub use crate::call::context::{CallContext, CallOptions, ProgressCallback};

use crate::auth::authorizer::Authorizer;
use crate::auth::call_factory::CallFactory;
use crate::call::new_signal;
use crate::error::{Error, Result};
use crate::http::client::Http;
use crate::http::endpoint::Endpoint;
use crate::log::{Log, LogLevel};
use crate::rpc::dispatch::{ChangeObserver, Dispatcher};
use crate::rpc::server_log::ServerLog;
use crate::session::session_slot::SessionSlot;
use crate::session::tried_credentials::TriedCredentials;
use crate::status::*;
use crate::sys::child_process::ProcessCommand;
use crate::sys::process;
use crate::transport::connector::{ProcessConnector, UrlConnector};
use crate::transport::context::TransportContext;
use crate::transport::http_peer::HttpPeer;
use crate::transport::interface::Connector;
use crate::transport::multiplexer::message_router::reads_for;
use crate::transport::reader_threads::ReaderThreads;
use server_state::ServerState;
use settings::Settings;

/// One server, as one program talks to it. Used from any number of threads at once.
pub struct Client {
    /// Where requests go; nothing where the server is a process.
    endpoint: Option<Arc<Endpoint>>,
    /// The server in messages.
    shown: String,
    pub settings: Settings,
    calls: Arc<CallFactory>,
    pub server_log: Arc<ServerLog>,
    pub known: Arc<ServerState>,
    sessions: SessionSlot,
    /// Made when the settings are fixed.
    host: OnceCell<Arc<TransportContext>>,
    peer: OnceCell<Arc<HttpPeer>>,
    connector: OnceCell<Box<dyn Connector>>,
    /// The credentials with which `initialize` was tried after a refused probe.
    passed: TriedCredentials,
    process: u32,
}

impl Client {
    pub fn new(url: &str) -> Result<Arc<Client>> {
        let endpoint = Endpoint::parse(url).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        let shown = endpoint.shown().to_owned();
        Client::with(Some(endpoint), shown, Settings::default())
    }

    /// A client of a server that is started as a process.
    pub fn of_process(program: ProcessCommand) -> Result<Arc<Client>> {
        let invalid = |why: String| Error::new(MCP_INVALID_ARGUMENT, why);
        let name = program.argv.first().filter(|name| !name.is_empty());
        let shown =
            name.ok_or_else(|| invalid("the command is empty: its first element must be the program".into()))?.clone();
        Client::with(None, shown, Settings::of_program(program))
    }

    fn with(endpoint: Option<Endpoint>, shown: String, settings: Settings) -> Result<Arc<Client>> {
        let url_secrets = endpoint.as_ref().map(|endpoint| Arc::clone(endpoint.secrets())).unwrap_or_default();
        Ok(Arc::new(Client {
            endpoint: endpoint.map(Arc::new),
            shown,
            settings,
            calls: Arc::new(CallFactory::new(url_secrets, new_signal()?)),
            server_log: Arc::default(),
            known: Arc::default(),
            sessions: SessionSlot::default(),
            host: OnceCell::new(),
            peer: OnceCell::new(),
            connector: OnceCell::new(),
            passed: TriedCredentials::default(),
            process: process::id(),
        }))
    }

    /// What authorises requests.
    pub fn auth(&self) -> &Authorizer {
        &self.calls.authorizer
    }

    pub fn log(&self) -> &Log {
        &self.calls.log
    }

    /// Runs one call of a caller: the budget starts here, and a failure says which call to which server it was.
    pub fn call<T>(
        &self,
        request: &'static str,
        options: &CallOptions,
        run: impl FnOnce(&CallContext) -> Result<T>,
    ) -> Result<T> {
        let named = |error: Error| error.with_context(request, &self.shown);
        self.check_usable().map_err(named)?;
        self.settings.freeze();
        let call = self.start_call(options);
        if let Some(ms) = self.settings.take_odd_timeout() {
            call.log(LogLevel::Warning, || {
                format!("the timeout of the configuration file is {ms} ms; if it means seconds, write {ms}000")
            });
        }
        let limit_is_of_file = options.timeout_ms.is_none() && self.settings.timeout_is_of_file();
        run(&call).map_err(|error| {
            let mut error = named(error);
            if limit_is_of_file
                && error.status() == MCP_TIMEOUT
                && call.wait_context().remaining() == Some(Duration::ZERO)
            {
                error.report_mut().message += " (the \"timeout\" of the configuration file, in milliseconds)";
            }
            call.secrets().sanitize_error(error)
        })
    }

    fn start_call(&self, options: &CallOptions) -> CallContext {
        self.calls.start(options, self.settings.timeout())
    }

    /// Whether the server is a process of its own.
    fn is_process(&self) -> bool {
        self.endpoint.is_none()
    }

    /// Fails for a setting that means nothing to a server that is a process.
    pub fn check_url(&self, what: &str) -> Result<()> {
        if !self.is_process() {
            return Ok(());
        }
        let why =
            format!("{what} are not supported for a server that is started as a process; see mcp_set_environment");
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
        if self.host.get().is_some_and(|host| reads_for(host)) {
            let why = "the log callback made a call on the thread that reads this client's event stream; make it on another thread";
            return Err(Error::new(MCP_MISUSE, why));
        }
        if self.calls.closed.is_set() {
            return Err(Error::new(MCP_CLOSED, "the client was closed; make a new one"));
        }
        Ok(())
    }

    /// Fails on a thread that is in the auth callback of this client: what it waits for would wait for it.
    fn check_not_asking(&self) -> Result<()> {
        if !self.auth().custom_auth.is_asking() {
            return Ok(());
        }
        Err(Error::new(
            MCP_MISUSE,
            "the auth callback made a call on the client that it authenticates; use another client",
        ))
    }

    /// What transports are lent; the settings are fixed from the first use on.
    pub fn host(&self) -> &Arc<TransportContext> {
        self.host.get_or_init(|| {
            let known: Arc<dyn ChangeObserver> = Arc::<ServerState>::clone(&self.known);
            let inbound = Dispatcher::new(self.settings.handlers(), Arc::clone(&self.server_log), known);
            Arc::new(TransportContext {
                calls: Arc::clone(&self.calls),
                inbound: Arc::new(inbound),
                readers: ReaderThreads::new(self.process),
                limits: self.settings.limits(),
            })
        })
    }

    /// The server behind the URL.
    fn peer(&self) -> Result<&Arc<HttpPeer>> {
        let endpoint = self.endpoint.as_ref().ok_or_else(|| Error::new(MCP_INTERNAL, "there is no URL"))?;
        Ok(self.peer.get_or_init(|| {
            let http = Http::new(Arc::clone(endpoint), self.settings.network(), Arc::clone(&self.calls.known));
            let calls = Arc::clone(&self.calls);
            Arc::new(HttpPeer::new(http, calls, self.settings.limits(), self.settings.requires_https()))
        }))
    }

    /// What opens transports to the server.
    fn connector(&self) -> Result<&dyn Connector> {
        let connector = self.connector.get_or_try_init(|| -> Result<Box<dyn Connector>> {
            let context = Arc::clone(self.host());
            Ok(match self.settings.program() {
                Some(program) => Box::new(ProcessConnector { context, program }),
                None => {
                    let wanted = self.settings.transport();
                    Box::new(UrlConnector { context, peer: Arc::clone(self.peer()?), wanted })
                }
            })
        })?;
        Ok(&**connector)
    }

    /// Ends what outlives calls: nothing of the client runs any more when this returns. In the child of a fork nothing runs, and
    /// locks may be held for ever.
    pub fn shut_down(&self) {
        if self.process == process::id() {
            self.calls.closed.set();
            drop(self.sessions.close());
            if let Some(host) = self.host.get() {
                host.readers.join();
            }
        }
    }
}
