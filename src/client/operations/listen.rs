//! Listening for changes: a subscription of modern servers (2026-07-28, "Subscriptions"), the standing event stream and
//! `resources/subscribe` of legacy ones (2025-11-25, "Resources").

use std::time::{Duration, Instant};

use super::request::Request;
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

const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// The end of a subscription begins nothing more after that.
const BEST_EFFORT_LIMIT: Duration = Duration::from_millis(20);

/// What somebody wants to hear of.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionFilter {
    pub tools: bool,
    pub prompts: bool,
    pub resources: bool,
    /// Resources whose contents change.
    pub uris: Vec<String>,
}

/// Receives a change: the method of its notification, and the parameters.
pub type ChangeCallback<'a> = dyn Fn(&str, Option<&Json>) + 'a;

impl SubscriptionFilter {
    fn wants(&self, notice: &Notification) -> bool {
        match notice.method.as_str() {
            "notifications/tools/list_changed" => self.tools,
            "notifications/prompts/list_changed" => self.prompts,
            "notifications/resources/list_changed" => self.resources,
            "notifications/resources/updated" => {
                let uri = notice.params.as_ref().and_then(|params| RawValue::of(params).member("uri")?.text());
                uri.is_some_and(|uri| self.uris.iter().any(|wanted| is_part_of(&uri, wanted)))
            }
            _ => false,
        }
    }

    /// `SubscriptionFilter` of the schema.
    fn text(&self) -> String {
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
    /// The server has said so.
    Graceful,
    /// After something had come on it.
    Dropped(Error),
    /// It was open, and nothing came of it.
    Broken(Error),
    /// It never was open.
    Failed(Error),
}

impl Client {
    /// Listens until the server ends it in good order, or somebody ends the call. The timeout governs only the opening.
    pub fn listen(&self, call: &CallContext, filter: &SubscriptionFilter, on_change: &ChangeCallback) -> Result<()> {
        let (mut in_vain, mut was_open, mut opening) = (0, false, call.clone());
        loop {
            let outcome =
                self.session(&opening).map(|(session, _)| {
                    let end = match session.era {
                        Era::Modern => self.listen_modern(&opening, &session, filter, on_change),
                        Era::Legacy => self.listen_legacy(&opening, &session, filter, on_change),
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
                    (in_vain, was_open) = (0, true);
                    error
                }
                SubscriptionEnd::Broken(error) => {
                    was_open = true;
                    error
                }
                SubscriptionEnd::Failed(error) => error,
            };
            in_vain += 1;
            if disposition(&error, FailedStep::Subscription { failures: in_vain }) == Disposition::Fatal {
                return Err(error);
            }
            let pause = (RETRY * 2u32.pow(in_vain - 1)).min(LONGEST_RETRY);
            call.log(LogLevel::Info, || {
                format!("the subscription ended: {error}; retrying in {} ms", pause.as_millis())
            });
            if was_open {
                // From now on only the caller ends it.
                opening = call.without_deadline();
            }
            match opening.wait_context().wait_any(&[], Some(pause)) {
                Ok(_) => {}
                // Why it could not be opened in time says more than that.
                Err(Interrupt::TimedOut) => return Err(error),
                Err(stop) => return Err(call.stopped_while(&stop, LISTENING)),
            }
        }
    }

    fn listen_modern(
        &self,
        call: &CallContext,
        session: &Session,
        filter: &SubscriptionFilter,
        on_change: &ChangeCallback,
    ) -> SubscriptionEnd {
        let mut params = Params::new().with("notifications", filter.text());
        if let Err(error) = self.add_meta(call, &mut params, session, RequestPolicy::REPEATABLE) {
            return SubscriptionEnd::Failed(error);
        }
        let ask = EncodedRequest::new("subscriptions/listen", &params, RequestPolicy::REPEATABLE);
        let outcome = session.transport.subscribe(call, &session.peer_context(), &ask, &mut |notice| {
            self.on_notification(call, notice, filter, on_change);
        });
        match outcome {
            Ok(()) => SubscriptionEnd::Graceful,
            Err(SubscriptionFailure { error, received_any: true }) => SubscriptionEnd::Dropped(error),
            Err(SubscriptionFailure { error, received_any: false }) => SubscriptionEnd::Failed(error),
        }
    }

    /// A notification on a subscription.
    fn on_notification(
        &self,
        call: &CallContext,
        notice: &Notification,
        filter: &SubscriptionFilter,
        on_change: &ChangeCallback,
    ) {
        if notice.is_too_long() {
            // Where that is said.
            return self.host().inbound.notification(call, notice);
        }
        if notice.method == "notifications/subscriptions/acknowledged" {
            let granted = notice.params.as_ref().and_then(|params| RawValue::of(params).member("notifications"));
            call.log(LogLevel::Debug, || format!("subscribed to {}", granted.map_or("nothing", RawValue::raw)));
            return;
        }
        self.known.invalidate(notice);
        self.known.notify(notice);
        if filter.wants(notice) {
            on_change(&notice.method, notice.params.as_ref());
        }
    }

    fn listen_legacy(
        &self,
        call: &CallContext,
        session: &Session,
        filter: &SubscriptionFilter,
        on_change: &ChangeCallback,
    ) -> SubscriptionEnd {
        let opened =
            self.known.changes.subscribe().and_then(|inbox| session.open_server_stream(call, true).map(|()| inbox));
        let subscribed = match opened {
            Ok(subscribed) => subscribed,
            Err(error) => return SubscriptionEnd::Failed(error),
        };
        // Before the server is asked: another listener that leaves meanwhile must not take it away.
        self.known.changes.record_uris(&filter.uris);
        let asked = filter
            .uris
            .iter()
            .try_for_each(|uri| self.run_request(call, subscribe("resources/subscribe", uri)).map(|_| ()));
        let end = match asked {
            Ok(()) => self.wait_for_changes(call, session, filter, on_change, &subscribed.inbox),
            Err(error) => SubscriptionEnd::Failed(error),
        };
        log_dropped(call, subscribed.inbox.dropped());
        let unwanted = self.known.changes.forget_uris(&filter.uris);
        // A session that has ended knows nothing of it any more.
        if !matches!(end, SubscriptionEnd::Dropped(_)) && !self.calls.closed.is_set() {
            let until = Instant::now() + BEST_EFFORT_LIMIT;
            for uri in unwanted.iter().take_while(|_| Instant::now() < until) {
                let request = subscribe("resources/unsubscribe", uri);
                let body = messages::request(self.calls.next_id(), "resources/unsubscribe", &request.params);
                send_best_effort(self.host(), &*session.transport, &session.peer_context(), &body);
            }
        }
        end
    }

    fn wait_for_changes(
        &self,
        call: &CallContext,
        session: &Session,
        filter: &SubscriptionFilter,
        on_change: &ChangeCallback,
        inbox: &SubscriptionQueue,
    ) -> SubscriptionEnd {
        let wait_context = call.without_deadline().wait_context().clone();
        let end_event = session.transport.end_event();
        let mut fds = vec![(inbox.signal.waitable(), Interest::Read)];
        fds.extend(end_event.as_ref().map(|end_event| (end_event.waitable(), Interest::Read)));
        let opened = Instant::now();
        loop {
            if let Err(stop) = wait_context.wait_any(&fds, None) {
                return SubscriptionEnd::Broken(call.stopped_while(&stop, LISTENING));
            }
            for notice in inbox.take() {
                if let Err(stop) = wait_context.check() {
                    return SubscriptionEnd::Broken(call.stopped_while(&stop, LISTENING));
                }
                if filter.wants(&notice) {
                    on_change(&notice.method, notice.params.as_ref());
                }
            }
            if end_event.as_ref().is_some_and(|end_event| end_event.is_set()) {
                let why = session.end_reason();
                return if opened.elapsed() > LONGEST_RETRY {
                    SubscriptionEnd::Dropped(why)
                } else {
                    SubscriptionEnd::Broken(why)
                };
            }
        }
    }
}

/// Whether a URI is what was subscribed to, or a part of it, which a server may name as well.
fn is_part_of(uri: &str, wanted: &str) -> bool {
    uri.strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || wanted.ends_with('/') || rest.starts_with(['/', '#', '?']))
}

pub fn subscribe<'a>(method: &'static str, uri: &str) -> Request<'a> {
    Request::new(method, Params::new().with("uri", quoted(uri)), RequestPolicy::REPEATABLE)
}
