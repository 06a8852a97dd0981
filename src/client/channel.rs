//! HTTP+SSE, the transport of 2024-11-05: one event stream on which all answers come, and an endpoint, named on it, that messages
//! are posted to.

use std::cell::Cell;
use std::sync::Arc;

use ureq::http::{HeaderMap, HeaderValue, Method, header};

use super::Client;
use super::answer::{check_result_type, content_type, unexpected_content};
use super::exchange::{Answer, Ask, Speaking};
use super::letters::Letter;
use super::line::{Arrived, Delivered, Line, Place, Way};
use super::reader::Reading;
use super::receiver::Receiver;
use crate::call::context::Call;
use crate::call::failure::{rpc_failure, unheld_event};
use crate::call::setback::Setback;
use crate::error::{Error, Result};
use crate::http::client::Outgoing;
use crate::http::endpoint::Endpoint;
use crate::http::response::Body;
use crate::log::Level;
use crate::protocol::event_stream::{Event, EventStream};
use crate::protocol::lost_session::Carried;
use crate::protocol::messages;
use crate::protocol::text::NOTHING;
use crate::status::*;
use crate::sys::wait::Budget;

/// An open event stream; its reader stops when this is dropped.
pub struct Channel {
    pub line: Arc<Line>,
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.line.stop.raise();
    }
}

impl Client {
    /// Opens the event stream, and waits until the server has named its endpoint.
    pub(super) fn open_channel(&self, call: &Call) -> Result<Channel> {
        let opened = self.peer().safely(call, || {
            let mut headers = HeaderMap::with_capacity(4);
            headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            let outgoing = Outgoing { to: &self.endpoint, method: Method::GET, headers, body: &NOTHING };
            self.peer().send(call, outgoing, None, Carried::Nothing, None)
        });
        let mut response = opened.map_err(|setback| setback.error)?;
        if !(200..300).contains(&response.status) {
            return Err(self.peer().http_failure(call, &mut response, Carried::Nothing));
        }
        let kind = content_type(&response);
        if kind.as_deref() != Some("text/event-stream") {
            return Err(unexpected_content(&response, kind.as_deref()));
        }
        let from = Arc::clone(&response.from);
        let nothing = || Error::new(MCP_TRUNCATED, "the server's event stream is empty");
        let body = response.into_body().ok_or_else(nothing)?;
        self.await_endpoint(call, &from, body).map_err(|mut error| {
            if error.status() == MCP_TIMEOUT {
                error
                    .report_mut()
                    .message
                    .push_str("; it opened an event stream, and has not named its endpoint there");
            }
            error
        })
    }

    fn await_endpoint(&self, call: &Call, from: &Endpoint, mut body: Body) -> Result<Channel> {
        let limit = self.settings.limits().event;
        let mut stream = EventStream::new(limit);
        let mut events = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = body.read(&mut buffer)?;
            if count == 0 {
                let why = "the server's event stream ended before it named its endpoint; is this the URL of an HTTP+SSE server?";
                return Err(Error::new(MCP_TRUNCATED, why));
            }
            stream.feed(&buffer[..count], &mut events).map_err(|why| unheld_event(why, limit))?;
            if let Some(at) = events.iter().position(|event| event.name == b"endpoint") {
                let rest = events.split_off(at + 1);
                let line = Arc::new(Line::new(Way::Post(Arc::new(named_endpoint(from, &events[at])?)))?);
                line.note_carried(call);
                call.remark(Level::Debug, || "the event stream is open, and has named its endpoint".into());
                // Whoever waits has a time limit of its own; the stream has none.
                body.set_budget(Budget { closed: Some(Arc::clone(&line.stop)), ..Budget::default() });
                let to = Receiver { client: self.me.clone(), line: Arc::clone(&line) };
                let reading = Reading { to, body, stream, limit, events: rest };
                let channel = Channel { line };
                self.readers.start(reading)?;
                return Ok(channel);
            }
            // Nobody can wait for anything yet.
            events.clear();
        }
    }

    /// Posts a request, and waits for its answer on the event stream.
    pub(super) fn ask_on_line(
        &self,
        call: &Call,
        speaking: &Speaking,
        line: &Line,
        ask: &Ask,
        asked: &Cell<u64>,
    ) -> Result<Answer, Setback> {
        let place = self.peer().authorised(call, || {
            let id = self.next_id();
            asked.set(id);
            // First: a line that has ended may quote what it knows.
            line.carried(call);
            // Before anything was sent: another stream will do.
            let place = line
                .expect(call, id, ask.method, self.settings.abilities().any())
                .map_err(|error| Setback::before_sending(stream_lost(error)))?;
            let waiting = call.until(place.done());
            let body = messages::request(id, ask.method, ask.params);
            if let Some(pipe) = speaking.pipe() {
                pipe.write(&body).map_err(Setback::before_sending)?;
                return Ok(place);
            }
            let sent = self
                .send_message(&waiting, speaking, Some((ask, id)), &body)
                .and_then(|response| self.peer().expect_success(&waiting, response, speaking.carried(), Some(id)));
            line.note_carried(call);
            // With the answer at hand, or the end of the stream, what became of the request itself is of no interest.
            match sent {
                Err(setback) if place.delivered().is_none() => {
                    if setback.error.status() == MCP_TIMEOUT {
                        line.retire_if_silent();
                    }
                    self.leave_place(call, speaking, &place);
                    Err(setback)
                }
                _ => Ok(place),
            }
        })?;
        let delivered = self.await_answer(call, speaking, &place);
        self.leave_place(call, speaking, &place);
        match delivered.map_err(Setback::after_sending)? {
            Delivered::Result(answered) => {
                let answered = check_result_type(speaking.era, ask.rules, answered).map_err(Setback::after_sending)?;
                Ok(Answer { answered, session_id: None })
            }
            Delivered::Refused(error) => Err(Setback::after_sending(rpc_failure(call, error))),
            Delivered::Failed(error) => Err(Setback::after_sending(place.explained(call, error))),
        }
    }
}

impl Client {
    /// Gives a place up, and refuses what the server has asked and no call deals with any more.
    fn leave_place(&self, call: &Call, speaking: &Speaking, place: &Place) {
        self.refuse(call, speaking, &place.leave(), "the call that it was asked during has ended");
    }

    /// Waits for the answer, and takes what comes before.
    fn await_answer(&self, call: &Call, speaking: &Speaking, place: &Place) -> Result<Delivered> {
        let outcome = loop {
            match place.wait(call) {
                Ok(Arrived::Letter(Letter::Notice(notice))) => self.take_notice(call, &notice),
                Ok(Arrived::Letter(Letter::Asked(asked))) => self.serve(call, speaking, &asked),
                Ok(Arrived::Answer(delivered)) => break Ok(delivered),
                Err(error) => break Err(error),
            }
        };
        remark_dropped(call, place.dropped());
        outcome
    }
}

/// Notifications that were dropped are not dropped in silence.
pub fn remark_dropped(call: &Call, dropped: u64) {
    if dropped > 0 {
        call.remark(Level::Warning, || {
            format!("{dropped} notifications of the server came faster than the program took them, and were dropped")
        });
    }
}

/// The stream had ended by itself: the session that it carried is gone.
fn stream_lost(mut ended: Error) -> Error {
    ended.report_mut().session_is_gone = ended.status() != MCP_SYSTEM_ERROR;
    ended
}

/// Where messages are to be posted to: on the origin of the event stream, for credentials do not leave it.
fn named_endpoint(from: &Endpoint, event: &Event) -> Result<Endpoint> {
    let unusable =
        |why: &str| Error::new(MCP_INVALID_MESSAGE, format!("the server names an endpoint that cannot be used: {why}"));
    let text = str::from_utf8(&event.data).map_err(|_| unusable("it is no UTF-8"))?;
    if text.is_empty() {
        return Err(unusable("it is empty"));
    }
    let endpoint = from.resolve(text).map_err(|why| unusable(&why))?;
    let (ours, theirs) = (from.origin(), endpoint.origin());
    if ours == theirs {
        return Ok(endpoint);
    }
    let shown = endpoint.shown();
    let why = if ours.https && !theirs.https && ours.host == theirs.host {
        format!(
            "the server is reached over https and names the endpoint {shown}, over http, where credentials do not go: a proxy in front of it does not tell it about https (X-Forwarded-Proto)"
        )
    } else {
        format!("the server names the endpoint {shown}, which is another origin, and credentials do not leave theirs")
    };
    Err(Error::new(MCP_REDIRECT_REFUSED, why))
}
