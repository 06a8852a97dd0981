//! Reads the response to a request: a JSON body, or an event stream that contains the response among other messages
//! (2025-11-25 and 2026-07-28, "Streamable HTTP": Sending Messages, Receiving Messages).

use super::StreamableHttp;
use crate::call::context::CallContext;
use crate::call::failure::rpc_failure;
use crate::call::request::{PeerContext, RequestPolicy};
use crate::call::skipped_input::SkippedInput;
use crate::error::{Error, Result};
use crate::http::fields::{EVENT_STREAM, JSON};
use crate::http::response::HttpResponse;
use crate::net::progress::RequestPhase;
use crate::protocol::event_stream::SseEvent;
use crate::protocol::ids;
use crate::protocol::incoming::{Notification, ServerRequest};
use crate::protocol::jsonrpc::{Message, RpcResponse};
use crate::status::*;
use crate::transport::http_request::unexpected_content;
use crate::transport::messages::{StreamMessage, check_result_type, classify_event, for_each_message};

impl StreamableHttp {
    /// Reads the result of request `id` from an HTTP response with a success status.
    pub(super) fn read_response<'a>(
        &'a self,
        call: &CallContext,
        peer_context: &PeerContext,
        response: &mut HttpResponse<'a>,
        (id, policy): (u64, RequestPolicy),
    ) -> Result<RpcResponse> {
        let http_status = response.status;
        let result = if response.has_content_type(JSON) {
            self.read_json(call, response, id)
        } else if response.has_content_type(EVENT_STREAM) {
            self.read_stream(call, peer_context, response, id)
        } else {
            Err(unexpected_content(response))
        };
        result.and_then(|result| check_result_type(peer_context.era, policy, result)).map_err(|mut error| {
            error.report_mut().http_status = http_status;
            error
        })
    }

    fn read_json(&self, call: &CallContext, response: &mut HttpResponse, id: u64) -> Result<RpcResponse> {
        let body = response.read_all(self.context.limits.message)?;
        if body.is_empty() {
            return Err(Error::new(MCP_UNEXPECTED_CONTENT, "the server's response is empty"));
        }
        call.trace_received(&body);
        let (mut found, mut server_requests) = (None, Vec::new());
        let parse_outcome = for_each_message(body, |message| {
            found = found.take().or_else(|| self.take_message(call, message, id, &mut server_requests));
        });
        let nothing =
            || Err(Error::new(MCP_INVALID_MESSAGE, "the server's response contains no response to the request"));
        found.unwrap_or_else(|| parse_outcome.and_then(|()| nothing()))
    }

    /// Handles the messages of an event on the response stream of request `id`; its response, if the event contains it.
    /// Adds server requests to `server_requests`, and data that is not a message to `skipped`.
    pub(super) fn take_event(
        &self,
        call: &CallContext,
        event: &mut SseEvent,
        id: u64,
        server_requests: &mut Vec<ServerRequest>,
        skipped: &mut SkippedInput,
    ) -> Result<Option<RpcResponse>> {
        let (mut found, mut first_error) = (None, None);
        let is_own_id = |theirs: Option<&str>| theirs.is_none_or(|theirs| ids::is_id(theirs, id));
        classify_event(call, event, skipped, is_own_id, |stream_message| {
            match stream_message {
                StreamMessage::Message(message) => {
                    found = found.take().or_else(|| self.take_message(call, message, id, server_requests));
                }
                StreamMessage::InvalidResponse { error, .. } => first_error = first_error.take().or(Some(error)),
            }
            true
        });
        // A valid response counts even if another message is invalid.
        found.or_else(|| first_error.map(Err)).transpose()
    }

    /// Handles one message that arrives for request `id`; the outcome of the request, if the message determines it.
    fn take_message(
        &self,
        call: &CallContext,
        message: Message,
        id: u64,
        server_requests: &mut Vec<ServerRequest>,
    ) -> Option<Result<RpcResponse>> {
        let is_response = matches!(message, Message::Result { .. } | Message::Error { .. });
        // One event can contain many messages, and each can run a callback: check for interrupts before each.
        if !is_response && let Err(interrupt) = call.wait_context().check() {
            return Some(Err(call.interrupt_error_while(&interrupt, RequestPhase::Body.doing())));
        }
        match message {
            Message::Result { id: theirs, response } if ids::is_id(theirs.text(), id) => return Some(Ok(response)),
            Message::Result { .. } => {
                let why = "the server's response contains the result of another request";
                return Some(Err(Error::new(MCP_WRONG_ID, why)));
            }
            // In the response to a request, an error is for the request, even if its id differs.
            Message::Error { error, .. } => return Some(Err(rpc_failure(call, error))),
            Message::Request { id, method, params } => server_requests.push(ServerRequest { id, method, params }),
            Message::Notification { method, params } => {
                let notification = Notification { method, params };
                if let Some(cancelled) = notification.cancelled() {
                    server_requests.retain(|request| !ids::is_same_id(&request.id, cancelled));
                }
                self.context.inbound.notification(call, &notification);
            }
        }
        None
    }
}
