//! What is set before the first request and fixed by it, and the timeout, which may change at any time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::DEFAULT_TIMEOUT;
use crate::error::{Error, Result};
use crate::protocol::messages::ClientInfo;
use crate::protocol::version::{self, Era};
use crate::status::*;

/// The settings of one client.
pub struct Settings {
    fixed: Mutex<Fixed>,
    frozen: AtomicBool,
    timeout_ms: AtomicU64,
}

#[derive(Clone)]
struct Fixed {
    client_info: ClientInfo,
    pinned: Option<(&'static str, Era)>,
}

impl Default for Settings {
    fn default() -> Settings {
        let client_info = ClientInfo { name: "libmcp".into(), version: env!("CARGO_PKG_VERSION").into() };
        Settings {
            fixed: Mutex::new(Fixed { client_info, pinned: None }),
            frozen: AtomicBool::new(false),
            timeout_ms: AtomicU64::new(DEFAULT_TIMEOUT.as_millis() as u64),
        }
    }
}

impl Settings {
    pub fn set_timeout_ms(&self, timeout_ms: u64) {
        self.timeout_ms.store(timeout_ms, Ordering::Relaxed);
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
                let why =
                    format!("{version:?} is no protocol version that this client speaks; those are {}", version::all());
                Error::new(MCP_INVALID_ARGUMENT, why)
            })?),
        };
        self.change("the protocol version", |fixed| fixed.pinned = pinned)
    }

    pub fn pinned(&self) -> Option<(&'static str, Era)> {
        self.lock().pinned
    }

    /// From now on what a request has told the server stays as it is.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::Relaxed);
    }

    fn change(&self, what: &str, edit: impl FnOnce(&mut Fixed)) -> Result<()> {
        let mut fixed = self.lock();
        if self.frozen.load(Ordering::Relaxed) {
            let why = format!("{what} cannot change after the first request; set it right after mcp_client_new");
            return Err(Error::new(MCP_MISUSE, why));
        }
        edit(&mut fixed);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Fixed> {
        self.fixed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A limit in milliseconds as C gives it: zero is none.
pub fn limit(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
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
