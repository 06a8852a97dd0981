//! Version negotiation and recovery over scripted transports.

use std::cell::Cell;
use std::sync::Arc;

use ::http::HeaderValue;

use super::negotiate::{Negotiator, SessionOptions};
use super::recovery::Recovery;
use super::session_slot::{CredentialIdentity, SessionSlot};
use super::state::{DiscoveredServer, Session};
use super::tried_credentials::TriedCredentials;
use crate::call::context::CallContext;
use crate::call::send_error::{SendError, Sent};
use crate::error::{Error, Result};
use crate::protocol::messages::{ClientCapabilities, ClientInfo};
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::status::*;
use crate::sys::lock::Mutex;
use crate::transport::context::TransportContext;
use crate::transport::fake::{FakeTransport, ScriptStep, TransportMethod, answer, call, recording_context, rpc_error};
use crate::transport::interface::{Connector, Transport, TransportKind, TransportResponse};

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
const DISCOVER_RESULT: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#;
const INITIALIZE_RESULT: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#;

/// Returns the prepared transports in order. An error stands for a transport that cannot be opened.
struct ScriptedConnector {
    order: Vec<TransportKind>,
    next: Mutex<Vec<Result<Arc<FakeTransport>>>>,
    opened: Mutex<Vec<TransportKind>>,
}

impl Connector for ScriptedConnector {
    fn candidates(&self, last: Option<TransportKind>, requires_modern: bool) -> Vec<TransportKind> {
        match last {
            Some(last) if self.order.len() == 2 && last == self.order[1] => self.order.iter().rev().copied().collect(),
            _ if requires_modern => {
                self.order.iter().copied().filter(|transport_kind| transport_kind.supports_modern()).collect()
            }
            _ => self.order.clone(),
        }
    }

    fn address_indicates(&self, _: TransportKind) -> bool {
        false
    }

    fn connect(&self, _: &CallContext, transport_kind: TransportKind) -> Result<Arc<dyn Transport>> {
        self.opened.lock().push(transport_kind);
        let next = self.next.lock().remove(0);
        Ok(next?)
    }
}

/// The client side of a negotiation.
struct NegotiationFixture {
    transport_context: Arc<TransportContext>,
    connector: ScriptedConnector,
    tried_credentials: TriedCredentials,
    pinned: Option<(&'static str, Era)>,
    needs_server_stream: bool,
    restore_requests: Vec<(&'static str, Params<'static>)>,
}

impl NegotiationFixture {
    fn new(order: &[TransportKind]) -> NegotiationFixture {
        let (transport_context, ..) = recording_context();
        let connector = ScriptedConnector { order: order.to_vec(), next: Mutex::default(), opened: Mutex::default() };
        NegotiationFixture {
            transport_context,
            connector,
            tried_credentials: TriedCredentials::default(),
            pinned: None,
            needs_server_stream: false,
            restore_requests: Vec::new(),
        }
    }

    /// Adds the next transport, with the responses to the requests.
    fn server(&self, transport_kind: TransportKind, scripts: Vec<(&'static str, ScriptStep)>) -> Arc<FakeTransport> {
        let transport = FakeTransport::new(&self.transport_context, transport_kind);
        scripts.into_iter().for_each(|(method, step)| transport.script(method, [step]));
        self.connector.next.lock().push(Ok(Arc::clone(&transport)));
        transport
    }

    /// Adds a transport that cannot be opened.
    fn connect_error(&self, error: Error) {
        self.connector.next.lock().push(Err(error));
    }

    fn open(&self, discovered: Option<DiscoveredServer>) -> Result<Session> {
        self.open_in(&call(&self.transport_context), discovered)
    }

    fn open_in(&self, call: &CallContext, discovered: Option<DiscoveredServer>) -> Result<Session> {
        let negotiator = Negotiator {
            transport_context: &self.transport_context,
            connector: &self.connector,
            tried_credentials: &self.tried_credentials,
            options: SessionOptions {
                pinned: self.pinned,
                client_info: ClientInfo { name: "test".into(), version: "1".into() },
                client_capabilities: ClientCapabilities::default(),
                extensions: Vec::new(),
                needs_server_stream: &|| self.needs_server_stream,
            },
            restore_requests: &|| self.restore_requests.clone(),
        };
        negotiator.open(call, discovered)
    }
}

fn succeeds(result: &str) -> ScriptStep {
    ScriptStep::Responds(answer(result))
}

fn refuses(code: i64, http_status: u16) -> ScriptStep {
    ScriptStep::Fails(rpc_error(code, "no", http_status))
}

fn fails(status: mcp_status, http_status: u16) -> ScriptStep {
    ScriptStep::Fails(SendError::refused(Error::new(status, "no").with_http_status(http_status)))
}

/// The methods of the requests that a transport got.
fn methods(transport: &FakeTransport) -> Vec<String> {
    let requests = transport.seen().into_iter().filter(|seen| seen.via == TransportMethod::Request);
    requests.map(|seen| seen.method).collect()
}

/// Negotiates with a server, given its responses to `server/discover` and `initialize`. Returns the outcome and the
/// requests.
fn negotiate(probe: ScriptStep, handshake: Option<ScriptStep>) -> (Result<Session>, Vec<String>) {
    let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let scripts = [Some(("server/discover", probe)), handshake.map(|step| ("initialize", step))];
    let server = fixture.server(TransportKind::StreamableHttp, scripts.into_iter().flatten().collect());
    (fixture.open(None), methods(&server))
}

#[test]
fn the_response_to_the_probe_decides_the_era() {
    let initialized = || Some(succeeds(INITIALIZE_RESULT));
    let modern: [fn() -> ScriptStep; 3] =
        [|| succeeds(DISCOVER_RESULT), || refuses(-32020, 400), || refuses(-32021, 400)];
    for probe in modern {
        let (session, requests) = negotiate(probe(), None);
        let session = session.unwrap();
        assert_eq!((session.era, session.version), (Era::Modern, MODERN));
        assert_eq!(requests, ["server/discover"]);
    }
    let legacy: [(fn() -> ScriptStep, bool); 8] = [
        (|| succeeds(r#"{"supportedVersions":["2025-11-25"]}"#), true),
        (|| succeeds("{}"), true),
        (|| refuses(-32601, 200), true),
        (|| refuses(-32000, 400), true),
        (|| refuses(-32603, 500), false),
        (|| fails(MCP_NOT_FOUND, 404), true),
        (|| fails(MCP_UNEXPECTED_CONTENT, 202), true),
        (|| fails(MCP_SERVER_ERROR, 500), false),
    ];
    for (row, (probe, is_certain)) in legacy.into_iter().enumerate() {
        let (session, requests) = negotiate(probe(), initialized());
        let session = session.unwrap();
        assert_eq!((session.era, session.version, session.era_is_certain), (Era::Legacy, LEGACY, is_certain), "{row}");
        assert_eq!(requests, ["server/discover", "initialize"], "{row}");
    }
    let reported: [(fn() -> ScriptStep, mcp_status); 6] = [
        (|| fails(MCP_PROXY_AUTH_REQUIRED, 407), MCP_PROXY_AUTH_REQUIRED),
        (|| fails(MCP_RATE_LIMITED, 429), MCP_RATE_LIMITED),
        (|| fails(MCP_UNAVAILABLE, 503), MCP_UNAVAILABLE),
        (|| fails(MCP_CONNECT_FAILED, 0), MCP_CONNECT_FAILED),
        (|| fails(MCP_TLS_FAILED, 0), MCP_TLS_FAILED),
        (|| fails(MCP_CANCELLED, 0), MCP_CANCELLED),
    ];
    for (probe, status) in reported {
        let (session, requests) = negotiate(probe(), None);
        assert_eq!(session.err().unwrap().status(), status);
        assert_eq!(requests, ["server/discover"]);
    }
}

#[test]
fn the_probe_is_retried_once_with_another_version() {
    let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let other_version = || {
        let mut send_error = rpc_error(-32022, "no", 400);
        let rpc = send_error.error.report_mut().rpc.as_mut().unwrap();
        rpc.data = Some(r#"{"supported":["2026-07-28"],"requested":"x"}"#.into());
        ScriptStep::Fails(send_error)
    };
    let server = fixture.server(
        TransportKind::StreamableHttp,
        vec![("server/discover", other_version()), ("server/discover", succeeds(DISCOVER_RESULT))],
    );
    assert_eq!(fixture.open(None).unwrap().version, MODERN);
    assert_eq!(methods(&server), ["server/discover", "server/discover"]);
    fixture.server(
        TransportKind::StreamableHttp,
        vec![("server/discover", other_version()), ("server/discover", other_version())],
    );
    assert_eq!(fixture.open(None).err().unwrap().status(), MCP_VERSION_UNSUPPORTED);
}

#[test]
fn a_new_session_restores_the_state_of_the_last_one() {
    let mut fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    fixture.needs_server_stream = true;
    fixture.restore_requests = vec![("logging/setLevel", Params::new().with("level", "\"info\""))];
    let initialized =
        TransportResponse { session_id: Some(HeaderValue::from_static("s-1")), ..answer(INITIALIZE_RESULT) };
    let scripts = vec![
        ("server/discover", refuses(-32601, 200)),
        ("initialize", ScriptStep::Responds(initialized)),
        ("logging/setLevel", refuses(-32601, 200)),
    ];
    let server = fixture.server(TransportKind::StreamableHttp, scripts);
    let session = fixture.open(None).unwrap();
    assert_eq!(session.id.as_ref().unwrap(), "s-1");
    let order: Vec<_> = server.seen().into_iter().map(|seen| (seen.via, seen.method)).collect();
    let request = |method: &str| (TransportMethod::Request, method.to_owned());
    let without_method = |via| (via, String::new());
    let expected = [
        request("server/discover"),
        request("initialize"),
        without_method(TransportMethod::Bind),
        without_method(TransportMethod::Post),
        request("logging/setLevel"),
        without_method(TransportMethod::OpenServerStream),
    ];
    assert_eq!(order, expected);
    // `initialize` carries neither a version nor a session id.
    let seen = server.seen();
    assert_eq!((seen[1].version, seen[1].session_id.is_none()), (None, true));
    assert_eq!((seen[3].version, seen[3].session_id.is_some()), (Some(LEGACY), true));
}

#[test]
fn a_known_legacy_server_gets_initialize_first_and_is_probed_if_it_refuses() {
    let discovered = Some(DiscoveredServer { era: Era::Legacy, transport_kind: TransportKind::StreamableHttp });
    let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let server = fixture.server(TransportKind::StreamableHttp, vec![("initialize", succeeds(INITIALIZE_RESULT))]);
    assert_eq!(fixture.open(discovered).unwrap().era, Era::Legacy);
    assert_eq!(methods(&server), ["initialize"]);
    for refusal in [refuses(-32022, 400), fails(MCP_NOT_FOUND, 404), fails(MCP_HTTP_ERROR, 405)] {
        let scripts = vec![("initialize", refusal), ("server/discover", succeeds(DISCOVER_RESULT))];
        let server = fixture.server(TransportKind::StreamableHttp, scripts);
        assert_eq!(fixture.open(discovered).unwrap().era, Era::Modern);
        assert_eq!(methods(&server), ["initialize", "server/discover"]);
    }
}

#[test]
fn the_older_transport_is_tried_if_the_server_refuses_the_newer_one() {
    for (status, http_status) in [(MCP_HTTP_ERROR, 400), (MCP_NOT_FOUND, 404), (MCP_HTTP_ERROR, 405)] {
        let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp, TransportKind::Sse]);
        let refused = || fails(status, http_status);
        fixture.server(TransportKind::StreamableHttp, vec![("server/discover", refused()), ("initialize", refused())]);
        fixture.server(TransportKind::Sse, vec![("initialize", succeeds(INITIALIZE_RESULT))]);
        assert_eq!(fixture.open(None).unwrap().transport.transport_kind(), TransportKind::Sse);
        assert_eq!(*fixture.connector.opened.lock(), [TransportKind::StreamableHttp, TransportKind::Sse]);
    }
    // If both fail, the first error is reported, unless the second is about this caller.
    let second = [(MCP_NOT_FOUND, 404, MCP_HTTP_ERROR), (MCP_UNAUTHORIZED, 401, MCP_UNAUTHORIZED)];
    for (status, http_status, reported) in second {
        let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp, TransportKind::Sse]);
        let refused = || fails(MCP_HTTP_ERROR, 405);
        fixture.server(TransportKind::StreamableHttp, vec![("server/discover", refused()), ("initialize", refused())]);
        fixture.connect_error(Error::new(status, "no").with_http_status(http_status));
        assert_eq!(fixture.open(None).err().unwrap().status(), reported);
    }
    let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp, TransportKind::Sse]);
    let failing = || fails(MCP_SERVER_ERROR, 500);
    fixture.server(TransportKind::StreamableHttp, vec![("server/discover", failing()), ("initialize", failing())]);
    assert_eq!(fixture.open(None).err().unwrap().status(), MCP_SERVER_ERROR);
    assert_eq!(fixture.connector.opened.lock().len(), 1);
}

#[test]
fn the_newer_transport_is_tried_if_the_older_one_has_no_event_stream() {
    for (status, http_status, is_tried) in [
        (MCP_UNEXPECTED_CONTENT, 200, true),
        (MCP_NOT_FOUND, 404, true),
        (MCP_RPC_ERROR, 400, true),
        (MCP_TIMEOUT, 0, true),
        (MCP_RPC_ERROR, 500, false),
        (MCP_UNAUTHORIZED, 401, false),
        (MCP_CONNECT_FAILED, 0, false),
    ] {
        let fixture = NegotiationFixture::new(&[TransportKind::Sse, TransportKind::StreamableHttp]);
        fixture.connect_error(Error::new(status, "no").with_http_status(http_status));
        fixture.server(TransportKind::StreamableHttp, vec![("server/discover", succeeds(DISCOVER_RESULT))]);
        let session = fixture.open(None);
        assert_eq!(session.is_ok(), is_tried, "{status:?}");
        assert_eq!(fixture.connector.opened.lock().len(), 1 + usize::from(is_tried));
    }
}

#[test]
fn a_process_that_exits_at_the_probe_is_restarted() {
    let fixture = NegotiationFixture::new(&[TransportKind::Stdio]);
    fixture.server(TransportKind::Stdio, vec![("server/discover", fails(MCP_PROCESS_FAILED, 0))]);
    let second = fixture.server(TransportKind::Stdio, vec![("initialize", succeeds(INITIALIZE_RESULT))]);
    assert_eq!(fixture.open(None).unwrap().era, Era::Legacy);
    assert_eq!(methods(&second), ["initialize"]);
    // A process that responds with an error is not restarted.
    let scripts = vec![("server/discover", refuses(-32601, 0)), ("initialize", succeeds(INITIALIZE_RESULT))];
    let server = fixture.server(TransportKind::Stdio, scripts);
    fixture.open(None).unwrap();
    assert_eq!(methods(&server), ["server/discover", "initialize"]);
    // A process that was only slow to start is probed once more.
    let scripts = vec![
        ("server/discover", fails(MCP_TIMEOUT, 0)),
        ("initialize", refuses(-32601, 0)),
        ("server/discover", succeeds(DISCOVER_RESULT)),
    ];
    fixture.server(TransportKind::Stdio, scripts);
    assert_eq!(fixture.open(None).unwrap().era, Era::Modern);
}

#[test]
fn a_pinned_version_has_no_fallback() {
    let mut fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp, TransportKind::Sse]);
    fixture.pinned = Some((MODERN, Era::Modern));
    for (transport_kind, step, status) in [
        (TransportKind::StreamableHttp, refuses(-32601, 200), MCP_VERSION_UNSUPPORTED),
        (TransportKind::StreamableHttp, fails(MCP_SERVER_ERROR, 500), MCP_SERVER_ERROR),
        (TransportKind::StreamableHttp, fails(MCP_UNAUTHORIZED, 401), MCP_UNAUTHORIZED),
        (TransportKind::Stdio, refuses(-32601, 0), MCP_VERSION_UNSUPPORTED),
        (TransportKind::Stdio, fails(MCP_PROCESS_FAILED, 0), MCP_PROCESS_FAILED),
        (TransportKind::Stdio, fails(MCP_CANCELLED, 0), MCP_CANCELLED),
        (TransportKind::Stdio, fails(MCP_CLOSED, 0), MCP_CLOSED),
    ] {
        fixture.connector.order = vec![transport_kind];
        let server = fixture.server(transport_kind, vec![("server/discover", step)]);
        assert_eq!(fixture.open(None).err().unwrap().status(), status, "{transport_kind:?}");
        assert_eq!(methods(&server), ["server/discover"]);
    }
    fixture.connector.order = vec![TransportKind::Sse];
    fixture.pinned = Some((LEGACY, Era::Legacy));
    let server = fixture.server(TransportKind::Sse, vec![("initialize", succeeds(INITIALIZE_RESULT))]);
    assert_eq!(fixture.open(None).unwrap().version, LEGACY);
    assert_eq!(methods(&server), ["initialize"]);
}

#[test]
fn initialize_is_tried_after_a_refused_probe() {
    let refused = || fails(MCP_UNAUTHORIZED, 401);
    let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let server = fixture.server(
        TransportKind::StreamableHttp,
        vec![("server/discover", refused()), ("initialize", succeeds(INITIALIZE_RESULT))],
    );
    assert_eq!(fixture.open(None).unwrap().era, Era::Legacy);
    assert_eq!(methods(&server), ["server/discover", "initialize"]);
    // If `initialize` is refused, too, the first refusal is reported.
    fixture.server(
        TransportKind::StreamableHttp,
        vec![("server/discover", refused()), ("initialize", fails(MCP_NOT_FOUND, 404))],
    );
    assert_eq!(fixture.open(None).err().unwrap().status(), MCP_UNAUTHORIZED);
}

/// An open session, over a transport without scripts.
fn open_session(fixture: &NegotiationFixture, era: Era) -> Session {
    Session {
        era,
        version: if era == Era::Modern { MODERN } else { LEGACY },
        id: None,
        transport: FakeTransport::new(&fixture.transport_context, TransportKind::StreamableHttp),
        meta: String::new(),
        task_meta: String::new(),
        handshake_result: None,
        has_core_tasks: false,
        era_is_certain: true,
    }
}

/// Sends a request whose first attempt fails with `send_error`. Returns the number of attempts and the outcome.
fn recover(era: Era, is_repeatable: bool, has_headers: bool, send_error: impl Fn() -> SendError) -> (u32, Result<u32>) {
    let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let sessions = SessionSlot::default();
    let identity = || CredentialIdentity { credentials: Arc::default(), source_id: None, is_login: false };
    let call = call(&fixture.transport_context);
    let attempts = Cell::new(0);
    let forget = || ();
    let recovery = Recovery { sessions: &sessions, is_repeatable, forget_headers: has_headers.then_some(&forget) };
    let get = || sessions.get(&call, identity, |_| Ok(open_session(&fixture, era))).map(|(session, _)| session);
    let outcome = recovery.with_recovery(&call, get, |_| {
        attempts.set(attempts.get() + 1);
        if attempts.get() == 1 { Err(send_error()) } else { Ok(attempts.get()) }
    });
    (attempts.get(), outcome)
}

#[test]
fn a_request_that_may_have_been_executed_is_retried_only_if_it_is_repeatable() {
    let lost = |sent| move || SendError { sent, ..SendError::refused(Error::new(MCP_SESSION_LOST, "gone")) };
    for (is_repeatable, sent, is_retried) in
        [(true, Sent::Yes, true), (false, Sent::No, true), (false, Sent::Refused, true), (false, Sent::Yes, false)]
    {
        let (attempts, outcome) = recover(Era::Legacy, is_repeatable, false, lost(sent));
        assert_eq!((attempts, outcome.is_ok()), (1 + u32::from(is_retried), is_retried), "{sent:?}");
    }
}

#[test]
fn a_request_is_retried_in_a_new_session_a_new_version_or_with_other_headers() {
    let gone = || SendError::gone_before_sending(Error::new(MCP_DISCONNECTED, "gone"));
    let modern = || rpc_error(-32022, "no", 400);
    let headers = || rpc_error(-32020, "no", 400);
    let other = || rpc_error(-32603, "no", 200);
    assert_eq!(recover(Era::Legacy, true, false, gone).0, 2);
    assert_eq!(recover(Era::Legacy, true, false, modern).0, 2);
    assert_eq!(recover(Era::Modern, true, false, modern).0, 1, "the era is modern already");
    assert_eq!(recover(Era::Modern, true, true, headers).0, 2);
    assert_eq!(recover(Era::Modern, true, false, headers).0, 1, "the request has no custom headers");
    assert_eq!(recover(Era::Legacy, true, true, other).0, 1);
}
