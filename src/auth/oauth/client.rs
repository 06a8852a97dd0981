//! An OAuth client: its settings, and its authorizations at MCP servers. Several clients of MCP servers may share it.

use std::collections::HashMap;
use std::sync::Arc;

use super::authorization::Authorization;
use super::pending_login::PendingLogins;
use super::settings::OAuthSettings;
use crate::error::{Error, ErrorCause, Result};
use crate::status::MCP_MISUSE;
use crate::sys::lock::Mutex;

/// What a program is at authorization servers, and what it keeps of them.
pub struct OAuthClient {
    settings: Mutex<SettingsStage>,
    logins: Arc<PendingLogins>,
    /// By the URL of the MCP server.
    authorizations: Mutex<HashMap<String, Arc<Authorization>>>,
}

enum SettingsStage {
    Changeable(Box<OAuthSettings>),
    Frozen(Arc<OAuthSettings>),
    /// Only while the lock is held.
    Moving,
}

impl OAuthClient {
    pub fn new() -> Arc<OAuthClient> {
        Arc::new(OAuthClient {
            settings: Mutex::new(SettingsStage::Changeable(Box::new(OAuthSettings::new()))),
            logins: Arc::default(),
            authorizations: Mutex::default(),
        })
    }

    /// Changes the settings. Fails after they were used for the first time.
    pub fn change<T>(&self, edit: impl FnOnce(&mut OAuthSettings) -> Result<T>) -> Result<T> {
        match &mut *self.settings.lock() {
            SettingsStage::Changeable(settings) => edit(settings),
            SettingsStage::Frozen(_) | SettingsStage::Moving => Err(Error::new(
                MCP_MISUSE,
                "the settings of an mcp_oauth cannot be changed after mcp_set_oauth; make a new one",
            )),
        }
    }

    /// The settings, which cannot be changed any more.
    fn frozen_settings(&self) -> Arc<OAuthSettings> {
        let mut stage = self.settings.lock();
        let settings = match std::mem::replace(&mut *stage, SettingsStage::Moving) {
            SettingsStage::Changeable(settings) => Arc::from(settings),
            SettingsStage::Frozen(settings) => settings,
            SettingsStage::Moving => unreachable!("the stage is only replaced with the lock held"),
        };
        *stage = SettingsStage::Frozen(Arc::clone(&settings));
        settings
    }

    /// The authorization at the MCP server with this URL. `display_name` is the URL without secrets.
    pub fn authorization(&self, server_url: &str, display_name: &str) -> Arc<Authorization> {
        let settings = self.frozen_settings();
        let mut authorizations = self.authorizations.lock();
        let authorization = authorizations
            .entry(server_url.to_owned())
            .or_insert_with(|| Arc::new(Authorization::new(server_url, display_name, settings, &self.logins)));
        Arc::clone(authorization)
    }

    /// Ends the login to which the redirect belongs.
    pub fn finish(&self, redirect_url: &str) -> Result<()> {
        self.logins.finish(redirect_url)
    }

    /// Ends the login with this authorization URL with an error.
    pub fn fail(&self, url: &str, reason: &str, cause: Option<ErrorCause>) -> Result<()> {
        self.logins.fail(url, reason, cause)
    }
}
