//! The arguments of the application's callbacks.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::pending_login::PendingLogin;
use crate::error::{Error, Result};
use crate::status::{MCP_INVALID_ARGUMENT, MCP_OAUTH_FAILED};
use crate::sys::wait::WaitContext;

/// Starts a login: shows the URL to the user. It does not wait for the user.
pub type OpenCallback = dyn Fn(&mut LoginRequest) + Send + Sync;

/// Returns a JWT that proves the identity of the program or of its user.
pub type AssertionCallback = dyn Fn(&mut AssertionRequest) + Send + Sync;

/// A login that the user has to complete. No `Debug`: the URL contains the `state`.
pub struct LoginRequest {
    /// The URL to open in a browser.
    pub url: String,
    /// The MCP server, without secrets.
    pub server: String,
    pub issuer: String,
    /// Separated by spaces; empty if none are requested.
    pub scopes: String,
    pub redirect_uri: String,
    pub login: Arc<PendingLogin>,
    /// Of the call that waits for the login.
    pub(super) wait_context: WaitContext,
}

/// A request for an assertion. No `Debug`: it contains the assertion.
pub struct AssertionRequest {
    /// The issuer of the authorization server for which it is meant.
    pub audience: String,
    /// The MCP server; `None` if no resource is sent.
    pub resource: Option<String>,
    assertion: Option<Zeroizing<String>>,
    failure: Option<String>,
}

impl AssertionRequest {
    pub(super) fn new(audience: String, resource: Option<String>) -> AssertionRequest {
        AssertionRequest { audience, resource, assertion: None, failure: None }
    }

    pub fn set(&mut self, assertion: &str) -> Result<()> {
        if assertion.is_empty() || !assertion.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::new(MCP_INVALID_ARGUMENT, "the assertion is not a JWT"));
        }
        self.assertion = Some(Zeroizing::new(assertion.into()));
        Ok(())
    }

    pub fn fail(&mut self, reason: &str) {
        self.failure = Some(reason.into());
    }

    /// The assertion that the callback has set.
    pub(super) fn into_assertion(self) -> Result<Zeroizing<String>> {
        let failed = |why: String| Error::new(MCP_OAUTH_FAILED, format!("the assertion callback failed: {why}"));
        if let Some(reason) = self.failure {
            return Err(failed(reason));
        }
        self.assertion.ok_or_else(|| failed("it set no assertion".into()))
    }
}
