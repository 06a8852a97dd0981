//! Routes the messages that a reader thread receives: responses go to the calls that wait for them, and server requests
//! and notifications to a call or to the application's handlers.

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::pending::{MAX_QUEUED_REQUESTS, PendingRequests, RpcOutcome, UnclaimedRequest};
use crate::call::context::CallContext;
use crate::call::skipped_input;
use crate::error::Error;
use crate::log::LogLevel;
use crate::protocol::ids;
use crate::protocol::incoming::{InputKind, Notification, ServerRequest};
use crate::protocol::jsonrpc::Message;
use crate::status::MCP_INTERNAL;
use crate::sys::wait::WaitContext;
use crate::transport::context::TransportContext;
use crate::transport::interface::Transport;
use crate::transport::messages::{StreamMessage, classify_messages};
use crate::transport::reply_slot::CallLifetime;

/// How long the internal calls of a reader thread may take. Responses wait meanwhile.
const INTERNAL_CALL_LIMIT: Duration = Duration::from_secs(2);

thread_local! {
    /// The address of the `TransportContext` that this thread reads for; zero if it is not a reader.
    static READS_FOR: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is a reader of the client. A call from it would wait for a response that only this thread can
/// read.
pub fn reads_for(context: &TransportContext) -> bool {
    READS_FOR.get() == std::ptr::from_ref(context).addr()
}

/// Server requests that no call handles.
#[derive(Default)]
pub struct UnclaimedRequests {
    to_handle: Vec<ServerRequest>,
    /// The ids of the requests that exceed the limits.
    to_reject: Vec<String>,
}

/// Routes the messages of one stream.
pub struct MessageRouter {
    context: Weak<TransportContext>,
    transport: Weak<dyn Transport>,
    pub pending: Arc<PendingRequests>,
    /// The lifetime of server requests that no call handles: they end with the stream.
    lifetime: CallLifetime,
}

impl MessageRouter {
    pub fn new(
        context: &Arc<TransportContext>,
        transport: Weak<dyn Transport>,
        pending: &Arc<PendingRequests>,
    ) -> MessageRouter {
        MessageRouter {
            context: Arc::downgrade(context),
            transport,
            pending: Arc::clone(pending),
            lifetime: CallLifetime::default(),
        }
    }

    /// Marks this thread as the reader. Dropping the returned guard, even in a panic, fails all waiting calls.
    pub fn start_reading(&self) -> CloseOnDrop {
        READS_FOR.set(self.context.as_ptr().addr());
        CloseOnDrop {
            pending: Arc::clone(&self.pending),
            reason: Error::new(MCP_INTERNAL, "the reader of the server's messages failed"),
        }
    }

    /// Routes the message or batch in a line, and handles the server requests that no call handles.
    pub fn take_text(&self, text: Vec<u8>) {
        let mut unclaimed = UnclaimedRequests::default();
        self.route_text(text, false, &mut unclaimed);
        self.handle_unclaimed(&unclaimed);
    }

    /// Handles the server requests that no call handles. Called after all other messages that arrived with them, so
    /// that their calls need not wait.
    pub fn handle_unclaimed(&self, unclaimed: &UnclaimedRequests) {
        let UnclaimedRequests { to_handle, to_reject } = unclaimed;
        if !to_handle.is_empty() || !to_reject.is_empty() {
            self.with_call(|context, call| {
                let peer_context = self.pending.peer_context();
                if let Some(transport) = self.transport.upgrade() {
                    let reason = "too many requests are waiting for a response";
                    context.reject_server_requests(&*transport, call, &peer_context, to_reject, reason);
                }
                for request in to_handle {
                    let slot = self.lifetime.slot(Weak::clone(&self.transport), &peer_context, call);
                    context.inbound.server_request(call, request, slot);
                }
            });
        }
    }

    /// Routes the messages in the data of an event or in a line. `has_custom_name` says whether the event has a name
    /// that the specification does not use for messages.
    pub fn route_text(&self, text: Vec<u8>, has_custom_name: bool, unclaimed: &mut UnclaimedRequests) {
        self.trace(&text);
        let number = |id: Option<&str>| id.and_then(ids::number);
        let is_ours = |id: Option<&str>| number(id).is_some_and(|id| self.pending.is_awaited(id));
        let rest = classify_messages(text, is_ours, |stream_message| match stream_message {
            StreamMessage::Message(message) => {
                self.route_message(message, unclaimed);
                true
            }
            // Without an id, it is for the only waiting call.
            StreamMessage::InvalidResponse { id: None, error } => {
                self.pending.deliver(None, RpcOutcome::Failed(error)).is_none()
            }
            StreamMessage::InvalidResponse { id, error } => number(id.as_deref())
                .is_some_and(|id| self.pending.deliver(Some(id), RpcOutcome::Failed(error)).is_none()),
        });
        if let Some(rest) = rest {
            let rest = Arc::new(rest);
            let level = self.pending.record_skipped(&rest, has_custom_name);
            self.log_with(level, |call| skipped_input::log(call, self.pending.stream_name(), &rest));
        }
    }

    fn trace(&self, text: &[u8]) {
        if self.context.upgrade().is_some_and(|context| context.calls.trace.is_set()) {
            self.with_call(|_, call| call.trace_received(text));
        }
    }

    fn route_message(&self, message: Message, unclaimed: &mut UnclaimedRequests) {
        if self.pending.stop.is_set() {
            return;
        }
        let is_unused = match message {
            Message::Result { id, response } => match ids::number(id.text()) {
                id @ Some(_) => self.pending.deliver(id, RpcOutcome::Result(response)).is_some(),
                None => true,
            },
            Message::Error { id, error } => {
                // Without an id, it is for the only waiting call. With an id that is not a number, it is for no call.
                let number = id.as_deref().and_then(ids::number);
                (id.is_some() && number.is_none()) || self.pending.deliver(number, RpcOutcome::Refused(error)).is_some()
            }
            Message::Request { id, method, .. } if self.pending.is_echo(&id, &method) => {
                if self.pending.record_echo() {
                    self.log(LogLevel::Warning, || {
                        "the server's terminal echoes its input, and the echoed requests are ignored; start it \
                         without a terminal (docker run -i, not -it)"
                            .into()
                    });
                }
                false
            }
            Message::Request { id, method, params } => {
                let request = ServerRequest { id, method, params };
                let is_input = InputKind::of(&request.method).is_some();
                let delivered = if is_input {
                    self.pending.deliver_server_request(request)
                } else {
                    Err(UnclaimedRequest::NoCallWaits(request))
                };
                match delivered {
                    Ok(()) => {}
                    Err(UnclaimedRequest::NoCallWaits(request)) if unclaimed.to_handle.len() < MAX_QUEUED_REQUESTS => {
                        unclaimed.to_handle.push(request);
                    }
                    Err(UnclaimedRequest::NoCallWaits(request) | UnclaimedRequest::TooMany(request)) => {
                        unclaimed.to_reject.push(request.id)
                    }
                }
                false
            }
            Message::Notification { method, params } => {
                let notification = Notification { method, params };
                if let Some(id) = notification.cancelled() {
                    unclaimed.to_handle.retain(|request| !ids::is_same_id(&request.id, id));
                    self.pending.forget_server_request(id);
                }
                if let Some(context) = self.context.upgrade() {
                    context.inbound.on_arrival(&notification);
                }
                if let Some(notification) = self.pending.deliver_notification(notification) {
                    self.with_call(|context, call| context.inbound.notification(call, &notification));
                }
                false
            }
        };
        if is_unused {
            self.log(LogLevel::Debug, || "the server sent a response to no pending request".into());
        }
    }

    /// Logs a text that contains no secrets.
    pub fn log(&self, level: LogLevel, text: impl FnOnce() -> String) {
        self.log_with(level, |_| text());
    }

    /// Logs a text that is redacted with the secrets of a call. The text is not built if no log hook is set.
    pub fn log_with(&self, level: LogLevel, text: impl FnOnce(&CallContext) -> String) {
        if self.context.upgrade().is_some_and(|context| context.calls.log.has_hook()) {
            self.with_call(|_, call| call.log(level, || text(call)));
        }
    }

    /// Runs `run` with an internal call. The call is limited in time, ends when the connection is closed, and never
    /// runs the auth callback, which could block the reader for long.
    pub fn with_call(&self, run: impl FnOnce(&TransportContext, &CallContext)) {
        if let Some(context) = self.context.upgrade() {
            let closed = Some(Arc::clone(&self.pending.stop));
            let wait_context = WaitContext {
                closed,
                timeout: Some(INTERNAL_CALL_LIMIT),
                ..WaitContext::until(Instant::now() + INTERNAL_CALL_LIMIT)
            };
            let call = context.calls.start_internal(wait_context);
            self.pending.share_secrets_of_calls(&call);
            run(&context, &call);
        }
    }
}

/// Fails all waiting calls when the reader ends.
pub struct CloseOnDrop {
    pending: Arc<PendingRequests>,
    reason: Error,
}

impl CloseOnDrop {
    /// Ends with this reason instead of an internal error.
    pub fn end(mut self, reason: Error) {
        self.reason = reason;
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.pending.end(&self.reason);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::protocol::messages::{INTERNAL_ERROR, error_response};
    use crate::status::*;
    use crate::transport::fake::{
        FakeTransport, RecordingInbound, TransportMethod, call, call_with, recording_context, with_progress,
    };
    use crate::transport::interface::TransportKind;
    use crate::transport::reply_slot::ReplySlot;

    struct RouterFixture {
        context: Arc<TransportContext>,
        inbound: Arc<RecordingInbound>,
        requests: mpsc::Receiver<(ServerRequest, ReplySlot)>,
        fake: Arc<FakeTransport>,
        pending: Arc<PendingRequests>,
        router: MessageRouter,
    }

    impl RouterFixture {
        fn new(is_process: bool) -> RouterFixture {
            let (context, inbound, requests) = recording_context();
            let fake = FakeTransport::new(&context, TransportKind::Stdio);
            let pending = Arc::new(PendingRequests::new(is_process, Arc::default()).unwrap());
            let transport: Weak<dyn Transport> = Arc::downgrade(&(Arc::clone(&fake) as Arc<dyn Transport>));
            let router = MessageRouter::new(&context, transport, &pending);
            RouterFixture { context, inbound, requests, fake, pending, router }
        }

        fn receive(&self, text: &str) {
            self.router.take_text(text.into());
        }

        /// The ids of the requests that the application got so far.
        fn handled(&self) -> Vec<String> {
            self.requests.try_iter().map(|(request, _)| request.id).collect()
        }
    }

    /// A batch of `count` requests.
    fn batch(method: &str, count: usize) -> String {
        let one = |id: usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#);
        format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(","))
    }

    fn refusals(ids: impl IntoIterator<Item = usize>) -> Vec<String> {
        let reason = "too many requests are waiting for a response";
        ids.into_iter().map(|id| error_response(&id.to_string(), INTERNAL_ERROR, reason)).collect()
    }

    #[test]
    fn requests_beyond_the_queue_of_a_call_are_rejected() {
        let fixture = RouterFixture::new(false);
        let call = call(&fixture.context);
        let pending_response = fixture.pending.add_request(&call, 1, "m", true).unwrap();
        fixture.receive(&batch("roots/list", 67));
        assert_eq!(fixture.fake.sent(TransportMethod::PostBestEffort), refusals(64..67));
        assert!(fixture.handled().is_empty());
        assert_eq!(pending_response.unregister().len(), 64);
    }

    #[test]
    fn of_requests_that_no_call_takes_64_are_handled_and_others_are_rejected() {
        for (method, waits) in [("ping", true), ("roots/list", false)] {
            let fixture = RouterFixture::new(false);
            let call = call(&fixture.context);
            let _pending_response = waits.then(|| fixture.pending.add_request(&call, 1, "m", true).unwrap());
            fixture.receive(&batch(method, 70));
            assert_eq!(fixture.handled(), (0..64).map(|id| id.to_string()).collect::<Vec<_>>(), "{method}");
            assert_eq!(fixture.fake.sent(TransportMethod::PostBestEffort), refusals(64..70), "{method}");
        }
    }

    #[test]
    fn a_request_that_is_cancelled_before_it_is_handled_gets_no_response() {
        let fixture = RouterFixture::new(false);
        let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
        fixture.receive(&batch("ping", 3).replace(']', &format!(",{cancelled}]")));
        assert_eq!(fixture.handled(), ["0", "2"]);
    }

    #[test]
    fn a_response_is_delivered_to_its_call_and_an_invalid_one_fails_the_call() {
        for (text, status) in [
            (r#"{"jsonrpc":"2.0","id":"1","result":{}}"#, None),
            (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, Some(MCP_INVALID_MESSAGE)),
            (r#"{"jsonrpc":"2.0","id":1,"result":NaN}"#, Some(MCP_INVALID_JSON)),
            (r#"{"id":1,"result":1}"#, Some(MCP_INVALID_MESSAGE)),
        ] {
            let fixture = RouterFixture::new(false);
            let call = call(&fixture.context);
            let [own, other] = [1, 2].map(|id| fixture.pending.add_request(&call, id, "m", false).unwrap());
            fixture.receive(text);
            match own.outcome() {
                Some(RpcOutcome::Result(_)) => assert_eq!(status, None, "{text}"),
                Some(RpcOutcome::Failed(error)) => assert_eq!(Some(error.status()), status, "{text}"),
                _ => panic!("{text}"),
            }
            assert!(other.outcome().is_none());
        }
    }

    #[test]
    fn an_error_without_an_id_is_for_the_only_waiting_call() {
        for text in [r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#, r#"{"jsonrpc":"2.0","result":{}}"#]
        {
            for count in [1, 2] {
                let fixture = RouterFixture::new(false);
                let call = call(&fixture.context);
                let pending_responses: Vec<_> =
                    (0..count).map(|id| fixture.pending.add_request(&call, id, "m", false).unwrap()).collect();
                fixture.receive(text);
                let delivered =
                    pending_responses.iter().filter(|pending_response| pending_response.outcome().is_some()).count();
                assert_eq!(delivered, usize::from(count == 1), "{text}");
            }
        }
    }

    #[test]
    fn an_error_with_an_id_that_is_not_a_number_is_for_no_call() {
        let fixture = RouterFixture::new(false);
        let pending_response = fixture.pending.add_request(&call(&fixture.context), 1, "m", false).unwrap();
        for id in [r#""abc""#, "1.5", r#""""#] {
            fixture.receive(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32603,"message":"no"}}}}"#));
            assert!(pending_response.outcome().is_none(), "{id}");
        }
        fixture.receive(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"no"}}"#);
        assert!(pending_response.outcome().is_some());
    }

    #[test]
    fn a_notification_is_reported_on_arrival_and_delivered_to_a_call_or_to_the_application() {
        let fixture = RouterFixture::new(false);
        let call = call_with(&fixture.context, &with_progress(|_, _, _| ()));
        let _pending_response = fixture.pending.add_request(&call, 1, "m", false).unwrap();
        let token = call.progress_token();
        fixture.receive(&format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token}}}}}"#
        ));
        fixture.receive(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
        assert_eq!(fixture.inbound.arrivals(), ["notifications/progress", "notifications/tools/list_changed"]);
        let notifications = fixture.inbound.notifications();
        let methods: Vec<&str> = notifications.iter().map(|(notification, _)| notification.method.as_str()).collect();
        assert_eq!(methods, ["notifications/tools/list_changed"]);
    }

    #[test]
    fn messages_are_ignored_after_the_connection_was_stopped() {
        let fixture = RouterFixture::new(false);
        let call = call(&fixture.context);
        let pending_response = fixture.pending.add_request(&call, 1, "m", false).unwrap();
        fixture.pending.stop.set();
        fixture.receive(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        fixture.receive(r#"{"jsonrpc":"2.0","method":"n"}"#);
        assert!(pending_response.outcome().is_none() && fixture.inbound.arrivals().is_empty());
    }

    #[test]
    fn an_echoed_request_of_the_client_is_not_handled() {
        for is_process in [true, false] {
            let fixture = RouterFixture::new(is_process);
            let call = call(&fixture.context);
            let _pending_response = fixture.pending.add_request(&call, 1, "initialize", true).unwrap();
            fixture.receive(r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#);
            assert_eq!(fixture.handled().len(), usize::from(!is_process));
        }
    }

    #[test]
    fn waiting_calls_fail_when_the_reader_ends() {
        for (has_reason, status) in [(true, MCP_DISCONNECTED), (false, MCP_INTERNAL)] {
            let fixture = RouterFixture::new(false);
            let call = call(&fixture.context);
            let pending_response = fixture.pending.add_request(&call, 1, "m", false).unwrap();
            thread::scope(|scope| {
                scope.spawn(|| {
                    let reading = fixture.router.start_reading();
                    if has_reason {
                        reading.end(Error::new(MCP_DISCONNECTED, "the end"));
                    }
                });
            });
            let Some(RpcOutcome::Failed(error)) = pending_response.outcome() else { panic!("the call still waits") };
            assert_eq!(error.status(), status);
        }
    }

    #[test]
    fn a_thread_reads_for_the_context_that_it_started_with() {
        // On a separate thread, because the mark is never removed.
        let reader = thread::spawn(|| {
            let (own, other) = (RouterFixture::new(false), RouterFixture::new(false));
            assert!(!reads_for(&own.context));
            let _reading = own.router.start_reading();
            assert!(reads_for(&own.context) && !reads_for(&other.context));
        });
        reader.join().unwrap();
    }
}
