//! Streamable HTTP: each message is a POST of its own, and its answer comes as the answer to that (2025-11-25 and 2026-07-28,
//! "Transports": Streamable HTTP).

mod response;
mod server_stream;
mod sse_response;
mod subscription;

use std::cell::Cell;
use std::sync::{Arc, Weak};

use ::http::Method;

use super::context::TransportContext;
use super::http_peer::{HttpPeer, SESSION_ID};
use super::http_request::{MessageTarget, outgoing};
use super::interface::{
    BEST_EFFORT_LIMIT, NotificationCallback, SubscriptionFailure, Transport, TransportKind, TransportResponse,
};
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::http::response::HttpResponse;
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::{MessageText, NOTHING};
use crate::protocol::messages;
use crate::sys::pollable_event::PollableEvent;
use server_stream::{ServerStream, StreamOpener};

/// The transport of one session.
pub struct StreamableHttp {
    me: Weak<StreamableHttp>,
    host: Arc<TransportContext>,
    peer: Arc<HttpPeer>,
    /// For what belongs to no call, on legacy servers.
    server_stream: ServerStream,
}

impl StreamableHttp {
    pub fn new(host: Arc<TransportContext>, peer: Arc<HttpPeer>) -> Arc<StreamableHttp> {
        Arc::new_cyclic(|me| StreamableHttp { me: Weak::clone(me), host, peer, server_stream: ServerStream::default() })
    }

    fn target<'a>(&'a self, peer_context: &'a PeerContext) -> MessageTarget<'a> {
        MessageTarget { to: &self.peer.endpoint, peer_context, session_reference: self.session_reference(peer_context) }
    }

    /// Posts a request under a new id, which `asked` gets, and waits for the head of the answer.
    fn post_request(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<HttpResponse<'_>, SendError> {
        self.peer.post_request(call, ask, || self.post_once(call, peer_context, ask, asked))
    }

    fn post_once(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<HttpResponse<'_>, SendError> {
        let id = self.host.calls.next_id();
        asked.set(id);
        let text = messages::request(id, ask.method, ask.params);
        self.peer.send_message(call, self.target(peer_context), Some((ask, id)), &text)
    }
}

impl Transport for StreamableHttp {
    fn transport_kind(&self) -> TransportKind {
        TransportKind::StreamableHttp
    }

    fn request(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        let mut response = self.post_request(call, peer_context, ask, asked)?;
        if !response.is_success() {
            return Err(self.peer.http_refusal(
                call,
                &mut response,
                self.session_reference(peer_context),
                Some(asked.get()),
            ));
        }
        let session_id = response.headers.get(SESSION_ID).cloned();
        // The answer may quote it.
        call.record_secret(session_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default());
        let answer = self.read_answer(call, peer_context, &mut response, (asked.get(), ask.rules));
        let answered = answer.map_err(SendError::after_sending)?;
        response.release();
        Ok(TransportResponse { answered, session_id })
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

    fn subscribe(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
        on_notification: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        let opened = self.peer.authorized(call, || self.post_once(call, peer_context, ask, &Cell::new(0)));
        let mut response =
            opened.map_err(|send_error| SubscriptionFailure { error: send_error.error, received_any: false })?;
        self.read_subscription(call, &mut response, on_notification)
    }

    fn session_reference<'a>(&self, peer_context: &'a PeerContext) -> SessionReference<'a> {
        peer_context.session_reference(SessionReference::NoId)
    }

    fn open_server_stream(&self, call: &CallContext, peer_context: &PeerContext, again: bool) -> Result<()> {
        let opening = StreamOpener {
            host: Arc::clone(&self.host),
            peer: Arc::clone(&self.peer),
            transport: self.me.clone(),
            peer_context: peer_context.clone(),
        };
        self.server_stream.open(call, again, opening)
    }

    fn end_event(&self) -> Option<Arc<PollableEvent>> {
        self.server_stream.end_event()
    }

    fn end_reason(&self) -> Option<Error> {
        self.server_stream.why()
    }

    /// DELETE, where the server gave a session id (2025-11-25, "Transports": Session Management). A server that does not offer it
    /// answers 405; one that has forgotten the session, 404.
    fn terminate_session(&self, call: &CallContext, peer_context: &PeerContext) -> Result<()> {
        if peer_context.session_id.is_none() {
            return Ok(());
        }
        let target = self.target(peer_context);
        let response = self.peer.safely(call, || {
            let outgoing = outgoing(target, Method::DELETE, None, &NOTHING);
            self.peer.send(call, outgoing, target.session_reference, None)
        });
        let response = response.map_err(|send_error| send_error.error)?;
        match response.status {
            404 | 405 => Ok(()),
            _ => self
                .peer
                .expect_success(call, response, target.session_reference, None)
                .map_err(|send_error| send_error.error),
        }
    }

    fn terminate_session_best_effort(&self, peer_context: &PeerContext) {
        if peer_context.session_id.is_some() {
            let call = self.host.best_effort_context(BEST_EFFORT_LIMIT);
            // Where it does not go, it would not be read.
            let _ = self.peer.send_message_best_effort(&call, self.target(peer_context), Method::DELETE, &NOTHING);
        }
    }

    fn stop_server_stream(&self) {
        self.server_stream.stop();
    }
}
