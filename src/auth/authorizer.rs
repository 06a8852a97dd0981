//! Adds credentials to the requests of one client: those that are set on the client and on the call, and those of the
//! auth callback, which runs again when the server refuses them.

use std::sync::Arc;

use ::http::HeaderMap;

use super::auth_callback::{AuthCallbackState, AuthRequest, CustomAuth};
use super::credentials::Credentials;
use crate::call::context::CallContext;
use crate::call::headers::HeaderSet;
use crate::call::issued_credentials::{CredentialRefusal, IssuedCredentials};
use crate::call::known_secrets::{KnownSecrets, SecretSource};
use crate::call::retry::{Disposition, FailedStep, disposition};
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::log::LogLevel;

/// The most attempts of one call with credentials of the auth callback: the first, after a refresh, and with a wider
/// scope.
const MAX_ATTEMPTS: u32 = 3;

/// The credentials of one client.
pub struct Authorizer {
    pub credentials: Credentials,
    pub custom_auth: CustomAuth,
    known: Arc<KnownSecrets>,
}

/// The credentials of one request.
pub struct RequestCredentials {
    /// Set on the client.
    client_headers: Arc<HeaderSet>,
    /// Set on the call.
    call_headers: Option<Arc<HeaderSet>>,
    /// Issued by the auth callback.
    issued: Option<IssuedCredentials>,
}

impl Authorizer {
    /// All credentials are recorded in `known`, to keep them out of errors and logs.
    pub fn new(known: Arc<KnownSecrets>) -> Authorizer {
        Authorizer { credentials: Credentials::new(Arc::clone(&known)), custom_auth: CustomAuth::default(), known }
    }

    /// Runs `attempt`, which sends a request. If the server refuses the credentials of the auth callback
    /// ([`RequestCredentials::refusal`]), gets new ones and runs it again.
    pub fn with_credentials<T>(
        &self,
        call: &CallContext,
        mut attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        loop {
            let send_error = match attempt() {
                Ok(value) => return Ok(value),
                Err(send_error) => send_error,
            };
            let (Some(refusal), Some(callback_state)) = (&send_error.refusal, self.custom_auth.current()) else {
                return Err(send_error);
            };
            if !call.may_run_auth_callback {
                return Err(send_error);
            }
            let http_status = refusal.http_status;
            if !call.record_refusal(MAX_ATTEMPTS) {
                call.log(LogLevel::Debug, || format!("the server refused the credentials {MAX_ATTEMPTS} times"));
                return Err(send_error);
            }
            let request = AuthRequest::after_refusal(refusal, call.refusals() + 1);
            let issued = self.issue(call, &callback_state, request).map_err(SendError::after_sending)?;
            call.log(LogLevel::Debug, || {
                format!("the server refused the credentials (HTTP {http_status}); retrying with refreshed ones")
            });
            call.store_issued(issued);
        }
    }

    /// The credentials of a request, which may run the auth callback; `auth_request` makes its argument.
    pub fn authorize(
        &self,
        call: &CallContext,
        auth_request: impl FnOnce() -> AuthRequest,
    ) -> Result<RequestCredentials> {
        let issued = match self.custom_auth.current() {
            None => None,
            Some(callback_state) if !call.may_run_auth_callback => Some(callback_state.last()),
            Some(callback_state) => Some(match call.take_issued() {
                Some(issued) => issued,
                None => self.issue(call, &callback_state, auth_request())?,
            }),
        };
        Ok(RequestCredentials {
            client_headers: self.credentials.current(),
            call_headers: call.headers().cloned(),
            issued,
        })
    }

    /// Gets credentials from the auth callback. The time does not count against the call's timeout.
    fn issue(
        &self,
        call: &CallContext,
        callback_state: &AuthCallbackState,
        request: AuthRequest,
    ) -> Result<IssuedCredentials> {
        let wait = |done: &_| call.wait_for_callback(done);
        let sanitize = |error| call.secrets().sanitize_error(error);
        let issued =
            call.paused(|clock| callback_state.issue(&self.custom_auth, request, clock, (&wait, &sanitize)))?;
        self.known.set_headers(SecretSource::IssuedCredentials, Arc::clone(&issued.headers));
        Ok(issued)
    }
}

impl RequestCredentials {
    /// Adds the credentials to a request. Headers of the call override those of the client; those of the callback
    /// override both.
    pub fn apply(&self, headers: &mut HeaderMap) {
        self.client_headers.apply(headers);
        if let Some(call_headers) = &self.call_headers {
            call_headers.apply(headers);
        }
        if let Some(issued) = &self.issued {
            issued.headers.apply(headers);
        }
    }

    /// Records the credentials in the call, to keep them out of its errors and log lines.
    pub fn record_in(&self, call: &CallContext) {
        call.record_credentials(&self.client_headers);
        self.call_headers.iter().for_each(|headers| call.record_credentials(headers));
        self.issued.iter().for_each(|issued| call.record_credentials(&issued.headers));
    }

    pub fn is_empty(&self) -> bool {
        self.client_headers.is_empty()
            && self.call_headers.as_ref().is_none_or(|headers| headers.is_empty())
            && self.issued.as_ref().is_none_or(|issued| issued.headers.is_empty())
    }

    /// What the auth callback gets after the server refused `request` with `error`; `None` if other credentials cannot
    /// help, or if there is no auth callback.
    pub fn refusal(&self, error: &Error, request: AuthRequest) -> Option<CredentialRefusal> {
        let may_help = disposition(error, FailedStep::Credentials) == Disposition::OtherCredentials;
        let issued = self.issued.as_ref().filter(|_| may_help)?;
        let report = error.report();
        Some(CredentialRefusal {
            url: request.url,
            method: request.method,
            http_status: report.http_status,
            challenge: report.www_authenticate.clone(),
            generation: issued.generation,
        })
    }

    /// Whether the auth callback issued some of the credentials.
    pub fn is_issued(&self) -> bool {
        self.issued.is_some()
    }
}
