//! The server event stream of a legacy session, for messages that belong to no call (2025-11-25, "Transports":
//! Listening for Messages from the Server). It is opened if the application handles server requests or subscribes to
//! changes. A separate thread reads it.

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use ::http::HeaderValue;

use crate::call::context::CallContext;
use crate::call::new_event;
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
use crate::transport::messages::{StreamMessage, classify_event};
use crate::transport::reply_slot::CallLifetime;

/// How long to wait before reopening the stream if the server sends no `retry`. Doubled after each failure.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);
const MIN_RETRY: Duration = Duration::from_millis(100);
const MAX_RETRY: Duration = Duration::from_secs(60);

/// How long to retry after a broken connection while the server reports that the session already has a stream: it has
/// not noticed the end of the old one yet.
const MAX_CONFLICT: Duration = Duration::from_secs(125);

/// A stream open this long resets the backoff, even if it was silent: many proxies close silent streams.
const STABLE_AFTER: Duration = Duration::from_secs(10);

/// How long the first call of a session waits for the stream: some servers lose requests that they send before it is
/// open.
const FIRST_ATTEMPT_LIMIT: Duration = Duration::from_secs(1);

/// The server event stream of one session. It ends with the session.
#[derive(Default)]
pub struct ServerStream(Mutex<StreamSlot>);

#[derive(Default)]
struct StreamSlot {
    /// The stream, once it was opened.
    state: Option<Arc<StreamState>>,
    /// The stream is no longer needed.
    is_stopped: bool,
}

/// The thread owns the events that only it or a thread that waits for it needs: without the stream, they would use
/// descriptors for nothing.
struct StreamState {
    /// Set when the stream is no longer needed. Dropped when the stream has ended.
    stop: Weak<PollableEvent>,
    /// Set after the first attempt to open the stream, whether it succeeded or not, and then dropped.
    attempted: Weak<PollableEvent>,
    /// Set when the stream has ended and is not reopened. Has a descriptor only if a listener waits for it.
    end_event: Arc<PollableEvent>,
    end_reason: OnceLock<Error>,
}

impl ServerStream {
    /// Stops the stream.
    pub fn stop(&self) {
        let mut slot = self.lock();
        slot.is_stopped = true;
        slot.state.iter().for_each(|state| state.stop());
    }

    /// Set when the stream has ended and is not reopened.
    pub fn end_event(&self) -> Option<Arc<PollableEvent>> {
        self.lock().state.as_ref().map(|state| Arc::clone(&state.end_event))
    }

    /// Why the stream has ended, if it has.
    pub fn end_reason(&self) -> Option<Error> {
        self.lock().state.as_ref()?.end_reason.get().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, StreamSlot> {
        self.0.lock()
    }
}

impl StreamState {
    fn stop(&self) {
        self.stop.upgrade().iter().for_each(|stop| stop.set());
    }

    /// Whether the stream has ended for a reason that may be temporary.
    fn may_be_reopened(&self) -> bool {
        self.end_event.is_set() && self.end_reason.get().is_none_or(may_be_opened_later)
    }
}

impl Drop for ServerStream {
    fn drop(&mut self) {
        // Without locking: in the child of a fork, the lock may be held forever.
        self.0.get_mut().state.iter().for_each(|state| state.stop());
    }
}

/// The parts of a session that the thread uses. It does not keep the session alive.
pub struct StreamOpener {
    pub context: Arc<TransportContext>,
    pub peer: Arc<HttpPeer>,
    pub transport: Weak<dyn Transport>,
    pub peer_context: PeerContext,
}

/// The state of the thread.
struct StreamRun {
    state: Arc<StreamState>,
    stop: Arc<PollableEvent>,
    /// `None` after the first attempt.
    attempted: Option<Arc<PollableEvent>>,
    opener: StreamOpener,
    /// The lifetime of the server requests on the stream.
    lifetime: CallLifetime,
    last_event_id: Option<HeaderValue>,
    retry: Duration,
}

impl ServerStream {
    /// Opens the stream of the session if it is not open, and waits briefly for it. With `reopen`, a stream that has
    /// ended for a temporary reason is opened again.
    pub fn open(&self, call: &CallContext, reopen: bool, opener: StreamOpener) -> Result<()> {
        let state = self.start(reopen, opener)?;
        let Some(attempted) = state.attempted.upgrade() else { return Ok(()) };
        let wait_context = call.wait_context().clone();
        let limit = FIRST_ATTEMPT_LIMIT.min(call.fallback_limit());
        let waited = wait_context.wait_any(&[(attempted.waitable(), Interest::Read)], Some(limit));
        waited.map(|_| ()).map_err(|interrupt| call.interrupt_error(&interrupt))
    }

    fn start(&self, reopen: bool, opener: StreamOpener) -> Result<Arc<StreamState>> {
        let mut slot = self.lock();
        if let Some(state) = slot.state.as_ref().filter(|state| !reopen || !state.may_be_reopened()) {
            return Ok(Arc::clone(state));
        }
        let (stop, attempted) = (Arc::new(new_event()?), Arc::new(new_event()?));
        if slot.is_stopped {
            stop.set();
        }
        let state = Arc::new(StreamState {
            stop: Arc::downgrade(&stop),
            attempted: Arc::downgrade(&attempted),
            end_event: Arc::default(),
            end_reason: OnceLock::new(),
        });
        let context = Arc::clone(&opener.context);
        let mut stream = StreamRun {
            state: Arc::clone(&state),
            stop,
            attempted: Some(attempted),
            opener,
            lifetime: CallLifetime::default(),
            last_event_id: None,
            retry: DEFAULT_RETRY,
        };
        context.readers.start(move || {
            let wait_context = WaitContext { closed: Some(Arc::clone(&stream.stop)), ..WaitContext::default() };
            let call = stream.opener.context.calls.start_internal(wait_context);
            let end_reason = stream.run(&call);
            let text = format!("no server event stream: {end_reason}");
            let _ = stream.state.end_reason.set(end_reason);
            stream.state.end_event.set();
            // Logged afterwards, because the log callback may take long, and a listener that begins meanwhile has to
            // reopen the stream.
            if !stream.stop.is_set() {
                call.log(LogLevel::Debug, || text);
            }
        })?;
        slot.state = Some(Arc::clone(&state));
        Ok(state)
    }
}

impl StreamRun {
    /// Reads the stream over all its connections; the reason for its end.
    fn run(&mut self, call: &CallContext) -> Error {
        let (mut failures, mut retries, mut was_open) = (0, 0, false);
        let mut conflict_since: Option<Instant> = None;
        loop {
            let start = Instant::now();
            let peer = Arc::clone(&self.opener.peer);
            let opened = self.open(&peer, call);
            if let Some(attempted) = self.attempted.take() {
                attempted.set();
            }
            let (is_open, error) = match opened {
                Ok(mut response) => {
                    let mut received_any = false;
                    let error = self.read(call, &mut response, &mut received_any);
                    if received_any || start.elapsed() >= STABLE_AFTER {
                        retries = 0;
                    }
                    (true, error)
                }
                Err(error) => (false, error),
            };
            was_open |= is_open;
            failures = if is_open { 0 } else { failures + 1 };
            let is_conflict = was_open && !is_open && reports_existing_stream(&error);
            conflict_since = conflict_since.filter(|_| is_conflict).or_else(|| is_conflict.then_some(start));
            if conflict_since.is_some_and(|since| since.elapsed() >= MAX_CONFLICT) {
                let why = format!("the server kept reporting that the session already has an event stream: {error}");
                return Error::new(MCP_SESSION_LOST, why).with_http_status(error.report().http_status);
            }
            let step = FailedStep::ServerStream { was_open, failures };
            if disposition(&error, step) == Disposition::Fatal {
                return error;
            }
            let max_pause = MAX_RETRY.max(self.retry);
            let mut pause = self.retry.saturating_mul(2u32.saturating_pow(retries)).min(max_pause);
            if let Some(since) = conflict_since {
                // The last attempt is made when the limit is reached, not up to a minute later.
                pause = pause.min(MAX_CONFLICT.saturating_sub(since.elapsed()));
            }
            retries += 1;
            call.log(LogLevel::Debug, || {
                format!("the server event stream ended: {error}; reopening it in {} ms", pause.as_millis())
            });
            if let Err(interrupt) = call.wait_context().wait_any(&[], Some(pause)) {
                return call.interrupt_error(&interrupt);
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
        if response.has_content_type(EVENT_STREAM) { Ok(response) } else { Err(unexpected_content(&response)) }
    }

    fn target(&self) -> MessageTarget<'_> {
        let peer_context = &self.opener.peer_context;
        MessageTarget {
            endpoint: &self.opener.peer.endpoint,
            peer_context,
            session_reference: peer_context.session_reference(SessionReference::NoId),
        }
    }

    /// Reads one connection; the reason for its end.
    fn read(&mut self, call: &CallContext, response: &mut HttpResponse, received_any: &mut bool) -> Error {
        let mut reader = EventReader::new(self.opener.context.limits.event);
        let mut skipped = SkippedInput::default();
        loop {
            match reader.read(|buffer, most| response.read_into(buffer, most)) {
                Ok(true) => {}
                Ok(false) => return Error::new(MCP_DISCONNECTED, "the server ended it"),
                Err(error) => return error,
            }
            let handled = loop {
                match reader.next_event() {
                    Ok(Some(event)) if event.data.is_empty() => {}
                    Ok(Some(event)) => {
                        *received_any = true;
                        self.handle_event(call, event, &mut skipped);
                    }
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            // Even after an error: otherwise, the server would send the events before it again.
            if let Some(retry) = reader.retry() {
                self.retry = retry.clamp(MIN_RETRY, MAX_RETRY);
            }
            if let Some(id) = reader.last_id() {
                self.last_event_id = id;
            }
            if let Err(error) = handled {
                return error;
            }
        }
    }

    fn handle_event(&self, call: &CallContext, event: &mut SseEvent, skipped: &mut SkippedInput) {
        let inbound = &self.opener.context.inbound;
        // No response is expected on this stream.
        classify_event(
            call,
            event,
            skipped,
            |_| false,
            |stream_message| {
                match stream_message {
                    // One event can contain many messages, and each can run a callback: check for interrupts before
                    // each.
                    _ if call.wait_context().check().is_err() => {}
                    StreamMessage::Message(Message::Request { id, method, params }) => {
                        let transport = Weak::clone(&self.opener.transport);
                        let slot = self.lifetime.slot(transport, &self.opener.peer_context, call);
                        inbound.server_request(call, &ServerRequest { id, method, params }, slot);
                    }
                    StreamMessage::Message(Message::Notification { method, params }) => {
                        inbound.notification(call, &Notification { method, params });
                    }
                    StreamMessage::Message(Message::Result { .. } | Message::Error { .. }) => {
                        call.log(LogLevel::Debug, || "the server sent a response to no pending request".into());
                    }
                    StreamMessage::InvalidResponse { .. } => return false,
                }
                true
            },
        );
    }
}
