//! Adds credentials to the requests of one client: those that are set on the client and on the call, and those that the
//! auth callback or OAuth issue, again when the server refuses them.

use std::sync::Arc;

use super::auth_callback::{AuthCallback, AuthCallbackState};
use super::auth_request::AuthRequest;
use super::credential_source::CredentialSource;
use super::credentials::Credentials;
use super::oauth::authorization::Authorization;
use super::oauth::environment::OAuthEnvironment;
use super::oauth::renewal_progress::RenewalOutcome;
use crate::call::callback_scope::is_in_callback_of;
use crate::call::context::CallContext;
use crate::call::headers::HeaderSet;
use crate::call::issued_credentials::{CredentialRefusal, IssuedCredentials};
use crate::call::known_secrets::{KnownSecrets, SecretSource};
use crate::call::request_headers::RequestHeaders;
use crate::call::retry::{Disposition, FailedStep, disposition};
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::sys::lock::RwLock;

/// The most attempts of one call with credentials of the auth callback: the first, after a refresh, and with a wider
/// scope.
const MAX_CALLBACK_ATTEMPTS: u32 = 3;

/// The most attempts of one call with OAuth: with the stored token, after a refresh, after a login, and after a login
/// for a wider scope.
const MAX_OAUTH_ATTEMPTS: u32 = 4;

/// The credentials of one client.
pub struct Authorizer {
    pub credentials: Credentials,
    source: RwLock<Option<CredentialSource>>,
    known: Arc<KnownSecrets>,
}

/// The credentials of one request.
pub struct RequestCredentials {
    /// Set on the client.
    client_headers: Arc<HeaderSet>,
    /// Set on the call.
    call_headers: Option<Arc<HeaderSet>>,
    /// Issued by the auth callback or by OAuth.
    issued: Option<IssuedCredentials>,
}

impl Authorizer {
    /// All credentials are recorded in `known`, to keep them out of errors and logs.
    pub fn new(known: Arc<KnownSecrets>) -> Authorizer {
        Authorizer { credentials: Credentials::new(Arc::clone(&known)), source: RwLock::default(), known }
    }

    /// Where issued credentials come from.
    pub fn source(&self) -> Option<CredentialSource> {
        self.source.read().clone()
    }

    /// Sets the auth callback, or removes it. Returns what it replaces, so that the caller drops it without the lock:
    /// that runs application code.
    pub fn set_callback(&self, callback: Option<Box<AuthCallback>>) -> Option<CredentialSource> {
        let source = callback.map(|callback| CredentialSource::Callback(Arc::new(AuthCallbackState::new(callback))));
        self.replace(source, |old| matches!(old, CredentialSource::Callback(_)))
    }

    /// Sets the authorization, or removes it. Returns what it replaces.
    pub fn set_oauth(&self, authorization: Option<Arc<Authorization>>) -> Option<CredentialSource> {
        self.replace(authorization.map(CredentialSource::OAuth), |old| matches!(old, CredentialSource::OAuth(_)))
    }

    /// Replaces any source with a new one; `None` removes only a source that `is_own_kind`.
    fn replace(
        &self,
        source: Option<CredentialSource>,
        is_own_kind: impl Fn(&CredentialSource) -> bool,
    ) -> Option<CredentialSource> {
        let mut current = self.source.write();
        if source.is_none() && !current.as_ref().is_some_and(is_own_kind) {
            return None;
        }
        std::mem::replace(&mut *current, source)
    }

    /// The authorization, if OAuth is set.
    pub fn oauth(&self) -> Option<Arc<Authorization>> {
        match self.source() {
            Some(CredentialSource::OAuth(authorization)) => Some(authorization),
            _ => None,
        }
    }

    /// Whether this thread is running a callback for the credentials of this client.
    pub fn is_in_callback(&self) -> bool {
        is_in_callback_of(self.owner()) || self.oauth().is_some_and(|authorization| authorization.is_in_callback())
    }

    /// Identifies the auth callback for [`crate::call::callback_scope`].
    fn owner(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Runs `attempt`, which sends a request. If the server refuses issued credentials
    /// ([`RequestCredentials::refusal`]), gets new ones and runs it again.
    pub fn with_credentials<T>(
        &self,
        call: &CallContext,
        environment: &OAuthEnvironment,
        mut attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        loop {
            let mut send_error = match attempt() {
                Ok(value) => return Ok(value),
                Err(send_error) => send_error,
            };
            let (Some(refusal), Some(source)) = (&send_error.refusal, self.source()) else {
                return Err(send_error);
            };
            if !call.may_run_auth_callback {
                return Err(send_error);
            }
            let max_attempts = match source {
                CredentialSource::Callback(_) => MAX_CALLBACK_ATTEMPTS,
                CredentialSource::OAuth(_) => MAX_OAUTH_ATTEMPTS,
            };
            let http_status = refusal.http_status;
            if !call.record_refusal(max_attempts) {
                call.log(LogLevel::Debug, || format!("the server refused the credentials {max_attempts} times"));
                return Err(send_error);
            }
            let outcome = match &source {
                CredentialSource::Callback(callback_state) => {
                    let request = AuthRequest::after_refusal(refusal, call.refusals() + 1);
                    self.run_callback(call, callback_state, request).map(RenewalOutcome::Issued)
                }
                CredentialSource::OAuth(authorization) => self.renew(call, authorization, (environment, Some(refusal))),
            };
            match outcome.map_err(SendError::after_sending)? {
                RenewalOutcome::Issued(issued) => {
                    call.log(LogLevel::Debug, || {
                        format!("the server refused the credentials (HTTP {http_status}); retrying with new ones")
                    });
                    call.store_issued(issued);
                }
                RenewalOutcome::Useless(hint) => {
                    let message = &mut send_error.error.report_mut().message;
                    hint.iter().for_each(|hint| *message = format!("{message}; {hint}"));
                    return Err(send_error);
                }
            }
        }
    }

    /// The credentials of a request. This may run the auth callback, whose argument `auth_request` makes, or renew the
    /// tokens of OAuth.
    pub fn authorize(
        &self,
        call: &CallContext,
        environment: &OAuthEnvironment,
        auth_request: impl FnOnce() -> AuthRequest,
    ) -> Result<RequestCredentials> {
        let source = self.source();
        let issued = if call.may_run_auth_callback {
            match (call.take_issued(), source) {
                // Also if the source was removed since: the call has obtained them for this request.
                (Some(issued), _) => Some(issued),
                (None, None) => None,
                (None, Some(CredentialSource::Callback(callback_state))) => {
                    Some(self.run_callback(call, &callback_state, auth_request())?)
                }
                (None, Some(CredentialSource::OAuth(authorization))) => {
                    Some(match self.renew(call, &authorization, (environment, None))? {
                        RenewalOutcome::Issued(issued) => issued,
                        RenewalOutcome::Useless(_) => authorization.last(),
                    })
                }
            }
        } else {
            source.map(|source| source.last())
        };
        Ok(RequestCredentials {
            client_headers: self.credentials.current(),
            call_headers: call.headers().cloned(),
            issued,
        })
    }

    /// Gets credentials from the auth callback. The time does not count against the call's timeout.
    fn run_callback(
        &self,
        call: &CallContext,
        callback_state: &Arc<AuthCallbackState>,
        request: AuthRequest,
    ) -> Result<IssuedCredentials> {
        let issued = callback_state.issue(self.owner(), request, call)?;
        self.known.set_headers(SecretSource::IssuedCredentials, Arc::clone(&issued.headers));
        Ok(issued)
    }

    /// Gets credentials from OAuth.
    fn renew(
        &self,
        call: &CallContext,
        authorization: &Arc<Authorization>,
        (environment, refusal): (&OAuthEnvironment, Option<&CredentialRefusal>),
    ) -> Result<RenewalOutcome> {
        let outcome = call.authorizing(|call| authorization.issue(call, environment, refusal))?;
        if let RenewalOutcome::Issued(issued) = &outcome {
            self.known.set_headers(SecretSource::IssuedCredentials, Arc::clone(&issued.headers));
        }
        Ok(outcome)
    }

    /// The server has accepted a request with these credentials.
    pub fn record_accepted(&self, credentials: &RequestCredentials) {
        if let (Some(issued), Some(authorization)) = (&credentials.issued, self.oauth()) {
            authorization.record_accepted(issued.generation);
        }
    }
}

impl RequestCredentials {
    /// Adds the credentials to a request. Headers of the call override those of the client; those of the callback
    /// override both.
    pub fn apply(&self, headers: &mut RequestHeaders) {
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

    /// The refusal of `request` with `error`; `None` if other credentials cannot help, or if none were issued.
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

    /// Whether some of the credentials were issued by the auth callback or OAuth.
    pub fn is_issued(&self) -> bool {
        self.issued.is_some()
    }
}
