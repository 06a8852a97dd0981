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
    FAREWELL, NotificationCallback, SubscriptionFailure, Transport, TransportKind, TransportResponse,
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

    fn target<'a>(&'a self, speaking: &'a PeerContext) -> MessageTarget<'a> {
        MessageTarget { to: &self.peer.endpoint, speaking, carried: self.carried(speaking) }
    }

    /// Posts a request under a new id, which `asked` gets, and waits for the head of the answer.
    fn post_request(
        &self,
        call: &CallContext,
        speaking: &PeerContext,
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<HttpResponse<'_>, SendError> {
        self.peer.post_request(call, ask, || self.post_once(call, speaking, ask, asked))
    }

    fn post_once(
        &self,
        call: &CallContext,
        speaking: &PeerContext,
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<HttpResponse<'_>, SendError> {
        let id = self.host.calls.next_id();
        asked.set(id);
        let text = messages::request(id, ask.method, ask.params);
        self.peer.send_message(call, self.target(speaking), Some((ask, id)), &text)
    }
}

impl Transport for StreamableHttp {
    fn travels(&self) -> TransportKind {
        TransportKind::StreamableHttp
    }

    fn request(
        &self,
        call: &CallContext,
        speaking: &PeerContext,
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        let mut response = self.post_request(call, speaking, ask, asked)?;
        if !response.is_success() {
            return Err(self.peer.http_refusal(call, &mut response, self.carried(speaking), Some(asked.get())));
        }
        let session_id = response.headers.get(SESSION_ID).cloned();
        // The answer may quote it.
        call.carry_text(session_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default());
        let answer = self.read_answer(call, speaking, &mut response, (asked.get(), ask.rules));
        let answered = answer.map_err(SendError::after_sending)?;
        response.park();
        Ok(TransportResponse { answered, session_id })
    }

    fn post(&self, call: &CallContext, speaking: &PeerContext, message: &MessageText, repeatable: bool) -> Result<()> {
        self.peer.post_message(call, self.target(speaking), message, repeatable)
    }

    fn post_and_leave(&self, call: &CallContext, speaking: &PeerContext, message: &MessageText) -> Result<()> {
        self.peer.send_message_and_leave(call, self.target(speaking), Method::POST, message)
    }

    fn subscribe(
        &self,
        call: &CallContext,
        speaking: &PeerContext,
        ask: &EncodedRequest,
        hear: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        let opened = self.peer.authorised(call, || self.post_once(call, speaking, ask, &Cell::new(0)));
        let mut response = opened.map_err(|setback| SubscriptionFailure { error: setback.error, heard: false })?;
        self.read_subscription(call, &mut response, hear)
    }

    fn carried<'a>(&self, speaking: &'a PeerContext) -> SessionReference<'a> {
        speaking.carried(SessionReference::NoId)
    }

    fn open_server_stream(&self, call: &CallContext, speaking: &PeerContext, again: bool) -> Result<()> {
        let opening = StreamOpener {
            host: Arc::clone(&self.host),
            peer: Arc::clone(&self.peer),
            transport: self.me.clone(),
            speaking: speaking.clone(),
        };
        self.server_stream.open(call, again, opening)
    }

    fn over(&self) -> Option<Arc<PollableEvent>> {
        self.server_stream.over()
    }

    fn why_over(&self) -> Option<Error> {
        self.server_stream.why()
    }

    /// DELETE, where the server gave a session id (2025-11-25, "Transports": Session Management). A server that does not offer it
    /// answers 405; one that has forgotten the session, 404.
    fn end_session(&self, call: &CallContext, speaking: &PeerContext) -> Result<()> {
        if speaking.session_id.is_none() {
            return Ok(());
        }
        let target = self.target(speaking);
        let response = self.peer.safely(call, || {
            let outgoing = outgoing(target, Method::DELETE, None, &NOTHING);
            self.peer.send(call, outgoing, target.carried, None)
        });
        let response = response.map_err(|setback| setback.error)?;
        match response.status {
            404 | 405 => Ok(()),
            _ => self.peer.expect_success(call, response, target.carried, None).map_err(|setback| setback.error),
        }
    }

    fn abandon_session(&self, speaking: &PeerContext) {
        if speaking.session_id.is_some() {
            let call = self.host.farewell(FAREWELL);
            // Where it does not go, it would not be read.
            let _ = self.peer.send_message_and_leave(&call, self.target(speaking), Method::DELETE, &NOTHING);
        }
    }

    fn stop_server_stream(&self) {
        self.server_stream.stop();
    }
}
