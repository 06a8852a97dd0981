//! HTTP requests that carry MCP messages, or ask for a stream of them (2025-11-25 and 2026-07-28, "Streamable HTTP").

use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::http_peer::{HttpPeer, SESSION_ID};
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::http::client::OutgoingRequest;
use crate::http::endpoint::Endpoint;
use crate::http::fields::{EVENT_STREAM, JSON, LAST_EVENT_ID};
use crate::http::response::HttpResponse;
use crate::log::LogLevel;
use crate::protocol::header_arguments::header_value;
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::{MessageText, NOTHING};
use crate::protocol::version::Era;
use crate::status::*;

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Where messages go, and what they say of the session.
#[derive(Clone, Copy)]
pub struct MessageTarget<'a> {
    pub to: &'a Arc<Endpoint>,
    pub peer_context: &'a PeerContext,
    pub session_reference: SessionReference<'a>,
}

impl HttpPeer {
    /// Runs `attempt`, which posts a request under an id of its own; again with other credentials where the server refuses those of the
    /// auth callback, and, where the request is repeatable, once more where a kept connection turns out dead.
    pub fn post_request<T>(
        &self,
        call: &CallContext,
        ask: &EncodedRequest,
        attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        if !ask.rules.repeatable {
            return self.authorized(call, attempt);
        }
        let method = ask.method;
        let tell = || {
            call.log(LogLevel::Debug, || format!("{method}: the idle connection was closed; retrying on a new one"));
        };
        self.safely_told(call, tell, attempt)
    }

    /// Posts a message that has no answer.
    pub fn post_message(
        &self,
        call: &CallContext,
        target: MessageTarget,
        message: &MessageText,
        repeatable: bool,
    ) -> Result<()> {
        let attempt = || self.send_message(call, target, None, message);
        let sent = if repeatable { self.safely(call, attempt) } else { self.authorized(call, attempt) };
        sent.and_then(|response| self.expect_success(call, response, target.session_reference, None))
            .map_err(|send_error| send_error.error)
    }

    /// Sends a message where messages go: a request under its id, or another one.
    pub fn send_message(
        &self,
        call: &CallContext,
        target: MessageTarget,
        ask: Option<(&EncodedRequest, u64)>,
        body: &MessageText,
    ) -> Result<HttpResponse<'_>, SendError> {
        let (ask, id) = ask.unzip();
        let outgoing = outgoing(target, Method::POST, ask, body);
        self.send(call, outgoing, target.session_reference, id)
    }

    /// Sends a request in the time of the call, and waits for no answer.
    pub fn send_message_best_effort(
        &self,
        call: &CallContext,
        target: MessageTarget,
        method: Method,
        body: &MessageText,
    ) -> Result<()> {
        call.wait_context().check().map_err(|stop| call.stopped(&stop))?;
        self.send_best_effort(call, outgoing(target, method, None, body));
        Ok(())
    }

    /// Asks for an event stream: one that was there before goes on behind `last_event_id`.
    pub fn get_stream(
        &self,
        call: &CallContext,
        target: MessageTarget,
        last_event_id: Option<&HeaderValue>,
    ) -> Result<HttpResponse<'_>, SendError> {
        self.safely(call, || {
            let mut headers = headers(target.peer_context, None);
            headers.insert(header::ACCEPT, HeaderValue::from_static(EVENT_STREAM));
            headers.extend(last_event_id.cloned().map(|id| (LAST_EVENT_ID, id)));
            let outgoing = OutgoingRequest { to: target.to, method: Method::GET, headers, body: &NOTHING };
            self.send(call, outgoing, target.session_reference, None)
        })
    }
}

/// A request without what authorises it.
pub fn outgoing<'a>(
    target: MessageTarget<'a>,
    method: Method,
    ask: Option<&EncodedRequest>,
    body: &'a MessageText,
) -> OutgoingRequest<'a> {
    let mut headers = headers(target.peer_context, ask);
    // Only beside a body: some servers refuse it without one.
    if body.len() > 0 {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    OutgoingRequest { to: target.to, method, headers, body }
}

/// What every request carries, whoever sends it.
fn headers(peer_context: &PeerContext, ask: Option<&EncodedRequest>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if let Some(version) = peer_context.version {
        headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(version));
    }
    if let Some(id) = &peer_context.session_id {
        headers.insert(SESSION_ID, id.clone());
    }
    if let Some(ask) = ask.filter(|_| peer_context.era == Era::Modern) {
        add_mirrors(&mut headers, ask);
    }
    headers
}

/// What modern servers and those in between read without looking into the body (2026-07-28, "Request Metadata").
fn add_mirrors(headers: &mut HeaderMap, ask: &EncodedRequest) {
    let standard = [Some((METHOD, ask.method)), ask.name.map(|name| (NAME, name))];
    for (name, text) in standard.into_iter().flatten() {
        headers.extend(HeaderValue::from_str(&header_value(text)).map(|value| (name, value)));
    }
    for (name, value) in ask.mirrored {
        let header = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        headers.extend(header);
    }
}

pub fn unexpected_content(response: &HttpResponse, content_type: Option<&str>) -> Error {
    let http_status = response.status;
    // As the server wrote it: what it may have echoed is found in its own letters only.
    let shown = response.headers.get(header::CONTENT_TYPE).map_or("".into(), |v| String::from_utf8_lossy(v.as_bytes()));
    let message = match content_type {
        _ if http_status == 202 => {
            "the server accepted the request (HTTP 202) without a response, as if it were a notification".into()
        }
        Some("text/html") => format!(
            "the server returned an HTML page instead of JSON; this URL leads to a web site, not to an MCP endpoint: check its path{}",
            response.through_proxy().unwrap_or_default()
        ),
        Some(_) => {
            format!("the server returned {shown} instead of JSON or an event stream; check the path of the URL")
        }
        None => format!("the server's response (HTTP {http_status}) has no content type"),
    };
    Error::new(MCP_UNEXPECTED_CONTENT, message)
}
