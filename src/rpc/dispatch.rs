//! Dispatches notifications and requests from the server to the application's callbacks and handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::handlers::{HandlerFailure, HandlerOutcome, Handlers, InputRequest, run_handler};
use super::notification_hook::NotificationHooks;
use super::server_log::ServerLog;
use crate::call::context::CallContext;
use crate::log::LogLevel;
use crate::protocol::ids;
use crate::protocol::incoming::{InputKind, Notification, ServerRequest};
use crate::protocol::messages::{self, INTERNAL_ERROR, METHOD_NOT_FOUND};
use crate::status::MCP_CANCELLED;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wait::Interrupt;
use crate::transport::context::CALL_HAS_ENDED;
use crate::transport::context::InboundHandler;
use crate::transport::reply_slot::ReplySlot;

/// Receives change notifications.
pub trait ChangeObserver: Send + Sync {
    /// Drops cached data that the change makes stale.
    fn invalidate(&self, notification: &Notification);

    /// Passes the notification to the subscriptions.
    fn notify(&self, notification: &Notification);
}

/// Dispatches the notifications and server requests of one client.
pub struct Dispatcher {
    handlers: Handlers,
    server_log: Arc<ServerLog>,
    notifications: Arc<NotificationHooks>,
    observer: Arc<dyn ChangeObserver>,
    active_requests: Arc<ActiveServerRequests>,
}

/// The server requests that handlers are working on.
#[derive(Default)]
pub struct ActiveServerRequests(Mutex<Vec<Arc<ActiveServerRequest>>>);

#[derive(Default)]
struct ActiveServerRequest {
    id: String,
    is_cancelled: AtomicBool,
    /// `None` until the handler begins.
    input: Mutex<Option<Arc<InputRequest>>>,
}

/// Removes its request from the active ones when it is dropped.
struct ActiveServerRequestGuard<'a> {
    requests: &'a ActiveServerRequests,
    request: Arc<ActiveServerRequest>,
}

impl ActiveServerRequests {
    fn begin(&self, id: &str) -> ActiveServerRequestGuard<'_> {
        let request = Arc::new(ActiveServerRequest { id: id.to_owned(), ..ActiveServerRequest::default() });
        self.lock().push(Arc::clone(&request));
        ActiveServerRequestGuard { requests: self, request }
    }

    /// Ends the requests with this id, which the server has cancelled.
    fn cancel(&self, id: &str) {
        let requests = self.lock();
        let cancelled: Vec<_> =
            requests.iter().filter(|request| ids::is_same_id(&request.id, id)).map(Arc::clone).collect();
        drop(requests);
        for request in cancelled {
            request.is_cancelled.store(true, Ordering::SeqCst);
            request.end_if_cancelled();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<ActiveServerRequest>>> {
        self.0.lock()
    }
}

impl ActiveServerRequest {
    /// The handler begins to work on `input`.
    fn begin_input(&self, input: &Arc<InputRequest>) {
        *self.input.lock() = Some(Arc::clone(input));
        // The cancellation may have arrived before.
        self.end_if_cancelled();
    }

    fn end_if_cancelled(&self) {
        if self.is_cancelled.load(Ordering::SeqCst) {
            let input = self.input.lock().clone();
            input.iter().for_each(|input| input.end(MCP_CANCELLED));
        }
    }
}

impl Drop for ActiveServerRequestGuard<'_> {
    fn drop(&mut self) {
        self.requests.lock().retain(|request| !Arc::ptr_eq(request, &self.request));
    }
}

impl Dispatcher {
    pub fn new(
        handlers: Handlers,
        (server_log, notifications): (Arc<ServerLog>, Arc<NotificationHooks>),
        observer: Arc<dyn ChangeObserver>,
    ) -> Dispatcher {
        Dispatcher { handlers, server_log, notifications, observer, active_requests: Arc::default() }
    }
}

/// Lets a handler answer a server request, and sends the response.
fn answer(
    (handlers, kind): (&Handlers, InputKind),
    active_requests: &ActiveServerRequests,
    call: &CallContext,
    request: &ServerRequest,
    slot: ReplySlot,
) {
    let ServerRequest { id, method, params } = request;
    let guard = active_requests.begin(id);
    let end_event = slot.end_event();
    let ends: Vec<&PollableEvent> = end_event.iter().map(|event| &**event).collect();
    let outcome = run_handler(call, (handlers, kind), params.as_ref(), &ends, |input| guard.request.begin_input(input));
    if guard.request.is_cancelled.load(Ordering::SeqCst) {
        call.log(LogLevel::Debug, || format!("the server cancelled its {method}: no response is sent"));
        return;
    }
    let response = match outcome {
        HandlerOutcome::Response(result) => messages::result(id, &result),
        HandlerOutcome::Failed(HandlerFailure { code, message, .. }) => messages::error_response(id, code, &message),
        // The server must not wait for a response. With the client, its session ends, too.
        HandlerOutcome::Over(Interrupt::Closed | Interrupt::Done) => return,
        HandlerOutcome::Over(_) => return slot.reject(&messages::error_response(id, INTERNAL_ERROR, CALL_HAS_ENDED)),
    };
    send(call, method, slot, &response);
}

fn send(call: &CallContext, method: &str, slot: ReplySlot, response: &str) {
    if let Err(error) = slot.respond(response) {
        call.log(LogLevel::Warning, || format!("the server did not accept the response to its {method}: {error}"));
    }
}

impl InboundHandler for Dispatcher {
    fn has_handlers(&self) -> bool {
        self.handlers.client_capabilities().any()
    }

    fn observes_notifications(&self) -> bool {
        self.notifications.is_set()
    }

    fn on_arrival(&self, notification: &Notification) {
        self.observer.invalidate(notification);
    }

    fn notification(&self, call: &CallContext, notification: &Notification) {
        if self.notifications.is_set() && !notification.is_too_long() {
            call.paused(|clock| clock.during(|| self.notifications.run(call.log_hook(), notification)));
        }
        match notification.method.as_str() {
            method if notification.is_too_long() => {
                call.log(LogLevel::Warning, || format!("skipped {method}, whose parameters are longer than 1 MiB"));
            }
            "notifications/progress" if call.is_progress(notification) => {
                // The next wait of the call notices an interrupt, also by the callback.
                let _ = call.report_progress(notification.progress().as_slice());
            }
            "notifications/message" if self.server_log.has_hook() => {
                call.paused(|clock| clock.during(|| self.server_log.run_hook(call.log_hook(), notification)));
            }
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed"
            | "notifications/resources/updated" => {
                self.observer.invalidate(notification);
                self.observer.notify(notification);
            }
            "notifications/cancelled" => {
                call.log(LogLevel::Debug, || "the server cancelled one of its requests".into());
                notification.cancelled().into_iter().for_each(|id| self.active_requests.cancel(id));
            }
            method if !self.notifications.is_set() => {
                call.log(LogLevel::Debug, || format!("the server sent {method}, for which no handler is set"));
            }
            _ => {}
        }
    }

    fn server_request(&self, call: &CallContext, request: &ServerRequest, slot: ReplySlot) {
        let ServerRequest { id, method, .. } = request;
        call.log(LogLevel::Debug, || format!("the server requested {method}"));
        if !slot.is_answerable() {
            return;
        }
        let Some(kind) = InputKind::of(method).filter(|kind| self.handlers.of(*kind).is_some()) else {
            let response = match method.as_str() {
                "ping" => messages::result(id, "{}"),
                _ => messages::error_response(id, METHOD_NOT_FOUND, "Method not found"),
            };
            return send(call, method, slot, &response);
        };
        if !call.is_internal {
            return answer((&self.handlers, kind), &self.active_requests, call, request, slot);
        }
        // This thread reads the messages of all calls: it does not wait for the application.
        let handlers = self.handlers.clone();
        let active_requests = Arc::clone(&self.active_requests);
        let (own_call, request) = (call.clone(), request.clone());
        let started = call.callbacks().start_waiting(Box::new(move || {
            answer((&handlers, kind), &active_requests, &own_call, &request, slot);
        }));
        if let Err(error) = started {
            call.log(LogLevel::Warning, || format!("a request of the server gets no response: {error}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{OnceLock, Weak};

    use super::*;
    use crate::call::context::CallOptions;
    use crate::call::request::PeerContext;
    use crate::protocol::json::Json;
    use crate::rpc::handlers::{Handler, InputRequest};
    use crate::transport::context::TransportContext;
    use crate::transport::fake::{self, FakeTransport, TransportMethod, call, call_with, notification, with_progress};
    use crate::transport::interface::TransportKind;
    use crate::transport::reply_slot::CallLifetime;

    const CHANGES: [&str; 4] = [
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
    ];

    /// Texts in the order in which they were added.
    #[derive(Default)]
    struct RecordedTexts(Mutex<Vec<String>>);

    impl RecordedTexts {
        fn add(&self, text: impl Into<String>) {
            self.0.lock().push(text.into());
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut *self.0.lock())
        }
    }

    impl ChangeObserver for RecordedTexts {
        fn invalidate(&self, notification: &Notification) {
            self.add(format!("invalidate {}", notification.method));
        }

        fn notify(&self, notification: &Notification) {
            self.add(format!("notify {}", notification.method));
        }
    }

    struct DispatchFixture {
        context: Arc<TransportContext>,
        fake: Arc<FakeTransport>,
        server_log: Arc<ServerLog>,
        changes: Arc<RecordedTexts>,
        /// Lines of the client's log.
        log: Arc<RecordedTexts>,
    }

    impl DispatchFixture {
        fn new(handlers: Handlers) -> DispatchFixture {
            let (server_log, changes, log) =
                (Arc::<ServerLog>::default(), Arc::<RecordedTexts>::default(), Arc::<RecordedTexts>::default());
            let observer = Arc::clone(&changes) as Arc<dyn ChangeObserver>;
            let context = fake::transport_context(Arc::new(Dispatcher::new(
                handlers,
                (Arc::clone(&server_log), Arc::default()),
                observer,
            )));
            let lines = Arc::clone(&log);
            context.calls.log.set(Some(Arc::new(move |level, line| lines.add(format!("{level:?} {line}")))));
            let fake = FakeTransport::new(&context, TransportKind::StreamableHttp);
            DispatchFixture { context, fake, server_log, changes, log }
        }

        /// The messages that are posted when a server request arrives during a call.
        fn posted(&self, request: &ServerRequest, peer_context: &PeerContext) -> Vec<String> {
            let (call, lifetime) = (call(&self.context), CallLifetime::default());
            let slot = lifetime.slot(self.fake.weak(), peer_context, &call);
            let before = self.fake.seen().len();
            self.context.inbound.server_request(&call, request, slot);
            self.fake.sent(TransportMethod::Post).split_off(before)
        }

        fn response(&self, request: &ServerRequest) -> String {
            let mut posted = self.posted(request, &PeerContext::for_initialize());
            assert_eq!(posted.len(), 1, "{posted:?}");
            posted.remove(0)
        }

        fn on_notification(&self, call: &CallContext, notification: &Notification) {
            self.context.inbound.notification(call, notification);
        }
    }

    fn request(id: &str, method: &str) -> ServerRequest {
        ServerRequest { params: Some(Json::parse("{}".into()).unwrap()), ..fake::server_request(id, method) }
    }

    fn with_handler(kind: InputKind, handler: impl Fn(&Arc<InputRequest>) + Send + Sync + 'static) -> Handlers {
        let mut handlers = Handlers::default();
        *handlers.of_mut(kind) = Some(Arc::new(handler) as Arc<Handler>);
        handlers
    }

    #[test]
    fn the_response_to_a_ping_has_its_id() {
        let fixture = DispatchFixture::new(Handlers::default());
        assert_eq!(fixture.response(&request("\"p\"", "ping")), r#"{"jsonrpc":"2.0","id":"p","result":{}}"#);
    }

    #[test]
    fn an_unknown_method_and_one_without_a_handler_are_refused_with_32601() {
        let fixture =
            DispatchFixture::new(with_handler(InputKind::Sampling, |_| panic!("the handler runs for another method")));
        for method in ["x/y", "roots/list", "elicitation/create"] {
            let expected = r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"Method not found"}}"#;
            assert_eq!(fixture.response(&request("3", method)), expected);
        }
    }

    #[test]
    fn the_last_response_of_a_handler_is_sent_once() {
        let runs = Arc::<RecordedTexts>::default();
        let seen = Arc::clone(&runs);
        let fixture = DispatchFixture::new(with_handler(InputKind::Roots, move |input| {
            seen.add(input.params.text());
            input.respond(r#"{"roots":[1]}"#).unwrap();
            input.respond(r#"{"roots":[2]}"#).unwrap();
        }));
        assert!(
            fixture.context.inbound.has_handlers()
                && !DispatchFixture::new(Handlers::default()).context.inbound.has_handlers()
        );
        let roots_request =
            ServerRequest { params: Some(Json::parse(r#"{"a":1}"#.into()).unwrap()), ..request("4", "roots/list") };
        assert_eq!(fixture.response(&roots_request), r#"{"jsonrpc":"2.0","id":4,"result":{"roots":[2]}}"#);
        assert_eq!(runs.take(), [r#"{"a":1}"#]);
    }

    #[test]
    fn the_failure_of_a_handler_is_sent_as_an_error() {
        let fixture = DispatchFixture::new(with_handler(InputKind::Roots, |input| input.fail(-5, "no", None).unwrap()));
        let expected = r#"{"jsonrpc":"2.0","id":4,"error":{"code":-5,"message":"no"}}"#;
        assert_eq!(fixture.response(&request("4", "roots/list")), expected);
    }

    #[test]
    fn a_handler_without_a_response_cancels_an_elicitation_and_fails_otherwise() {
        let fixture = DispatchFixture::new(with_handler(InputKind::Elicitation, |_| ()));
        let response = fixture.response(&request("4", "elicitation/create"));
        assert_eq!(response, r#"{"jsonrpc":"2.0","id":4,"result":{"action":"cancel"}}"#);
        let fixture = DispatchFixture::new(with_handler(InputKind::Sampling, |_| ()));
        assert!(fixture.response(&request("4", "sampling/createMessage")).contains(r#""error":{"code":-32603"#));
    }

    #[test]
    fn a_server_request_that_is_cancelled_while_its_handler_runs_gets_no_response() {
        let target = Arc::<OnceLock<(Weak<TransportContext>, String)>>::default();
        let handler_target = Arc::clone(&target);
        // The handler may still run when the request has ended.
        let (seen, states) = std::sync::mpsc::channel();
        let handler = move |input: &Arc<InputRequest>| {
            // Simulates a cancellation that another thread reads meanwhile.
            if let Some((context, id)) = handler_target.get() {
                let context = context.upgrade().unwrap();
                let params = format!(r#"{{"requestId":{id}}}"#);
                context.inbound.notification(&call(&context), &notification("notifications/cancelled", &params));
            }
            let state = if input.is_over() { "cancelled" } else { "active" };
            let responded = input.respond(r#"{"roots":[]}"#).map_err(|error| error.status());
            assert_eq!(responded, if state == "active" { Ok(()) } else { Err(MCP_CANCELLED) });
            seen.send(state).unwrap();
        };
        let fixture = DispatchFixture::new(with_handler(InputKind::Roots, handler));
        target.set((Arc::downgrade(&fixture.context), "7.0".into())).unwrap();
        for (id, count, state) in [("7", 0, "cancelled"), ("8", 1, "active"), ("\"7\"", 1, "active")] {
            let posted = fixture.posted(&request(id, "roots/list"), &PeerContext::for_initialize());
            assert_eq!((posted.len(), states.recv().unwrap()), (count, state), "{id}");
        }
    }

    #[test]
    fn a_cancellation_does_not_affect_a_later_request_with_the_same_id() {
        let fixture =
            DispatchFixture::new(with_handler(InputKind::Roots, |input| input.respond(r#"{"roots":[]}"#).unwrap()));
        for _ in 0..2 {
            fixture.response(&request("7", "roots/list"));
            fixture.on_notification(
                &call(&fixture.context),
                &notification("notifications/cancelled", r#"{"requestId":7}"#),
            );
        }
    }

    #[test]
    fn a_request_from_a_modern_server_is_ignored() {
        let fixture =
            DispatchFixture::new(with_handler(InputKind::Roots, |_| panic!("the handler runs for a modern server")));
        for method in ["ping", "roots/list", "x/y"] {
            assert!(fixture.posted(&request("7", method), &PeerContext::modern("2026-07-28")).is_empty(), "{method}");
        }
    }

    #[test]
    fn a_response_after_the_end_of_the_call_is_discarded() {
        let lifetime = Arc::new(Mutex::new(Some(CallLifetime::default())));
        let handler_lifetime = Arc::clone(&lifetime);
        let fixture = DispatchFixture::new(with_handler(InputKind::Roots, move |input| {
            drop(handler_lifetime.lock().take());
            input.respond(r#"{"roots":[]}"#).unwrap();
        }));
        let call = call(&fixture.context);
        let slot = |lifetime: &CallLifetime| lifetime.slot(fixture.fake.weak(), &PeerContext::for_initialize(), &call);
        let slots = lifetime.lock().as_ref().map(|lifetime| (slot(lifetime), slot(lifetime)));
        let (first, second) = slots.unwrap();
        fixture.context.inbound.server_request(&call, &request("7", "roots/list"), first);
        assert!(second.has_ended());
        assert!(fixture.fake.seen().is_empty());
    }

    #[test]
    fn progress_is_reported_to_the_call_with_its_token() {
        let reported = Arc::<RecordedTexts>::default();
        let recorded = Arc::clone(&reported);
        let options =
            with_progress(move |progress, total, message| recorded.add(format!("{progress} {total:?} {message:?}")));
        let fixture = DispatchFixture::new(Handlers::default());
        let (own, other) = (call_with(&fixture.context, &options), call_with(&fixture.context, &options));
        let without = call_with(&fixture.context, &CallOptions::default());
        let progress = |members: &str| {
            let token = own.progress_token();
            notification("notifications/progress", &format!(r#"{{"progressToken":{token}{members}}}"#))
        };
        let complete = progress(r#","progress":0.5,"total":2,"message":"half""#);
        fixture.on_notification(&other, &complete);
        fixture.on_notification(&without, &complete);
        // The token zero means that a call requests no progress.
        fixture
            .on_notification(&without, &notification("notifications/progress", r#"{"progressToken":0,"progress":1}"#));
        fixture.on_notification(&own, &progress(r#","progress":"x""#));
        assert!(reported.take().is_empty());
        fixture.on_notification(&own, &complete);
        fixture.on_notification(&own, &progress(r#","progress":1"#));
        assert_eq!(reported.take(), [r#"0.5 Some(2.0) Some("half")"#, "1 None None"]);
    }

    #[test]
    fn a_notification_that_is_too_long_is_skipped_with_a_warning() {
        let fixture = DispatchFixture::new(Handlers::default());
        let long = format!(r#"{{"x":"{}"}}"#, "x".repeat(1024 * 1024));
        for method in CHANGES {
            fixture.on_notification(&call(&fixture.context), &notification(method, &long));
            assert!(fixture.changes.take().is_empty(), "{method}");
            let expected = format!("Warning skipped {method}, whose parameters are longer than 1 MiB");
            assert_eq!(fixture.log.take(), [expected]);
        }
    }

    #[test]
    fn log_messages_of_any_length_go_to_the_hook() {
        let fixture = DispatchFixture::new(Handlers::default());
        let call = call(&fixture.context);
        let long = format!(r#"{{"data":"{}"}}"#, "x".repeat(1024 * 1024));
        let messages =
            [r#"{"level":"info","data":1}"#, &long].map(|params| notification("notifications/message", params));
        fixture.on_notification(&call, &messages[0]);
        let logged = Arc::<RecordedTexts>::default();
        let hook = Arc::clone(&logged);
        fixture.server_log.set_hook(Some(Arc::new(move |params| hook.add(params.text()))));
        messages.iter().for_each(|message| fixture.on_notification(&call, message));
        assert_eq!(logged.take(), [r#"{"level":"info","data":1}"#, &long]);
    }

    #[test]
    fn a_change_invalidates_caches_and_is_then_passed_on() {
        let fixture = DispatchFixture::new(Handlers::default());
        for method in CHANGES {
            fixture.on_notification(&call(&fixture.context), &notification(method, "{}"));
            assert_eq!(fixture.changes.take(), [format!("invalidate {method}"), format!("notify {method}")]);
        }
        fixture.on_notification(&call(&fixture.context), &notification("notifications/other", "{}"));
        assert!(fixture.changes.take().is_empty());
    }

    #[test]
    fn a_change_invalidates_caches_on_arrival_and_is_not_passed_on_yet() {
        let fixture = DispatchFixture::new(Handlers::default());
        fixture.context.inbound.on_arrival(&notification(CHANGES[0], "{}"));
        assert_eq!(fixture.changes.take(), [format!("invalidate {}", CHANGES[0])]);
    }
}
