//! What a server sends beside answers: notifications go to whoever wants to know, and requests to the handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::handlers::{HandlerFailure, Handlers, ask};
use super::server_log::ServerLog;
use crate::call::context::CallContext;
use crate::log::LogLevel;
use crate::protocol::ids;
use crate::protocol::incoming::{InputKind, Notification, ServerRequest};
use crate::protocol::messages::{self, METHOD_NOT_FOUND};
use crate::protocol::raw_value::RawValue;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::transport::context::InboundHandler;
use crate::transport::reply_slot::ReplySlot;

/// Who is told of changes.
pub trait ChangeObserver: Send + Sync {
    /// Forgets what the change makes stale.
    fn forget(&self, notice: &Notification);

    /// Tells who listens.
    fn tell(&self, notice: &Notification);
}

/// Hands on what comes for one client.
pub struct Dispatcher {
    handlers: Handlers,
    server_log: Arc<ServerLog>,
    on_change: Arc<dyn ChangeObserver>,
    serving: ActiveServerRequests,
}

/// The server's own requests that are being answered.
#[derive(Default)]
pub struct ActiveServerRequests(Mutex<Vec<ActiveServerRequest>>);

struct ActiveServerRequest {
    id: String,
    is_cancelled: Arc<AtomicBool>,
}

/// One of them; it ends when this is dropped.
struct ActiveServerRequestGuard<'a> {
    all: &'a ActiveServerRequests,
    is_cancelled: Arc<AtomicBool>,
}

impl ActiveServerRequests {
    fn begin(&self, id: &str) -> ActiveServerRequestGuard<'_> {
        let is_cancelled = Arc::new(AtomicBool::new(false));
        self.lock().push(ActiveServerRequest { id: id.to_owned(), is_cancelled: Arc::clone(&is_cancelled) });
        ActiveServerRequestGuard { all: self, is_cancelled }
    }

    /// The server does not want an answer any more.
    fn cancel(&self, id: &str) {
        let all = self.lock();
        let cancelled = all.iter().filter(|served| ids::is_same_id(&served.id, id));
        cancelled.for_each(|served| served.is_cancelled.store(true, Ordering::Relaxed));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ActiveServerRequest>> {
        self.0.lock()
    }
}

impl Drop for ActiveServerRequestGuard<'_> {
    fn drop(&mut self) {
        self.all.lock().retain(|served| !Arc::ptr_eq(&served.is_cancelled, &self.is_cancelled));
    }
}

impl Dispatcher {
    pub fn new(handlers: Handlers, server_log: Arc<ServerLog>, on_change: Arc<dyn ChangeObserver>) -> Dispatcher {
        Dispatcher { handlers, server_log, on_change, serving: ActiveServerRequests::default() }
    }

    fn reply(
        &self,
        call: &CallContext,
        asked: &ServerRequest,
        is_cancelled: &Arc<AtomicBool>,
    ) -> Result<String, HandlerFailure> {
        if asked.method == "ping" {
            return Ok("{}".into());
        }
        let handled = InputKind::of(&asked.method).and_then(|kind| Some((kind, self.handlers.of(kind)?)));
        match handled {
            Some((kind, handler)) => ask(call, kind, handler, asked.params.as_ref(), Some(is_cancelled)),
            None => Err(HandlerFailure { code: METHOD_NOT_FOUND, message: "Method not found".into() }),
        }
    }
}

impl InboundHandler for Dispatcher {
    fn has_handlers(&self) -> bool {
        self.handlers.client_capabilities().any()
    }

    fn on_arrival(&self, notice: &Notification) {
        self.on_change.forget(notice);
    }

    fn notification(&self, call: &CallContext, notice: &Notification) {
        match notice.method.as_str() {
            method if notice.is_too_long() => {
                call.log(LogLevel::Warning, || format!("skipped {method}, whose parameters are longer than 1 MiB"));
            }
            "notifications/progress" if call.is_progress(notice) => report_progress(call, notice),
            "notifications/message" if self.server_log.has_hook() => {
                call.paused(|clock| clock.during(|| self.server_log.tell(notice)));
            }
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed"
            | "notifications/resources/updated" => {
                self.on_change.forget(notice);
                self.on_change.tell(notice);
            }
            "notifications/cancelled" => {
                call.log(LogLevel::Debug, || "the server cancelled one of its requests".into());
                notice.cancelled().into_iter().for_each(|id| self.serving.cancel(id));
            }
            method => call.log(LogLevel::Debug, || format!("the server sent {method}, for which no handler is set")),
        }
    }

    fn server_request(&self, call: &CallContext, asked: &ServerRequest, slot: ReplySlot) {
        let ServerRequest { id, method, .. } = asked;
        call.log(LogLevel::Debug, || format!("the server requested {method}"));
        if !slot.is_answerable() {
            return;
        }
        let in_service = self.serving.begin(id);
        let reply = self.reply(call, asked, &in_service.is_cancelled);
        if in_service.is_cancelled.load(Ordering::Relaxed) {
            call.log(LogLevel::Debug, || format!("the server cancelled its {method}: no response is sent"));
            return;
        }
        let reply = match reply {
            Ok(result) => messages::result(id, &result),
            Err(HandlerFailure { code, message }) => messages::error_response(id, code, &message),
        };
        if let Err(error) = slot.answer(&reply) {
            call.log(LogLevel::Warning, || format!("the server did not accept the response to its {method}: {error}"));
        }
    }
}

/// The callback's time does not count against the timeout.
fn report_progress(call: &CallContext, notice: &Notification) {
    let Some(progress) = notice.member("progress").and_then(RawValue::double) else { return };
    let total = notice.member("total").and_then(RawValue::double);
    let message = notice.member("message").and_then(RawValue::text);
    call.paused(|clock| clock.during(|| call.report_progress(progress, total, message.as_deref())));
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
    use crate::transport::fake::{self, FakeTransport, TransportMethod, call, call_with, notice, with_progress};
    use crate::transport::interface::TransportKind;
    use crate::transport::reply_slot::CallLifetime;

    const CHANGES: [&str; 4] = [
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
    ];

    /// Texts in the order in which they came.
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
        fn forget(&self, notice: &Notification) {
            self.add(format!("forget {}", notice.method));
        }

        fn tell(&self, notice: &Notification) {
            self.add(format!("tell {}", notice.method));
        }
    }

    struct DispatchFixture {
        host: Arc<TransportContext>,
        fake: Arc<FakeTransport>,
        server_log: Arc<ServerLog>,
        changes: Arc<RecordedTexts>,
        /// Lines of the client's own log.
        log: Arc<RecordedTexts>,
    }

    impl DispatchFixture {
        fn new(handlers: Handlers) -> DispatchFixture {
            let (server_log, changes, log) =
                (Arc::<ServerLog>::default(), Arc::<RecordedTexts>::default(), Arc::<RecordedTexts>::default());
            let on_change = Arc::clone(&changes) as Arc<dyn ChangeObserver>;
            let host = fake::host(Arc::new(Dispatcher::new(handlers, Arc::clone(&server_log), on_change)));
            let lines = Arc::clone(&log);
            host.calls.log.set(Some(Arc::new(move |level, line| lines.add(format!("{level:?} {line}")))));
            let fake = FakeTransport::new(&host, TransportKind::StreamableHttp);
            DispatchFixture { host, fake, server_log, changes, log }
        }

        /// What is posted when a server asks for something during a call.
        fn posted(&self, asked: &ServerRequest, peer_context: &PeerContext) -> Vec<String> {
            let (call, asking) = (call(&self.host), CallLifetime::default());
            let slot = asking.slot(self.fake.weak(), peer_context, &call);
            let before = self.fake.seen().len();
            self.host.inbound.server_request(&call, asked, slot);
            self.fake.sent(TransportMethod::Post).split_off(before)
        }

        fn answer(&self, asked: &ServerRequest) -> String {
            let mut posted = self.posted(asked, &PeerContext::opening());
            assert_eq!(posted.len(), 1, "{posted:?}");
            posted.remove(0)
        }

        fn on_notification(&self, call: &CallContext, notice: &Notification) {
            self.host.inbound.notification(call, notice);
        }
    }

    fn asked(id: &str, method: &str) -> ServerRequest {
        ServerRequest { params: Some(Json::parse("{}".into()).unwrap()), ..fake::asked(id, method) }
    }

    fn with_handler(kind: InputKind, handler: impl Fn(&mut InputRequest) + Send + Sync + 'static) -> Handlers {
        let mut handlers = Handlers::default();
        *handlers.of_mut(kind) = Some(Arc::new(handler) as Arc<Handler>);
        handlers
    }

    #[test]
    fn a_ping_is_answered_under_its_own_id() {
        let fixture = DispatchFixture::new(Handlers::default());
        assert_eq!(fixture.answer(&asked("\"p\"", "ping")), r#"{"jsonrpc":"2.0","id":"p","result":{}}"#);
    }

    #[test]
    fn an_unknown_method_and_one_without_a_handler_are_refused_with_32601() {
        let fixture = DispatchFixture::new(with_handler(InputKind::Sampling, |_| panic!("it was not asked for")));
        for method in ["x/y", "roots/list", "elicitation/create"] {
            let expected = r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"Method not found"}}"#;
            assert_eq!(fixture.answer(&asked("3", method)), expected);
        }
    }

    #[test]
    fn the_last_answer_of_a_handler_is_sent_once() {
        let runs = Arc::<RecordedTexts>::default();
        let seen = Arc::clone(&runs);
        let fixture = DispatchFixture::new(with_handler(InputKind::Roots, move |input| {
            seen.add(input.params.text());
            input.respond(r#"{"roots":[1]}"#).unwrap();
            input.respond(r#"{"roots":[2]}"#).unwrap();
        }));
        assert!(
            fixture.host.inbound.has_handlers()
                && !DispatchFixture::new(Handlers::default()).host.inbound.has_handlers()
        );
        let request =
            ServerRequest { params: Some(Json::parse(r#"{"a":1}"#.into()).unwrap()), ..asked("4", "roots/list") };
        assert_eq!(fixture.answer(&request), r#"{"jsonrpc":"2.0","id":4,"result":{"roots":[2]}}"#);
        assert_eq!(runs.take(), [r#"{"a":1}"#]);
    }

    #[test]
    fn the_failure_of_a_handler_is_sent_as_an_error() {
        let fixture = DispatchFixture::new(with_handler(InputKind::Roots, |input| input.fail(-5, "no")));
        let expected = r#"{"jsonrpc":"2.0","id":4,"error":{"code":-5,"message":"no"}}"#;
        assert_eq!(fixture.answer(&asked("4", "roots/list")), expected);
    }

    #[test]
    fn a_handler_without_an_answer_cancels_a_dialog_and_fails_otherwise() {
        let fixture = DispatchFixture::new(with_handler(InputKind::Elicitation, |_| ()));
        let answer = fixture.answer(&asked("4", "elicitation/create"));
        assert_eq!(answer, r#"{"jsonrpc":"2.0","id":4,"result":{"action":"cancel"}}"#);
        let fixture = DispatchFixture::new(with_handler(InputKind::Sampling, |_| ()));
        assert!(fixture.answer(&asked("4", "sampling/createMessage")).contains(r#""error":{"code":-32603"#));
    }

    #[test]
    fn a_server_request_that_is_cancelled_while_its_handler_runs_gets_no_answer() {
        let (place, seen) =
            (Arc::<OnceLock<(Weak<TransportContext>, String)>>::default(), Arc::<RecordedTexts>::default());
        let (handler_place, handler_seen) = (Arc::clone(&place), Arc::clone(&seen));
        let handler = move |input: &mut InputRequest| {
            // As if it came on another thread.
            if let Some((host, id)) = handler_place.get() {
                let host = host.upgrade().unwrap();
                let params = format!(r#"{{"requestId":{id}}}"#);
                host.inbound.notification(&call(&host), &notice("notifications/cancelled", &params));
            }
            handler_seen.add(if input.is_cancelled() { "cancelled" } else { "wanted" });
            input.respond(r#"{"roots":[]}"#).unwrap();
        };
        let fixture = DispatchFixture::new(with_handler(InputKind::Roots, handler));
        place.set((Arc::downgrade(&fixture.host), "7.0".into())).unwrap();
        for (id, count, state) in [("7", 0, "cancelled"), ("8", 1, "wanted"), ("\"7\"", 1, "wanted")] {
            let posted = fixture.posted(&asked(id, "roots/list"), &PeerContext::opening());
            assert_eq!((posted.len(), seen.take()), (count, vec![state.to_owned()]), "{id}");
        }
    }

    #[test]
    fn a_cancellation_does_not_count_for_a_later_request_with_the_same_id() {
        let fixture =
            DispatchFixture::new(with_handler(InputKind::Roots, |input| input.respond(r#"{"roots":[]}"#).unwrap()));
        for _ in 0..2 {
            fixture.answer(&asked("7", "roots/list"));
            fixture.on_notification(&call(&fixture.host), &notice("notifications/cancelled", r#"{"requestId":7}"#));
        }
    }

    #[test]
    fn a_request_of_a_modern_server_is_neither_handled_nor_answered() {
        let fixture = DispatchFixture::new(with_handler(InputKind::Roots, |_| panic!("it was asked")));
        for method in ["ping", "roots/list", "x/y"] {
            assert!(fixture.posted(&asked("7", method), &PeerContext::modern("2026-07-28")).is_empty(), "{method}");
        }
    }

    #[test]
    fn a_reply_after_the_end_of_its_call_is_discarded() {
        let asking = Arc::new(Mutex::new(Some(CallLifetime::default())));
        let ends = Arc::clone(&asking);
        let fixture = DispatchFixture::new(with_handler(InputKind::Roots, move |input| {
            drop(ends.lock().take());
            input.respond(r#"{"roots":[]}"#).unwrap();
        }));
        let call = call(&fixture.host);
        let slot = |asking: &CallLifetime| asking.slot(fixture.fake.weak(), &PeerContext::opening(), &call);
        let slots = asking.lock().as_ref().map(|asking| (slot(asking), slot(asking)));
        let (first, second) = slots.unwrap();
        fixture.host.inbound.server_request(&call, &asked("7", "roots/list"), first);
        assert!(second.has_ended());
        assert!(fixture.fake.seen().is_empty());
    }

    #[test]
    fn progress_is_told_to_the_call_that_has_its_token() {
        let told = Arc::<RecordedTexts>::default();
        let tells = Arc::clone(&told);
        let options =
            with_progress(move |progress, total, message| tells.add(format!("{progress} {total:?} {message:?}")));
        let fixture = DispatchFixture::new(Handlers::default());
        let (own, other) = (call_with(&fixture.host, &options), call_with(&fixture.host, &options));
        let without = call_with(&fixture.host, &CallOptions::default());
        let progress = |members: &str| {
            let token = own.progress_token();
            notice("notifications/progress", &format!(r#"{{"progressToken":{token}{members}}}"#))
        };
        let whole = progress(r#","progress":0.5,"total":2,"message":"half""#);
        fixture.on_notification(&other, &whole);
        fixture.on_notification(&without, &whole);
        // A token of zero is that of a call that wants no progress.
        fixture.on_notification(&without, &notice("notifications/progress", r#"{"progressToken":0,"progress":1}"#));
        fixture.on_notification(&own, &progress(r#","progress":"x""#));
        assert!(told.take().is_empty());
        fixture.on_notification(&own, &whole);
        fixture.on_notification(&own, &progress(r#","progress":1"#));
        assert_eq!(told.take(), [r#"0.5 Some(2.0) Some("half")"#, "1 None None"]);
    }

    #[test]
    fn a_notification_that_is_too_long_is_skipped_with_a_warning() {
        let fixture = DispatchFixture::new(Handlers::default());
        let long = format!(r#"{{"x":"{}"}}"#, "x".repeat(1024 * 1024));
        for method in CHANGES {
            fixture.on_notification(&call(&fixture.host), &notice(method, &long));
            assert!(fixture.changes.take().is_empty(), "{method}");
            let expected = format!("Warning skipped {method}, whose parameters are longer than 1 MiB");
            assert_eq!(fixture.log.take(), [expected]);
        }
    }

    #[test]
    fn log_messages_of_any_length_go_to_the_hook() {
        let fixture = DispatchFixture::new(Handlers::default());
        let call = call(&fixture.host);
        let long = format!(r#"{{"data":"{}"}}"#, "x".repeat(1024 * 1024));
        let messages = [r#"{"level":"info","data":1}"#, &long].map(|params| notice("notifications/message", params));
        fixture.on_notification(&call, &messages[0]);
        let logged = Arc::<RecordedTexts>::default();
        let hook = Arc::clone(&logged);
        fixture.server_log.set_hook(Some(Arc::new(move |params| hook.add(params.text()))));
        messages.iter().for_each(|message| fixture.on_notification(&call, message));
        assert_eq!(logged.take(), [r#"{"level":"info","data":1}"#, &long]);
    }

    #[test]
    fn a_change_is_forgotten_and_then_told() {
        let fixture = DispatchFixture::new(Handlers::default());
        for method in CHANGES {
            fixture.on_notification(&call(&fixture.host), &notice(method, "{}"));
            assert_eq!(fixture.changes.take(), [format!("forget {method}"), format!("tell {method}")]);
        }
        fixture.on_notification(&call(&fixture.host), &notice("notifications/other", "{}"));
        assert!(fixture.changes.take().is_empty());
    }

    #[test]
    fn a_change_is_forgotten_at_its_arrival_and_not_told_yet() {
        let fixture = DispatchFixture::new(Handlers::default());
        fixture.host.inbound.on_arrival(&notice(CHANGES[0], "{}"));
        assert_eq!(fixture.changes.take(), [format!("forget {}", CHANGES[0])]);
    }
}
