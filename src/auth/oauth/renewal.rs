//! The renewal of tokens by one call: what its steps have in common.

use std::sync::Arc;

use ::http::HeaderMap;

use super::authorization::{Authorization, RenewalTurn};
use super::environment::OAuthEnvironment;
use super::settings::OAuthSettings;
use crate::call::context::CallContext;
use crate::call::secrets::Secrets;
use crate::error::{Error, Result};
use crate::http::foreign::{ForeignBody, ForeignRequest, ForeignResponse};
use crate::protocol::oauth::oauth_error::OAuthError;
use crate::status::MCP_OAUTH_FAILED;

/// The renewal of an authorization's tokens by one call.
pub struct Renewal<'a> {
    pub(super) authorization: &'a Arc<Authorization>,
    pub(super) call: &'a CallContext,
    pub(super) environment: &'a OAuthEnvironment,
    pub(super) turn: &'a Arc<RenewalTurn>,
}

impl Renewal<'_> {
    /// Sends a GET, or with a body, a POST.
    pub fn send(&self, what: &str, url: &str, body: Option<ForeignBody>) -> Result<ForeignResponse> {
        let request = ForeignRequest { what, url, headers: HeaderMap::new(), body };
        let wait_context = self.call.wait_context().clone();
        self.environment.sender.send(&request, self.settings().address_exceptions, &wait_context)
    }

    pub fn settings(&self) -> &OAuthSettings {
        &self.authorization.settings
    }
}

/// The error for an authorization server that cannot be used.
pub fn oauth_failure(message: impl Into<String>) -> Error {
    Error::new(MCP_OAUTH_FAILED, message)
}

/// The error for a refusal, with the server's words and without secrets.
pub fn refusal_error(what: &str, refusal: &OAuthError, secrets: &Secrets) -> Error {
    let mut error = oauth_failure(format!("{what}: {}", refusal.describe(|text| secrets.redact(text))));
    error.report_mut().oauth_code = Some(secrets.redact(&refusal.code));
    error
}
