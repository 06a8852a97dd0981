//! Negotiation and recovery over transports that follow scripts.

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
const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#;
const INITIALIZED: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#;

/// Opens the transports that a test has made, one after the other; an error stands for one that cannot be opened.
struct ScriptedConnector {
    order: Vec<TransportKind>,
    next: Mutex<Vec<Result<Arc<FakeTransport>>>>,
    opened: Mutex<Vec<TransportKind>>,
}

impl Connector for ScriptedConnector {
    fn candidates(&self, found: Option<TransportKind>, is_modern: bool) -> Vec<TransportKind> {
        match found {
            Some(found) if self.order.len() == 2 && found == self.order[1] => {
                self.order.iter().rev().copied().collect()
            }
            _ if is_modern => {
                self.order.iter().copied().filter(|transport_kind| transport_kind.speaks_modern()).collect()
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

/// A client's side of a negotiation.
struct NegotiationFixture {
    host: Arc<TransportContext>,
    connections: ScriptedConnector,
    passed: TriedCredentials,
    pinned: Option<(&'static str, Era)>,
    server_stream: bool,
    restored: Vec<(&'static str, Params<'static>)>,
}

impl NegotiationFixture {
    fn new(order: &[TransportKind]) -> NegotiationFixture {
        let (host, ..) = recording_context();
        let connections = ScriptedConnector { order: order.to_vec(), next: Mutex::default(), opened: Mutex::default() };
        NegotiationFixture {
            host,
            connections,
            passed: TriedCredentials::default(),
            pinned: None,
            server_stream: false,
            restored: Vec::new(),
        }
    }

    /// Adds the transport that is opened next, with what the server says to each request.
    fn server(&self, transport_kind: TransportKind, scripts: Vec<(&'static str, ScriptStep)>) -> Arc<FakeTransport> {
        let fake = FakeTransport::new(&self.host, transport_kind);
        scripts.into_iter().for_each(|(method, step)| fake.script(method, [step]));
        self.connections.next.lock().push(Ok(Arc::clone(&fake)));
        fake
    }

    fn refused(&self, error: Error) {
        self.connections.next.lock().push(Err(error));
    }

    fn open(&self, found: Option<DiscoveredServer>) -> Result<Session> {
        self.open_in(&call(&self.host), found)
    }

    fn open_in(&self, call: &CallContext, found: Option<DiscoveredServer>) -> Result<Session> {
        let negotiator = Negotiator {
            host: &self.host,
            connector: &self.connections,
            passed: &self.passed,
            wanted: SessionOptions {
                pinned: self.pinned,
                client_info: ClientInfo { name: "test".into(), version: "1".into() },
                client_capabilities: ClientCapabilities::default(),
                server_stream: &|| self.server_stream,
            },
            restored: &|| self.restored.clone(),
        };
        negotiator.open(call, found)
    }
}

fn says(result: &str) -> ScriptStep {
    ScriptStep::TransportResponse(answer(result))
}

fn refuses(code: i64, http_status: u16) -> ScriptStep {
    ScriptStep::Fails(rpc_error(code, "no", http_status))
}

fn fails(status: mcp_status, http_status: u16) -> ScriptStep {
    ScriptStep::Fails(SendError::refused(Error::new(status, "no").with_http_status(http_status)))
}

fn methods(fake: &FakeTransport) -> Vec<String> {
    let requests = fake.seen().into_iter().filter(|seen| seen.via == TransportMethod::Request);
    requests.map(|seen| seen.method).collect()
}

/// What a probe is answered with, and what `initialize` is answered with then, if it is sent.
fn negotiated(probe: ScriptStep, handshake: Option<ScriptStep>) -> (Result<Session>, Vec<String>) {
    let stage = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let scripts = [Some(("server/discover", probe)), handshake.map(|step| ("initialize", step))];
    let server = stage.server(TransportKind::StreamableHttp, scripts.into_iter().flatten().collect());
    (stage.open(None), methods(&server))
}

#[test]
fn each_answer_to_the_probe_leads_where_the_table_says() {
    let initialized = || Some(says(INITIALIZED));
    let modern: [fn() -> ScriptStep; 3] = [|| says(DISCOVERED), || refuses(-32020, 400), || refuses(-32021, 400)];
    for probe in modern {
        let (session, asked) = negotiated(probe(), None);
        let session = session.unwrap();
        assert_eq!((session.era, session.version), (Era::Modern, MODERN));
        assert_eq!(asked, ["server/discover"]);
    }
    let legacy: [(fn() -> ScriptStep, bool); 8] = [
        (|| says(r#"{"supportedVersions":["2025-11-25"]}"#), true),
        (|| says("{}"), true),
        (|| refuses(-32601, 200), true),
        (|| refuses(-32000, 400), true),
        (|| refuses(-32603, 500), false),
        (|| fails(MCP_NOT_FOUND, 404), true),
        (|| fails(MCP_UNEXPECTED_CONTENT, 202), true),
        (|| fails(MCP_SERVER_ERROR, 500), false),
    ];
    for (row, (probe, is_certain)) in legacy.into_iter().enumerate() {
        let (session, asked) = negotiated(probe(), initialized());
        let session = session.unwrap();
        assert_eq!((session.era, session.version, session.era_is_certain), (Era::Legacy, LEGACY, is_certain), "{row}");
        assert_eq!(asked, ["server/discover", "initialize"], "{row}");
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
        let (session, asked) = negotiated(probe(), None);
        assert_eq!(session.err().unwrap().status(), status);
        assert_eq!(asked, ["server/discover"]);
    }
}

#[test]
fn another_modern_version_is_asked_for_once() {
    let stage = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let other = || {
        let mut send_error = rpc_error(-32022, "no", 400);
        let rpc = send_error.error.report_mut().rpc.as_mut().unwrap();
        rpc.data = Some(r#"{"supported":["2026-07-28"],"requested":"x"}"#.into());
        ScriptStep::Fails(send_error)
    };
    let server = stage.server(
        TransportKind::StreamableHttp,
        vec![("server/discover", other()), ("server/discover", says(DISCOVERED))],
    );
    assert_eq!(stage.open(None).unwrap().version, MODERN);
    assert_eq!(methods(&server), ["server/discover", "server/discover"]);
    stage.server(TransportKind::StreamableHttp, vec![("server/discover", other()), ("server/discover", other())]);
    assert_eq!(stage.open(None).err().unwrap().status(), MCP_VERSION_UNSUPPORTED);
}

#[test]
fn a_session_is_told_what_the_one_before_was_told() {
    let mut stage = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    stage.server_stream = true;
    stage.restored = vec![("logging/setLevel", Params::new().with("level", "\"info\""))];
    let opened = TransportResponse { session_id: Some(HeaderValue::from_static("s-1")), ..answer(INITIALIZED) };
    let scripts = vec![
        ("server/discover", refuses(-32601, 200)),
        ("initialize", ScriptStep::TransportResponse(opened)),
        ("logging/setLevel", refuses(-32601, 200)),
    ];
    let server = stage.server(TransportKind::StreamableHttp, scripts);
    let session = stage.open(None).unwrap();
    assert_eq!(session.id.as_ref().unwrap(), "s-1");
    let order: Vec<_> = server.seen().into_iter().map(|seen| (seen.via, seen.method)).collect();
    let request = |method: &str| (TransportMethod::Request, method.to_owned());
    let other = |via| (via, String::new());
    let expected = [
        request("server/discover"),
        request("initialize"),
        other(TransportMethod::Bind),
        other(TransportMethod::Post),
        request("logging/setLevel"),
        other(TransportMethod::OpenServerStream),
    ];
    assert_eq!(order, expected);
    // `initialize` itself carries neither a version nor a session.
    let seen = server.seen();
    assert_eq!((seen[1].version, seen[1].session_id.is_none()), (None, true));
    assert_eq!((seen[3].version, seen[3].session_id.is_some()), (Some(LEGACY), true));
}

#[test]
fn a_legacy_server_is_asked_as_one_until_it_refuses() {
    let found = Some(DiscoveredServer { era: Era::Legacy, transport_kind: TransportKind::StreamableHttp });
    let stage = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let server = stage.server(TransportKind::StreamableHttp, vec![("initialize", says(INITIALIZED))]);
    assert_eq!(stage.open(found).unwrap().era, Era::Legacy);
    assert_eq!(methods(&server), ["initialize"]);
    for refusal in [refuses(-32022, 400), fails(MCP_NOT_FOUND, 404), fails(MCP_HTTP_ERROR, 405)] {
        let scripts = vec![("initialize", refusal), ("server/discover", says(DISCOVERED))];
        let server = stage.server(TransportKind::StreamableHttp, scripts);
        assert_eq!(stage.open(found).unwrap().era, Era::Modern);
        assert_eq!(methods(&server), ["initialize", "server/discover"]);
    }
}

#[test]
fn the_other_transport_is_tried_where_the_first_is_refused_as_the_wrong_one() {
    for (status, http_status) in [(MCP_HTTP_ERROR, 400), (MCP_NOT_FOUND, 404), (MCP_HTTP_ERROR, 405)] {
        let stage = NegotiationFixture::new(&[TransportKind::StreamableHttp, TransportKind::Sse]);
        let refused = || fails(status, http_status);
        stage.server(TransportKind::StreamableHttp, vec![("server/discover", refused()), ("initialize", refused())]);
        stage.server(TransportKind::Sse, vec![("initialize", says(INITIALIZED))]);
        assert_eq!(stage.open(None).unwrap().transport.transport_kind(), TransportKind::Sse);
        assert_eq!(*stage.connections.opened.lock(), [TransportKind::StreamableHttp, TransportKind::Sse]);
    }
    // Of two failures the first is reported, unless the second says something of this caller.
    let second = [(MCP_NOT_FOUND, 404, MCP_HTTP_ERROR), (MCP_UNAUTHORIZED, 401, MCP_UNAUTHORIZED)];
    for (status, http_status, reported) in second {
        let stage = NegotiationFixture::new(&[TransportKind::StreamableHttp, TransportKind::Sse]);
        let refused = || fails(MCP_HTTP_ERROR, 405);
        stage.server(TransportKind::StreamableHttp, vec![("server/discover", refused()), ("initialize", refused())]);
        stage.refused(Error::new(status, "no").with_http_status(http_status));
        assert_eq!(stage.open(None).err().unwrap().status(), reported);
    }
    let stage = NegotiationFixture::new(&[TransportKind::StreamableHttp, TransportKind::Sse]);
    let failing = || fails(MCP_SERVER_ERROR, 500);
    stage.server(TransportKind::StreamableHttp, vec![("server/discover", failing()), ("initialize", failing())]);
    assert_eq!(stage.open(None).err().unwrap().status(), MCP_SERVER_ERROR);
    assert_eq!(stage.connections.opened.lock().len(), 1);
}

#[test]
fn the_newer_transport_is_tried_where_the_older_ones_stream_is_none() {
    for (status, http_status, is_tried) in [
        (MCP_UNEXPECTED_CONTENT, 200, true),
        (MCP_NOT_FOUND, 404, true),
        (MCP_RPC_ERROR, 400, true),
        (MCP_TIMEOUT, 0, true),
        (MCP_RPC_ERROR, 500, false),
        (MCP_UNAUTHORIZED, 401, false),
        (MCP_CONNECT_FAILED, 0, false),
    ] {
        let stage = NegotiationFixture::new(&[TransportKind::Sse, TransportKind::StreamableHttp]);
        stage.refused(Error::new(status, "no").with_http_status(http_status));
        stage.server(TransportKind::StreamableHttp, vec![("server/discover", says(DISCOVERED))]);
        let session = stage.open(None);
        assert_eq!(session.is_ok(), is_tried, "{status:?}");
        assert_eq!(stage.connections.opened.lock().len(), 1 + usize::from(is_tried));
    }
}

#[test]
fn a_process_that_ends_by_the_probe_is_started_again() {
    let stage = NegotiationFixture::new(&[TransportKind::Stdio]);
    stage.server(TransportKind::Stdio, vec![("server/discover", fails(MCP_PROCESS_FAILED, 0))]);
    let second = stage.server(TransportKind::Stdio, vec![("initialize", says(INITIALIZED))]);
    assert_eq!(stage.open(None).unwrap().era, Era::Legacy);
    assert_eq!(methods(&second), ["initialize"]);
    // One that refuses goes on.
    let scripts = vec![("server/discover", refuses(-32601, 0)), ("initialize", says(INITIALIZED))];
    let server = stage.server(TransportKind::Stdio, scripts);
    stage.open(None).unwrap();
    assert_eq!(methods(&server), ["server/discover", "initialize"]);
    // And one that was only slow to start is asked once more.
    let scripts = vec![
        ("server/discover", fails(MCP_TIMEOUT, 0)),
        ("initialize", refuses(-32601, 0)),
        ("server/discover", says(DISCOVERED)),
    ];
    stage.server(TransportKind::Stdio, scripts);
    assert_eq!(stage.open(None).unwrap().era, Era::Modern);
}

#[test]
fn a_pinned_version_is_not_traded_for_another() {
    let mut stage = NegotiationFixture::new(&[TransportKind::StreamableHttp, TransportKind::Sse]);
    stage.pinned = Some((MODERN, Era::Modern));
    for (transport_kind, step, status) in [
        (TransportKind::StreamableHttp, refuses(-32601, 200), MCP_VERSION_UNSUPPORTED),
        (TransportKind::StreamableHttp, fails(MCP_SERVER_ERROR, 500), MCP_SERVER_ERROR),
        (TransportKind::StreamableHttp, fails(MCP_UNAUTHORIZED, 401), MCP_UNAUTHORIZED),
        (TransportKind::Stdio, refuses(-32601, 0), MCP_VERSION_UNSUPPORTED),
        (TransportKind::Stdio, fails(MCP_PROCESS_FAILED, 0), MCP_PROCESS_FAILED),
        (TransportKind::Stdio, fails(MCP_CANCELLED, 0), MCP_CANCELLED),
        (TransportKind::Stdio, fails(MCP_CLOSED, 0), MCP_CLOSED),
    ] {
        stage.connections.order = vec![transport_kind];
        let server = stage.server(transport_kind, vec![("server/discover", step)]);
        assert_eq!(stage.open(None).err().unwrap().status(), status, "{transport_kind:?}");
        assert_eq!(methods(&server), ["server/discover"]);
    }
    stage.connections.order = vec![TransportKind::Sse];
    stage.pinned = Some((LEGACY, Era::Legacy));
    let server = stage.server(TransportKind::Sse, vec![("initialize", says(INITIALIZED))]);
    assert_eq!(stage.open(None).unwrap().version, LEGACY);
    assert_eq!(methods(&server), ["initialize"]);
}

#[test]
fn a_refused_probe_is_passed_once_without_credentials_and_without_a_judgement() {
    let refused = || fails(MCP_UNAUTHORIZED, 401);
    let stage = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let server = stage
        .server(TransportKind::StreamableHttp, vec![("server/discover", refused()), ("initialize", says(INITIALIZED))]);
    assert_eq!(stage.open(None).unwrap().era, Era::Legacy);
    assert_eq!(methods(&server), ["server/discover", "initialize"]);
    // Another refusal says no more than the first.
    stage.server(
        TransportKind::StreamableHttp,
        vec![("server/discover", refused()), ("initialize", fails(MCP_NOT_FOUND, 404))],
    );
    assert_eq!(stage.open(None).err().unwrap().status(), MCP_UNAUTHORIZED);
}

/// A session that is there, over a transport without scripts.
fn session_of(stage: &NegotiationFixture, era: Era) -> Session {
    Session {
        era,
        version: if era == Era::Modern { MODERN } else { LEGACY },
        id: None,
        transport: FakeTransport::new(&stage.host, TransportKind::StreamableHttp),
        meta: String::new(),
        task_meta: String::new(),
        answer: None,
        has_core_tasks: false,
        era_is_certain: true,
    }
}

/// How often a request was tried, and with what outcome, where the first attempt fails with `send_error`.
fn recovered(
    era: Era,
    is_repeatable: bool,
    has_headers: bool,
    send_error: impl Fn() -> SendError,
) -> (u32, Result<u32>) {
    let stage = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let sessions = SessionSlot::default();
    let identity = || CredentialIdentity { credentials: Arc::default(), scheme: None };
    let call = call(&stage.host);
    let tried = Cell::new(0);
    let forget = || ();
    let recovery = Recovery { sessions: &sessions, is_repeatable, forget_headers: has_headers.then_some(&forget) };
    let get = || sessions.get(&call, identity, |_| Ok(session_of(&stage, era))).map(|(session, _)| session);
    let outcome = recovery.with_recovery(&call, get, |_| {
        tried.set(tried.get() + 1);
        if tried.get() == 1 { Err(send_error()) } else { Ok(tried.get()) }
    });
    (tried.get(), outcome)
}

#[test]
fn what_may_have_been_executed_is_tried_again_only_where_that_does_no_harm() {
    let lost = |sent| move || SendError { sent, ..SendError::refused(Error::new(MCP_SESSION_LOST, "gone")) };
    for (is_repeatable, sent, is_tried_again) in
        [(true, Sent::Yes, true), (false, Sent::No, true), (false, Sent::Refused, true), (false, Sent::Yes, false)]
    {
        let (tried, outcome) = recovered(Era::Legacy, is_repeatable, false, lost(sent));
        assert_eq!((tried, outcome.is_ok()), (1 + u32::from(is_tried_again), is_tried_again), "{sent:?}");
    }
}

#[test]
fn a_request_is_tried_again_in_a_new_session_a_new_version_or_with_other_headers() {
    let gone = || SendError::gone_before_sending(Error::new(MCP_DISCONNECTED, "gone"));
    let modern = || rpc_error(-32022, "no", 400);
    let headers = || rpc_error(-32020, "no", 400);
    let other = || rpc_error(-32603, "no", 200);
    assert_eq!(recovered(Era::Legacy, true, false, gone).0, 2);
    assert_eq!(recovered(Era::Legacy, true, false, modern).0, 2);
    assert_eq!(recovered(Era::Modern, true, false, modern).0, 1, "it is modern already");
    assert_eq!(recovered(Era::Modern, true, true, headers).0, 2);
    assert_eq!(recovered(Era::Modern, true, false, headers).0, 1, "it has no headers of its own");
    assert_eq!(recovered(Era::Legacy, true, true, other).0, 1);
}
