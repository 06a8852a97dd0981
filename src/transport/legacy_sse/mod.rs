//! The HTTP+SSE transport (2024-11-05, "Transports"): the server sends all messages on an event stream. Its first event
//! is the endpoint to which the client posts messages.

mod reader;

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::{Arc, Weak};

use ::http::{HeaderValue, Method, header};

use super::context::TransportContext;
use super::event_reader::EventReader;
use super::http_peer::HttpPeer;
use super::http_request::{MessageTarget, unexpected_content};
use super::interface::{Transport, TransportKind, TransportResponse};
use super::multiplexer::message_router::MessageRouter;
use super::multiplexer::pending::{PendingRequests, PendingResponse};
use super::multiplexer::{await_response, register, unregister};
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::request_headers::RequestHeaders;
use crate::call::send_error::SendError;
use crate::call::skipped_input::Excerpt;
use crate::error::{Error, Result};
use crate::http::endpoint::Endpoint;
use crate::http::fields::EVENT_STREAM;
use crate::http::response_body::ResponseBody;
use crate::http::send::OutgoingRequest;
use crate::log::LogLevel;
use crate::protocol::event_stream::SseEvent;
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::{EMPTY_BODY, MessageText};
use crate::protocol::messages;
use crate::status::*;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::WaitContext;
use reader::LegacyStreamReader;

/// An open event stream and its endpoint. The reader thread stops when this is dropped.
pub struct LegacySse {
    me: Weak<dyn Transport>,
    context: Arc<TransportContext>,
    peer: Arc<HttpPeer>,
    pending: Arc<PendingRequests>,
    /// The URL to which messages are posted.
    endpoint: Arc<Endpoint>,
}

impl Drop for LegacySse {
    fn drop(&mut self) {
        self.pending.stop.set();
    }
}

impl LegacySse {
    /// Opens the event stream and waits for the endpoint event.
    pub fn open(context: &Arc<TransportContext>, peer: &Arc<HttpPeer>, call: &CallContext) -> Result<Arc<LegacySse>> {
        let opened = peer.with_stale_retry(call, || {
            let mut headers = RequestHeaders::default();
            headers.push(header::ACCEPT, HeaderValue::from_static(EVENT_STREAM));
            headers.push(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            let outgoing = OutgoingRequest {
                to: &peer.endpoint,
                method: Method::GET,
                headers: Cow::Owned(headers),
                body: &EMPTY_BODY,
            };
            peer.send(call, outgoing, SessionReference::Nothing, None)
        });
        let mut response = opened.map_err(|send_error| send_error.error)?;
        if !response.is_success() {
            return Err(peer.http_failure(call, &mut response, SessionReference::Nothing));
        }
        if !response.has_content_type(EVENT_STREAM) {
            return Err(unexpected_content(&response));
        }
        let from = Arc::clone(&response.from);
        let nothing = || Error::new(MCP_TRUNCATED, "the server's event stream is empty");
        let body = response.into_body().ok_or_else(nothing)?;
        let mut first = None;
        LegacySse::await_endpoint(context, peer, call, &from, body, &mut first).map_err(|mut error| {
            let status = error.status();
            let message = &mut error.report_mut().message;
            if status == MCP_TIMEOUT {
                message.push_str("; it opened an event stream, but sent no endpoint event");
            }
            if let Some(first) = first.filter(|_| matches!(status, MCP_TIMEOUT | MCP_TRUNCATED)) {
                message.push_str(&format!("; the first event was: {}", first.quoted(call)));
            }
            error
        })
    }

    /// Waits for the endpoint event. Sets `first` to the first event before it.
    fn await_endpoint(
        context: &Arc<TransportContext>,
        peer: &Arc<HttpPeer>,
        call: &CallContext,
        from: &Endpoint,
        mut body: ResponseBody,
        first: &mut Option<Excerpt>,
    ) -> Result<Arc<LegacySse>> {
        let mut reader = EventReader::new(context.limits.event);
        loop {
            if !reader.read(|buffer, most| body.read_into(buffer, most))? {
                let why =
                    "the server's event stream ended before its endpoint event; is this the URL of an HTTP+SSE server?";
                return Err(Error::new(MCP_TRUNCATED, why));
            }
            while let Some(event) = reader.next_event()? {
                // No request is pending before the endpoint event: drop the events before it.
                if event.name != b"endpoint" {
                    first.get_or_insert_with(|| Excerpt::of(&event.data));
                    continue;
                }
                let endpoint = Arc::new(resolve_endpoint(from, event)?);
                let pending = Arc::new(PendingRequests::new(false, Arc::clone(endpoint.secrets()))?);
                pending.record_sent_credentials(call);
                call.log(LogLevel::Debug, || "the event stream is open, and its endpoint is known".into());
                // The stream itself has no time limit; each waiting call has one.
                body.set_wait_context(WaitContext {
                    closed: Some(Arc::clone(&pending.stop)),
                    ..WaitContext::default()
                });
                let transport = Arc::new_cyclic(|me: &Weak<LegacySse>| LegacySse {
                    me: me.clone(),
                    context: Arc::clone(context),
                    peer: Arc::clone(peer),
                    pending,
                    endpoint,
                });
                let router = MessageRouter::new(context, Weak::clone(&transport.me), &transport.pending);
                context.readers.start(move || LegacyStreamReader { router, body, reader }.run())?;
                return Ok(transport);
            }
        }
    }

    fn target<'a>(&'a self, peer_context: &'a PeerContext) -> MessageTarget<'a> {
        MessageTarget {
            endpoint: &self.endpoint,
            peer_context,
            session_reference: self.session_reference(peer_context),
        }
    }

    /// Registers a request and posts it.
    fn send(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        request: &EncodedRequest,
        id: u64,
    ) -> Result<PendingResponse<'_>, SendError> {
        let pending_response = register(&self.context, &self.pending, call, (id, request.method))?;
        let waiting_call = call.until_done(pending_response.done());
        let body = messages::request(id, request.method, request.params);
        let target = self.target(peer_context);
        let sent = self
            .peer
            .send_message(&waiting_call, target, Some((request, id)), &body)
            .and_then(|response| self.peer.expect_success(&waiting_call, response, target.session_reference, Some(id)));
        self.pending.record_sent_credentials(call);
        // If the response has arrived, or the stream has ended, the outcome of the POST does not matter.
        match sent {
            Err(mut send_error) if pending_response.outcome().is_none() => {
                if send_error.error.status() == MCP_TIMEOUT {
                    self.pending.retire_if_silent();
                    send_error.error = pending_response.explained(call, send_error.error);
                }
                unregister(&self.context, self, call, peer_context, &pending_response);
                Err(send_error)
            }
            _ => Ok(pending_response),
        }
    }
}

impl Transport for LegacySse {
    fn transport_kind(&self) -> TransportKind {
        TransportKind::Sse
    }

    fn request(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        request: &EncodedRequest,
        last_id: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        let pending_response = self.peer.post_request(call, request, || {
            let id = self.context.calls.next_id();
            last_id.set(id);
            self.send(call, peer_context, request, id)
        })?;
        await_response(&self.context, (self, &self.me), call, peer_context, &pending_response, request.policy)
    }

    fn post(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        message: &MessageText,
        repeatable: bool,
    ) -> Result<()> {
        self.peer.post_message(call, self.target(peer_context), message, repeatable)
    }

    fn post_best_effort(&self, call: &CallContext, peer_context: &PeerContext, message: &MessageText) -> Result<()> {
        self.peer.send_message_best_effort(call, self.target(peer_context), Method::POST, message)
    }

    fn session_reference<'a>(&self, peer_context: &'a PeerContext) -> SessionReference<'a> {
        peer_context.session_reference(SessionReference::InUrl)
    }

    fn bind(&self, version: &'static str) {
        let _ = self.pending.version.set(version);
    }

    fn end_event(&self) -> Option<Arc<PollableEvent>> {
        Some(Arc::clone(&self.pending.end_event))
    }

    fn end_reason(&self) -> Option<Error> {
        self.pending.end_reason()
    }

    fn needs_new_session(&self) -> bool {
        self.pending.needs_new_session()
    }
}

/// The URL to which messages are posted. It must have the origin of the event stream, because credentials are sent only
/// there.
fn resolve_endpoint(from: &Endpoint, event: &SseEvent) -> Result<Endpoint> {
    let unusable =
        |why: &str| Error::new(MCP_INVALID_MESSAGE, format!("the server sent an endpoint that cannot be used: {why}"));
    let text = str::from_utf8(&event.data).map_err(|_| unusable("it is not valid UTF-8"))?;
    if text.is_empty() {
        return Err(unusable("it is empty"));
    }
    let endpoint = from.resolve(text).map_err(|why| unusable(&why))?;
    let (ours, theirs) = (from.origin(), endpoint.origin());
    if ours == theirs {
        return Ok(endpoint);
    }
    let shown = endpoint.shown();
    let why = if ours.https && !theirs.https && ours.host == theirs.host {
        format!(
            "the server is reached over https but sent the endpoint {shown}, over http, where credentials are not \
             sent: the proxy in front of it probably does not set X-Forwarded-Proto"
        )
    } else {
        format!(
            "the server sent the endpoint {shown}, which is another origin, and credentials are not sent to another \
             origin"
        )
    };
    Err(Error::new(MCP_REDIRECT_REFUSED, why))
}
