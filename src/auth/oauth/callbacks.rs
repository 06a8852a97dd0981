//! The arguments of the application's callbacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use super::pending_login::PendingLogin;
use crate::call::call_options::CallData;
use crate::call::over_hook::OverHook;
use crate::error::{Error, ErrorCause, Result};
use crate::status::{MCP_INVALID_ARGUMENT, MCP_MISUSE, MCP_OAUTH_FAILED};
use crate::sys::wait::WaitContext;

/// Starts a login: shows the URL to the user.
pub type OpenCallback = dyn Fn(&Arc<LoginRequest>) + Send + Sync;

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
    /// The name of the client, for the user.
    pub client_name: Arc<str>,
    /// Of the call that waits for the login.
    pub call_data: Option<CallData>,
    /// Of the call that waits for the login.
    pub(super) wait_context: WaitContext,
    pub over: Arc<OverHook>,
    /// The application keeps the request after the callback has returned.
    pub(super) is_deferred: AtomicBool,
    /// The application has given the outcome with this request.
    pub(super) is_answered: AtomicBool,
}

impl LoginRequest {
    /// Lets the application keep the request after the callback has returned. Fails if it was deferred before.
    pub fn defer(&self) -> Result<()> {
        if self.is_deferred.swap(true, Ordering::Relaxed) {
            return Err(Error::new(MCP_MISUSE, "the login was deferred before"));
        }
        Ok(())
    }

    pub fn is_deferred(&self) -> bool {
        self.is_deferred.load(Ordering::Relaxed)
    }

    pub fn is_answered(&self) -> bool {
        self.is_answered.load(Ordering::Relaxed)
    }

    /// Ends the login with the URL to which the browser was redirected.
    pub fn finish(&self, redirect_url: &str) -> Result<()> {
        // Before the waiting call sees the outcome.
        self.is_answered.store(true, Ordering::Relaxed);
        self.login.finish(redirect_url).inspect_err(|_| self.is_answered.store(false, Ordering::Relaxed))
    }

    /// Ends the login with a failure.
    pub fn fail(&self, reason: &str, cause: Option<ErrorCause>) {
        self.is_answered.store(true, Ordering::Relaxed);
        self.login.fail(reason, cause);
    }
}

/// A request for an assertion. No `Debug`: it contains the assertion.
pub struct AssertionRequest {
    /// The issuer of the authorization server for which it is meant.
    pub audience: String,
    /// The MCP server; `None` if no resource is sent.
    pub resource: Option<String>,
    /// Of the call that needs the token.
    pub call_data: Option<CallData>,
    assertion: Option<Zeroizing<String>>,
    failure: Option<String>,
}

impl AssertionRequest {
    pub(super) fn new(audience: String, resource: Option<String>, call_data: Option<CallData>) -> AssertionRequest {
        AssertionRequest { audience, resource, call_data, assertion: None, failure: None }
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
