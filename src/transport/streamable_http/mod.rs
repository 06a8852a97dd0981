//! The Streamable HTTP transport: each message is a separate POST, and the HTTP response contains the JSON-RPC response
//! (2025-11-25 and 2026-07-28, "Transports": Streamable HTTP).

mod response;
mod server_stream;
mod sse_response;
mod subscription;

use std::cell::Cell;
use std::sync::{Arc, Weak};

use ::http::Method;

use super::context::TransportContext;
use super::http_peer::{HttpPeer, SESSION_ID};
use super::http_request::{MessageTarget, build_request};
use super::interface::{
    BEST_EFFORT_LIMIT, NotificationCallback, SubscriptionFailure, Transport, TransportKind, TransportResponse,
};
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::http::response::HttpResponse;
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::{EMPTY_BODY, MessageText};
use crate::protocol::messages;
use crate::sys::pollable_event::PollableEvent;
use server_stream::{ServerStream, StreamOpener};

/// The transport of one session.
pub struct StreamableHttp {
    me: Weak<StreamableHttp>,
    context: Arc<TransportContext>,
    peer: Arc<HttpPeer>,
    /// The stream for messages that belong to no call; legacy servers only.
    server_stream: ServerStream,
}

impl StreamableHttp {
    pub fn new(context: Arc<TransportContext>, peer: Arc<HttpPeer>) -> Arc<StreamableHttp> {
        Arc::new_cyclic(|me| StreamableHttp {
            me: Weak::clone(me),
            context,
            peer,
            server_stream: ServerStream::default(),
        })
    }

    fn target<'a>(&'a self, peer_context: &'a PeerContext) -> MessageTarget<'a> {
        MessageTarget {
            endpoint: &self.peer.endpoint,
            peer_context,
            session_reference: self.session_reference(peer_context),
        }
    }

    /// Posts a request, again if needed, and waits for the headers of the response. `last_id` is set to the request's
    /// id.
    fn post_request(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        request: &EncodedRequest,
        last_id: &Cell<u64>,
    ) -> Result<HttpResponse<'_>, SendError> {
        self.peer.post_request(call, request, || self.post_once(call, peer_context, request, last_id))
    }

    /// Posts a request once, under a new id.
    fn post_once(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        request: &EncodedRequest,
        last_id: &Cell<u64>,
    ) -> Result<HttpResponse<'_>, SendError> {
        let id = self.context.calls.next_id();
        last_id.set(id);
        let text = messages::request(id, request.method, request.params);
        self.peer.send_message(call, self.target(peer_context), Some((request, id)), &text)
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
        request: &EncodedRequest,
        last_id: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        let mut response = self.post_request(call, peer_context, request, last_id)?;
        if !response.is_success() {
            return Err(self.peer.http_send_error(
                call,
                &mut response,
                self.session_reference(peer_context),
                Some(last_id.get()),
            ));
        }
        let session_id = response.headers.get(SESSION_ID).cloned();
        // Redact the id, which the response may quote.
        session_id.iter().for_each(|id| call.record_session_id(id));
        let outcome = self.read_response(call, peer_context, &mut response, (last_id.get(), request.policy));
        let rpc_response = outcome.map_err(SendError::after_sending)?;
        response.release();
        Ok(TransportResponse { response: rpc_response, session_id })
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
        request: &EncodedRequest,
        on_notification: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        let opened = self.peer.with_credentials(call, || self.post_once(call, peer_context, request, &Cell::new(0)));
        let mut response =
            opened.map_err(|send_error| SubscriptionFailure { error: send_error.error, received_any: false })?;
        self.read_subscription(call, &mut response, on_notification)
    }

    fn session_reference<'a>(&self, peer_context: &'a PeerContext) -> SessionReference<'a> {
        peer_context.session_reference(SessionReference::NoId)
    }

    fn open_server_stream(&self, call: &CallContext, peer_context: &PeerContext, reopen: bool) -> Result<()> {
        let opener = StreamOpener {
            context: Arc::clone(&self.context),
            peer: Arc::clone(&self.peer),
            transport: self.me.clone(),
            peer_context: peer_context.clone(),
        };
        self.server_stream.open(call, reopen, opener)
    }

    fn end_event(&self) -> Option<Arc<PollableEvent>> {
        self.server_stream.end_event()
    }

    fn end_reason(&self) -> Option<Error> {
        self.server_stream.end_reason()
    }

    /// Sends DELETE if the session has an id (2025-11-25, "Transports": Session Management). A server that does not
    /// support it responds with 405, one that no longer knows the session with 404.
    fn terminate_session(&self, call: &CallContext, peer_context: &PeerContext) -> Result<()> {
        if peer_context.session_id.is_none() {
            return Ok(());
        }
        let target = self.target(peer_context);
        let response = self.peer.with_stale_retry(call, || {
            let outgoing = build_request(target, Method::DELETE, None, &EMPTY_BODY);
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
            let call = self.context.best_effort_context(BEST_EFFORT_LIMIT);
            // Errors are ignored: the session ends anyway.
            let _ = self.peer.send_message_best_effort(&call, self.target(peer_context), Method::DELETE, &EMPTY_BODY);
        }
    }

    fn stop_server_stream(&self) {
        self.server_stream.stop();
    }
}
