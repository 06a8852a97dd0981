//! The standing event stream of a legacy session on Streamable HTTP: what the server sends that belongs to no call (2025-11-25,
//! "Transports": Listening for Messages from the Server). It is opened where the program answers what servers ask, or listens for
//! changes, and has a thread of its own.

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use ::http::HeaderValue;

use crate::call::context::CallContext;
use crate::call::new_signal;
use crate::call::request::PeerContext;
use crate::call::retry::{Disposition, FailedStep, disposition, may_be_opened_later, reports_existing_stream};
use crate::call::skipped_input::SkippedInput;
use crate::error::{Error, Result};
use crate::http::fields::EVENT_STREAM;
use crate::http::response::HttpResponse;
use crate::log::LogLevel;
use crate::protocol::event_stream::SseEvent;
use crate::protocol::incoming::{Notification, ServerRequest};
use crate::protocol::jsonrpc::Message;
use crate::protocol::lost_session::SessionReference;
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::{Interest, WaitContext};
use crate::transport::context::TransportContext;
use crate::transport::event_reader::EventReader;
use crate::transport::http_peer::HttpPeer;
use crate::transport::http_request::{MessageTarget, unexpected_content};
use crate::transport::interface::Transport;
use crate::transport::messages::{StreamMessage, sort_event};
use crate::transport::reply_slot::CallLifetime;

/// How long to wait before the stream is opened again, where the server does not say; doubled each time that it was in vain.
const RETRY: Duration = Duration::from_secs(1);
const SHORTEST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// How long it is tried again after a break, where the server says that the session has a stream already: it has not noticed the end
/// of the old one yet.
const LONGEST_CONFLICT: Duration = Duration::from_secs(125);

/// A stream that lasted so long resets the pause: many proxies end one on which nothing is sent.
const LASTING: Duration = Duration::from_secs(10);

/// How long the first call of a session waits for it: what a server asks while nobody listens is lost on some.
const PATIENCE: Duration = Duration::from_secs(1);

/// Belongs to a session, and ends with it.
#[derive(Default)]
pub struct ServerStream(Mutex<StreamSlot>);

#[derive(Default)]
struct StreamSlot {
    /// The stream, once it was wanted.
    state: Option<Arc<StreamState>>,
    /// Nobody wants the stream any more.
    is_stopped: bool,
}

struct StreamState {
    /// Raised when nobody wants the stream any more.
    stop: Arc<PollableEvent>,
    /// Raised when the stream was tried once, with whatever outcome.
    tried: PollableEvent,
    /// Raised when the stream will not come any more.
    end_event: Arc<PollableEvent>,
    why: OnceLock<Error>,
}

impl ServerStream {
    /// Nobody wants the stream any more.
    pub fn stop(&self) {
        let mut place = self.lock();
        place.is_stopped = true;
        place.state.iter().for_each(|state| state.stop.set());
    }

    /// Raised when the stream will not come any more; then [`ServerStream::why`] says why.
    pub fn end_event(&self) -> Option<Arc<PollableEvent>> {
        self.lock().state.as_ref().map(|state| Arc::clone(&state.end_event))
    }

    pub fn why(&self) -> Option<Error> {
        self.lock().state.as_ref()?.why.get().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, StreamSlot> {
        self.0.lock()
    }
}

impl StreamState {
    fn new() -> Result<StreamState> {
        Ok(StreamState {
            stop: Arc::new(new_signal()?),
            tried: new_signal()?,
            end_event: Arc::new(new_signal()?),
            why: OnceLock::new(),
        })
    }

    /// Whether the stream was given up, for a reason that may be over by now.
    fn is_transient(&self) -> bool {
        self.end_event.is_set() && self.why.get().is_none_or(may_be_opened_later)
    }
}

impl Drop for ServerStream {
    fn drop(&mut self) {
        // In the child of a fork the lock may be held for ever.
        self.0.get_mut().state.iter().for_each(|state| state.stop.set());
    }
}

/// What the thread needs of the session, without keeping it alive.
pub struct StreamOpener {
    pub host: Arc<TransportContext>,
    pub peer: Arc<HttpPeer>,
    pub transport: Weak<dyn Transport>,
    pub peer_context: PeerContext,
}

/// The stream as its thread has it.
struct StreamRun {
    state: Arc<StreamState>,
    opening: StreamOpener,
    /// What the server asks belongs to the stream.
    asking: CallLifetime,
    last_event_id: Option<HeaderValue>,
    retry: Duration,
}

impl ServerStream {
    /// Opens the stream of the session, where that is not done yet; and waits a moment for it. Where `again`, one that was given up is
    /// opened again.
    pub fn open(&self, call: &CallContext, again: bool, opening: StreamOpener) -> Result<()> {
        let state = self.start(again, opening)?;
        let fds = [(state.tried.waitable(), Interest::Read), (state.end_event.waitable(), Interest::Read)];
        let wait_context = call.wait_context().clone();
        let patience = PATIENCE.min(call.fallback_limit());
        wait_context.wait_any(&fds, Some(patience)).map(|_| ()).map_err(|stop| call.stopped(&stop))
    }

    fn start(&self, again: bool, opening: StreamOpener) -> Result<Arc<StreamState>> {
        let mut place = self.lock();
        if let Some(state) = place.state.as_ref().filter(|state| !again || !state.is_transient()) {
            return Ok(Arc::clone(state));
        }
        let state = Arc::new(StreamState::new()?);
        if place.is_stopped {
            state.stop.set();
        }
        let host = Arc::clone(&opening.host);
        let mut stream = StreamRun {
            state: Arc::clone(&state),
            opening,
            asking: CallLifetime::default(),
            last_event_id: None,
            retry: RETRY,
        };
        host.readers.start(move || {
            let why = stream.follow();
            let _ = stream.state.why.set(why);
            stream.state.end_event.set();
        })?;
        place.state = Some(Arc::clone(&state));
        Ok(state)
    }
}

impl StreamRun {
    /// Reads the stream over all its connections; gives the reason for the end.
    fn follow(&mut self) -> Error {
        let wait_context = WaitContext { closed: Some(Arc::clone(&self.state.stop)), ..WaitContext::default() };
        let call = self.opening.host.calls.own(wait_context);
        let (mut in_vain, mut pauses, mut was_open) = (0, 0, false);
        let mut conflict_since: Option<Instant> = None;
        loop {
            let begun = Instant::now();
            let peer = Arc::clone(&self.opening.peer);
            let opened = self.open(&peer, &call);
            self.state.tried.set();
            let (is_open, error) = match opened {
                Ok(mut response) => {
                    let mut received_any = false;
                    let error = self.read(&call, &mut response, &mut received_any);
                    if received_any || begun.elapsed() >= LASTING {
                        pauses = 0;
                    }
                    (true, error)
                }
                Err(error) => (false, error),
            };
            was_open |= is_open;
            in_vain = if is_open { 0 } else { in_vain + 1 };
            let is_conflict = was_open && !is_open && reports_existing_stream(&error);
            conflict_since = conflict_since.filter(|_| is_conflict).or_else(|| is_conflict.then_some(begun));
            if conflict_since.is_some_and(|since| since.elapsed() >= LONGEST_CONFLICT) {
                let why = format!("the server kept refusing the event stream as if another one were open: {error}");
                return Error::new(MCP_SESSION_LOST, why).with_http_status(error.report().http_status);
            }
            let stage = FailedStep::ServerStream { was_open, failures: in_vain };
            if disposition(&error, stage) == Disposition::Fatal {
                if !self.state.stop.is_set() {
                    call.log(LogLevel::Debug, || format!("no server event stream: {error}"));
                }
                return error;
            }
            let longest = LONGEST_RETRY.max(self.retry);
            let mut pause = self.retry.saturating_mul(2u32.saturating_pow(pauses)).min(longest);
            if let Some(since) = conflict_since {
                // The last attempt of a conflict is at its end, not up to a minute later.
                pause = pause.min(LONGEST_CONFLICT.saturating_sub(since.elapsed()));
            }
            pauses += 1;
            call.log(LogLevel::Debug, || {
                format!("the server event stream ended: {error}; reopening it in {} ms", pause.as_millis())
            });
            if let Err(stop) = call.wait_context().wait_any(&[], Some(pause)) {
                return call.stopped(&stop);
            }
        }
    }

    fn open<'a>(&self, peer: &'a HttpPeer, call: &CallContext) -> Result<HttpResponse<'a>> {
        let opened = peer.get_stream(call, self.target(), self.last_event_id.as_ref());
        let mut response = opened.map_err(|send_error| send_error.error)?;
        if !response.is_success() {
            let error = peer.http_failure(call, &mut response, self.target().session_reference);
            if (error.status(), response.status) == (MCP_HTTP_ERROR, 405) {
                let why = "the server offers no server event stream (HTTP 405)";
                return Err(Error::new(MCP_HTTP_ERROR, why).with_http_status(405));
            }
            return Err(error);
        }
        match response.content_type().as_deref() {
            Some(EVENT_STREAM) => Ok(response),
            other => Err(unexpected_content(&response, other)),
        }
    }

    fn target(&self) -> MessageTarget<'_> {
        let peer_context = &self.opening.peer_context;
        MessageTarget {
            to: &self.opening.peer.endpoint,
            peer_context,
            session_reference: peer_context.session_reference(SessionReference::NoId),
        }
    }

    fn read(&mut self, call: &CallContext, response: &mut HttpResponse, received_any: &mut bool) -> Error {
        let mut reader = EventReader::new(self.opening.host.limits.event);
        let mut skipped = SkippedInput::default();
        loop {
            let events = match reader.next(|buffer| response.read(buffer)) {
                Ok(Some(events)) => events,
                Ok(None) => return Error::new(MCP_DISCONNECTED, "the server ended it"),
                Err(error) => return error,
            };
            if let Some(retry) = reader.retry() {
                self.retry = retry.clamp(SHORTEST_RETRY, LONGEST_RETRY);
            }
            if let Some(id) = reader.last_id() {
                self.last_event_id = id;
            }
            for event in events {
                if !event.data.is_empty() {
                    *received_any = true;
                    self.take(call, event, &mut skipped);
                }
            }
        }
    }

    fn take(&self, call: &CallContext, event: SseEvent, skipped: &mut SkippedInput) {
        let inbound = &self.opening.host.inbound;
        // No answer is awaited here.
        sort_event(
            call,
            event,
            skipped,
            |_| false,
            |taken| {
                match taken {
                    // Many may come at once, and each may lead to a callback.
                    _ if call.wait_context().check().is_err() => {}
                    StreamMessage::Message(Message::Request { id, method, params }) => {
                        let transport = Weak::clone(&self.opening.transport);
                        let slot = self.asking.slot(transport, &self.opening.peer_context, call);
                        inbound.server_request(call, &ServerRequest { id, method, params }, slot);
                    }
                    StreamMessage::Message(Message::Notification { method, params }) => {
                        inbound.notification(call, &Notification { method, params });
                    }
                    StreamMessage::Message(Message::Result { .. } | Message::Error { .. }) => {
                        call.log(LogLevel::Debug, || "the server sent a response to no pending request".into());
                    }
                    StreamMessage::InvalidMessage { .. } => return false,
                }
                true
            },
        );
    }
}
