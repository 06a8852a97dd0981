//! Reads a subscription on a modern server: the response to its request is an event stream that stays open (2026-07-28,
//! "Subscriptions").

use std::cell::Cell;

use super::StreamableHttp;
use crate::call::context::CallContext;
use crate::call::failure::rpc_failure;
use crate::call::skipped_input::{self, SkippedInput};
use crate::error::{Error, Result};
use crate::http::fields::{EVENT_STREAM, JSON};
use crate::http::response::HttpResponse;
use crate::log::LogLevel;
use crate::protocol::incoming::Notification;
use crate::protocol::jsonrpc::Message;
use crate::protocol::lost_session::SessionReference;
use crate::status::*;
use crate::sys::wait::Interrupt;
use crate::transport::event_reader::EventReader;
use crate::transport::http_request::unexpected_content;
use crate::transport::interface::{LISTENING, NotificationCallback, SubscriptionFailure};
use crate::transport::messages::{StreamMessage, classify_event, for_each_message};

impl StreamableHttp {
    /// Reads until the server's JSON-RPC response, which ends the subscription.
    pub(super) fn read_subscription(
        &self,
        call: &CallContext,
        response: &mut HttpResponse,
        on_notification: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        let received_any = Cell::new(false);
        let mut on_notification = |notification: &Notification| {
            received_any.set(true);
            on_notification(notification);
        };
        let outcome = self.read_subscription_response(call, response, &mut on_notification, &received_any);
        outcome.map_err(|error| SubscriptionFailure { error, received_any: received_any.get() })
    }

    /// `received_any` becomes true with the first notification that `on_notification` gets.
    fn read_subscription_response(
        &self,
        call: &CallContext,
        response: &mut HttpResponse,
        on_notification: &mut NotificationCallback,
        received_any: &Cell<bool>,
    ) -> Result<()> {
        if !response.is_success() {
            return Err(self.peer.http_failure(call, response, SessionReference::Nothing));
        }
        if response.has_content_type(EVENT_STREAM) {
            return self.read_subscription_stream(call, response, on_notification, received_any);
        }
        if !response.has_content_type(JSON) {
            return Err(unexpected_content(response));
        }
        let body = response.read_all(self.context.limits.message)?;
        call.trace_received(&body);
        let mut end = None;
        let parse_outcome = for_each_message(body, |message| {
            end = end.take().or_else(|| take_message(call, message, on_notification));
        });
        end.unwrap_or(parse_outcome)
    }

    fn read_subscription_stream(
        &self,
        call: &CallContext,
        response: &mut HttpResponse,
        on_notification: &mut NotificationCallback,
        received_any: &Cell<bool>,
    ) -> Result<()> {
        let (mut is_open, mut skipped) = (false, SkippedInput::default());
        let mut reader = EventReader::new(self.context.limits.event);
        loop {
            if !reader.read(|buffer, most| response.read_into(buffer, most))? {
                let error = Error::new(MCP_DISCONNECTED, "the server ended the subscription without a response");
                let first = skipped.first().map(|first| &**first);
                return Err(skipped_input::explained(error, call, first));
            }
            while let Some(event) = reader.next_event()? {
                let mut end = None;
                classify_event(
                    call,
                    event,
                    &mut skipped,
                    |_| false,
                    |stream_message| {
                        end = end.take().or_else(|| match stream_message {
                            StreamMessage::Message(message) => take_message(call, message, on_notification),
                            StreamMessage::InvalidResponse { error, .. } => Some(Err(error)),
                        });
                        true
                    },
                );
                if let Some(end) = end {
                    return end;
                }
            }
            if received_any.get() && !is_open {
                // The subscription is open: from now on, only the caller ends it.
                response.set_wait_context(&call.without_deadline().wait_context());
                is_open = true;
            }
        }
    }
}

/// Handles one message of a subscription; how the subscription ended, if the message ends it.
fn take_message(
    call: &CallContext,
    message: Message,
    on_notification: &mut NotificationCallback,
) -> Option<Result<()>> {
    // One event can contain many messages, and each can run a callback: check for interrupts before each. The timeout
    // applies only to opening.
    if let Err(interrupt @ (Interrupt::Cancelled | Interrupt::Closed)) = call.wait_context().check() {
        return Some(Err(call.interrupt_error_while(&interrupt, LISTENING)));
    }
    match message {
        Message::Result { .. } => return Some(Ok(())),
        Message::Error { error, .. } => return Some(Err(rpc_failure(call, error))),
        Message::Request { method, .. } => {
            call.log(LogLevel::Debug, || format!("the server sent the request {method} on a subscription"));
        }
        Message::Notification { method, params } => on_notification(&Notification { method, params }),
    }
    None
}
