//! Listening for changes: a subscription of modern servers (2026-07-28, "Subscriptions"), the standing event stream and
//! `resources/subscribe` of legacy ones (2025-11-25, "Resources").

use std::time::{Duration, Instant};

use ureq::http::Method;

use super::Client;
use super::answer::{Taken, content_type, each, is_named, sort, unexpected_content};
use super::channel::remark_dropped;
use super::exchange::{Ask, Rules, Speaking};
use super::letters::Letter;
use super::line::{Arrived, Delivered, Line};
use super::operation::Operation;
use super::pipe::Pipe;
use super::session::Session;
use crate::call::context::Call;
use crate::call::failure::{may_come_back, rpc_failure, unheld_event};
use crate::call::setback::Setback;
use crate::call::skipped::{self, Skipped};
use crate::error::{Error, Result};
use crate::http::response::Response;
use crate::log::Level;
use crate::protocol::event_stream::EventStream;
use crate::protocol::incoming::Notice;
use crate::protocol::json::Json;
use crate::protocol::jsonrpc::Message;
use crate::protocol::lost_session::Carried;
use crate::protocol::messages::{self, quoted};
use crate::protocol::params::Params;
use crate::protocol::part::Part;
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::wait::{Interest, Stop};

const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// So often a subscription is opened in a row without anything coming of it.
const MOST_IN_VAIN: u32 = 5;

/// The end of a subscription begins nothing more after that.
const FAREWELL: Duration = Duration::from_millis(20);

const LISTENING: &str = "while listening for changes";

/// What somebody wants to hear of.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub tools: bool,
    pub prompts: bool,
    pub resources: bool,
    /// Resources whose contents change.
    pub uris: Vec<String>,
}

/// Receives a change: the method of its notification, and the parameters.
pub type OnChange<'a> = dyn Fn(&str, Option<&Json>) + 'a;

impl Filter {
    fn wants(&self, notice: &Notice) -> bool {
        match notice.method.as_str() {
            "notifications/tools/list_changed" => self.tools,
            "notifications/prompts/list_changed" => self.prompts,
            "notifications/resources/list_changed" => self.resources,
            "notifications/resources/updated" => {
                let uri = notice.params.as_ref().and_then(|params| Part::of(params).member("uri")?.text());
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
enum End {
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
    pub fn listen(&self, call: &Call, filter: &Filter, on_change: &OnChange) -> Result<()> {
        let (mut in_vain, mut was_open, mut opening) = (0, false, call.clone());
        loop {
            let outcome = self.session(&opening).map(|(session, _)| {
                let end = match session.era {
                    Era::Modern => self.listen_modern(&opening, &session, filter, on_change),
                    Era::Legacy => self.listen_legacy(&opening, &session, filter, on_change),
                };
                if let End::Dropped(error) | End::Broken(error) | End::Failed(error) = &end
                    && error.status() == MCP_SESSION_LOST
                {
                    self.sessions.forget(&session);
                }
                end
            });
            let error = match outcome.unwrap_or_else(End::Failed) {
                End::Graceful => return Ok(()),
                End::Dropped(error) => {
                    (in_vain, was_open) = (0, true);
                    error
                }
                End::Broken(error) => {
                    was_open = true;
                    error
                }
                End::Failed(error) => error,
            };
            in_vain += 1;
            if in_vain > MOST_IN_VAIN || !may_come_back(&error) {
                return Err(error);
            }
            let pause = (RETRY * 2u32.pow(in_vain - 1)).min(LONGEST_RETRY);
            call.remark(Level::Info, || format!("listening ended: {error}; again in {} ms", pause.as_millis()));
            if was_open {
                // From now on only the caller ends it.
                opening = call.without_deadline();
            }
            match opening.budget().wait_any(&[], Some(pause)) {
                Ok(_) => {}
                // Why it could not be opened in time says more than that.
                Err(Stop::TimedOut) => return Err(error),
                Err(stop) => return Err(call.stopped_while(&stop, LISTENING)),
            }
        }
    }

    fn listen_modern(&self, call: &Call, session: &Session, filter: &Filter, on_change: &OnChange) -> End {
        let mut params = Params::new().with("notifications", filter.text());
        if let Err(error) = self.add_meta(call, &mut params, session, Rules::REPEATABLE) {
            return End::Failed(error);
        }
        let ask = Ask::new("subscriptions/listen", &params, Rules::REPEATABLE);
        let speaking = Speaking::in_session(session);
        if let Some((line, pipe)) = speaking.line.and_then(|line| Some((line, line.pipe()?))) {
            return self.listen_on_pipe(call, (line, pipe), &ask, filter, on_change);
        }
        let opened = self.peer().authorised(call, || {
            let id = self.next_id();
            self.send_message(call, &speaking, Some((&ask, id)), &messages::request(id, ask.method, ask.params))
        });
        match opened {
            Err(Setback { error, .. }) => End::Failed(error),
            Ok(mut response) => {
                let mut heard = false;
                match self.read_subscription(call, &mut response, filter, on_change, &mut heard) {
                    Ok(()) => End::Graceful,
                    Err(error) if heard => End::Dropped(error),
                    Err(error) => End::Failed(error),
                }
            }
        }
    }

    /// A subscription among everything else that comes from a process.
    fn listen_on_pipe(
        &self,
        call: &Call,
        (line, pipe): (&Line, &Pipe),
        ask: &Ask,
        filter: &Filter,
        on_change: &OnChange,
    ) -> End {
        let id = self.next_id();
        line.carried(call);
        let place = match line.expect_changes(call, id, ask.method) {
            Ok(place) => place,
            Err(error) => return End::Failed(error),
        };
        if let Err(error) = pipe.write(&messages::request(id, ask.method, ask.params)) {
            return End::Failed(error);
        }
        let (mut heard, mut waiting) = (false, call.clone());
        let end = loop {
            match place.wait(&waiting) {
                Ok(Arrived::Answer(Delivered::Result(_))) => break End::Graceful,
                Ok(Arrived::Answer(Delivered::Refused(error))) => break End::Failed(rpc_failure(call, error)),
                Ok(Arrived::Answer(Delivered::Failed(error))) if heard => break End::Dropped(error),
                Ok(Arrived::Answer(Delivered::Failed(error))) => break End::Failed(error),
                Ok(Arrived::Letter(letter)) => {
                    if let Letter::Notice(notice) = letter {
                        heard = true;
                        self.hear(call, &notice, filter, on_change);
                    }
                    // It is open; from now on only the caller ends it.
                    waiting = call.without_deadline();
                }
                Err(error) => {
                    let _ = pipe.write(&messages::cancelled(id, "nobody listens any more").into());
                    break End::Failed(error);
                }
            }
        };
        remark_dropped(call, place.dropped());
        end
    }

    /// Reads until the server's answer, which ends the subscription.
    fn read_subscription(
        &self,
        call: &Call,
        response: &mut Response,
        filter: &Filter,
        on_change: &OnChange,
        heard: &mut bool,
    ) -> Result<()> {
        if !(200..300).contains(&response.status) {
            return Err(self.peer().http_failure(call, response, Carried::Nothing));
        }
        match content_type(response).as_deref() {
            Some("text/event-stream") => {}
            Some("application/json") => {
                let body = response.read_all(self.settings.limits().message)?;
                let mut ended = None;
                let complete = each(body, |message| {
                    ended = ended.take().or_else(|| self.take_subscribed(call, message, filter, on_change, heard));
                });
                return ended.unwrap_or(complete);
            }
            other => return Err(unexpected_content(response, other)),
        }
        let (mut is_open, mut skipped) = (false, Skipped::default());
        let limit = self.settings.limits().event;
        let mut stream = EventStream::new(limit);
        let mut events = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = response.read(&mut buffer)?;
            if count == 0 {
                let error = Error::new(MCP_DISCONNECTED, "the server ended the subscription without a word");
                let first = skipped.first().map(|first| &**first);
                return Err(skipped::explained(error, call, skipped::ON_STREAM, first));
            }
            stream.feed(&buffer[..count], &mut events).map_err(|why| unheld_event(why, limit))?;
            for event in events.drain(..) {
                let is_named = is_named(&event);
                let mut ended = None;
                let rest = sort(
                    event.data,
                    |_| false,
                    |taken| {
                        ended = ended.take().or_else(|| match taken {
                            Taken::Message(message) => self.take_subscribed(call, message, filter, on_change, heard),
                            Taken::Broken { error, .. } => Some(Err(error)),
                        });
                        true
                    },
                );
                if let Some(rest) = rest {
                    skipped.note_event(call, rest, is_named);
                }
                if let Some(end) = ended {
                    return end;
                }
            }
            if *heard && !is_open {
                // The server has taken it; from now on only the caller ends it.
                response.set_budget(&call.without_deadline().budget());
                is_open = true;
            }
        }
    }

    /// Takes a message of a subscription; gives its end, where that is what it says.
    fn take_subscribed(
        &self,
        call: &Call,
        message: Message,
        filter: &Filter,
        on_change: &OnChange,
        heard: &mut bool,
    ) -> Option<Result<()>> {
        // Many may come at once, and each may lead to a callback. The timeout governs only the opening.
        if let Err(stop @ (Stop::Cancelled | Stop::Closed)) = call.budget().check() {
            return Some(Err(call.stopped_while(&stop, LISTENING)));
        }
        match message {
            Message::Result { .. } => return Some(Ok(())),
            Message::Error { error, .. } => return Some(Err(rpc_failure(call, error))),
            Message::Request { method, .. } => {
                call.remark(Level::Debug, || format!("the server asked for {method} on a subscription"));
            }
            Message::Notification { method, params } => {
                *heard = true;
                self.hear(call, &Notice { method, params }, filter, on_change);
            }
        }
        None
    }

    /// A notification on a subscription.
    fn hear(&self, call: &Call, notice: &Notice, filter: &Filter, on_change: &OnChange) {
        if notice.is_too_long() {
            // Where that is said.
            return self.take_notice(call, notice);
        }
        if notice.method == "notifications/subscriptions/acknowledged" {
            let granted = notice.params.as_ref().and_then(|params| Part::of(params).member("notifications"));
            call.remark(Level::Debug, || format!("subscribed to {}", granted.map_or("nothing", Part::raw)));
            return;
        }
        self.note_change(notice);
        if filter.wants(notice) {
            on_change(&notice.method, notice.params.as_ref());
        }
    }

    fn listen_legacy(&self, call: &Call, session: &Session, filter: &Filter, on_change: &OnChange) -> End {
        let opened = self.changes.subscribe().and_then(|inbox| self.stand_again(call, session).map(|()| inbox));
        let subscribed = match opened {
            Ok(subscribed) => subscribed,
            Err(error) => return End::Failed(error),
        };
        // Before the server is asked: another listener that leaves meanwhile must not take it away.
        self.changes.note_uris(&filter.uris);
        let asked = filter
            .uris
            .iter()
            .try_for_each(|uri| self.perform(call, subscribe("resources/subscribe", uri)).map(|_| ()));
        let end = match asked {
            Ok(()) => self.wait_for_changes(call, session, filter, on_change, &subscribed.inbox),
            Err(error) => End::Failed(error),
        };
        remark_dropped(call, subscribed.inbox.dropped());
        let unwanted = self.changes.forget_uris(&filter.uris);
        // A session that has ended knows nothing of it any more.
        if !matches!(end, End::Dropped(_)) && !self.closed.is_raised() {
            let speaking = Speaking::in_session(session);
            let until = Instant::now() + FAREWELL;
            for uri in unwanted.iter().take_while(|_| Instant::now() < until) {
                let operation = subscribe("resources/unsubscribe", uri);
                let body = messages::request(self.next_id(), "resources/unsubscribe", &operation.params);
                self.leave(&speaking, Method::POST, &body);
            }
        }
        end
    }

    fn wait_for_changes(
        &self,
        call: &Call,
        session: &Session,
        filter: &Filter,
        on_change: &OnChange,
        inbox: &super::changes::Inbox,
    ) -> End {
        let budget = call.without_deadline().budget().clone();
        let over = session.over();
        let mut fds = vec![(inbox.signal.fd(), Interest::Read)];
        fds.extend(over.as_ref().map(|over| (over.fd(), Interest::Read)));
        let opened = Instant::now();
        loop {
            if let Err(stop) = budget.wait_any(&fds, None) {
                return End::Broken(call.stopped_while(&stop, LISTENING));
            }
            for notice in inbox.take() {
                if let Err(stop) = budget.check() {
                    return End::Broken(call.stopped_while(&stop, LISTENING));
                }
                if filter.wants(&notice) {
                    on_change(&notice.method, notice.params.as_ref());
                }
            }
            if over.as_ref().is_some_and(|over| over.is_raised()) {
                let why = session.why_over();
                return if opened.elapsed() > LONGEST_RETRY { End::Dropped(why) } else { End::Broken(why) };
            }
        }
    }
}

/// Whether a URI is what was subscribed to, or a part of it, which a server may name as well.
fn is_part_of(uri: &str, wanted: &str) -> bool {
    uri.strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || wanted.ends_with('/') || rest.starts_with(['/', '#', '?']))
}

pub fn subscribe<'a>(method: &'static str, uri: &str) -> Operation<'a> {
    Operation::new(method, Params::new().with("uri", quoted(uri)), Rules::REPEATABLE)
}
