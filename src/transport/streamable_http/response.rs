//! Reading the answer to a request: one JSON message, or an event stream that brings it among others (2025-11-25 and
//! 2026-07-28, "Streamable HTTP": Sending Messages, Receiving Messages).

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
use crate::transport::messages::{StreamMessage, check_result_type, each, sort_event};

impl StreamableHttp {
    /// The result that belongs to request `id`, from an answer whose status is one of success.
    pub(super) fn read_answer<'a>(
        &'a self,
        call: &CallContext,
        peer_context: &PeerContext,
        response: &mut HttpResponse<'a>,
        (id, rules): (u64, RequestPolicy),
    ) -> Result<RpcResponse> {
        let content_type = response.content_type();
        let http_status = response.status;
        let result = match content_type.as_deref() {
            Some(JSON) => self.read_json(call, response, id),
            Some(EVENT_STREAM) => self.read_stream(call, peer_context, response, id),
            other => Err(unexpected_content(response, other)),
        };
        result.and_then(|result| check_result_type(peer_context.era, rules, result)).map_err(|mut error| {
            error.report_mut().http_status = http_status;
            error
        })
    }

    fn read_json(&self, call: &CallContext, response: &mut HttpResponse, id: u64) -> Result<RpcResponse> {
        let body = response.read_all(self.host.limits.message)?;
        if body.is_empty() {
            return Err(Error::new(MCP_UNEXPECTED_CONTENT, "the server's response is empty"));
        }
        let (mut found, mut asked) = (None, Vec::new());
        let complete = each(body, |message| {
            found = found.take().or_else(|| self.take_message(call, message, id, &mut asked));
        });
        let nothing =
            || Err(Error::new(MCP_INVALID_MESSAGE, "the server's response contains no response to the request"));
        found.unwrap_or_else(|| complete.and_then(|()| nothing()))
    }

    /// Goes through the messages of an event on the stream that answers request `id`, until its answer. What the server asks on the
    /// way is put into `asked`, and what is no message into `skipped`.
    pub(super) fn take_event(
        &self,
        call: &CallContext,
        event: SseEvent,
        id: u64,
        asked: &mut Vec<ServerRequest>,
        skipped: &mut SkippedInput,
    ) -> Result<Option<RpcResponse>> {
        let (mut found, mut broken) = (None, None);
        let is_ours = |theirs: Option<&str>| theirs.is_none_or(|theirs| ids::is_id(theirs, id));
        sort_event(call, event, skipped, is_ours, |taken| {
            match taken {
                StreamMessage::Message(message) => {
                    found = found.take().or_else(|| self.take_message(call, message, id, asked));
                }
                StreamMessage::InvalidMessage { error, .. } => broken = broken.take().or(Some(error)),
            }
            true
        });
        // One that is broken does not spoil the others.
        found.or_else(|| broken.map(Err)).transpose()
    }

    /// Takes a message on the way to the answer to request `id`; gives that answer, or what stands for it.
    fn take_message(
        &self,
        call: &CallContext,
        message: Message,
        id: u64,
        asked: &mut Vec<ServerRequest>,
    ) -> Option<Result<RpcResponse>> {
        let is_answer = matches!(message, Message::Result { .. } | Message::Error { .. });
        // Many may come at once, and each may lead to a callback.
        if !is_answer && let Err(stop) = call.wait_context().check() {
            return Some(Err(call.stopped_while(&stop, RequestPhase::Body.doing())));
        }
        match message {
            Message::Result { id: theirs, response } if ids::is_id(&theirs, id) => return Some(Ok(response)),
            Message::Result { .. } => {
                let why = "the server's response contains the result of another request";
                return Some(Err(Error::new(MCP_WRONG_ID, why)));
            }
            // An error on the request's own answer belongs to it, whatever its id.
            Message::Error { error, .. } => return Some(Err(rpc_failure(call, error))),
            Message::Request { id, method, params } => asked.push(ServerRequest { id, method, params }),
            Message::Notification { method, params } => {
                let notice = Notification { method, params };
                if let Some(cancelled) = notice.cancelled() {
                    asked.retain(|asked| !ids::is_same_id(&asked.id, cancelled));
                }
                self.host.inbound.notification(call, &notice);
            }
        }
        None
    }
}
