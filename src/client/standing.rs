//! The standing event stream of a legacy session on Streamable HTTP: what the server sends that belongs to no call (2025-11-25,
//! "Transports": Listening for Messages from the Server). It is opened where the program answers what servers ask, or listens for
//! changes, and has a thread of its own.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ureq::http::{HeaderValue, Method, header};

use super::Client;
use super::answer::{Taken, content_type, is_named, sort, unexpected_content};
use super::exchange::{Speaking, headers};
use super::session::Session;
use super::stream::LAST_EVENT_ID;
use crate::call::context::Call;
use crate::call::failure::{may_come_back, unheld_event};
use crate::call::new_signal;
use crate::call::skipped::Skipped;
use crate::error::{Error, Result};
use crate::http::client::Outgoing;
use crate::http::response::Response;
use crate::log::Level;
use crate::protocol::event_stream::{Event, EventStream};
use crate::protocol::incoming::{Asked, Notice};
use crate::protocol::jsonrpc::Message;
use crate::protocol::text::NOTHING;
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::signal::Signal;
use crate::sys::wait::{Budget, Interest};

/// How long to wait before the stream is opened again, where the server does not say; doubled each time that it was in vain.
const RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// How often it is tried in a row without being opened.
const MOST_IN_VAIN: u32 = 5;

/// How long it is tried again after a break, where the server says that the session has a stream already: it has not noticed the end
/// of the old one yet.
const LONGEST_CONFLICT: Duration = Duration::from_secs(125);

/// A stream that lasted so long resets the pause: many proxies end one on which nothing is sent.
const LASTING: Duration = Duration::from_secs(10);

/// How long the first call of a session waits for it: what a server asks while nobody listens is lost on some.
const PATIENCE: Duration = Duration::from_secs(1);

/// Belongs to a session, and ends with it.
#[derive(Default)]
pub struct Standing(Mutex<Place>);

#[derive(Default)]
struct Place {
    /// The stream, once it was wanted.
    state: Option<Arc<State>>,
    /// Nobody wants the stream any more.
    is_stopped: bool,
}

struct State {
    /// Raised when nobody wants the stream any more.
    stop: Arc<Signal>,
    /// Raised when the stream was tried once, with whatever outcome.
    tried: Signal,
    /// Raised when the stream will not come any more.
    over: Arc<Signal>,
    why: OnceLock<Error>,
}

impl Standing {
    /// Nobody wants the stream any more.
    pub fn stop(&self) {
        let mut place = self.lock();
        place.is_stopped = true;
        place.state.iter().for_each(|state| state.stop.raise());
    }

    /// Raised when the stream will not come any more; then [`Standing::why`] says why.
    pub fn over(&self) -> Option<Arc<Signal>> {
        self.lock().state.as_ref().map(|state| Arc::clone(&state.over))
    }

    pub fn why(&self) -> Option<Error> {
        self.lock().state.as_ref()?.why.get().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        self.0.lock()
    }
}

impl State {
    fn new() -> Result<State> {
        Ok(State {
            stop: Arc::new(new_signal()?),
            tried: new_signal()?,
            over: Arc::new(new_signal()?),
            why: OnceLock::new(),
        })
    }

    /// Whether the stream was given up, for a reason that may be over by now: the program may have set other credentials.
    fn may_come_back(&self) -> bool {
        let is_refusal =
            |why: &Error| matches!(why.status(), MCP_UNAUTHORIZED | MCP_FORBIDDEN | MCP_AUTH_FAILED | MCP_INSECURE);
        self.over.is_raised() && self.why.get().is_none_or(|why| may_come_back(why) || is_refusal(why))
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the thread needs of the session, without keeping it alive.
struct Stream {
    state: Arc<State>,
    version: &'static str,
    session_id: Option<HeaderValue>,
    last_event_id: Option<HeaderValue>,
    retry: Duration,
}

impl Client {
    /// Opens the stream of a session, where that is not done yet and there is one; and waits a moment for it.
    pub(super) fn stand(&self, call: &Call, session: &Session) -> Result<()> {
        self.stand_where(call, session, |_| false)
    }

    /// The same; a stream that was given up is opened again.
    pub(super) fn stand_again(&self, call: &Call, session: &Session) -> Result<()> {
        self.stand_where(call, session, State::may_come_back)
    }

    fn stand_where(&self, call: &Call, session: &Session, is_wanted_again: impl Fn(&State) -> bool) -> Result<()> {
        let Some(standing) = &session.standing else { return Ok(()) };
        let state = self.start_standing(session, standing, is_wanted_again)?;
        let fds = [(state.tried.fd(), Interest::Read), (state.over.fd(), Interest::Read)];
        let budget = call.budget().clone();
        let patience = PATIENCE.min(self.brief(call));
        budget.wait_any(&fds, Some(patience)).map(|_| ()).map_err(|stop| call.stopped(&stop))
    }

    fn start_standing(
        &self,
        session: &Session,
        standing: &Standing,
        is_wanted_again: impl Fn(&State) -> bool,
    ) -> Result<Arc<State>> {
        let mut place = standing.lock();
        if let Some(state) = place.state.as_ref().filter(|state| !is_wanted_again(state)) {
            return Ok(Arc::clone(state));
        }
        let state = Arc::new(State::new()?);
        if place.is_stopped {
            state.stop.raise();
        }
        let mut stream = Stream {
            state: Arc::clone(&state),
            version: session.version,
            session_id: session.id.clone(),
            last_event_id: None,
            retry: RETRY,
        };
        let client = self.me.clone();
        self.readers.start_other(move || {
            if let Some(client) = client.upgrade() {
                let why = client.follow(&mut stream);
                let _ = stream.state.why.set(why);
            }
            stream.state.over.raise();
        })?;
        place.state = Some(Arc::clone(&state));
        Ok(state)
    }

    /// Reads the stream over all its connections; gives the reason for the end.
    fn follow(&self, stream: &mut Stream) -> Error {
        let budget = Budget { closed: Some(Arc::clone(&stream.state.stop)), ..Budget::default() };
        let call = self.own_call(budget);
        let (mut in_vain, mut pauses, mut was_open) = (0, 0, false);
        let mut conflict_since: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            let opened = self.open_standing(&call, stream);
            stream.state.tried.raise();
            let (is_open, error) = match opened {
                Ok(mut response) => {
                    let mut heard = false;
                    let error = self.read_standing(&call, stream, &mut response, &mut heard);
                    if heard || begun.elapsed() >= LASTING {
                        pauses = 0;
                    }
                    (true, error)
                }
                Err(error) => (false, error),
            };
            was_open |= is_open;
            in_vain = if is_open { 0 } else { in_vain + 1 };
            let is_conflict = was_open && !is_open && tells_of_another_stream(&error);
            conflict_since = conflict_since.filter(|_| is_conflict).or_else(|| is_conflict.then_some(begun));
            if conflict_since.is_some_and(|since| since.elapsed() >= LONGEST_CONFLICT) {
                let why = format!("the server refused the event stream for long, as if another one were open: {error}");
                return Error::new(MCP_SESSION_LOST, why).with_http_status(error.report().http_status);
            }
            let is_final = match error.status() {
                MCP_CANCELLED | MCP_CLOSED => true,
                _ if is_conflict => false,
                MCP_SESSION_LOST | MCP_NOT_FOUND | MCP_UNEXPECTED_CONTENT => true,
                MCP_HTTP_ERROR | MCP_RPC_ERROR => (400..500).contains(&error.report().http_status),
                _ => in_vain >= MOST_IN_VAIN,
            };
            if is_final {
                if !stream.state.stop.is_raised() {
                    call.remark(Level::Debug, || format!("no standing event stream: {error}"));
                }
                return error;
            }
            let longest = LONGEST_RETRY.max(stream.retry);
            let mut pause = stream.retry.saturating_mul(2u32.saturating_pow(pauses)).min(longest);
            if let Some(since) = conflict_since {
                // The last attempt of a conflict is at its end, not up to a minute later.
                pause = pause.min(LONGEST_CONFLICT.saturating_sub(since.elapsed()));
            }
            pauses += 1;
            call.remark(Level::Debug, || {
                format!("the standing event stream ended: {error}; opening it again in {} ms", pause.as_millis())
            });
            if let Err(stop) = call.budget().wait_any(&[], Some(pause)) {
                return call.stopped(&stop);
            }
        }
    }

    fn open_standing(&self, call: &Call, stream: &Stream) -> Result<Response<'_>> {
        let speaking = stream.speaking();
        let opened = self.peer().safely(call, || {
            let mut headers = headers(&speaking, None);
            headers.insert(header::ACCEPT, HeaderValue::from_static("text/event-stream"));
            headers.extend(stream.last_event_id.clone().map(|id| (LAST_EVENT_ID, id)));
            let outgoing = Outgoing { to: &self.endpoint, method: Method::GET, headers, body: &NOTHING };
            self.peer().send(call, outgoing, speaking.session_id, speaking.carried(), None)
        });
        let mut response = opened.map_err(|setback| setback.error)?;
        if !(200..300).contains(&response.status) {
            let error = self.peer().http_failure(call, &mut response, speaking.carried());
            if (error.status(), response.status) == (MCP_HTTP_ERROR, 405) {
                let why = "the server has no event stream for what belongs to no call (HTTP 405)";
                return Err(Error::new(MCP_HTTP_ERROR, why).with_http_status(405));
            }
            return Err(error);
        }
        match content_type(&response).as_deref() {
            Some("text/event-stream") => Ok(response),
            other => Err(unexpected_content(&response, other)),
        }
    }

    fn read_standing(&self, call: &Call, stream: &mut Stream, response: &mut Response, heard: &mut bool) -> Error {
        let limit = self.settings.limits().event;
        let mut parser = EventStream::new(limit);
        let mut skipped = Skipped::default();
        let mut events = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = match response.read(&mut buffer) {
                Ok(0) => return Error::new(MCP_DISCONNECTED, "the server ended it"),
                Ok(count) => count,
                Err(error) => return error,
            };
            if let Err(why) = parser.feed(&buffer[..count], &mut events) {
                return unheld_event(why, limit);
            }
            if let Some(ms) = parser.retry_ms() {
                stream.retry = Duration::from_millis(ms).clamp(Duration::from_millis(100), LONGEST_RETRY);
            }
            if let Some(id) = parser.last_id() {
                stream.last_event_id = HeaderValue::from_bytes(id.as_bytes()).ok().filter(|id| !id.is_empty());
            }
            for event in events.drain(..) {
                if !event.data.is_empty() {
                    *heard = true;
                    self.take_standing(call, &stream.speaking(), event, &mut skipped);
                }
            }
        }
    }

    fn take_standing(&self, call: &Call, speaking: &Speaking, event: Event, skipped: &mut Skipped) {
        let is_named = is_named(&event);
        // No answer is awaited here.
        let rest = sort(
            event.data,
            |_| false,
            |taken| {
                match taken {
                    // Many may come at once, and each may lead to a callback.
                    _ if call.budget().check().is_err() => {}
                    Taken::Message(Message::Request { id, method, params }) => {
                        self.serve(call, speaking, &Asked { id, method, params });
                    }
                    Taken::Message(Message::Notification { method, params }) => {
                        self.take_notice(call, &Notice { method, params });
                    }
                    Taken::Message(Message::Result { .. } | Message::Error { .. }) => {
                        call.remark(Level::Debug, || "the server sent an answer that nobody waits for".into());
                    }
                    Taken::Broken { .. } => return false,
                }
                true
            },
        );
        if let Some(rest) = rest {
            skipped.note_event(call, rest, is_named);
        }
    }
}

/// Whether a server says that the session has a stream already (TypeScript SDK: 409 "Only one SSE stream is allowed per session").
fn tells_of_another_stream(error: &Error) -> bool {
    match error.report().http_status {
        409 => true,
        400 => {
            let words = error.report().message.to_ascii_lowercase();
            // A session that is not known has no other stream: "invalid session ID for this stream".
            let tells_of_one =
                || ["only one", "one stream", "one sse", "already"].iter().any(|told| words.contains(told));
            words.contains("stream") && (error.status() != MCP_SESSION_LOST || tells_of_one())
        }
        _ => false,
    }
}

impl Stream {
    fn speaking(&self) -> Speaking<'_> {
        Speaking { era: Era::Legacy, version: Some(self.version), session_id: self.session_id.as_ref(), line: None }
    }
}
