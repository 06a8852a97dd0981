//! HTTP+SSE (2024-11-05, "Transports"): messages are posted to an endpoint that the server names on an event stream, and everything
//! that it says comes on that stream.

mod reader;

use std::cell::Cell;
use std::sync::{Arc, Weak};

use ::http::{HeaderMap, HeaderValue, Method, header};

use super::context::TransportContext;
use super::event_reader::EventReader;
use super::http_peer::HttpPeer;
use super::http_request::{MessageTarget, unexpected_content};
use super::interface::{Transport, TransportKind, TransportResponse};
use super::multiplexer::message_router::MessageRouter;
use super::multiplexer::pending::{PendingRequests, PendingResponse};
use super::multiplexer::{await_answer, register, unregister};
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::http::client::OutgoingRequest;
use crate::http::endpoint::Endpoint;
use crate::http::fields::EVENT_STREAM;
use crate::http::response_body::ResponseBody;
use crate::log::LogLevel;
use crate::protocol::event_stream::SseEvent;
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::{MessageText, NOTHING};
use crate::protocol::messages;
use crate::status::*;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::WaitContext;
use reader::LegacyStreamReader;

/// An open event stream, and where messages are posted to. Its reader stops when this is dropped.
pub struct LegacySse {
    me: Weak<dyn Transport>,
    host: Arc<TransportContext>,
    peer: Arc<HttpPeer>,
    pending: Arc<PendingRequests>,
    /// Where messages are posted to.
    to: Arc<Endpoint>,
}

impl Drop for LegacySse {
    fn drop(&mut self) {
        self.pending.stop.set();
    }
}

impl LegacySse {
    /// Opens the event stream, and waits until the server has named its endpoint.
    pub fn open(host: &Arc<TransportContext>, peer: &Arc<HttpPeer>, call: &CallContext) -> Result<Arc<LegacySse>> {
        let opened = peer.safely(call, || {
            let mut headers = HeaderMap::with_capacity(4);
            headers.insert(header::ACCEPT, HeaderValue::from_static(EVENT_STREAM));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            let outgoing = OutgoingRequest { to: &peer.endpoint, method: Method::GET, headers, body: &NOTHING };
            peer.send(call, outgoing, SessionReference::Nothing, None)
        });
        let mut response = opened.map_err(|send_error| send_error.error)?;
        if !response.is_success() {
            return Err(peer.http_failure(call, &mut response, SessionReference::Nothing));
        }
        let kind = response.content_type();
        if kind.as_deref() != Some(EVENT_STREAM) {
            return Err(unexpected_content(&response, kind.as_deref()));
        }
        let from = Arc::clone(&response.from);
        let nothing = || Error::new(MCP_TRUNCATED, "the server's event stream is empty");
        let body = response.into_body().ok_or_else(nothing)?;
        LegacySse::await_endpoint(host, peer, call, &from, body).map_err(|mut error| {
            if error.status() == MCP_TIMEOUT {
                error.report_mut().message.push_str("; it opened an event stream, but sent no endpoint event");
            }
            error
        })
    }

    fn await_endpoint(
        host: &Arc<TransportContext>,
        peer: &Arc<HttpPeer>,
        call: &CallContext,
        from: &Endpoint,
        mut body: ResponseBody,
    ) -> Result<Arc<LegacySse>> {
        let mut stream = EventReader::new(host.limits.event);
        loop {
            let Some(events) = stream.next(|buffer| body.read(buffer))? else {
                let why =
                    "the server's event stream ended before its endpoint event; is this the URL of an HTTP+SSE server?";
                return Err(Error::new(MCP_TRUNCATED, why));
            };
            // Nobody can wait for anything that comes before it.
            let mut events = events.into_iter().skip_while(|event| event.name != b"endpoint");
            if let Some(endpoint) = events.next() {
                let to = Arc::new(named_endpoint(from, &endpoint)?);
                let rest = events.collect();
                let pending = Arc::new(PendingRequests::new(false, Arc::clone(to.secrets()))?);
                pending.record_sent_credentials(call);
                call.log(LogLevel::Debug, || "the event stream is open, and its endpoint is known".into());
                // Whoever waits has a time limit of its own; the stream has none.
                body.set_wait_context(WaitContext {
                    closed: Some(Arc::clone(&pending.stop)),
                    ..WaitContext::default()
                });
                let made = Arc::new_cyclic(|me: &Weak<LegacySse>| LegacySse {
                    me: me.clone(),
                    host: Arc::clone(host),
                    peer: Arc::clone(peer),
                    pending,
                    to,
                });
                let receiver = MessageRouter::new(host, Weak::clone(&made.me), &made.pending);
                host.readers.start(move || LegacyStreamReader { to: receiver, body, stream, events: rest }.run())?;
                return Ok(made);
            }
        }
    }

    fn target<'a>(&'a self, peer_context: &'a PeerContext) -> MessageTarget<'a> {
        MessageTarget { to: &self.to, peer_context, session_reference: self.session_reference(peer_context) }
    }

    /// Posts a request, for whose answer there is a place by then.
    fn send(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
        id: u64,
    ) -> Result<PendingResponse<'_>, SendError> {
        let response = register(&self.host, &self.pending, call, (id, ask.method))?;
        let waiting = call.until(response.done());
        let body = messages::request(id, ask.method, ask.params);
        let target = self.target(peer_context);
        let sent = self
            .peer
            .send_message(&waiting, target, Some((ask, id)), &body)
            .and_then(|response| self.peer.expect_success(&waiting, response, target.session_reference, Some(id)));
        self.pending.record_sent_credentials(call);
        // With the answer at hand, or the end of the stream, what became of the request itself is of no interest.
        match sent {
            Err(send_error) if response.delivered().is_none() => {
                if send_error.error.status() == MCP_TIMEOUT {
                    self.pending.retire_if_silent();
                }
                unregister(&self.host, self, call, peer_context, &response);
                Err(send_error)
            }
            _ => Ok(response),
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
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        let response = self.peer.post_request(call, ask, || {
            let id = self.host.calls.next_id();
            asked.set(id);
            self.send(call, peer_context, ask, id)
        })?;
        await_answer(&self.host, (self, &self.me), call, peer_context, &response, ask.rules)
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
        self.pending.ended()
    }

    fn needs_new_session(&self) -> bool {
        self.pending.needs_new_session()
    }
}

/// Where messages are to be posted to: on the origin of the event stream, for credentials do not leave it.
fn named_endpoint(from: &Endpoint, event: &SseEvent) -> Result<Endpoint> {
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
            "the server is reached over https but sent the endpoint {shown}, over http, where credentials are not sent: a proxy in front of it does not tell it about https (X-Forwarded-Proto)"
        )
    } else {
        format!(
            "the server sent the endpoint {shown}, which is another origin, and credentials are not sent to another origin"
        )
    };
    Err(Error::new(MCP_REDIRECT_REFUSED, why))
}
