//! HTTP requests that carry MCP messages or open an event stream (2025-11-25 and 2026-07-28, "Streamable HTTP").

use std::borrow::Cow;
use std::sync::Arc;

use ::http::{HeaderName, HeaderValue, Method, header};

use super::http_peer::{HttpPeer, SESSION_ID};
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::request_headers::RequestHeaders;
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::http::endpoint::Endpoint;
use crate::http::fields::{EVENT_STREAM, HTML, JSON, LAST_EVENT_ID};
use crate::http::response::HttpResponse;
use crate::http::send::OutgoingRequest;
use crate::log::LogLevel;
use crate::protocol::header_arguments::header_value;
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::{EMPTY_BODY, MessageText};
use crate::protocol::version::Era;
use crate::status::*;

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Methods whose header values need no allocation.
const FREQUENT_METHODS: [&str; 4] = ["tools/call", "server/discover", "resources/read", "prompts/get"];

/// The URL of a message, and its session.
#[derive(Clone, Copy)]
pub struct MessageTarget<'a> {
    pub endpoint: &'a Arc<Endpoint>,
    pub peer_context: &'a PeerContext,
    pub session_reference: SessionReference<'a>,
}

impl HttpPeer {
    /// Runs `attempt`, which posts a request under a new id. Runs it again with new credentials if the server refuses
    /// those from the auth callback, and on a new connection if the request is repeatable and an idle connection is
    /// stale.
    pub fn post_request<T>(
        &self,
        call: &CallContext,
        request: &EncodedRequest,
        attempt: impl FnMut() -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        if !request.policy.repeatable {
            return self.with_credentials(call, attempt);
        }
        let method = request.method;
        let log_retry = || {
            call.log(LogLevel::Debug, || format!("{method}: the idle connection was closed; retrying on a new one"));
        };
        self.with_stale_retry_and_hook(call, log_retry, attempt)
    }

    /// Posts a message that has no response.
    pub fn post_message(
        &self,
        call: &CallContext,
        target: MessageTarget,
        message: &MessageText,
        repeatable: bool,
    ) -> Result<()> {
        let attempt = || self.send_message(call, target, None, message);
        let sent = if repeatable { self.with_stale_retry(call, attempt) } else { self.with_credentials(call, attempt) };
        sent.and_then(|response| self.expect_success(call, response, target.session_reference, None))
            .map_err(|send_error| send_error.error)
    }

    /// Posts a message: a request with its id, or another message.
    pub fn send_message(
        &self,
        call: &CallContext,
        target: MessageTarget,
        request: Option<(&EncodedRequest, u64)>,
        body: &MessageText,
    ) -> Result<HttpResponse<'_>, SendError> {
        let (request, id) = request.unzip();
        let outgoing = build_request(target, Method::POST, request, body);
        self.send(call, outgoing, target.session_reference, id)
    }

    /// Sends an HTTP request within the time of the call, without waiting for a response.
    pub fn send_message_best_effort(
        &self,
        call: &CallContext,
        target: MessageTarget,
        method: Method,
        body: &MessageText,
    ) -> Result<()> {
        call.wait_context().check().map_err(|interrupt| call.interrupt_error(&interrupt))?;
        self.send_best_effort(call, build_request(target, method, None, body));
        Ok(())
    }

    /// Opens an event stream, or resumes it after `last_event_id`.
    pub fn get_stream(
        &self,
        call: &CallContext,
        target: MessageTarget,
        last_event_id: Option<&HeaderValue>,
    ) -> Result<HttpResponse<'_>, SendError> {
        self.with_stale_retry(call, || {
            let mut headers = headers(target.peer_context, None);
            headers.set(header::ACCEPT, HeaderValue::from_static(EVENT_STREAM));
            if let Some(id) = last_event_id {
                headers.set(LAST_EVENT_ID, id.clone());
            }
            let headers = Cow::Owned(headers);
            let outgoing = OutgoingRequest { to: target.endpoint, method: Method::GET, headers, body: &EMPTY_BODY };
            self.send(call, outgoing, target.session_reference, None)
        })
    }
}

/// Builds an HTTP request without credentials.
pub fn build_request<'a>(
    target: MessageTarget<'a>,
    method: Method,
    request: Option<&EncodedRequest>,
    body: &'a MessageText,
) -> OutgoingRequest<'a> {
    let mut headers = headers(target.peer_context, request);
    // Some servers reject a content type without a body.
    if body.len() > 0 {
        headers.push(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
    OutgoingRequest { to: target.endpoint, method, headers: Cow::Owned(headers), body }
}

/// The headers of a request, without credentials.
fn headers(peer_context: &PeerContext, request: Option<&EncodedRequest>) -> RequestHeaders {
    let mut headers = RequestHeaders::default();
    headers.push(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if let Some(version) = peer_context.version {
        headers.push(PROTOCOL_VERSION, HeaderValue::from_static(version));
    }
    if let Some(id) = &peer_context.session_id {
        headers.push(SESSION_ID, id.clone());
    }
    if let Some(request) = request.filter(|_| peer_context.era == Era::Modern) {
        add_mirrored_headers(&mut headers, request);
    }
    headers
}

/// Adds the headers that repeat parts of the message, for modern servers and intermediaries (2026-07-28, "Request
/// Metadata").
fn add_mirrored_headers(headers: &mut RequestHeaders, request: &EncodedRequest) {
    match FREQUENT_METHODS.iter().find(|method| **method == request.method) {
        Some(method) => headers.push(METHOD, HeaderValue::from_static(method)),
        None => push_text(headers, METHOD, request.method),
    }
    if let Some(name) = request.name {
        push_text(headers, NAME, name);
    }
    for (name, value) in request.mirrored {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.push(name, value);
        }
    }
}

fn push_text(headers: &mut RequestHeaders, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(&header_value(text)) {
        headers.push(name, value);
    }
}

/// The error for a response with the wrong content type.
pub fn unexpected_content(response: &HttpResponse) -> Error {
    let http_status = response.status;
    // Unchanged, so that an echoed secret in it is recognized and redacted.
    let shown = response.headers.get(header::CONTENT_TYPE).map_or("".into(), |v| String::from_utf8_lossy(v.as_bytes()));
    let message = match response.content_type() {
        _ if http_status == 202 => {
            "the server accepted the request (HTTP 202) without a response, as if it were a notification".into()
        }
        Some(html) if html.eq_ignore_ascii_case(HTML) => format!(
            "the server returned an HTML page instead of JSON; this URL leads to a web site, not to an MCP endpoint: \
             check its path{}",
            response.through_proxy().unwrap_or_default()
        ),
        Some(_) => {
            format!("the server returned {shown} instead of JSON or an event stream; check the path of the URL")
        }
        None => format!("the server's response (HTTP {http_status}) has no content type"),
    };
    Error::new(MCP_UNEXPECTED_CONTENT, message)
}
