//! Listening for changes: a subscription on modern servers (2026-07-28, "Subscriptions"); the server event stream and
//! `resources/subscribe` on legacy servers (2025-11-25, "Resources").

use std::time::{Duration, Instant};

use super::request::Request;
use super::subscribed_uris::SubscribedUris;
use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, RequestPolicy};
use crate::call::retry::{Disposition, FailedStep, disposition};
use crate::client::Client;
use crate::client::subscriptions::SubscriptionQueue;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::incoming::Notification;
use crate::protocol::json::Json;
use crate::protocol::messages::{self, quoted};
use crate::protocol::params::Params;
use crate::protocol::raw_value::RawValue;
use crate::protocol::version::Era;
use crate::rpc::dispatch::ChangeObserver as _;
use crate::rpc::send_request::send_best_effort;
use crate::session::state::Session;
use crate::status::*;
use crate::sys::wait::{Interest, Interrupt};
use crate::transport::interface::{LISTENING, SubscriptionFailure};
use crate::transport::multiplexer::log_dropped;

/// The delay before the first retry. Each further failure doubles it.
const FIRST_RETRY_DELAY: Duration = Duration::from_secs(1);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(30);

/// The time for sending `resources/unsubscribe` requests when listening ends.
const UNSUBSCRIBE_LIMIT: Duration = Duration::from_millis(20);

/// The changes that a listener wants to receive.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionFilter {
    pub tools: bool,
    pub prompts: bool,
    pub resources: bool,
    /// The URIs of resources whose contents may change.
    pub uris: Vec<String>,
}

/// Receives the method and the parameters of a change notification.
pub type ChangeCallback<'a> = dyn Fn(&str, Option<&Json>) + 'a;

impl SubscriptionFilter {
    /// Whether the listener waits for this change; `uris` are those of this filter.
    fn wants(&self, notification: &Notification, uris: &SubscribedUris) -> bool {
        match notification.method.as_str() {
            "notifications/tools/list_changed" => self.tools,
            "notifications/prompts/list_changed" => self.prompts,
            "notifications/resources/list_changed" => self.resources,
            "notifications/resources/updated" => {
                let uri = notification.params.as_ref().and_then(|params| params.raw_member("uri")?.text());
                uri.is_some_and(|uri| uris.contains(&uri))
            }
            _ => false,
        }
    }

    /// The filter as JSON: `SubscriptionFilter` of the schema.
    fn to_json(&self) -> String {
        let kinds = [
            (self.tools, "toolsListChanged"),
            (self.prompts, "promptsListChanged"),
            (self.resources, "resourcesListChanged"),
        ];
        let mut parts: Vec<String> =
            kinds.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| format!("{}:true", quoted(name))).collect();
        if !self.uris.is_empty() {
            let uris: Vec<String> = self.uris.iter().map(|uri| quoted(uri)).collect();
            parts.push(format!(r#""resourceSubscriptions":[{}]"#, uris.join(",")));
        }
        format!("{{{}}}", parts.join(","))
    }
}

/// How a subscription ended.
enum SubscriptionEnd {
    /// The server ended it with a response.
    Graceful,
    /// It failed after notifications were received, or after it was open for `MAX_RETRY_DELAY`.
    Dropped(Error),
    /// It was open, and failed soon.
    Broken(Error),
    /// It could not be opened, or failed before a notification was received.
    Failed(Error),
}

impl Client {
    /// Calls `on_change` for each change until the server ends the subscription with a response, or the call is
    /// cancelled. The timeout applies only until the subscription is open.
    pub fn listen(&self, call: &CallContext, filter: &SubscriptionFilter, on_change: &ChangeCallback) -> Result<()> {
        let (mut failures, mut was_open, mut attempt) = (0, false, call.clone());
        let uris = SubscribedUris::new(&filter.uris);
        let on_change = &|notification: &Notification| {
            if filter.wants(notification, &uris) {
                on_change(&notification.method, notification.params.as_ref());
            }
        };
        loop {
            let outcome =
                self.session(&attempt).map(|(session, _)| {
                    let end = match session.era {
                        Era::Modern => self.listen_modern(&attempt, &session, filter, on_change),
                        Era::Legacy => self.listen_legacy(&attempt, &session, filter, on_change),
                    };
                    if let SubscriptionEnd::Dropped(error)
                    | SubscriptionEnd::Broken(error)
                    | SubscriptionEnd::Failed(error) = &end
                        && error.status() == MCP_SESSION_LOST
                    {
                        self.sessions.forget(&session);
                    }
                    end
                });
            let error = match outcome.unwrap_or_else(SubscriptionEnd::Failed) {
                SubscriptionEnd::Graceful => return Ok(()),
                SubscriptionEnd::Dropped(error) => {
                    (failures, was_open) = (0, true);
                    error
                }
                SubscriptionEnd::Broken(error) => {
                    was_open = true;
                    error
                }
                SubscriptionEnd::Failed(error) => error,
            };
            failures += 1;
            if disposition(&error, FailedStep::Subscription { failures }) == Disposition::Fatal {
                return Err(error);
            }
            let delay = (FIRST_RETRY_DELAY * 2u32.pow(failures - 1)).min(MAX_RETRY_DELAY);
            call.log(LogLevel::Info, || {
                format!("the subscription ended: {error}; retrying in {} ms", delay.as_millis())
            });
            if was_open {
                // The timeout applied to opening only.
                attempt = call.without_deadline();
            }
            match attempt.wait_context().wait_any(&[], Some(delay)) {
                Ok(_) => {}
                // The reason of the last failure is more helpful than the timeout.
                Err(Interrupt::TimedOut) => return Err(error),
                Err(interrupt) => return Err(call.interrupt_error_while(&interrupt, LISTENING)),
            }
        }
    }

    fn listen_modern(
        &self,
        call: &CallContext,
        session: &Session,
        filter: &SubscriptionFilter,
        on_change: &dyn Fn(&Notification),
    ) -> SubscriptionEnd {
        let mut params = Params::new().with("notifications", filter.to_json());
        if let Err(error) = self.add_meta(call, &mut params, session, RequestPolicy::REPEATABLE) {
            return SubscriptionEnd::Failed(error);
        }
        let request = EncodedRequest::new("subscriptions/listen", &params, RequestPolicy::REPEATABLE);
        let outcome = session.transport.subscribe(call, &session.peer_context(), &request, &mut |notification| {
            self.on_notification(call, notification, on_change);
        });
        match outcome {
            Ok(()) => SubscriptionEnd::Graceful,
            Err(SubscriptionFailure { error, received_any: true }) => SubscriptionEnd::Dropped(error),
            Err(SubscriptionFailure { error, received_any: false }) => SubscriptionEnd::Failed(error),
        }
    }

    /// Handles a notification that was received on a subscription.
    fn on_notification(&self, call: &CallContext, notification: &Notification, on_change: &dyn Fn(&Notification)) {
        if notification.is_too_long() {
            // The dispatcher logs it.
            return self.transport_context().inbound.notification(call, notification);
        }
        self.notifications.run(call.log_hook(), notification);
        if notification.method == "notifications/subscriptions/acknowledged" {
            let accepted = notification.params.as_ref().and_then(|params| params.raw_member("notifications"));
            call.log(LogLevel::Debug, || format!("subscribed to {}", accepted.map_or("nothing", RawValue::raw)));
            return;
        }
        self.server_state.invalidate(notification);
        self.server_state.notify(notification);
        on_change(notification);
    }

    fn listen_legacy(
        &self,
        call: &CallContext,
        session: &Session,
        filter: &SubscriptionFilter,
        on_change: &dyn Fn(&Notification),
    ) -> SubscriptionEnd {
        let opened = self
            .server_state
            .subscriptions
            .subscribe()
            .and_then(|guard| session.open_server_stream(call, true).map(|()| guard));
        let guard = match opened {
            Ok(guard) => guard,
            Err(error) => return SubscriptionEnd::Failed(error),
        };
        // Before subscribing: otherwise another listener that ends now could unsubscribe from these resources.
        self.server_state.subscriptions.add_uris(&filter.uris);
        let subscribed = filter
            .uris
            .iter()
            .try_for_each(|uri| self.run_request(call, subscription_request("resources/subscribe", uri)).map(|_| ()));
        let end = match subscribed {
            Ok(()) => self.wait_for_changes(call, session, on_change, &guard.queue),
            Err(error) => SubscriptionEnd::Failed(error),
        };
        log_dropped(call, guard.queue.dropped());
        let unused = self.server_state.subscriptions.remove_uris(&filter.uris);
        // The subscriptions of a session end with it.
        if !matches!(end, SubscriptionEnd::Dropped(_)) && !self.calls.closed.is_set() {
            let deadline = Instant::now() + UNSUBSCRIBE_LIMIT;
            for uri in unused.iter().take_while(|_| Instant::now() < deadline) {
                let request = subscription_request("resources/unsubscribe", uri);
                let body = messages::request(self.calls.next_id(), "resources/unsubscribe", &request.params);
                send_best_effort(self.transport_context(), &*session.transport, &session.peer_context(), &body);
            }
        }
        end
    }

    fn wait_for_changes(
        &self,
        call: &CallContext,
        session: &Session,
        on_change: &dyn Fn(&Notification),
        queue: &SubscriptionQueue,
    ) -> SubscriptionEnd {
        let wait_context = call.without_deadline().wait_context().clone();
        let end_event = session.transport.end_event();
        let mut waitables = vec![(queue.wakeup.waitable(), Interest::Read)];
        waitables.extend(end_event.as_ref().map(|end_event| (end_event.waitable(), Interest::Read)));
        let opened = Instant::now();
        loop {
            if let Err(interrupt) = wait_context.wait_any(&waitables, None) {
                return SubscriptionEnd::Broken(call.interrupt_error_while(&interrupt, LISTENING));
            }
            for notification in queue.take() {
                if let Err(interrupt) = wait_context.check() {
                    return SubscriptionEnd::Broken(call.interrupt_error_while(&interrupt, LISTENING));
                }
                on_change(&notification);
            }
            if end_event.as_ref().is_some_and(|end_event| end_event.is_set()) {
                let why = session.end_reason();
                return if opened.elapsed() > MAX_RETRY_DELAY {
                    SubscriptionEnd::Dropped(why)
                } else {
                    SubscriptionEnd::Broken(why)
                };
            }
        }
    }
}

/// The request that subscribes to a resource on a legacy server, or unsubscribes from it.
pub fn subscription_request<'a>(method: &'static str, uri: &str) -> Request<'a> {
    Request::new(method, Params::new().with("uri", quoted(uri)), RequestPolicy::REPEATABLE)
}
