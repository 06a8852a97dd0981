//! A transport without a server, for unit tests: it follows scripts and records the calls of its methods.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock, Weak, mpsc};
use std::time::Duration;

use ::http::HeaderValue;

use super::context::{InboundHandler, TransportContext};
use super::interface::{NotificationCallback, SubscriptionFailure, Transport, TransportKind, TransportResponse};
use super::reader_threads::ReaderThreads;
use super::reply_slot::{CallLifetime, ReplySlot};
use crate::auth::call_factory::CallFactory;
use crate::call::context::{CallContext, CallOptions};
use crate::call::limits::SizeLimits;
use crate::call::new_event;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::send_error::SendError;
use crate::error::{Error, Result, RpcError};
use crate::protocol::incoming::{Notification, ServerRequest};
use crate::protocol::json::Json;
use crate::protocol::jsonrpc::{ResultType, RpcResponse};
use crate::protocol::lost_session::SessionReference;
use crate::protocol::message_text::MessageText;
use crate::protocol::version::Era;
use crate::status::MCP_RPC_ERROR;
use crate::sys::lock::Mutex;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::process;

/// One step of the script for a request. The last step is a response or a failure.
pub enum ScriptStep {
    Notification(Notification),
    ServerRequest(ServerRequest),
    Responds(TransportResponse),
    Fails(SendError),
}

/// A method of [`Transport`] that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportMethod {
    Request,
    Subscribe,
    Post,
    PostBestEffort,
    OpenServerStream,
    StopServerStream,
    Bind,
    TerminateSession,
    TerminateSessionBestEffort,
}

/// One call of a method of the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCall {
    pub via: TransportMethod,
    /// The method of a request.
    pub method: String,
    /// The parameters of a request, a whole message, or the negotiated version.
    pub text: String,
    pub era: Option<Era>,
    pub version: Option<&'static str>,
    pub session_id: Option<HeaderValue>,
}

pub struct FakeTransport {
    me: Weak<FakeTransport>,
    context: Arc<TransportContext>,
    transport_kind: TransportKind,
    scripts: Mutex<VecDeque<(&'static str, Vec<ScriptStep>)>>,
    calls: Mutex<Vec<RecordedCall>>,
    end_event: Arc<PollableEvent>,
    end_reason: OnceLock<Error>,
}

impl FakeTransport {
    pub fn new(context: &Arc<TransportContext>, transport_kind: TransportKind) -> Arc<FakeTransport> {
        Arc::new_cyclic(|me| FakeTransport {
            me: Weak::clone(me),
            context: Arc::clone(context),
            transport_kind,
            scripts: Mutex::default(),
            calls: Mutex::default(),
            end_event: Arc::new(new_event().unwrap()),
            end_reason: OnceLock::new(),
        })
    }

    /// The transport for a [`ReplySlot`].
    pub fn weak(&self) -> Weak<dyn Transport> {
        self.me.clone()
    }

    /// Adds a script for `method`. Each request takes the oldest script of its method.
    pub fn script(&self, method: &'static str, steps: impl IntoIterator<Item = ScriptStep>) {
        self.scripts.lock().push_back((method, steps.into_iter().collect()));
    }

    /// The calls of the transport's methods, in their order.
    pub fn seen(&self) -> Vec<RecordedCall> {
        self.calls.lock().clone()
    }

    /// The texts that were given to one method.
    pub fn sent(&self, via: TransportMethod) -> Vec<String> {
        self.seen().into_iter().filter(|call| call.via == via).map(|call| call.text).collect()
    }

    /// Ends the transport.
    pub fn end(&self, reason: Error) {
        let _ = self.end_reason.set(reason);
        self.end_event.set();
    }

    fn record(&self, via: TransportMethod, peer_context: Option<&PeerContext>, method: &str, text: String) {
        let call = RecordedCall {
            via,
            method: method.into(),
            text,
            era: peer_context.map(|peer_context| peer_context.era),
            version: peer_context.and_then(|peer_context| peer_context.version),
            session_id: peer_context.and_then(|peer_context| peer_context.session_id.clone()),
        };
        self.calls.lock().push(call);
    }

    fn take_script(&self, method: &str) -> Vec<ScriptStep> {
        let mut scripts = self.scripts.lock();
        let at = scripts.iter().position(|(known, _)| *known == method);
        let script = at.and_then(|at| scripts.remove(at));
        script.unwrap_or_else(|| panic!("there is no script for {method}")).1
    }
}

impl Transport for FakeTransport {
    fn transport_kind(&self) -> TransportKind {
        self.transport_kind
    }

    fn request(
        &self,
        call: &CallContext,
        peer_context: &PeerContext,
        request: &EncodedRequest,
        last_id: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        last_id.set(self.context.calls.next_id());
        self.record(TransportMethod::Request, Some(peer_context), request.method, request.params.to_json());
        let lifetime = CallLifetime::default();
        for step in self.take_script(request.method) {
            match step {
                ScriptStep::Notification(notification) => self.context.inbound.notification(call, &notification),
                ScriptStep::ServerRequest(request) => {
                    let slot = lifetime.slot(self.me.clone(), peer_context, call);
                    self.context.inbound.server_request(call, &request, slot);
                }
                ScriptStep::Responds(response) => return Ok(response),
                ScriptStep::Fails(send_error) => return Err(send_error),
            }
        }
        panic!("the script for {} has no end", request.method)
    }

    fn post(&self, _: &CallContext, peer_context: &PeerContext, message: &MessageText, _: bool) -> Result<()> {
        self.record(TransportMethod::Post, Some(peer_context), "", message.pieces().collect());
        Ok(())
    }

    fn post_best_effort(&self, _: &CallContext, peer_context: &PeerContext, message: &MessageText) -> Result<()> {
        self.record(TransportMethod::PostBestEffort, Some(peer_context), "", message.pieces().collect());
        Ok(())
    }

    fn subscribe(
        &self,
        _: &CallContext,
        peer_context: &PeerContext,
        request: &EncodedRequest,
        on_notification: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        self.record(TransportMethod::Subscribe, Some(peer_context), request.method, request.params.to_json());
        let mut received_any = false;
        for step in self.take_script(request.method) {
            match step {
                ScriptStep::Notification(notification) => {
                    received_any = true;
                    on_notification(&notification);
                }
                ScriptStep::Fails(SendError { error, .. }) => return Err(SubscriptionFailure { error, received_any }),
                ScriptStep::ServerRequest(_) | ScriptStep::Responds(_) => {}
            }
        }
        Ok(())
    }

    fn session_reference<'a>(&self, peer_context: &'a PeerContext) -> SessionReference<'a> {
        match &peer_context.session_id {
            Some(id) => SessionReference::Id(id.to_str().unwrap()),
            None if peer_context.era == Era::Modern => SessionReference::Nothing,
            None => SessionReference::NoId,
        }
    }

    fn open_server_stream(&self, _: &CallContext, peer_context: &PeerContext, _: bool) -> Result<()> {
        self.record(TransportMethod::OpenServerStream, Some(peer_context), "", String::new());
        Ok(())
    }

    fn bind(&self, version: &'static str) {
        self.record(TransportMethod::Bind, None, "", version.into());
    }

    fn end_event(&self) -> Option<Arc<PollableEvent>> {
        Some(Arc::clone(&self.end_event))
    }

    fn end_reason(&self) -> Option<Error> {
        self.end_reason.get().cloned()
    }

    fn needs_new_session(&self) -> bool {
        self.end_event.is_set()
    }

    fn terminate_session(&self, _: &CallContext, peer_context: &PeerContext) -> Result<()> {
        self.record(TransportMethod::TerminateSession, Some(peer_context), "", String::new());
        Ok(())
    }

    fn terminate_session_best_effort(&self, peer_context: &PeerContext) {
        self.record(TransportMethod::TerminateSessionBestEffort, Some(peer_context), "", String::new());
    }

    fn stop_server_stream(&self) {
        self.record(TransportMethod::StopServerStream, None, "", String::new());
    }
}

/// Records notifications, and sends server requests to the test, which may respond on another thread.
pub struct RecordingInbound {
    arrivals: Mutex<Vec<String>>,
    notifications: Mutex<Vec<(Notification, bool)>>,
    requests: mpsc::Sender<(ServerRequest, ReplySlot)>,
}

impl RecordingInbound {
    /// The methods of the notifications that [`InboundHandler::on_arrival`] got.
    pub fn arrivals(&self) -> Vec<String> {
        self.arrivals.lock().clone()
    }

    /// The notifications that [`InboundHandler::notification`] got, and whether they report the progress of their call.
    pub fn notifications(&self) -> Vec<(Notification, bool)> {
        self.notifications.lock().clone()
    }
}

impl InboundHandler for RecordingInbound {
    fn has_handlers(&self) -> bool {
        true
    }

    fn on_arrival(&self, notification: &Notification) {
        self.arrivals.lock().push(notification.method.clone());
    }

    fn notification(&self, call: &CallContext, notification: &Notification) {
        self.notifications.lock().push((notification.clone(), call.is_progress(notification)));
    }

    fn server_request(&self, _: &CallContext, request: &ServerRequest, slot: ReplySlot) {
        // This fails if the test has dropped the receiver. The test then sends no response.
        let _ = self.requests.send((request.clone(), slot));
    }
}

/// A context, its recording handler, and the receiver of the server requests.
pub fn recording_context() -> (Arc<TransportContext>, Arc<RecordingInbound>, mpsc::Receiver<(ServerRequest, ReplySlot)>)
{
    let (sender, requests) = mpsc::channel();
    let inbound = RecordingInbound { arrivals: Mutex::default(), notifications: Mutex::default(), requests: sender };
    let inbound = Arc::new(inbound);
    (transport_context(Arc::clone(&inbound) as Arc<dyn InboundHandler>), inbound, requests)
}

pub fn transport_context(inbound: Arc<dyn InboundHandler>) -> Arc<TransportContext> {
    Arc::new(TransportContext {
        calls: Arc::new(CallFactory::new(Arc::default(), new_event().unwrap(), "test")),
        inbound,
        readers: ReaderThreads::new(process::id()),
        limits: SizeLimits { message: 1 << 20, event: 1 << 20 },
    })
}

/// A call of the application. Its timeout is for tests that would hang otherwise.
pub fn call(context: &TransportContext) -> CallContext {
    call_with(context, &CallOptions::default())
}

pub fn call_with(context: &TransportContext, options: &CallOptions) -> CallContext {
    context.calls.start(options, Some(Duration::from_secs(30)), None)
}

/// Options of a call whose progress goes to `callback`, which does not end the call.
pub fn with_progress(callback: impl Fn(f64, Option<f64>, Option<&str>) + Send + Sync + 'static) -> CallOptions {
    let mut options = CallOptions::default();
    options.extras.progress = Some(Arc::new(move |progress, total, message: Option<&str>| {
        callback(progress, total, message);
        true
    }));
    options
}

/// The response to a request.
pub fn answer(result: &str) -> TransportResponse {
    TransportResponse {
        response: RpcResponse { result: Json::parse(result.into()).unwrap(), kind: ResultType::Complete },
        session_id: None,
    }
}

/// A JSON-RPC error response to a request.
pub fn rpc_error(code: i64, message: &str, http_status: u16) -> SendError {
    let rpc = RpcError { code, message: message.into(), data: None };
    SendError::after_sending(Error::new(MCP_RPC_ERROR, message).with_rpc(rpc).with_http_status(http_status))
}

pub fn notification(method: &str, params: &str) -> Notification {
    Notification { method: method.into(), params: Some(Json::parse(params.into()).unwrap()) }
}

pub fn server_request(id: &str, method: &str) -> ServerRequest {
    ServerRequest { id: id.into(), method: method.into(), params: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::request::RequestPolicy;
    use crate::protocol::params::Params;
    use crate::status::MCP_DISCONNECTED;

    #[test]
    fn scripts_are_followed_and_calls_are_recorded() {
        let (context, inbound, requests) = recording_context();
        let fake = FakeTransport::new(&context, TransportKind::StreamableHttp);
        let answer = TransportResponse { session_id: Some(HeaderValue::from_static("s-1")), ..answer(r#"{"a":1}"#) };
        let steps = [
            ScriptStep::Notification(notification("n", "{}")),
            ScriptStep::ServerRequest(server_request("7", "ping")),
            ScriptStep::Responds(answer),
        ];
        fake.script("m", steps);
        fake.script("m", [ScriptStep::Fails(rpc_error(-1, "no", 200))]);
        let params = Params::new().with("x", "1");
        let request = EncodedRequest::new("m", &params, RequestPolicy::ONCE);
        let peer_context =
            PeerContext { session_id: Some(HeaderValue::from_static("s-0")), ..PeerContext::modern("v") };
        let (call, id) = (call(&context), Cell::new(0));
        let first = fake.request(&call, &peer_context, &request, &id).ok().unwrap();
        assert_eq!(first.response.result.text(), r#"{"a":1}"#);
        assert_eq!(first.session_id.unwrap(), "s-1");
        let second = fake.request(&call, &peer_context, &request, &id).err().unwrap();
        assert_eq!((second.error.status(), id.get()), (MCP_RPC_ERROR, 2));
        assert_eq!(inbound.notifications()[0].0.method, "n");
        let (server_request, slot) = requests.recv().unwrap();
        assert_eq!((server_request.method.as_str(), slot.has_ended()), ("ping", true));

        fake.bind("v2");
        fake.terminate_session(&call, &peer_context).unwrap();
        let seen = fake.seen();
        let expected = RecordedCall {
            via: TransportMethod::Request,
            method: "m".into(),
            text: r#"{"x":1}"#.into(),
            era: Some(Era::Modern),
            version: Some("v"),
            session_id: peer_context.session_id.clone(),
        };
        assert_eq!(seen[..2], [expected.clone(), expected]);
        assert_eq!(fake.sent(TransportMethod::Bind), ["v2"]);
        assert_eq!(seen[3].via, TransportMethod::TerminateSession);
    }

    #[test]
    fn a_subscription_receives_notifications_until_it_fails() {
        let (context, ..) = recording_context();
        let fake = FakeTransport::new(&context, TransportKind::Stdio);
        let error = SendError::after_sending(Error::new(MCP_DISCONNECTED, "gone"));
        fake.script("s", [ScriptStep::Notification(notification("n", "{}")), ScriptStep::Fails(error)]);
        let params = Params::new();
        let request = EncodedRequest::new("s", &params, RequestPolicy::REPEATABLE);
        let mut methods = Vec::new();
        let peer_context = PeerContext::modern("v");
        let end = fake.subscribe(&call(&context), &peer_context, &request, &mut |notification| {
            methods.push(notification.method.clone())
        });
        let end = end.err().unwrap();
        assert_eq!((end.error.status(), end.received_any), (MCP_DISCONNECTED, true));
        assert_eq!(methods, ["n"]);
    }

    #[test]
    fn an_ended_transport_reports_its_end_and_the_reason() {
        let (context, ..) = recording_context();
        let fake = FakeTransport::new(&context, TransportKind::Sse);
        assert!(!fake.end_event().unwrap().is_set() && !fake.needs_new_session() && fake.end_reason().is_none());
        fake.end(Error::new(MCP_DISCONNECTED, "gone"));
        assert!(fake.end_event().unwrap().is_set() && fake.needs_new_session());
        assert_eq!(fake.end_reason().unwrap().status(), MCP_DISCONNECTED);
    }
}
