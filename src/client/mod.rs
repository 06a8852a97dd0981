//! The client: its settings, its session, and its calls.
#![forbid(unsafe_code)]

mod cache;
mod close;
pub mod config;
mod connect;
pub mod login;
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
use crate::auth::oauth::environment::OAuthEnvironment;
use crate::call::new_event;
use crate::error::{Error, Result};
use crate::http::client::Http;
use crate::http::endpoint::Endpoint;
use crate::http::foreign::ForeignHttp;
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

/// A client of one server. Any number of threads may use it at once.
pub struct Client {
    /// The server's URL; `None` if the server is a process.
    endpoint: Option<Arc<Endpoint>>,
    /// The server's name in error messages: its URL without secrets, or the program.
    display_name: String,
    pub settings: Settings,
    calls: Arc<CallFactory>,
    pub server_log: Arc<ServerLog>,
    pub server_state: Arc<ServerState>,
    sessions: SessionSlot,
    /// Created by the first call, because it copies settings.
    transport_context: OnceCell<Arc<TransportContext>>,
    http_peer: OnceCell<Arc<HttpPeer>>,
    connector: OnceCell<Box<dyn Connector>>,
    tried_credentials: TriedCredentials,
    /// The process that created the client: it cannot be used after a fork.
    process_id: u32,
}

impl Client {
    /// A client of a server that is reached over HTTP.
    pub fn new(url: &str) -> Result<Arc<Client>> {
        let endpoint = Endpoint::parse(url).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        let display_name = endpoint.shown().to_owned();
        Client::with(Some(endpoint), display_name, Settings::default())
    }

    /// A client of a server that is started as a process.
    pub fn new_stdio(command: ProcessCommand) -> Result<Arc<Client>> {
        let invalid = |why: String| Error::new(MCP_INVALID_ARGUMENT, why);
        let name = command.argv.first().filter(|name| !name.is_empty());
        let display_name =
            name.ok_or_else(|| invalid("the command is empty: its first element must be the program".into()))?.clone();
        Client::with(None, display_name, Settings::for_process(command))
    }

    fn with(endpoint: Option<Endpoint>, display_name: String, settings: Settings) -> Result<Arc<Client>> {
        let url_secrets = endpoint.as_ref().map(|endpoint| Arc::clone(endpoint.secrets())).unwrap_or_default();
        Ok(Arc::new(Client {
            endpoint: endpoint.map(Arc::new),
            display_name,
            settings,
            calls: Arc::new(CallFactory::new(url_secrets, new_event()?)),
            server_log: Arc::default(),
            server_state: Arc::default(),
            sessions: SessionSlot::default(),
            transport_context: OnceCell::new(),
            http_peer: OnceCell::new(),
            connector: OnceCell::new(),
            tried_credentials: TriedCredentials::default(),
            process_id: process::id(),
        }))
    }

    /// The credentials and the auth callback.
    pub fn auth(&self) -> &Authorizer {
        &self.calls.authorizer
    }

    pub fn log(&self) -> &Log {
        &self.calls.log
    }

    /// Runs one call: its timeout starts here, and its error names the request and the server.
    pub fn call<T>(
        &self,
        request: &'static str,
        options: &CallOptions,
        run: impl FnOnce(&CallContext) -> Result<T>,
    ) -> Result<T> {
        let (call, timeout_is_from_config) =
            self.begin_call(options).map_err(|error| error.with_context(request, &self.display_name))?;
        run(&call).map_err(|error| self.call_error(request, &call, timeout_is_from_config, error))
    }

    /// The context of a new call, and whether its timeout is that of the configuration file. Not generic, like
    /// `call_error`: each operation has a copy of `call`.
    fn begin_call(&self, options: &CallOptions) -> Result<(CallContext, bool)> {
        self.check_usable()?;
        self.settings.freeze();
        let call = self.start_call(options);
        if let Some(ms) = self.settings.take_suspicious_timeout() {
            call.log(LogLevel::Warning, || {
                format!("the timeout of the configuration file is {ms} ms; if it means seconds, write {ms}000")
            });
        }
        Ok((call, options.timeout_ms.is_none() && self.settings.timeout_is_from_config()))
    }

    fn call_error(&self, request: &str, call: &CallContext, timeout_is_from_config: bool, error: Error) -> Error {
        let mut error = error.with_context(request, &self.display_name);
        if timeout_is_from_config
            && error.status() == MCP_TIMEOUT
            && call.wait_context().remaining() == Some(Duration::ZERO)
        {
            error.report_mut().message += " (the \"timeout\" of the configuration file, in milliseconds)";
        }
        call.secrets().sanitize_error(error)
    }

    fn start_call(&self, options: &CallOptions) -> CallContext {
        self.calls.start(options, self.settings.timeout())
    }

    fn is_process(&self) -> bool {
        self.endpoint.is_none()
    }

    /// Fails if the server is a process: `what` is for HTTP servers only.
    pub fn check_url(&self, what: &str) -> Result<()> {
        if !self.is_process() {
            return Ok(());
        }
        let why =
            format!("{what} are not supported for a server that is started as a process; see mcp_set_environment");
        Err(Error::new(MCP_MISUSE, why))
    }

    /// Fails in a process other than the one that created the client.
    pub fn check_process(&self) -> Result<()> {
        if self.process_id == process::id() {
            return Ok(());
        }
        Err(Error::new(
            MCP_MISUSE,
            "the client was made before a fork and belongs to the parent process; make a new one in the child",
        ))
    }

    fn check_usable(&self) -> Result<()> {
        self.check_process()?;
        self.check_not_in_auth_callback()?;
        if self.transport_context.get().is_some_and(|context| reads_for(context)) {
            let why =
                "a callback made a call on the thread that reads this client's messages; make it on another thread";
            return Err(Error::new(MCP_MISUSE, why));
        }
        if self.calls.closed.is_set() {
            return Err(Error::new(MCP_CLOSED, "the client was closed; make a new one"));
        }
        Ok(())
    }

    /// Fails on a thread that runs a callback for this client's credentials: its call would wait for that callback to
    /// return.
    fn check_not_in_auth_callback(&self) -> Result<()> {
        if !self.auth().is_in_callback() {
            return Ok(());
        }
        Err(Error::new(
            MCP_MISUSE,
            "an auth or OAuth callback made a call on the client that it authenticates; use another client",
        ))
    }

    /// The parts of the client that its transports use. They are created on first use, with the settings of that time.
    pub fn transport_context(&self) -> &Arc<TransportContext> {
        self.transport_context.get_or_init(|| {
            let observer: Arc<dyn ChangeObserver> = Arc::<ServerState>::clone(&self.server_state);
            let inbound = Dispatcher::new(self.settings.handlers(), Arc::clone(&self.server_log), observer);
            Arc::new(TransportContext {
                calls: Arc::clone(&self.calls),
                inbound: Arc::new(inbound),
                readers: ReaderThreads::new(self.process_id),
                limits: self.settings.limits(),
            })
        })
    }

    /// The HTTP client for the server's URL.
    fn http_peer(&self) -> Result<&Arc<HttpPeer>> {
        let endpoint = self.endpoint.as_ref().ok_or_else(|| Error::new(MCP_INTERNAL, "there is no URL"))?;
        Ok(self.http_peer.get_or_init(|| {
            let http = Http::new(Arc::clone(endpoint), self.settings.network(), Arc::clone(&self.calls.known));
            let environment = OAuthEnvironment {
                client_name: self.settings.client_info().name,
                sender: Arc::new(ForeignHttp::new(&http)),
            };
            let calls = (Arc::clone(&self.calls), environment);
            Arc::new(HttpPeer::new(http, calls, self.settings.limits(), self.settings.requires_https()))
        }))
    }

    fn connector(&self) -> Result<&dyn Connector> {
        let connector = self.connector.get_or_try_init(|| -> Result<Box<dyn Connector>> {
            let context = Arc::clone(self.transport_context());
            Ok(match self.settings.process_command() {
                Some(command) => Box::new(ProcessConnector { context, command }),
                None => {
                    let wanted = self.settings.transport();
                    Box::new(UrlConnector { context, peer: Arc::clone(self.http_peer()?), wanted })
                }
            })
        })?;
        Ok(&**connector)
    }

    /// Stops the reader threads: when this returns, no thread of the client runs. Does nothing in a forked child: no
    /// thread runs there, and locks may stay locked forever.
    pub fn shut_down(&self) {
        if self.process_id == process::id() {
            self.calls.closed.set();
            drop(self.sessions.close());
            if let Some(context) = self.transport_context.get() {
                context.readers.join();
            }
        }
    }
}
