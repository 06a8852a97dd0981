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
const MOST_ATTEMPTS: u32 = 3;

/// The credentials of one client.
pub struct Authorizer {
    pub credentials: Credentials,
    pub schemes: CustomAuth,
    known: Arc<KnownSecrets>,
}

/// What a request carries.
pub struct RequestCredentials {
    /// What the caller has set on the client.
    fixed: Arc<HeaderSet>,
    /// What the caller has set on the call.
    own: Option<Arc<HeaderSet>>,
    /// What the auth callback adds.
    granted: Option<IssuedCredentials>,
}

impl Authorizer {
    /// What is set, and what the auth callback gives, is told to `known`.
    pub fn new(known: Arc<KnownSecrets>) -> Authorizer {
        Authorizer { credentials: Credentials::new(Arc::clone(&known)), schemes: CustomAuth::default(), known }
    }

    /// Runs `attempt`, which sends a request; and again with other credentials where the server refuses those of the auth callback.
    pub fn with_credentials<T>(
        &self,
        call: &CallContext,
        mut attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        loop {
            let setback = match attempt() {
                Ok(value) => return Ok(value),
                Err(setback) => setback,
            };
            let (Some(refusal), Some(scheme)) = (&setback.refusal, self.schemes.current()) else { return Err(setback) };
            if !call.asks {
                return Err(setback);
            }
            let refused = refusal.http_status;
            if !call.may_ask_again(MOST_ATTEMPTS) {
                call.remark(LogLevel::Debug, || format!("the server refused the credentials {MOST_ATTEMPTS} times"));
                return Err(setback);
            }
            let request = AuthRequest::again(refusal, call.refusals() + 1);
            let granted = self.ask(call, &scheme, request).map_err(SendError::after_sending)?;
            call.remark(LogLevel::Debug, || {
                format!("the server refused the credentials (HTTP {refused}); asking with those of a refresh")
            });
            call.grant(granted);
        }
    }

    /// What a request has to carry; `question` is what the auth callback is asked.
    pub fn authorise(&self, call: &CallContext, question: impl FnOnce() -> AuthRequest) -> Result<RequestCredentials> {
        let granted = match self.schemes.current() {
            None => None,
            Some(scheme) if !call.asks => Some(scheme.last()),
            Some(scheme) => Some(match call.take_granted() {
                Some(granted) => granted,
                None => self.ask(call, &scheme, question())?,
            }),
        };
        Ok(RequestCredentials { fixed: self.credentials.current(), own: call.headers().cloned(), granted })
    }

    fn ask(&self, call: &CallContext, scheme: &AuthCallbackState, request: AuthRequest) -> Result<IssuedCredentials> {
        let wait = |done: &_| call.wait_for_callback(done);
        let tidy = |error| call.secrets().tidy_error(error);
        let granted = call.paused(|clock| scheme.ask(&self.schemes, request, clock, (&wait, &tidy)))?;
        self.known.tell_headers(SecretSource::IssuedCredentials, Arc::clone(&granted.headers));
        Ok(granted)
    }
}

impl RequestCredentials {
    /// What the call has beats what the client has, and what the callback gives beats both.
    pub fn apply(&self, headers: &mut HeaderMap) {
        self.fixed.apply(headers);
        if let Some(own) = &self.own {
            own.apply(headers);
        }
        if let Some(granted) = &self.granted {
            granted.headers.apply(headers);
        }
    }

    /// Tells a call what its request carries.
    pub fn tell(&self, call: &CallContext) {
        call.carry(&self.fixed);
        self.own.iter().for_each(|own| call.carry(own));
        self.granted.iter().for_each(|granted| call.carry(&granted.headers));
    }

    pub fn is_empty(&self) -> bool {
        self.fixed.is_empty()
            && self.own.as_ref().is_none_or(|own| own.is_empty())
            && self.granted.as_ref().is_none_or(|granted| granted.headers.is_empty())
    }

    /// What the server's refusal with `error` of a request means for the auth callback: it may have something better.
    pub fn refusal(&self, error: &Error, asked: AuthRequest) -> Option<CredentialRefusal> {
        let may_help = disposition(error, FailedStep::Credentials) == Disposition::OtherCredentials;
        let granted = self.granted.as_ref().filter(|_| may_help)?;
        let report = error.report();
        Some(CredentialRefusal {
            url: asked.url,
            method: asked.method,
            http_status: report.http_status,
            challenge: report.www_authenticate.clone(),
            generation: granted.generation,
        })
    }

    /// Whether the auth callback gave a part of it.
    pub fn is_granted(&self) -> bool {
        self.granted.is_some()
    }
}
