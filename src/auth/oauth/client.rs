//! An OAuth client: its settings, and its authorizations at MCP servers. Several clients of MCP servers may share it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::authorization::Authorization;
use super::pending_login::PendingLogins;
use super::settings::OAuthSettings;
use crate::error::{Error, ErrorCause, Result};
use crate::status::MCP_MISUSE;
use crate::sys::lock::Mutex;
use crate::sys::process;

/// What a program is at authorization servers, and what it keeps of them.
pub struct OAuthClient {
    settings: Mutex<Arc<OAuthSettings>>,
    /// The settings were used and cannot be changed any more.
    is_frozen: AtomicBool,
    logins: Arc<PendingLogins>,
    /// By the URL of the MCP server.
    authorizations: Mutex<HashMap<String, Arc<Authorization>>>,
    /// The process that created it: a forked child has no thread that could end a renewal.
    process_id: u32,
}

impl OAuthClient {
    pub fn new() -> Arc<OAuthClient> {
        Arc::new(OAuthClient {
            settings: Mutex::new(Arc::new(OAuthSettings::new())),
            is_frozen: AtomicBool::default(),
            logins: Arc::default(),
            authorizations: Mutex::default(),
            process_id: process::id(),
        })
    }

    /// Changes the settings. Fails after they were used for the first time.
    pub fn change<T>(&self, edit: impl FnOnce(&mut OAuthSettings) -> Result<T>) -> Result<T> {
        self.check_process()?;
        let mut settings = self.settings.lock();
        match Arc::get_mut(&mut settings) {
            Some(settings) if !self.is_frozen.load(Ordering::Relaxed) => edit(settings),
            _ => Err(Error::new(
                MCP_MISUSE,
                "the settings of an mcp_oauth cannot be changed after mcp_set_oauth; make a new one",
            )),
        }
    }

    /// The settings, which cannot be changed any more.
    fn frozen_settings(&self) -> Arc<OAuthSettings> {
        let settings = self.settings.lock();
        self.is_frozen.store(true, Ordering::Relaxed);
        Arc::clone(&settings)
    }

    fn check_process(&self) -> Result<()> {
        if self.process_id == process::id() {
            return Ok(());
        }
        Err(Error::new(
            MCP_MISUSE,
            "the mcp_oauth was made before a fork and belongs to the parent process; make a new one in the child",
        ))
    }

    /// The authorization at the MCP server with this URL. `display_name` is the URL without secrets.
    pub fn authorization(&self, server_url: &str, display_name: &str) -> Result<Arc<Authorization>> {
        self.check_process()?;
        let settings = self.frozen_settings();
        let mut authorizations = self.authorizations.lock();
        let authorization = authorizations
            .entry(server_url.to_owned())
            .or_insert_with(|| Arc::new(Authorization::new(server_url, display_name, settings, &self.logins)));
        Ok(Arc::clone(authorization))
    }

    /// Ends the login to which the redirect belongs.
    pub fn finish(&self, redirect_url: &str) -> Result<()> {
        self.check_process()?;
        self.logins.finish(redirect_url)
    }

    /// Ends the login with this authorization URL with an error.
    pub fn fail(&self, url: &str, reason: &str, cause: Option<ErrorCause>) -> Result<()> {
        self.check_process()?;
        self.logins.fail(url, reason, cause)
    }
}
