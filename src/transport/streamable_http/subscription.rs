//! A subscription of a modern server: the answer to a request, which goes on as long as the server has something to say (2026-07-28,
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
use crate::transport::messages::{StreamMessage, each, sort_event};

impl StreamableHttp {
    /// Reads until the server's answer, which ends the subscription.
    pub(super) fn read_subscription(
        &self,
        call: &CallContext,
        response: &mut HttpResponse,
        on_notification: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        let received_any = Cell::new(false);
        let mut on_notification = |notice: &Notification| {
            received_any.set(true);
            on_notification(notice);
        };
        let outcome = self.read_subscribed(call, response, &mut on_notification, &received_any);
        outcome.map_err(|error| SubscriptionFailure { error, received_any: received_any.get() })
    }

    /// `received_any` becomes true with the first notification that `on_notification` gets.
    fn read_subscribed(
        &self,
        call: &CallContext,
        response: &mut HttpResponse,
        on_notification: &mut NotificationCallback,
        received_any: &Cell<bool>,
    ) -> Result<()> {
        if !response.is_success() {
            return Err(self.peer.http_failure(call, response, SessionReference::Nothing));
        }
        match response.content_type().as_deref() {
            Some(EVENT_STREAM) => self.read_subscription_stream(call, response, on_notification, received_any),
            Some(JSON) => {
                let body = response.read_all(self.host.limits.message)?;
                let mut ended = None;
                let complete = each(body, |message| {
                    ended = ended.take().or_else(|| take_subscribed(call, message, on_notification));
                });
                ended.unwrap_or(complete)
            }
            other => Err(unexpected_content(response, other)),
        }
    }

    fn read_subscription_stream(
        &self,
        call: &CallContext,
        response: &mut HttpResponse,
        on_notification: &mut NotificationCallback,
        received_any: &Cell<bool>,
    ) -> Result<()> {
        let (mut is_open, mut skipped) = (false, SkippedInput::default());
        let mut stream = EventReader::new(self.host.limits.event);
        loop {
            let Some(events) = stream.next(|buffer| response.read(buffer))? else {
                let error = Error::new(MCP_DISCONNECTED, "the server ended the subscription without a response");
                let first = skipped.first().map(|first| &**first);
                return Err(skipped_input::explained(error, call, skipped_input::ON_STREAM, first));
            };
            for event in events {
                let mut ended = None;
                sort_event(
                    call,
                    event,
                    &mut skipped,
                    |_| false,
                    |taken| {
                        ended = ended.take().or_else(|| match taken {
                            StreamMessage::Message(message) => take_subscribed(call, message, on_notification),
                            StreamMessage::InvalidMessage { error, .. } => Some(Err(error)),
                        });
                        true
                    },
                );
                if let Some(end) = ended {
                    return end;
                }
            }
            if received_any.get() && !is_open {
                // The server has taken it; from now on only the caller ends it.
                response.set_wait_context(&call.without_deadline().wait_context());
                is_open = true;
            }
        }
    }
}

/// Takes a message of a subscription; gives its end, where that is what it says.
fn take_subscribed(
    call: &CallContext,
    message: Message,
    on_notification: &mut NotificationCallback,
) -> Option<Result<()>> {
    // Many may come at once, and each may lead to a callback. The timeout governs only the opening.
    if let Err(stop @ (Interrupt::Cancelled | Interrupt::Closed)) = call.wait_context().check() {
        return Some(Err(call.stopped_while(&stop, LISTENING)));
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
