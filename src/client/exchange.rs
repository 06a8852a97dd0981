//! A request to the server and its answer, with what the era wants around it: headers, resends, sessions, cancellation.

use std::cell::Cell;
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::Client;
use super::channel::Channel;
use super::line::Line;
use super::pipe::Pipe;
use super::session::Session;
use crate::call::context::Call;
use crate::call::setback::{Sent, Setback};
use crate::error::{Error, Result};
use crate::http::client::Outgoing;
use crate::http::response::Response;
use crate::log::Level;
use crate::protocol::jsonrpc::Answered;
use crate::protocol::lost_session::{Carried, ErrorAnswer};
use crate::protocol::messages;
use crate::protocol::mirror::header_value;
use crate::protocol::params::Params;
use crate::protocol::text::Text;
use crate::protocol::version::{Era, known};
use crate::status::*;
use crate::sys::wait::Budget;
use crate::transport::http_peer::SESSION_ID;

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

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
    pub fn modern(version: &'static str, channel: Option<&'a Channel>) -> Speaking<'a> {
        let line = channel.map(|channel| &*channel.line);
        Speaking { era: Era::Modern, version: Some(version), session_id: None, line }
    }

    /// The standard streams that messages go to.
    pub fn pipe(&self) -> Option<&'a Pipe> {
        self.line.and_then(Line::pipe)
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
        let version = line.version.get().copied();
        let era = version.and_then(known).map_or(Era::Legacy, |(_, era)| era);
        Speaking { era, version, session_id: None, line: Some(line) }
    }

    /// What a request says of the session, which the server may have lost.
    pub fn carried(&self) -> Carried<'a> {
        match self.session_id {
            Some(id) => Carried::Id(id.to_str().unwrap_or_default()),
            None if self.version.is_none() || self.era == Era::Modern => Carried::Nothing,
            None if self.line.is_some() => Carried::InUrl,
            None => Carried::NoId,
        }
    }
}

/// What may be done with a request besides sending it once.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Executing it twice does no harm.
    pub repeatable: bool,
    /// The server is told when nobody waits any more.
    cancellable: bool,
    /// A modern server may answer that it needs more input (2026-07-28, "Multi Round-Trip Requests": Supported Requests).
    pub may_ask: bool,
    /// A modern server may answer with a task.
    pub may_be_task: bool,
}

impl Rules {
    /// `server/discover` and `initialize`: never cancelled on the wire.
    pub const PROBE: Rules = Rules { repeatable: true, cancellable: false, may_ask: false, may_be_task: false };
    /// `ping`, lists, completion.
    pub const REPEATABLE: Rules = Rules { cancellable: true, ..Rules::PROBE };
    /// `resources/read`, `prompts/get`.
    pub const READ: Rules = Rules { may_ask: true, ..Rules::REPEATABLE };
    /// What may do something: `tools/call`, and requests that this client does not know.
    pub const ONCE: Rules = Rules { repeatable: false, cancellable: true, may_ask: true, may_be_task: false };
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub method: &'a str,
    pub params: &'a Params<'a>,
    /// What `Mcp-Name` says.
    pub name: Option<&'a str>,
    /// Arguments that headers repeat.
    pub mirrored: &'a [(String, String)],
    pub rules: Rules,
}

impl<'a> Ask<'a> {
    pub fn new(method: &'a str, params: &'a Params<'a>, rules: Rules) -> Ask<'a> {
        Ask { method, params, name: None, mirrored: &[], rules }
    }
}

/// What the server has answered, and the session id that came with it.
pub struct Answer {
    pub answered: Answered,
    pub session_id: Option<HeaderValue>,
}

impl Client {
    /// One request and its answer. Sent again, under a new id, where a kept connection turns out dead.
    pub(super) fn exchange(&self, call: &Call, speaking: &Speaking, ask: &Ask) -> Result<Answer> {
        self.exchange_with_setback(call, speaking, ask).map_err(|setback| setback.error)
    }

    /// The same; a failure says whether the server may have executed the request.
    pub(super) fn exchange_with_setback(&self, call: &Call, speaking: &Speaking, ask: &Ask) -> Result<Answer, Setback> {
        let Ask { method, rules, .. } = *ask;
        let mut resent = false;
        // The id that the request had last.
        let asked = Cell::new(0);
        loop {
            let outcome = match speaking.line {
                Some(line) => self.ask_on_line(call, speaking, line, ask, &asked),
                None => self.ask_by_post(call, speaking, ask, &asked),
            };
            let mut setback = match outcome {
                Ok(answer) => return Ok(answer),
                Err(setback) => setback,
            };
            if setback.stale && rules.repeatable && !resent {
                call.remark(Level::Debug, || {
                    format!("{method}: the kept connection was dead; sending again on a new one")
                });
                // What killed this one will have killed the others.
                self.peer().http.drop_idle();
                resent = true;
                continue;
            }
            if setback.sent != Sent::No && rules.cancellable {
                self.say_cancelled(speaking, asked.get(), &setback.error);
            }
            note_lost_session(speaking, &mut setback.error);
            if setback.sent == Sent::Yes && !rules.repeatable {
                note_execution(method, &mut setback.error);
            }
            return Err(setback);
        }
    }

    /// Posts a request, and reads the answer from the answer to that.
    fn ask_by_post(&self, call: &Call, speaking: &Speaking, ask: &Ask, asked: &Cell<u64>) -> Result<Answer, Setback> {
        let mut response = self.peer().authorised(call, || {
            let id = self.next_id();
            asked.set(id);
            self.send_message(call, speaking, Some((ask, id)), &messages::request(id, ask.method, ask.params))
        })?;
        if !(200..300).contains(&response.status) {
            return Err(self.peer().http_refusal(call, &mut response, speaking.carried(), Some(asked.get())));
        }
        let session_id = response.headers.get(SESSION_ID).cloned();
        let answer = self.read_answer(call, speaking, &mut response, (asked.get(), ask.rules));
        let answered = answer.map_err(Setback::after_sending)?;
        response.park();
        Ok(Answer { answered, session_id })
    }

    /// A message of the protocol's own that has no answer: a notification, or the answer to a server's own request. It does no harm
    /// when it comes twice.
    pub(super) fn post(&self, call: &Call, speaking: &Speaking, message: &Text) -> Result<()> {
        self.post_by(call, speaking, message, |send| self.peer().safely(call, send))
    }

    /// A notification of the caller's, which is not sent again where it may have arrived.
    pub(super) fn post_once(&self, call: &Call, speaking: &Speaking, message: &Text) -> Result<()> {
        self.post_by(call, speaking, message, |send| self.peer().authorised(call, send))
    }

    fn post_by<'a>(
        &'a self,
        call: &Call,
        speaking: &Speaking,
        message: &Text,
        attempts: impl FnOnce(&mut dyn FnMut() -> Result<Response<'a>, Setback>) -> Result<Response<'a>, Setback>,
    ) -> Result<()> {
        if let Some(pipe) = speaking.pipe() {
            pipe.write(message)?;
            return Ok(());
        }
        attempts(&mut || self.send_message(call, speaking, None, message))
            .and_then(|response| self.peer().expect_success(call, response, speaking.carried(), None))
            .map_err(|setback| setback.error)
    }

    /// Sends a message where messages go: a request under its id, or another one.
    pub(super) fn send_message(
        &self,
        call: &Call,
        speaking: &Speaking,
        ask: Option<(&Ask, u64)>,
        body: &Text,
    ) -> Result<Response<'_>, Setback> {
        let (ask, id) = ask.unzip();
        let outgoing = self.outgoing(speaking, Method::POST, ask, body);
        self.peer().send(call, outgoing, speaking.session_id, speaking.carried(), id)
    }

    /// A request without what authorises it.
    pub(super) fn outgoing<'a>(
        &'a self,
        speaking: &'a Speaking,
        method: Method,
        ask: Option<&Ask>,
        body: &'a Text,
    ) -> Outgoing<'a> {
        let to = speaking.line.and_then(Line::endpoint).unwrap_or(&self.endpoint);
        let mut headers = headers(speaking, ask);
        // Only beside a body: some servers refuse it without one.
        if body.len() > 0 {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Outgoing { to, method, headers, body }
    }

    /// Tells a legacy server that its answer is not awaited any more; a modern one sees it by the closed stream.
    fn say_cancelled(&self, speaking: &Speaking, id: u64, error: &Error) {
        let reason = match error.status() {
            MCP_CANCELLED => "cancelled by the caller",
            MCP_TIMEOUT => "timed out",
            _ => return,
        };
        // Where there is one stream for all, a closed one cannot say it.
        if speaking.era == Era::Modern && speaking.pipe().is_none() {
            return;
        }
        self.leave(speaking, Method::POST, &messages::cancelled(id, reason).into());
    }

    /// A call for what has to be said after another one has ended.
    pub(super) fn farewell(&self, limit: Duration) -> Call {
        self.own_call(Budget::until(Instant::now() + limit))
    }

    /// Sends what a call that has ended still has to say, as far as that goes in a moment, and waits for no answer.
    pub(super) fn leave(&self, speaking: &Speaking, method: Method, body: &Text) {
        // Where it does not go, it would not be read.
        let _ = self.leave_within(&self.farewell(FAREWELL), speaking, method, body);
    }

    /// The same in the time of a call, for several of them; fails where that is over, or nothing is read at the other end.
    pub(super) fn leave_within(&self, call: &Call, speaking: &Speaking, method: Method, body: &Text) -> Result<()> {
        if let Some(pipe) = speaking.pipe() {
            return pipe.write(body);
        }
        call.budget().check().map_err(|stop| call.stopped(&stop))?;
        self.peer().send_and_leave(call, self.outgoing(speaking, method, None, body));
        Ok(())
    }
}

/// An error under the status 200 whose words name the session: the server does not know it any more, and may have executed the
/// request all the same.
fn note_lost_session(speaking: &Speaking, error: &mut Error) {
    let report = error.report();
    let Some(rpc) = report.rpc.as_ref().filter(|_| report.status == MCP_RPC_ERROR && report.http_status < 300) else {
        return;
    };
    if speaking.pipe().is_some() {
        return;
    }
    let (code, text) = (Some(rpc.code), rpc.message.as_str());
    let answer = ErrorAnswer { http_status: 200, code, has_own_id: true, has_challenge: false, text };
    if answer.is_lost_session(speaking.carried()) {
        let report = error.report_mut();
        report.status = MCP_SESSION_LOST;
        report.message = format!("the server does not know the session any more: {}", report.message);
    }
}

/// Says that a request which is not sent again may have been executed, where the caller cannot know.
fn note_execution(method: &str, error: &mut Error) {
    if matches!(error.status(), MCP_SESSION_LOST | MCP_TRUNCATED | MCP_DISCONNECTED | MCP_PROCESS_FAILED) {
        let what = if method == "tools/call" { "the tool" } else { "the request" };
        error.report_mut().message.push_str(&format!("; {what} may have been executed, so it is not sent again"));
    }
}

/// What every request carries, whoever sends it.
pub fn headers(speaking: &Speaking, ask: Option<&Ask>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if let Some(version) = speaking.version {
        headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(version));
    }
    if let Some(id) = speaking.session_id {
        headers.insert(SESSION_ID, id.clone());
    }
    if let Some(ask) = ask.filter(|_| speaking.era == Era::Modern) {
        add_mirrors(&mut headers, ask);
    }
    headers
}

/// What modern servers and those in between read without looking into the body (2026-07-28, "Request Metadata").
fn add_mirrors(headers: &mut HeaderMap, ask: &Ask) {
    let standard = [Some((METHOD, ask.method)), ask.name.map(|name| (NAME, name))];
    for (name, text) in standard.into_iter().flatten() {
        headers.extend(HeaderValue::from_str(&header_value(text)).map(|value| (name, value)));
    }
    for (name, value) in ask.mirrored {
        let header = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        headers.extend(header);
    }
}
