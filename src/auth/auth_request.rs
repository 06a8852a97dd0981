//! The HTTP request for which the auth callback gives credentials.

use std::sync::Arc;

use ::http::Method;

use crate::call::headers::HeaderSet;
use crate::call::issued_credentials::CredentialRefusal;
use crate::error::{Error, ErrorCause, Result};
use crate::status::MCP_AUTH_FAILED;

/// Why there are no credentials, and the application's object for the error.
type AuthFailure = (String, Option<ErrorCause>);

/// What the callback is asked for: the HTTP request, and the credentials that the callback sets for it.
#[derive(Clone)]
pub struct AuthRequest {
    pub url: String,
    pub method: Method,
    /// 1 before a request; higher after refusals.
    pub attempt: u32,
    pub refusal: Option<CredentialRefusal>,
    headers: HeaderSet,
    /// Why the callback has no credentials, and the application's object for the error.
    failure: Option<AuthFailure>,
    /// The error of the last setter.
    setter_error: Option<Error>,
}

impl AuthRequest {
    /// The argument before a request is sent for the first time.
    pub fn new(url: String, method: Method) -> AuthRequest {
        AuthRequest {
            url,
            method,
            attempt: 1,
            refusal: None,
            headers: HeaderSet::default(),
            failure: None,
            setter_error: None,
        }
    }

    /// The argument after the server refused the credentials of `refusal`. `attempt` is the number of the next attempt.
    pub fn after_refusal(refusal: &CredentialRefusal, attempt: u32) -> AuthRequest {
        let first = AuthRequest::new(refusal.url.clone(), refusal.method.clone());
        AuthRequest { attempt, refusal: Some(refusal.clone()), ..first }
    }

    pub fn set_bearer(&mut self, token: Option<&str>) -> Result<()> {
        let outcome = self.headers.set_bearer(token);
        self.note(outcome)
    }

    pub fn set_header(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let outcome = self.headers.set_header(name, value);
        self.note(outcome)
    }

    /// Records that the callback has no credentials. Returns the failure that this replaces, so that its cause is
    /// dropped without a lock.
    #[must_use]
    pub fn fail(&mut self, reason: &str, cause: Option<ErrorCause>) -> Option<AuthFailure> {
        self.failure.replace((reason.into(), cause))
    }

    /// Records the outcome of a setter. If the last setter failed, the request fails: sending it without credentials
    /// would only hide the error.
    pub fn note<T>(&mut self, outcome: Result<T>) -> Result<T> {
        self.setter_error = outcome.as_ref().err().cloned();
        outcome
    }

    /// Whether the callback has set credentials, or has failed.
    pub(super) fn is_answered(&self) -> bool {
        !self.headers.is_empty() || self.failure.is_some() || self.setter_error.is_some()
    }

    pub(super) fn outcome(self) -> Result<Arc<HeaderSet>> {
        let setter_failure = || Some((format!("it set an invalid value: {}", self.setter_error?), None));
        let Some((reason, cause)) = self.failure.or_else(setter_failure) else { return Ok(Arc::new(self.headers)) };
        let mut error = Error::new(MCP_AUTH_FAILED, format!("the auth callback returned no credentials: {reason}"));
        error.report_mut().cause = cause;
        if let Some(refusal) = self.refusal {
            error = error.with_http_status(refusal.http_status);
            error.report_mut().www_authenticate = refusal.challenge;
        }
        Err(error)
    }
}
