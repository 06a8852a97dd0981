//! A request to the server and its answer, with what the era wants around it: headers, resends, sessions, cancellation.

use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::Client;
use super::call::Call;
use super::session::Session;
use crate::auth::credentials::HeaderSet;
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::json::Json;
use crate::protocol::messages;
use crate::protocol::negotiation::is_modern_error;
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::wait::Budget;
use crate::transport::http::{Failure, Outgoing};
use crate::transport::response::Response;

pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");

/// A cancelled call returns within 50 ms; half of that is for telling the server.
const FAREWELL: Duration = Duration::from_millis(25);

/// How the server is addressed: what the session settled on, or, before there is one, what is being tried.
pub struct Speaking<'a> {
    pub era: Era,
    /// `initialize` itself carries no version header.
    version: Option<&'static str>,
    pub session_id: Option<&'a HeaderValue>,
}

impl<'a> Speaking<'a> {
    pub fn modern(version: &'static str) -> Speaking<'a> {
        Speaking { era: Era::Modern, version: Some(version), session_id: None }
    }

    /// The first message of the legacy handshake.
    pub fn opening() -> Speaking<'a> {
        Speaking { era: Era::Legacy, version: None, session_id: None }
    }

    pub fn in_session(session: &'a Session) -> Speaking<'a> {
        Speaking { era: session.era, version: Some(session.version), session_id: session.id.as_ref() }
    }
}

/// What may be done with a request besides sending it once.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Executing it twice does no harm.
    repeatable: bool,
    /// The server is told when nobody waits any more.
    cancellable: bool,
}

impl Rules {
    /// `server/discover` and `initialize`: never cancelled on the wire.
    pub const PROBE: Rules = Rules { repeatable: true, cancellable: false };
    /// `ping`, lists, reads.
    pub const REPEATABLE: Rules = Rules { repeatable: true, cancellable: true };
}

/// A result, and the session id that came with it.
pub struct Answer {
    pub result: Json,
    pub session_id: Option<HeaderValue>,
}

impl Client {
    /// A request within the session, which is opened anew, once, when the server has lost it or turns out to be another one: also
    /// one of the other era, where the same question may have another name.
    pub(super) fn perform(&self, call: &Call, method: fn(Era) -> &'static str, rules: Rules) -> Result<Json> {
        let mut renewed = false;
        loop {
            let (session, _) = self.session(call)?;
            let modern = session.era == Era::Modern;
            let params = modern.then(|| messages::modern_params(session.version, &self.settings.client_info()));
            let speaking = Speaking::in_session(&session);
            let outcome = self.exchange(call, &speaking, method(session.era), params.as_deref(), rules);
            match outcome {
                Err(error) if !renewed && error.status() == MCP_SESSION_LOST => {
                    call.remark(Level::Info, || "the server lost the session; opening a new one".into());
                    self.sessions.forget(&session);
                }
                Err(error) if !renewed && !modern && is_modern_error(&error) => self.sessions.forget_era(&session),
                outcome => return outcome.map(|answer| answer.result),
            }
            renewed = true;
        }
    }

    /// One request and its answer. Sent again, under a new id, where a kept connection turns out dead.
    pub(super) fn exchange(
        &self,
        call: &Call,
        speaking: &Speaking,
        method: &str,
        params: Option<&str>,
        rules: Rules,
    ) -> Result<Answer> {
        let mut resent = false;
        loop {
            let id = self.next_id();
            let body = messages::request(id, method, params);
            let failure = match self.send_as(call, speaking, Method::POST, Some(method), &body) {
                Ok(mut response) => match self.read_answer(call, speaking, &mut response, id) {
                    Ok(result) => {
                        let session_id = response.headers.get(SESSION_ID).cloned();
                        response.park();
                        return Ok(Answer { result, session_id });
                    }
                    Err(error) => Failure { error, stale: false, sent: true },
                },
                Err(failure) => failure,
            };
            if failure.stale && rules.repeatable && !resent {
                call.remark(Level::Debug, || {
                    format!("{method}: the kept connection was dead; sending again on a new one")
                });
                resent = true;
                continue;
            }
            if failure.sent && rules.cancellable {
                self.say_cancelled(speaking, id, &failure.error);
            }
            return Err(failure.error);
        }
    }

    /// A message that has no answer: a notification, or the answer to a server's own request.
    pub(super) fn post(&self, call: &Call, speaking: &Speaking, message: &str) -> Result<()> {
        let response = self.send_as(call, speaking, Method::POST, None, message).map_err(|failure| failure.error)?;
        self.expect_success(call, response, speaking.session_id.is_some())
    }

    pub(super) fn send(
        &self,
        call: &Call,
        speaking: &Speaking,
        method: Method,
        body: &str,
    ) -> Result<Response<'_>, Failure> {
        self.send_as(call, speaking, method, None, body)
    }

    fn send_as(
        &self,
        call: &Call,
        speaking: &Speaking,
        method: Method,
        rpc_method: Option<&str>,
        body: &str,
    ) -> Result<Response<'_>, Failure> {
        let credentials = self.credentials.current();
        call.carry(&credentials, speaking.session_id);
        let headers = headers(speaking, rpc_method, &credentials);
        self.http.send(&Outgoing { method, headers, body: body.as_bytes() }, &call.budget)
    }

    /// Tells a legacy server that its answer is not awaited any more; a modern one sees it by the closed stream.
    fn say_cancelled(&self, speaking: &Speaking, id: u64, error: &Error) {
        let reason = match error.status() {
            MCP_CANCELLED => "cancelled by the caller",
            MCP_TIMEOUT => "timed out",
            _ => return,
        };
        if speaking.era == Era::Modern {
            return;
        }
        self.leave(speaking, Method::POST, &messages::cancelled(id, reason));
    }

    /// Sends what a call that has ended still has to say, as far as that goes in a moment, and waits for no answer.
    pub(super) fn leave(&self, speaking: &Speaking, method: Method, body: &str) {
        let outgoing =
            Outgoing { method, headers: headers(speaking, None, &self.credentials.current()), body: body.as_bytes() };
        self.http.send_and_leave(&outgoing, &Budget::until(Instant::now() + FAREWELL));
    }
}

/// What every request carries.
fn headers(speaking: &Speaking, rpc_method: Option<&str>, credentials: &HeaderSet) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if let Some(version) = speaking.version {
        headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(version));
    }
    if let Some(id) = speaking.session_id {
        headers.insert(SESSION_ID, id.clone());
    }
    let method = rpc_method.filter(|_| speaking.era == Era::Modern);
    if let Some(method) = method.and_then(|method| HeaderValue::from_str(method).ok()) {
        headers.insert(METHOD, method);
    }
    credentials.apply(&mut headers);
    headers
}
