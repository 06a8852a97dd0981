//! What is set before the first request and fixed by it, and the timeout, which may change at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::call::context::limit;
use crate::call::limits::SizeLimits;
use crate::error::{Error, Result};
use crate::net::connection_factory::{ConnectionOptions, DEFAULT_MAX_HEAD};
use crate::net::proxy::ProxyChoice;
use crate::net::tls::TlsOptions;
use crate::protocol::incoming::InputKind;
use crate::protocol::messages::{ClientCapabilities, ClientInfo};
use crate::protocol::version::{self, Era};
use crate::rpc::handlers::{Handler, Handlers};
use crate::status::*;
use crate::sys::child_process::ProcessCommand;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::socket::LONGEST_PATH;
use crate::transport::interface::TransportKind;

/// The timeout of a call where nobody sets another one.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The settings of one client.
pub struct Settings {
    fixed: Mutex<FixedSettings>,
    frozen: AtomicBool,
    timeout_ms: AtomicU64,
    /// A configuration file has set the timeout.
    timeout_is_of_file: AtomicBool,
    /// It looks like seconds, and the log has not said so yet.
    timeout_is_odd: AtomicBool,
}

struct FixedSettings {
    client_info: ClientInfo,
    pinned: Option<(&'static str, Era)>,
    /// Found out where it is not set.
    transport: Option<TransportKind>,
    require_https: bool,
    limits: SizeLimits,
    network: ConnectionOptions,
    handlers: Handlers,
    program: Option<ProcessCommand>,
}

/// Which limit is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    Message,
    Head,
    Event,
}

/// Some hosts mean seconds by a `timeout`: one of a file that is shorter is suspicious, in milliseconds.
const SHORTEST_USUAL: u64 = 1000;

/// A head is read whole, into a buffer that every connection has.
const LARGEST_HEAD: u64 = 16 * 1024 * 1024;

const DEFAULT_LIMITS: SizeLimits = SizeLimits { message: 64 * 1024 * 1024, event: 64 * 1024 * 1024 };

impl Default for Settings {
    fn default() -> Settings {
        let client_info = ClientInfo { name: "libmcp".into(), version: env!("CARGO_PKG_VERSION").into() };
        Settings {
            fixed: Mutex::new(FixedSettings {
                client_info,
                pinned: None,
                transport: None,
                require_https: false,
                limits: DEFAULT_LIMITS,
                network: ConnectionOptions::default(),
                handlers: Handlers::default(),
                program: None,
            }),
            frozen: AtomicBool::new(false),
            timeout_ms: AtomicU64::new(DEFAULT_TIMEOUT.as_millis() as u64),
            timeout_is_of_file: AtomicBool::new(false),
            timeout_is_odd: AtomicBool::new(false),
        }
    }
}

impl Settings {
    pub fn set_timeout_ms(&self, timeout_ms: u64) {
        self.timeout_ms.store(timeout_ms, Ordering::Relaxed);
        self.timeout_is_of_file.store(false, Ordering::Relaxed);
        self.timeout_is_odd.store(false, Ordering::Relaxed);
    }

    /// The same by a configuration file.
    pub fn set_timeout_of_file(&self, timeout_ms: u64) {
        self.set_timeout_ms(timeout_ms);
        self.timeout_is_of_file.store(true, Ordering::Relaxed);
        self.timeout_is_odd.store((1..SHORTEST_USUAL).contains(&timeout_ms), Ordering::Relaxed);
    }

    pub fn timeout_is_of_file(&self) -> bool {
        self.timeout_is_of_file.load(Ordering::Relaxed)
    }

    /// The timeout of a file that may be meant as seconds; told once.
    pub fn take_odd_timeout(&self) -> Option<u64> {
        let is_odd = self.timeout_is_odd.load(Ordering::Relaxed) && self.timeout_is_odd.swap(false, Ordering::Relaxed);
        is_odd.then(|| self.timeout_ms.load(Ordering::Relaxed))
    }

    /// The timeout of a call that brings none; `None` for no timeout.
    pub fn timeout(&self) -> Option<Duration> {
        limit(self.timeout_ms.load(Ordering::Relaxed))
    }

    pub fn set_client_info(&self, name: &str, version: &str) -> Result<()> {
        self.change("the client info", |fixed| {
            fixed.client_info = ClientInfo { name: name.into(), version: version.into() };
        })
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
        self.change("the protocol version", |fixed| fixed.pinned = pinned)
    }

    pub fn pinned(&self) -> Option<(&'static str, Era)> {
        self.lock().pinned
    }

    pub fn set_transport(&self, transport: Option<TransportKind>) -> Result<()> {
        self.change("the transport", |fixed| fixed.transport = transport)
    }

    pub fn transport(&self) -> Option<TransportKind> {
        self.lock().transport
    }

    pub fn set_require_https(&self, required: bool) -> Result<()> {
        self.change("the rule for plain http", |fixed| fixed.require_https = required)
    }

    pub fn requires_https(&self) -> bool {
        self.lock().require_https
    }

    /// Zero stands for the default.
    pub fn set_limit(&self, limit: LimitKind, bytes: u64) -> Result<()> {
        if limit == LimitKind::Head && bytes > LARGEST_HEAD {
            return Err(Error::new(
                MCP_INVALID_ARGUMENT,
                format!("the limit of a head is at most {LARGEST_HEAD} bytes"),
            ));
        }
        let bytes = (bytes > 0).then(|| usize::try_from(bytes).unwrap_or(usize::MAX));
        self.change("the limits", |fixed| match limit {
            LimitKind::Message => fixed.limits.message = bytes.unwrap_or(DEFAULT_LIMITS.message),
            LimitKind::Event => fixed.limits.event = bytes.unwrap_or(DEFAULT_LIMITS.event),
            LimitKind::Head => fixed.network.max_head = bytes.unwrap_or(DEFAULT_MAX_HEAD),
        })
    }

    pub fn limits(&self) -> SizeLimits {
        self.lock().limits
    }

    /// Sets or removes a handler. The old one is dropped under no lock.
    pub fn set_handler(&self, kind: InputKind, handler: Option<Arc<Handler>>) -> Result<()> {
        let mut place = handler;
        let outcome = self.change("a handler", |fixed| std::mem::swap(fixed.handlers.of_mut(kind), &mut place));
        drop(place);
        outcome
    }

    pub fn handler(&self, kind: InputKind) -> Option<Arc<Handler>> {
        self.lock().handlers.of(kind).cloned()
    }

    /// The settings of a client whose server is a process.
    pub fn of_program(program: ProcessCommand) -> Settings {
        let settings = Settings::default();
        settings.lock().program = Some(program);
        settings
    }

    /// Changes what is started; fails for a client whose server is no process.
    pub fn set_program(&self, what: &str, edit: impl FnOnce(&mut ProcessCommand)) -> Result<()> {
        if self.lock().program.is_none() {
            let why = format!("{what} is for servers that are started as a process; see mcp_client_new_stdio");
            return Err(Error::new(MCP_MISUSE, why));
        }
        self.change(what, |fixed| {
            if let Some(program) = &mut fixed.program {
                edit(program);
            }
        })
    }

    pub fn program(&self) -> Option<ProcessCommand> {
        self.lock().program.clone()
    }

    pub fn handlers(&self) -> Handlers {
        self.lock().handlers.clone()
    }

    /// What the server is told that this client can do.
    pub fn client_capabilities(&self) -> ClientCapabilities {
        self.lock().handlers.client_capabilities()
    }

    pub fn set_proxy(&self, proxy: ProxyChoice) -> Result<()> {
        self.change("the proxy", |fixed| fixed.network.proxy = proxy)
    }

    pub fn set_unix_socket(&self, path: Option<&str>) -> Result<()> {
        if path.is_some_and(|path| path.is_empty() || path.len() > LONGEST_PATH) {
            let why = format!(
                "the path is empty or too long: that of a Unix domain socket has from 1 to {LONGEST_PATH} bytes"
            );
            return Err(Error::new(MCP_INVALID_ARGUMENT, why));
        }
        self.change("the Unix domain socket", |fixed| fixed.network.unix_socket = path.map(Into::into))
    }

    /// Changes what concerns TLS; a failed change changes nothing.
    pub fn set_tls(&self, edit: impl FnOnce(&mut TlsOptions) -> Result<(), String>) -> Result<()> {
        let mut tls = self.lock().network.tls.clone();
        // Without the lock: files are read.
        edit(&mut tls).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, why))?;
        self.change("TLS", |fixed| fixed.network.tls = tls)
    }

    pub fn network(&self) -> ConnectionOptions {
        self.lock().network.clone()
    }

    /// From now on what a request has told the server stays as it is.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::Relaxed);
    }

    fn change(&self, what: &str, edit: impl FnOnce(&mut FixedSettings)) -> Result<()> {
        let mut fixed = self.lock();
        if self.frozen.load(Ordering::Relaxed) {
            let why = format!("{what} cannot change after the first request; set it right after mcp_client_new");
            return Err(Error::new(MCP_MISUSE, why));
        }
        edit(&mut fixed);
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
    fn settings_are_fixed_by_the_first_request() {
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
}
