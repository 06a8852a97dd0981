//! Logging in and out with OAuth.

use std::sync::Arc;

use super::Client;
use crate::auth::oauth::authorization::Authorization;
use crate::auth::oauth::client::OAuthClient;
use crate::auth::oauth::report::describe;
use crate::call::context::CallContext;
use crate::call::interrupt::interrupt_error;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::status::{MCP_INVALID_ARGUMENT, MCP_MISUSE, MCP_SYSTEM_ERROR};
use crate::sys::browser::{self, BrowserError};
use crate::sys::wait::WaitContext;

impl Client {
    /// Sets the OAuth client, which replaces an auth callback, or removes it.
    pub fn set_oauth(&self, oauth: Option<&OAuthClient>) -> Result<()> {
        let Some(endpoint) = &self.endpoint else {
            return Err(Error::new(MCP_MISUSE, "OAuth is for servers that are reached over HTTP, not for processes"));
        };
        let url = endpoint.uri().to_string();
        let authorization = oauth.map(|oauth| oauth.authorization(&url, endpoint.shown())).transpose()?;
        drop(self.auth().set_oauth(authorization));
        Ok(())
    }

    /// Makes sure that there is a token which the server accepts. The user is asked if necessary.
    pub fn login(&self, call: &CallContext) -> Result<()> {
        let authorization = self.authorization()?;
        authorization.set_login_failure(None);
        let call = call.clone().for_login();
        self.ping(&call)?;
        let needs_login = !authorization.has_tokens() || !authorization.wanted_scopes().is_empty();
        if needs_login && self.log_in_unasked(&call, &authorization)? {
            self.ping(&call)?;
        }
        Ok(())
    }

    /// Logs in although the server has not refused anything: some require a token only for tools. False if it names no
    /// authorization server.
    fn log_in_unasked(&self, call: &CallContext, authorization: &Arc<Authorization>) -> Result<bool> {
        let environment = &self.http_peer()?.oauth_environment;
        authorization.in_turn(call, environment, |renewal| renewal.log_in_unasked())
    }

    /// Revokes the tokens and forgets them.
    pub fn logout(&self, call: &CallContext) -> Result<()> {
        let authorization = self.authorization()?;
        let environment = &self.http_peer()?.oauth_environment;
        authorization.in_turn(call, environment, |renewal| renewal.log_out())
    }

    /// What is known of the authorization, without network traffic.
    pub fn oauth_state(&self) -> Result<Json> {
        self.check_process()?;
        self.check_not_in_auth_callback()?;
        let authorization = self.authorization()?;
        authorization.load_once()?;
        let text = describe(authorization.record().as_deref());
        Ok(Json::from_validated(text))
    }

    fn authorization(&self) -> Result<Arc<Authorization>> {
        self.auth().oauth().ok_or_else(|| Error::new(MCP_MISUSE, "no OAuth is set: call mcp_set_oauth first"))
    }
}

/// Opens a URL in the user's browser.
pub fn open_browser(url: &str) -> Result<()> {
    browser::open(url, &WaitContext::default()).map_err(|error| match error {
        BrowserError::InvalidUrl(why) => Error::new(MCP_INVALID_ARGUMENT, why),
        BrowserError::Failed(why) => Error::new(MCP_SYSTEM_ERROR, why),
        BrowserError::Stopped(interrupt) => {
            interrupt_error(&interrupt, "while opening a browser", &WaitContext::default())
        }
    })
}
