//! How the requests of one client are authorised: by what is set on the client and on the call, and by the auth callback, which is
//! asked again where the server refuses what it gave.

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

/// How often one call may come with other credentials: as they were, refreshed, and with a wider scope.
const MAX_ATTEMPTS: u32 = 3;

/// The credentials of one client.
pub struct Authorizer {
    pub credentials: Credentials,
    pub custom_auth: CustomAuth,
    known: Arc<KnownSecrets>,
}

/// What a request carries.
pub struct RequestCredentials {
    /// What the caller has set on the client.
    fixed: Arc<HeaderSet>,
    /// What the caller has set on the call.
    own: Option<Arc<HeaderSet>>,
    /// What the auth callback adds.
    issued: Option<IssuedCredentials>,
}

impl Authorizer {
    /// What is set, and what the auth callback gives, is told to `known`.
    pub fn new(known: Arc<KnownSecrets>) -> Authorizer {
        Authorizer { credentials: Credentials::new(Arc::clone(&known)), custom_auth: CustomAuth::default(), known }
    }

    /// Runs `attempt`, which sends a request; and again with other credentials where the server refuses those of the auth callback.
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
            if !call.may_ask_auth {
                return Err(send_error);
            }
            let refused = refusal.http_status;
            if !call.may_retry_auth(MAX_ATTEMPTS) {
                call.log(LogLevel::Debug, || format!("the server refused the credentials {MAX_ATTEMPTS} times"));
                return Err(send_error);
            }
            let request = AuthRequest::again(refusal, call.refusals() + 1);
            let issued = self.ask(call, &callback_state, request).map_err(SendError::after_sending)?;
            call.log(LogLevel::Debug, || {
                format!("the server refused the credentials (HTTP {refused}); retrying with refreshed ones")
            });
            call.store_issued(issued);
        }
    }

    /// What a request has to carry; `question` is what the auth callback is asked.
    pub fn authorize(&self, call: &CallContext, question: impl FnOnce() -> AuthRequest) -> Result<RequestCredentials> {
        let issued = match self.custom_auth.current() {
            None => None,
            Some(callback_state) if !call.may_ask_auth => Some(callback_state.last()),
            Some(callback_state) => Some(match call.take_issued() {
                Some(issued) => issued,
                None => self.ask(call, &callback_state, question())?,
            }),
        };
        Ok(RequestCredentials { fixed: self.credentials.current(), own: call.headers().cloned(), issued })
    }

    fn ask(
        &self,
        call: &CallContext,
        callback_state: &AuthCallbackState,
        request: AuthRequest,
    ) -> Result<IssuedCredentials> {
        let wait = |done: &_| call.wait_for_callback(done);
        let sanitize = |error| call.secrets().sanitize_error(error);
        let issued = call.paused(|clock| callback_state.ask(&self.custom_auth, request, clock, (&wait, &sanitize)))?;
        self.known.add_headers(SecretSource::IssuedCredentials, Arc::clone(&issued.headers));
        Ok(issued)
    }
}

impl RequestCredentials {
    /// What the call has beats what the client has, and what the callback gives beats both.
    pub fn apply(&self, headers: &mut HeaderMap) {
        self.fixed.apply(headers);
        if let Some(own) = &self.own {
            own.apply(headers);
        }
        if let Some(issued) = &self.issued {
            issued.headers.apply(headers);
        }
    }

    /// Tells a call what its request carries.
    pub fn tell(&self, call: &CallContext) {
        call.record_credentials(&self.fixed);
        self.own.iter().for_each(|own| call.record_credentials(own));
        self.issued.iter().for_each(|issued| call.record_credentials(&issued.headers));
    }

    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty()
            && self.own.as_ref().is_none_or(|own| own.is_empty())
            && self.issued.as_ref().is_none_or(|issued| issued.headers.is_empty())
    }

    /// What the server's refusal with `error` of a request means for the auth callback: it may have something better.
    pub fn refusal(&self, error: &Error, asked: AuthRequest) -> Option<CredentialRefusal> {
        let may_help = disposition(error, FailedStep::Credentials) == Disposition::OtherCredentials;
        let issued = self.issued.as_ref().filter(|_| may_help)?;
        let report = error.report();
        Some(CredentialRefusal {
            url: asked.url,
            method: asked.method,
            http_status: report.http_status,
            challenge: report.www_authenticate.clone(),
            generation: issued.generation,
        })
    }

    /// Whether the auth callback gave a part of it.
    pub fn is_issued(&self) -> bool {
        self.issued.is_some()
    }
}
