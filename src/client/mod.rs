//! The client: its settings, its session, and its calls.
#![forbid(unsafe_code)]

mod cache;
pub mod call_enders;
mod close;
pub mod config;
mod connect;
pub mod debug_output;
pub mod login;
pub mod operations;
pub mod server_state;
pub mod settings;
mod subscriptions;
#[cfg(test)]
mod tests;
mod tool_registry;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use once_cell::sync::OnceCell;

pub use crate::call::context::{CallContext, CallOptions, ProgressCallback};

use crate::auth::authorizer::Authorizer;
use crate::auth::call_factory::CallFactory;
use crate::auth::oauth::environment::OAuthEnvironment;
use crate::call::callback_runner::{CallbackRunner, CallbackThreads};
use crate::call::new_event;
use crate::error::{Error, Result};
use crate::http::client::Http;
use crate::http::endpoint::Endpoint;
use crate::http::foreign::ForeignHttp;
use crate::log::{Log, LogForward, LogLevel};
use crate::rpc::dispatch::{ChangeObserver, Dispatcher};
use crate::rpc::notification_hook::NotificationHooks;
use crate::rpc::server_log::ServerLog;
use crate::sanitize::shortened;
use crate::session::session_slot::SessionSlot;
use crate::session::tried_credentials::TriedCredentials;
use crate::status::*;
use crate::sys::child_process::ProcessCommand;
use crate::sys::lock::Mutex;
use crate::sys::pipe::{ReadEnd, WriteEnd};
use crate::sys::process;
use crate::trace::Trace;
use crate::transport::connector::{ProcessConnector, StreamConnector, UrlConnector};
use crate::transport::context::TransportContext;
use crate::transport::http_peer::HttpPeer;
use crate::transport::interface::Connector;
use crate::transport::multiplexer::message_router::reads_for;
use crate::transport::reader_threads::ReaderThreads;
use call_enders::CallEnders;
use server_state::ServerState;
use settings::Settings;

/// The longest name in an error message, in bytes.
const MAX_NAME_LENGTH: usize = 200;
/// Where the callbacks of a client run that belong to no call.
#[derive(Default)]
pub struct ClientCallbackSettings {
    pub runner: Option<Arc<dyn CallbackRunner>>,
    /// For log messages.
    pub forward: Option<Arc<LogForward>>,
    /// Called when nothing more may be delivered.
    pub end: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// A call whose timeout has started.
pub struct BegunCall {
    pub context: CallContext,
    timeout_is_from_config: bool,
}

/// A client of one server. Any number of threads may use it at once.
pub struct Client {
    /// The server's URL; `None` if the server is not reached over HTTP.
    endpoint: Option<Arc<Endpoint>>,
    /// The streams to the server, for the first call.
    streams: Mutex<Option<(ReadEnd, WriteEnd)>>,
    has_streams: bool,
    /// The server's name in error messages: its URL without secrets, or the program.
    display_name: String,
    pub settings: Settings,
    calls: Arc<CallFactory>,
    pub server_log: Arc<ServerLog>,
    pub notifications: Arc<NotificationHooks>,
    pub server_state: Arc<ServerState>,
    sessions: SessionSlot,
    /// Created by the first call, because it copies settings.
    transport_context: OnceCell<Arc<TransportContext>>,
    http_peer: OnceCell<Arc<HttpPeer>>,
    connector: OnceCell<Box<dyn Connector>>,
    tried_credentials: TriedCredentials,
    call_enders: CallEnders,
    /// See [`ClientCallbackSettings::end`].
    end_callbacks: Mutex<Option<Arc<dyn Fn() + Send + Sync>>>,
    /// The process that created the client: it cannot be used after a fork.
    process_id: u32,
}

impl Client {
    /// A client of a server that is reached over HTTP.
    pub fn new(url: &str) -> Result<Arc<Client>> {
        let endpoint = Endpoint::parse(url).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        let display_name = endpoint.shown().to_owned();
        Client::with(Some(endpoint), None, display_name, Settings::default())
    }

    /// A client of a server that is started as a process.
    pub fn new_stdio(command: ProcessCommand) -> Result<Arc<Client>> {
        let invalid = |why: String| Error::new(MCP_INVALID_ARGUMENT, why);
        let name = command.argv.first().filter(|name| !name.is_empty());
        let display_name =
            name.ok_or_else(|| invalid("the command is empty: its first element must be the program".into()))?.clone();
        Client::with(None, None, display_name, Settings::for_process(command))
    }

    /// A client of a server at the other end of streams.
    pub fn on_streams(streams: (ReadEnd, WriteEnd), name: &str) -> Result<Arc<Client>> {
        Client::with(None, Some(streams), name.to_owned(), Settings::default())
    }

    fn with(
        endpoint: Option<Endpoint>,
        streams: Option<(ReadEnd, WriteEnd)>,
        display_name: String,
        settings: Settings,
    ) -> Result<Arc<Client>> {
        let host = endpoint.as_ref().map(|endpoint| endpoint.origin().host.as_str());
        let default_name = host.unwrap_or(&display_name).to_owned();
        let url_secrets = endpoint.as_ref().map(|endpoint| Arc::clone(endpoint.secrets())).unwrap_or_default();
        Ok(Arc::new(Client {
            endpoint: endpoint.map(Arc::new),
            has_streams: streams.is_some(),
            streams: Mutex::new(streams),
            display_name,
            settings,
            calls: Arc::new(CallFactory::new(url_secrets, new_event()?, &default_name)),
            server_log: Arc::default(),
            notifications: Arc::default(),
            server_state: Arc::default(),
            sessions: SessionSlot::default(),
            transport_context: OnceCell::new(),
            http_peer: OnceCell::new(),
            connector: OnceCell::new(),
            tried_credentials: TriedCredentials::default(),
            call_enders: CallEnders::default(),
            end_callbacks: Mutex::default(),
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

    pub fn trace(&self) -> &Trace {
        &self.calls.trace
    }

    /// The name that was set; otherwise the host of the URL, or the program.
    pub fn name(&self) -> Arc<str> {
        self.log().name().unwrap_or_else(|| Arc::clone(&self.calls.default_name))
    }

    /// Sets the name in errors and log lines; `None` and an empty name restore the default.
    pub fn set_name(&self, name: Option<&str>) {
        self.log().set_name(name.filter(|name| !name.is_empty()));
    }

    /// The server in error messages: its URL without secrets, or the program, and the name if one is set.
    pub fn server_in_messages(&self) -> Cow<'_, str> {
        match self.log().name() {
            Some(name) => Cow::Owned(format!("{} ({})", shortened(&name, MAX_NAME_LENGTH), self.display_name)),
            None => Cow::Borrowed(&self.display_name),
        }
    }

    /// Runs one call: its timeout starts here, and its error names the request and the server.
    pub fn call<T>(
        &self,
        request: &'static str,
        options: &CallOptions,
        run: impl FnOnce(&CallContext) -> Result<T>,
    ) -> Result<T> {
        let begun = self
            .check_may_block()
            .and_then(|()| self.begin_call(options))
            .map_err(|error| error.with_context(request, &self.server_in_messages()))?;
        self.run_begun(request, &begun, run)
    }

    /// Starts the timeout of a call that is run later. Not generic, like `call_error`: each operation has a copy of
    /// `call`.
    pub fn begin_call(&self, options: &CallOptions) -> Result<BegunCall> {
        self.check_process()?;
        if self.calls.closed.is_set() {
            return Err(Error::new(MCP_CLOSED, "the client was closed; make a new one"));
        }
        self.settings.freeze();
        let context = self.start_call(options);
        if let Some(ms) = self.settings.take_suspicious_timeout() {
            context.log(LogLevel::Warning, || {
                format!("the timeout of the configuration file is {ms} ms; if it means seconds, write {ms}000")
            });
        }
        let timeout_is_from_config = options.timeout_ms.is_none() && self.settings.timeout_is_from_config();
        Ok(BegunCall { context, timeout_is_from_config })
    }

    /// Runs a call that has begun.
    pub fn run_begun<T>(
        &self,
        request: &'static str,
        begun: &BegunCall,
        run: impl FnOnce(&CallContext) -> Result<T>,
    ) -> Result<T> {
        run(&begun.context).map_err(|error| self.call_error(request, begun, error))
    }

    fn call_error(&self, request: &str, begun: &BegunCall, error: Error) -> Error {
        let call = &begun.context;
        let mut error = error.with_context(request, &self.server_in_messages());
        if begun.timeout_is_from_config
            && error.status() == MCP_TIMEOUT
            && call.wait_context().remaining() == Some(Duration::ZERO)
        {
            error.report_mut().message += " (the \"timeout\" of the configuration file, in milliseconds)";
        }
        call.secrets().sanitize_error(error)
    }

    fn start_call(&self, options: &CallOptions) -> CallContext {
        self.calls.start(options, self.settings.timeout(), self.settings.idle_timeout())
    }

    pub fn callback_threads(&self) -> Arc<CallbackThreads> {
        Arc::clone(&self.calls.callback_threads)
    }

    pub fn shared_log(&self) -> Arc<Log> {
        Arc::clone(&self.calls.log)
    }

    /// Sets where the callbacks run that belong to no call; `None` for threads of the library.
    pub fn set_callbacks(&self, callbacks: Option<ClientCallbackSettings>) {
        let ClientCallbackSettings { runner, forward, end } = callbacks.unwrap_or_default();
        *self.calls.own_callbacks.write() = runner;
        self.calls.log.set_forward(forward);
        *self.end_callbacks.lock() = end;
    }

    /// The client is closed: its callbacks are not delivered any more.
    pub fn end_callbacks(&self) {
        let end = self.end_callbacks.lock().clone();
        end.iter().for_each(|end| end());
    }

    /// Fails if the server is not reached over HTTP: `what` is for HTTP servers only.
    pub fn check_url(&self, what: &str) -> Result<()> {
        if self.endpoint.is_some() {
            return Ok(());
        }
        let server = if self.has_streams {
            "that is reached over streams (mcp_client_new_fds)"
        } else {
            "that is started as a process; see mcp_set_environment"
        };
        Err(Error::new(MCP_MISUSE, format!("{what} are not supported for a server {server}")))
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

    /// Fails on a thread that must not wait for a call of this client.
    fn check_may_block(&self) -> Result<()> {
        self.check_process()?;
        self.check_not_in_auth_callback()?;
        if self.transport_context.get().is_some_and(|context| reads_for(context)) {
            let why =
                "a callback made a call on the thread that reads this client's messages; make it on another thread";
            return Err(Error::new(MCP_MISUSE, why));
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
            let hooks = (Arc::clone(&self.server_log), Arc::clone(&self.notifications));
            let inbound = Dispatcher::new(self.settings.handlers(), hooks, observer);
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
            if self.has_streams {
                return Ok(Box::new(StreamConnector::new(context, self.streams.lock().take())));
            }
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
            self.end_calls();
            drop(self.sessions.close());
            if let Some(connector) = self.connector.get() {
                connector.close();
            }
            if let Some(context) = self.transport_context.get() {
                context.readers.join();
            }
            self.calls.callback_threads.shut_down();
        }
    }
}
