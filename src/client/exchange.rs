//! A request to the server and its answer, with what the era wants around it: headers, resends, sessions, cancellation.

use std::cell::Cell;
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::Client;
use super::call::Call;
use super::channel::Channel;
use super::line::Line;
use super::send::Setback;
use super::session::Session;
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::json::Json;
use crate::protocol::messages;
use crate::protocol::negotiation::is_modern_error;
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::wait::Budget;
use crate::transport::http::Outgoing;
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
    pub version: Option<&'static str>,
    pub session_id: Option<&'a HeaderValue>,
    /// The HTTP+SSE connection that answers come on.
    pub line: Option<&'a Line>,
}

impl<'a> Speaking<'a> {
    pub fn modern(version: &'static str) -> Speaking<'a> {
        Speaking { era: Era::Modern, version: Some(version), session_id: None, line: None }
    }

    /// The first message of the legacy handshake.
    pub fn opening(channel: Option<&'a Channel>) -> Speaking<'a> {
        let line = channel.map(|channel| &*channel.line);
        Speaking { era: Era::Legacy, version: None, session_id: None, line }
    }

    pub fn in_session(session: &'a Session) -> Speaking<'a> {
        let line = session.channel.as_ref().map(|channel| &*channel.line);
        Speaking { era: session.era, version: Some(session.version), session_id: session.id.as_ref(), line }
    }

    /// The reader of a line, in its own name.
    pub fn on_line(line: &'a Line) -> Speaking<'a> {
        Speaking { era: Era::Legacy, version: line.version.get().copied(), session_id: None, line: Some(line) }
    }

    /// Whether the server knows the sender already, and so may have forgotten it.
    pub fn is_in_session(&self) -> bool {
        self.session_id.is_some() || (self.line.is_some() && self.version.is_some())
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
        // The id that the request had last.
        let asked = Cell::new(0);
        loop {
            let outcome = match speaking.line {
                Some(line) => self.ask_on_line(call, speaking, line, (method, params), &asked),
                None => self.ask_by_post(call, speaking, (method, params), &asked),
            };
            let setback = match outcome {
                Ok(answer) => return Ok(answer),
                Err(setback) => setback,
            };
            if setback.stale && rules.repeatable && !resent {
                call.remark(Level::Debug, || {
                    format!("{method}: the kept connection was dead; sending again on a new one")
                });
                // What killed this one will have killed the others.
                self.http().drop_idle();
                resent = true;
                continue;
            }
            if setback.sent && rules.cancellable {
                self.say_cancelled(speaking, asked.get(), &setback.error);
            }
            return Err(setback.error);
        }
    }

    /// Posts a request, and reads the answer from the answer to that.
    fn ask_by_post(
        &self,
        call: &Call,
        speaking: &Speaking,
        (method, params): (&str, Option<&str>),
        asked: &Cell<u64>,
    ) -> Result<Answer, Setback> {
        let mut response = self.authorised(call, || {
            let id = self.next_id();
            asked.set(id);
            self.send_message(call, speaking, Some(method), &messages::request(id, method, params))
        })?;
        let session_id = response.headers.get(SESSION_ID).cloned();
        let result = self.read_answer(call, speaking, &mut response, asked.get()).map_err(Setback::after_sending)?;
        response.park();
        Ok(Answer { result, session_id })
    }

    /// A message that has no answer: a notification, or the answer to a server's own request.
    pub(super) fn post(&self, call: &Call, speaking: &Speaking, message: &str) -> Result<()> {
        let response = self.safely(call, || self.send_message(call, speaking, None, message));
        self.expect_success(call, response.map_err(|setback| setback.error)?, speaking.is_in_session())
    }

    /// Sends a message where messages go.
    pub(super) fn send_message(
        &self,
        call: &Call,
        speaking: &Speaking,
        rpc_method: Option<&str>,
        body: &str,
    ) -> Result<Response<'_>, Setback> {
        let outgoing = self.outgoing(speaking, Method::POST, rpc_method, body);
        self.send(call, outgoing, speaking.session_id, speaking.is_in_session())
    }

    /// A request without what authorises it.
    pub(super) fn outgoing<'a>(
        &'a self,
        speaking: &'a Speaking,
        method: Method,
        rpc_method: Option<&str>,
        body: &'a str,
    ) -> Outgoing<'a> {
        let to = speaking.line.map_or(&self.endpoint, |line| &line.endpoint);
        Outgoing { to, method, headers: headers(speaking, rpc_method), body: body.as_bytes() }
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
        let call = Call::with_budget(self, Budget::until(Instant::now() + FAREWELL), false);
        self.send_and_leave(&call, self.outgoing(speaking, method, None, body));
    }
}

/// What every request carries, whoever sends it.
pub fn headers(speaking: &Speaking, rpc_method: Option<&str>) -> HeaderMap {
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
    headers
}
