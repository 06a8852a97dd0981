//! One HTTP request of a call: what it carries, and what happens when the server does not accept that.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Client;
use super::exchange::SESSION_ID;
use crate::auth::scheme::{AuthRequest, Refusal, Scheme};
use crate::call::context::Call;
use crate::call::headers::HeaderSet;
use crate::call::issued::Granted;
use crate::error::{Error, Result};
use crate::http::client::{Failure, Outgoing};
use crate::http::response::Response;
use crate::log::Level;
use crate::protocol::lost_session::Carried;
use crate::status::*;

/// How often one call may come with other credentials: as they were, refreshed, and with a wider scope.
const MOST_ATTEMPTS: u32 = 3;

/// A request that brought no answer that can be used.
#[derive(Debug)]
pub struct Setback {
    pub error: Error,
    /// See [`Failure::stale`].
    pub stale: bool,
    pub sent: Sent,
    /// The server refused what the auth callback gave; it may have something better.
    refusal: Option<Refusal>,
}

/// Whether the server may have executed a request. What may have been executed is not sent again, unless that does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing of it has left.
    No,
    /// The server has answered that it did not execute it.
    Refused,
    /// At least a part of it has left.
    Yes,
}

/// What a request carries.
struct Pass {
    /// What the caller has set on the client.
    fixed: Arc<HeaderSet>,
    /// What the caller has set on the call.
    own: Option<Arc<HeaderSet>>,
    /// What the auth callback adds.
    granted: Option<Granted>,
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Setback {
        let sent = if failure.sent { Sent::Yes } else { Sent::No };
        Setback { error: failure.error, stale: failure.stale, sent, refusal: None }
    }
}

impl Setback {
    /// Nothing was sent.
    pub fn before_sending(error: Error) -> Setback {
        Setback { error, stale: false, sent: Sent::No, refusal: None }
    }

    /// The request was sent, and what followed went wrong.
    pub fn after_sending(error: Error) -> Setback {
        Setback { error, stale: false, sent: Sent::Yes, refusal: None }
    }

    /// The server has answered that it did not execute the request.
    pub fn refused(error: Error) -> Setback {
        Setback { sent: Sent::Refused, ..Setback::after_sending(error) }
    }
}

impl Client {
    /// Runs `attempt`, which sends a request; and again with other credentials where the server refuses those of the auth callback.
    pub(super) fn authorised<T>(
        &self,
        call: &Call,
        mut attempt: impl FnMut() -> Result<T, Setback>,
    ) -> Result<T, Setback> {
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
                call.remark(Level::Debug, || format!("the server refused the credentials {MOST_ATTEMPTS} times"));
                return Err(setback);
            }
            let request = refusal.ask_again(call.refusals() + 1);
            let granted = self.ask(call, &scheme, request).map_err(Setback::after_sending)?;
            call.remark(Level::Debug, || {
                format!("the server refused the credentials (HTTP {refused}); asking with those of a refresh")
            });
            call.grant(granted);
        }
    }

    /// The same for a request that does no harm when it is executed twice: sent once more, too, where a kept connection turns out
    /// dead.
    pub(super) fn safely<T>(&self, call: &Call, mut attempt: impl FnMut() -> Result<T, Setback>) -> Result<T, Setback> {
        match self.authorised(call, &mut attempt) {
            Err(setback) if setback.stale => {
                // What killed this one will have killed the others.
                self.http().drop_idle();
                self.authorised(call, attempt)
            }
            outcome => outcome,
        }
    }

    /// Sends a request with all that it has to carry, and waits for the head of the answer; `id` is that of the JSON-RPC request.
    pub(super) fn send(
        &self,
        call: &Call,
        mut outgoing: Outgoing,
        session: Option<&ureq::http::HeaderValue>,
        carried: Carried,
        id: Option<u64>,
    ) -> Result<Response<'_>, Setback> {
        let pass = self.authorise(call, &outgoing).map_err(Setback::before_sending)?;
        pass.apply(&mut outgoing);
        pass.tell(call);
        call.carry_text(session.and_then(|id| id.to_str().ok()).unwrap_or_default());
        let http = self.http();
        // Other calls may change the cookies before this one has its answer.
        http.tell_secrets(call);
        let outcome = http.send(&outgoing, &call.budget());
        // An answer may quote what it sets itself.
        http.tell_secrets(call);
        let mut response = outcome?;
        call.carry_text(response.headers.get(SESSION_ID).and_then(|id| id.to_str().ok()).unwrap_or_default());
        let Some(granted) = pass.granted.filter(|_| matches!(response.status, 401 | 403)) else { return Ok(response) };
        let setback = self.http_refusal(call, &mut response, carried, id);
        let report = setback.error.report();
        let refusal = wants_others(&setback.error).then(|| {
            let challenge = report.www_authenticate.clone();
            Refusal::new(&granted, question(&outgoing), report.http_status, challenge)
        });
        Err(Setback { refusal, ..setback })
    }

    /// Sends a request as far as the call's time allows, and waits for no answer.
    pub(super) fn send_and_leave(&self, call: &Call, mut outgoing: Outgoing) {
        if let Ok(pass) = self.authorise(call, &outgoing) {
            pass.apply(&mut outgoing);
            self.http().send_and_leave(&outgoing, &call.budget());
        }
    }

    fn authorise(&self, call: &Call, outgoing: &Outgoing) -> Result<Pass> {
        let granted = match self.schemes.current() {
            None => None,
            Some(scheme) if !call.asks => Some(scheme.last()),
            Some(scheme) => Some(match call.take_granted() {
                Some(granted) => granted,
                None => self.ask(call, &scheme, question(outgoing))?,
            }),
        };
        let pass = Pass { fixed: self.credentials.current(), own: call.headers().cloned(), granted };
        self.check_plain(call, &pass)?;
        Ok(pass)
    }

    fn ask(&self, call: &Call, scheme: &Scheme, request: AuthRequest) -> Result<Granted> {
        let wait = |done: &_| call.wait_for_callback(done);
        let tidy = |error| call.secrets().tidy_error(error);
        call.paused(|clock| scheme.ask(&self.schemes, request, clock, (&wait, &tidy)))
    }

    /// Credentials over plain http to another machine: allowed, as in the other clients, unless the caller forbids it.
    fn check_plain(&self, call: &Call, pass: &Pass) -> Result<()> {
        let origin = self.endpoint.origin();
        if origin.https || pass.is_empty() || self.http().is_local() {
            return Ok(());
        }
        if self.settings.requires_https() {
            let why = format!(
                "credentials would go unencrypted over http to {}, and mcp_set_require_https forbids it; use an https URL",
                origin.host
            );
            return Err(Error::new(MCP_INSECURE, why));
        }
        if !self.warned.swap(true, Ordering::Relaxed) {
            call.remark(Level::Warning, || {
                format!("credentials go unencrypted over http to {}; use https", origin.host)
            });
        }
        Ok(())
    }
}

impl Pass {
    /// What the call has beats what the client has, and what the callback gives beats both.
    fn apply(&self, outgoing: &mut Outgoing) {
        self.fixed.apply(&mut outgoing.headers);
        if let Some(own) = &self.own {
            own.apply(&mut outgoing.headers);
        }
        if let Some(granted) = &self.granted {
            granted.headers.apply(&mut outgoing.headers);
        }
    }

    /// Tells a call what its request carries.
    fn tell(&self, call: &Call) {
        call.carry(&self.fixed);
        self.own.iter().for_each(|own| call.carry(own));
        self.granted.iter().for_each(|granted| call.carry(&granted.headers));
    }

    fn is_empty(&self) -> bool {
        self.fixed.is_empty()
            && self.own.as_ref().is_none_or(|own| own.is_empty())
            && self.granted.as_ref().is_none_or(|granted| granted.headers.is_empty())
    }
}

/// What the auth callback is asked before a request.
fn question(outgoing: &Outgoing) -> AuthRequest {
    AuthRequest::new(outgoing.to.uri().to_string(), outgoing.method.clone())
}

/// Whether other credentials may help: 401, or a 403 that asks for a wider scope (RFC 6750, 3.1).
fn wants_others(error: &Error) -> bool {
    let challenge = error.report().www_authenticate.as_deref();
    match error.status() {
        MCP_UNAUTHORIZED => true,
        MCP_FORBIDDEN => challenge.is_some_and(|challenge| challenge.contains("insufficient_scope")),
        _ => false,
    }
}
