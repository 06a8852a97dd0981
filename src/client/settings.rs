//! A client's settings. The first request freezes them, except the timeouts, which may change at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::call::context::limit;
use crate::call::limits::SizeLimits;
use crate::call::object;
use crate::error::{Error, Result};
use crate::net::connection_factory::{ConnectionOptions, DEFAULT_MAX_HEAD};
use crate::net::proxy::ProxyChoice;
use crate::net::tls::TlsOptions;
use crate::protocol::incoming::InputKind;
use crate::protocol::json::MAX_TEXT;
use crate::protocol::messages::{ClientCapabilities, ClientInfo, Extension};
use crate::protocol::version::{self, Era};
use crate::rpc::handlers::{Handler, Handlers};
use crate::status::*;
use crate::sys::child_process::ProcessCommand;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::socket::MAX_PATH_LENGTH;
use crate::transport::interface::TransportKind;

/// The timeout of a call unless another one is set.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The settings of one client.
pub struct Settings {
    fixed: Mutex<FixedSettings>,
    is_frozen: AtomicBool,
    timeout_ms: AtomicU64,
    idle_ms: AtomicU64,
    /// The timeout was read from a configuration file.
    timeout_is_from_config: AtomicBool,
    /// The timeout is so short that seconds may be meant, and no warning was logged yet.
    timeout_is_suspicious: AtomicBool,
}

/// The settings that the first request freezes.
struct FixedSettings {
    client_info: ClientInfo,
    extensions: Vec<Extension>,
    pinned: Option<(&'static str, Era)>,
    /// `None`: the client finds out which transport the server has.
    transport: Option<TransportKind>,
    require_https: bool,
    limits: SizeLimits,
    network: ConnectionOptions,
    handlers: Handlers,
    /// `None`: the server is reached over HTTP.
    process_command: Option<ProcessCommand>,
}

/// What a size limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    Message,
    Head,
    Event,
}

/// Some host applications write the `timeout` of a configuration file in seconds: a shorter one is suspicious.
const SHORTEST_USUAL_TIMEOUT_MS: u64 = 1000;

/// The highest limit for a response head, in bytes: each connection has a buffer for a whole head.
const MAX_HEAD_LIMIT: u64 = 16 * 1024 * 1024;

const DEFAULT_LIMITS: SizeLimits = SizeLimits { message: 64 * 1024 * 1024, event: 64 * 1024 * 1024 };

impl Default for Settings {
    fn default() -> Settings {
        let client_info = ClientInfo { name: "libmcp".into(), version: env!("CARGO_PKG_VERSION").into() };
        Settings {
            fixed: Mutex::new(FixedSettings {
                client_info,
                extensions: Vec::new(),
                pinned: None,
                transport: None,
                require_https: false,
                limits: DEFAULT_LIMITS,
                network: ConnectionOptions::default(),
                handlers: Handlers::default(),
                process_command: None,
            }),
            is_frozen: AtomicBool::new(false),
            timeout_ms: AtomicU64::new(DEFAULT_TIMEOUT.as_millis() as u64),
            idle_ms: AtomicU64::new(0),
            timeout_is_from_config: AtomicBool::new(false),
            timeout_is_suspicious: AtomicBool::new(false),
        }
    }
}

impl Settings {
    pub fn set_timeout_ms(&self, timeout_ms: u64) {
        self.timeout_ms.store(timeout_ms, Ordering::Relaxed);
        self.timeout_is_from_config.store(false, Ordering::Relaxed);
        self.timeout_is_suspicious.store(false, Ordering::Relaxed);
    }

    /// Sets the timeout that a configuration file has.
    pub fn set_config_timeout(&self, timeout_ms: u64) {
        self.set_timeout_ms(timeout_ms);
        self.timeout_is_from_config.store(true, Ordering::Relaxed);
        self.timeout_is_suspicious.store((1..SHORTEST_USUAL_TIMEOUT_MS).contains(&timeout_ms), Ordering::Relaxed);
    }

    pub fn timeout_is_from_config(&self) -> bool {
        self.timeout_is_from_config.load(Ordering::Relaxed)
    }

    /// The timeout of the configuration file, in milliseconds, if seconds may be meant. Returned only once.
    pub fn take_suspicious_timeout(&self) -> Option<u64> {
        let is_suspicious = self.timeout_is_suspicious.load(Ordering::Relaxed)
            && self.timeout_is_suspicious.swap(false, Ordering::Relaxed);
        is_suspicious.then(|| self.timeout_ms.load(Ordering::Relaxed))
    }

    /// The timeout of a call whose options set none; `None` for no timeout.
    pub fn timeout(&self) -> Option<Duration> {
        limit(self.timeout_ms.load(Ordering::Relaxed))
    }

    pub fn set_idle_timeout_ms(&self, timeout_ms: u64) {
        self.idle_ms.store(timeout_ms, Ordering::Relaxed);
    }

    /// The idle timeout of a call whose options set none; `None` for no idle timeout.
    pub fn idle_timeout(&self) -> Option<Duration> {
        limit(self.idle_ms.load(Ordering::Relaxed))
    }

    pub fn set_client_info(&self, name: &str, version: &str) -> Result<()> {
        self.change("the client info", |settings| {
            settings.client_info = ClientInfo { name: name.into(), version: version.into() };
        })
    }

    /// Declares an extension with its settings, the text of a JSON object; `None` removes it.
    pub fn set_extension(&self, name: &str, settings: Option<&str>) -> Result<()> {
        let is_complete = name.split_once('/').is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty());
        if !is_complete {
            let why = format!("the extension's name {name:?} has no vendor: it is like \"example.com/name\"");
            return Err(Error::new(MCP_INVALID_ARGUMENT, why));
        }
        let settings = settings.map(|settings| object(settings, "the extension's settings")).transpose()?;
        self.change("an extension", |fixed| {
            fixed.extensions.retain(|(known, _)| known != name);
            fixed.extensions.extend(settings.map(|settings| (name.to_owned(), settings.to_owned())));
        })
    }

    /// The extensions that this client declares to the server.
    pub fn extensions(&self) -> Vec<Extension> {
        self.lock().extensions.clone()
    }

    pub fn client_info(&self) -> ClientInfo {
        self.lock().client_info.clone()
    }

    pub fn pin_version(&self, version: Option<&str>) -> Result<()> {
        let pinned = match version {
            None => None,
            Some(version) => Some(version::known(version).ok_or_else(|| {
                let why = format!(
                    "{version:?} is not a protocol version that this client supports; use one of {}",
                    version::all()
                );
                Error::new(MCP_INVALID_ARGUMENT, why)
            })?),
        };
        self.change("the protocol version", |settings| settings.pinned = pinned)
    }

    pub fn pinned(&self) -> Option<(&'static str, Era)> {
        self.lock().pinned
    }

    pub fn set_transport(&self, transport: Option<TransportKind>) -> Result<()> {
        self.change("the transport", |settings| settings.transport = transport)
    }

    pub fn transport(&self) -> Option<TransportKind> {
        self.lock().transport
    }

    pub fn set_require_https(&self, required: bool) -> Result<()> {
        self.change("whether https is required", |settings| settings.require_https = required)
    }

    pub fn requires_https(&self) -> bool {
        self.lock().require_https
    }

    /// Sets a size limit; zero restores the default.
    pub fn set_limit(&self, limit: LimitKind, bytes: u64) -> Result<()> {
        if limit == LimitKind::Head && bytes > MAX_HEAD_LIMIT {
            return Err(Error::new(
                MCP_INVALID_ARGUMENT,
                format!("the limit for a response head must not exceed {MAX_HEAD_LIMIT} bytes"),
            ));
        }
        // Longer JSON cannot be read.
        let bytes = (bytes > 0).then(|| usize::try_from(bytes).unwrap_or(usize::MAX).min(MAX_TEXT));
        self.change("the limits", |settings| match limit {
            LimitKind::Message => settings.limits.message = bytes.unwrap_or(DEFAULT_LIMITS.message),
            LimitKind::Event => settings.limits.event = bytes.unwrap_or(DEFAULT_LIMITS.event),
            LimitKind::Head => settings.network.max_head = bytes.unwrap_or(DEFAULT_MAX_HEAD),
        })
    }

    pub fn limits(&self) -> SizeLimits {
        self.lock().limits
    }

    /// Sets or removes a handler. The old one is dropped without the lock, because dropping it may run application
    /// code.
    pub fn set_handler(&self, kind: InputKind, handler: Option<Arc<Handler>>) -> Result<()> {
        let mut swapped = handler;
        let outcome = self.change("a handler", |settings| std::mem::swap(settings.handlers.of_mut(kind), &mut swapped));
        drop(swapped);
        outcome
    }

    /// Sets how long the application may take for a response to the server; zero means no limit.
    pub fn set_input_timeout(&self, timeout_ms: u64) -> Result<()> {
        self.change("the input timeout", |settings| settings.handlers.input_limit = limit(timeout_ms))
    }

    /// The settings of a client whose server is a process.
    pub fn for_process(command: ProcessCommand) -> Settings {
        let settings = Settings::default();
        settings.lock().process_command = Some(command);
        settings
    }

    /// Changes how the server process is started; fails if the server is not a process.
    pub fn change_process_command(&self, what: &str, edit: impl FnOnce(&mut ProcessCommand)) -> Result<()> {
        if self.lock().process_command.is_none() {
            let why = format!("{what} is for servers that are started as a process; see mcp_client_new_stdio");
            return Err(Error::new(MCP_MISUSE, why));
        }
        self.change(what, |settings| {
            if let Some(command) = &mut settings.process_command {
                edit(command);
            }
        })
    }

    pub fn process_command(&self) -> Option<ProcessCommand> {
        self.lock().process_command.clone()
    }

    pub fn handlers(&self) -> Handlers {
        self.lock().handlers.clone()
    }

    /// The capabilities that this client declares to the server.
    pub fn client_capabilities(&self) -> ClientCapabilities {
        self.lock().handlers.client_capabilities()
    }

    pub fn set_proxy(&self, proxy: ProxyChoice) -> Result<()> {
        self.change("the proxy", |settings| settings.network.proxy = proxy)
    }

    pub fn set_unix_socket(&self, path: Option<&str>) -> Result<()> {
        if path.is_some_and(|path| path.is_empty() || path.len() > MAX_PATH_LENGTH) {
            let why = format!(
                "the path is empty or too long: that of a Unix domain socket has from 1 to {MAX_PATH_LENGTH} bytes"
            );
            return Err(Error::new(MCP_INVALID_ARGUMENT, why));
        }
        self.change("the Unix domain socket", |settings| settings.network.unix_socket = path.map(Into::into))
    }

    /// Changes the TLS options. If `edit` fails, they stay unchanged.
    pub fn set_tls(&self, edit: impl FnOnce(&mut TlsOptions) -> Result<(), String>) -> Result<()> {
        let mut tls = self.lock().network.tls.clone();
        // Without the lock: `edit` reads files.
        edit(&mut tls).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        self.change("TLS", |settings| settings.network.tls = tls)
    }

    pub fn network(&self) -> ConnectionOptions {
        self.lock().network.clone()
    }

    /// Makes later changes fail: a request may have sent the current settings to the server.
    pub fn freeze(&self) {
        self.is_frozen.store(true, Ordering::Relaxed);
    }

    fn change(&self, what: &str, edit: impl FnOnce(&mut FixedSettings)) -> Result<()> {
        let mut settings = self.lock();
        if self.is_frozen.load(Ordering::Relaxed) {
            let why = format!("{what} cannot change after the first call of the client; set it before that");
            return Err(Error::new(MCP_MISUSE, why));
        }
        edit(&mut settings);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, FixedSettings> {
        self.fixed.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_cannot_change_after_the_first_request() {
        let settings = Settings::default();
        settings.set_client_info("app", "2").unwrap();
        settings.pin_version(Some("2025-06-18")).unwrap();
        assert_eq!(settings.pin_version(Some("1999-01-01")).unwrap_err().status(), MCP_INVALID_ARGUMENT);
        settings.freeze();
        assert_eq!(settings.set_client_info("other", "2").unwrap_err().status(), MCP_MISUSE);
        assert_eq!(settings.pin_version(None).unwrap_err().status(), MCP_MISUSE);
        assert_eq!(settings.client_info().name, "app");
        assert_eq!(settings.pinned(), Some(("2025-06-18", Era::Legacy)));
        settings.set_timeout_ms(0);
        assert_eq!(settings.timeout(), None);
    }

    #[test]
    fn messages_are_at_most_as_long_as_json_can_be() {
        let settings = Settings::default();
        for (bytes, limit) in [(5, 5), (0, DEFAULT_LIMITS.message), (u64::MAX, MAX_TEXT), (1 << 32, MAX_TEXT)] {
            settings.set_limit(LimitKind::Message, bytes).unwrap();
            assert_eq!(settings.limits().message, limit);
        }
        settings.set_limit(LimitKind::Event, u64::MAX).unwrap();
        assert_eq!(settings.limits().event, MAX_TEXT);
    }
}
