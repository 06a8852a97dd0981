//! A transport without a server, for unit tests: it follows scripts, and records what it is given to send.

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
use crate::call::new_signal;
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

/// What the server does for one request, until it answers or fails.
pub enum ScriptStep {
    Notification(Notification),
    ServerRequest(ServerRequest),
    TransportResponse(TransportResponse),
    Fails(SendError),
}

/// The method of the transport's interface that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportMethod {
    Request,
    Subscribe,
    Post,
    PostAndLeave,
    OpenServerStream,
    StopServerStream,
    Bind,
    EndSession,
    AbandonSession,
}

/// One use of the transport, and how the server was addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCall {
    pub via: TransportMethod,
    /// The method of a request.
    pub method: String,
    /// The parameters of a request, or a whole message, or the version that was settled on.
    pub text: String,
    pub era: Option<Era>,
    pub version: Option<&'static str>,
    pub session_id: Option<HeaderValue>,
}

pub struct FakeTransport {
    me: Weak<FakeTransport>,
    host: Arc<TransportContext>,
    transport_kind: TransportKind,
    scripts: Mutex<VecDeque<(&'static str, Vec<ScriptStep>)>>,
    seen: Mutex<Vec<RecordedCall>>,
    end_event: Arc<PollableEvent>,
    end_reason: OnceLock<Error>,
}

impl FakeTransport {
    pub fn new(host: &Arc<TransportContext>, transport_kind: TransportKind) -> Arc<FakeTransport> {
        Arc::new_cyclic(|me| FakeTransport {
            me: Weak::clone(me),
            host: Arc::clone(host),
            transport_kind,
            scripts: Mutex::default(),
            seen: Mutex::default(),
            end_event: Arc::new(new_signal().unwrap()),
            end_reason: OnceLock::new(),
        })
    }

    /// As slots want it.
    pub fn weak(&self) -> Weak<dyn Transport> {
        self.me.clone()
    }

    /// Says what happens at the next request for `method` that has no script yet.
    pub fn script(&self, method: &'static str, steps: impl IntoIterator<Item = ScriptStep>) {
        self.scripts.lock().push_back((method, steps.into_iter().collect()));
    }

    /// Everything that it was used for, in that order.
    pub fn seen(&self) -> Vec<RecordedCall> {
        self.seen.lock().clone()
    }

    /// The texts that went one way.
    pub fn sent(&self, via: TransportMethod) -> Vec<String> {
        self.seen().into_iter().filter(|seen| seen.via == via).map(|seen| seen.text).collect()
    }

    /// Nothing comes any more.
    pub fn end(&self, why: Error) {
        let _ = self.end_reason.set(why);
        self.end_event.set();
    }

    fn note(&self, via: TransportMethod, peer_context: Option<&PeerContext>, method: &str, text: String) {
        let seen = RecordedCall {
            via,
            method: method.into(),
            text,
            era: peer_context.map(|peer_context| peer_context.era),
            version: peer_context.and_then(|peer_context| peer_context.version),
            session_id: peer_context.and_then(|peer_context| peer_context.session_id.clone()),
        };
        self.seen.lock().push(seen);
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
        ask: &EncodedRequest,
        asked: &Cell<u64>,
    ) -> Result<TransportResponse, SendError> {
        asked.set(self.host.calls.next_id());
        self.note(TransportMethod::Request, Some(peer_context), ask.method, ask.params.to_json());
        let asking = CallLifetime::default();
        for step in self.take_script(ask.method) {
            match step {
                ScriptStep::Notification(notice) => self.host.inbound.notification(call, &notice),
                ScriptStep::ServerRequest(asked) => {
                    let slot = asking.slot(self.me.clone(), peer_context, call);
                    self.host.inbound.server_request(call, &asked, slot);
                }
                ScriptStep::TransportResponse(answer) => return Ok(answer),
                ScriptStep::Fails(send_error) => return Err(send_error),
            }
        }
        panic!("the script for {} has no end", ask.method)
    }

    fn post(&self, _: &CallContext, peer_context: &PeerContext, message: &MessageText, _: bool) -> Result<()> {
        self.note(TransportMethod::Post, Some(peer_context), "", message.pieces().collect());
        Ok(())
    }

    fn post_best_effort(&self, _: &CallContext, peer_context: &PeerContext, message: &MessageText) -> Result<()> {
        self.note(TransportMethod::PostAndLeave, Some(peer_context), "", message.pieces().collect());
        Ok(())
    }

    fn subscribe(
        &self,
        _: &CallContext,
        peer_context: &PeerContext,
        ask: &EncodedRequest,
        on_notification: &mut NotificationCallback,
    ) -> Result<(), SubscriptionFailure> {
        self.note(TransportMethod::Subscribe, Some(peer_context), ask.method, ask.params.to_json());
        let mut received_any = false;
        for step in self.take_script(ask.method) {
            match step {
                ScriptStep::Notification(notice) => {
                    received_any = true;
                    on_notification(&notice);
                }
                ScriptStep::Fails(SendError { error, .. }) => return Err(SubscriptionFailure { error, received_any }),
                ScriptStep::ServerRequest(_) | ScriptStep::TransportResponse(_) => {}
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
        self.note(TransportMethod::OpenServerStream, Some(peer_context), "", String::new());
        Ok(())
    }

    fn bind(&self, version: &'static str) {
        self.note(TransportMethod::Bind, None, "", version.into());
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
        self.note(TransportMethod::EndSession, Some(peer_context), "", String::new());
        Ok(())
    }

    fn terminate_session_best_effort(&self, peer_context: &PeerContext) {
        self.note(TransportMethod::AbandonSession, Some(peer_context), "", String::new());
    }

    fn stop_server_stream(&self) {
        self.note(TransportMethod::StopServerStream, None, "", String::new());
    }
}

/// Records notifications, and hands what servers ask to the test, which may answer it on another thread.
pub struct RecordingInbound {
    arrivals: Mutex<Vec<String>>,
    notices: Mutex<Vec<(Notification, bool)>>,
    asked: mpsc::Sender<(ServerRequest, ReplySlot)>,
}

impl RecordingInbound {
    /// The methods of all notifications at their arrival.
    pub fn arrivals(&self) -> Vec<String> {
        self.arrivals.lock().clone()
    }

    /// The notifications that were handed to a call, and whether they are of its progress.
    pub fn notices(&self) -> Vec<(Notification, bool)> {
        self.notices.lock().clone()
    }
}

impl InboundHandler for RecordingInbound {
    fn has_handlers(&self) -> bool {
        true
    }

    fn on_arrival(&self, notice: &Notification) {
        self.arrivals.lock().push(notice.method.clone());
    }

    fn notification(&self, call: &CallContext, notice: &Notification) {
        self.notices.lock().push((notice.clone(), call.is_progress(notice)));
    }

    fn server_request(&self, _: &CallContext, asked: &ServerRequest, reply: ReplySlot) {
        // A test that has dropped the other end does not answer.
        let _ = self.asked.send((asked.clone(), reply));
    }
}

/// A host, what records for it, and where the requests of its servers come out.
pub fn recording_host() -> (Arc<TransportContext>, Arc<RecordingInbound>, mpsc::Receiver<(ServerRequest, ReplySlot)>) {
    let (sender, requests) = mpsc::channel();
    let inbound = RecordingInbound { arrivals: Mutex::default(), notices: Mutex::default(), asked: sender };
    let inbound = Arc::new(inbound);
    (host(Arc::clone(&inbound) as Arc<dyn InboundHandler>), inbound, requests)
}

pub fn host(inbound: Arc<dyn InboundHandler>) -> Arc<TransportContext> {
    Arc::new(TransportContext {
        calls: Arc::new(CallFactory::new(Arc::default(), new_signal().unwrap())),
        inbound,
        readers: ReaderThreads::new(process::id()),
        limits: SizeLimits { message: 1 << 20, event: 1 << 20 },
    })
}

/// A call of the program's. Its timeout is for tests that would hang otherwise.
pub fn call(host: &TransportContext) -> CallContext {
    call_with(host, &CallOptions::default())
}

pub fn call_with(host: &TransportContext, options: &CallOptions) -> CallContext {
    host.calls.start(options, Some(Duration::from_secs(30)))
}

/// Options of a call whose progress `tell` receives.
pub fn with_progress(tell: impl Fn(f64, Option<f64>, Option<&str>) + Send + Sync + 'static) -> CallOptions {
    let mut options = CallOptions::default();
    options.extras.progress = Some(Arc::new(tell));
    options
}

pub fn answer(result: &str) -> TransportResponse {
    TransportResponse {
        answered: RpcResponse { result: Json::parse(result.into()).unwrap(), kind: ResultType::Complete },
        session_id: None,
    }
}

/// A JSON-RPC error as the answer to a request.
pub fn rpc_error(code: i64, message: &str, http_status: u16) -> SendError {
    let rpc = RpcError { code, message: message.into(), data: None };
    SendError::after_sending(Error::new(MCP_RPC_ERROR, message).with_rpc(rpc).with_http_status(http_status))
}

pub fn notice(method: &str, params: &str) -> Notification {
    Notification { method: method.into(), params: Some(Json::parse(params.into()).unwrap()) }
}

pub fn asked(id: &str, method: &str) -> ServerRequest {
    ServerRequest { id: id.into(), method: method.into(), params: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::request::RequestPolicy;
    use crate::protocol::params::Params;
    use crate::status::MCP_DISCONNECTED;

    #[test]
    fn a_script_is_followed_and_what_was_asked_is_recorded() {
        let (host, inbound, requests) = recording_host();
        let fake = FakeTransport::new(&host, TransportKind::StreamableHttp);
        let answer = TransportResponse { session_id: Some(HeaderValue::from_static("s-1")), ..answer(r#"{"a":1}"#) };
        let steps = [
            ScriptStep::Notification(notice("n", "{}")),
            ScriptStep::ServerRequest(asked("7", "ping")),
            ScriptStep::TransportResponse(answer),
        ];
        fake.script("m", steps);
        fake.script("m", [ScriptStep::Fails(rpc_error(-1, "no", 200))]);
        let params = Params::new().with("x", "1");
        let ask = EncodedRequest::new("m", &params, RequestPolicy::ONCE);
        let peer_context =
            PeerContext { session_id: Some(HeaderValue::from_static("s-0")), ..PeerContext::modern("v") };
        let (call, id) = (call(&host), Cell::new(0));
        let first = fake.request(&call, &peer_context, &ask, &id).ok().unwrap();
        assert_eq!(first.answered.result.text(), r#"{"a":1}"#);
        assert_eq!(first.session_id.unwrap(), "s-1");
        let second = fake.request(&call, &peer_context, &ask, &id).err().unwrap();
        assert_eq!((second.error.status(), id.get()), (MCP_RPC_ERROR, 2));
        assert_eq!(inbound.notices()[0].0.method, "n");
        let (request, slot) = requests.recv().unwrap();
        assert_eq!((request.method.as_str(), slot.has_ended()), ("ping", true));

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
        assert_eq!(seen[3].via, TransportMethod::EndSession);
    }

    #[test]
    fn a_subscription_hears_its_notifications_until_it_fails() {
        let (host, ..) = recording_host();
        let fake = FakeTransport::new(&host, TransportKind::Stdio);
        let error = SendError::after_sending(Error::new(MCP_DISCONNECTED, "gone"));
        fake.script("s", [ScriptStep::Notification(notice("n", "{}")), ScriptStep::Fails(error)]);
        let params = Params::new();
        let ask = EncodedRequest::new("s", &params, RequestPolicy::REPEATABLE);
        let mut methods = Vec::new();
        let peer_context = PeerContext::modern("v");
        let end = fake.subscribe(&call(&host), &peer_context, &ask, &mut |notice| methods.push(notice.method.clone()));
        let end = end.err().unwrap();
        assert_eq!((end.error.status(), end.received_any), (MCP_DISCONNECTED, true));
        assert_eq!(methods, ["n"]);
    }

    #[test]
    fn an_ended_transport_says_so_and_why() {
        let (host, ..) = recording_host();
        let fake = FakeTransport::new(&host, TransportKind::Sse);
        assert!(!fake.end_event().unwrap().is_set() && !fake.needs_new_session() && fake.end_reason().is_none());
        fake.end(Error::new(MCP_DISCONNECTED, "gone"));
        assert!(fake.end_event().unwrap().is_set() && fake.needs_new_session());
        assert_eq!(fake.end_reason().unwrap().status(), MCP_DISCONNECTED);
    }
}
