//! Saved sessions, and the state of the connection.

use super::*;
use crate::protocol::messages::capabilities;
use crate::session::saved_session::{SavedBy, SavedFor, ServerIdentity, save};
use crate::session::session_slot::EarlierSessions;
use crate::session::state_monitor::ConnectionState;

/// A server, with the part of its identity that is not shown.
fn server_at(shown: &'static str, secret: &str) -> ServerIdentity<'static> {
    ServerIdentity { shown, whole: format!("{shown}?{secret}").into() }
}

fn server() -> ServerIdentity<'static> {
    server_at("http://localhost/mcp", "key=zqxw")
}

/// The text of a session that is saved, and continued by another client.
fn saved_text(session: &Session) -> String {
    let client_capabilities = capabilities(Era::Legacy, ClientCapabilities::default(), &OwnCapabilities::default());
    let client = SavedBy { server: &server(), salt: "salt", client_capabilities, has_plain_tools: false, saved_at: 7 };
    save(session, client).unwrap().text().to_owned()
}

const URL_TRANSPORTS: &[TransportKind] = &[TransportKind::StreamableHttp, TransportKind::Sse];

fn parse_saved(text: &str) -> Result<SavedSession> {
    SavedSession::parse(text, &SavedFor { server: &server(), transports: URL_TRANSPORTS, pinned: None })
}

/// Opens a session of a server with these responses, and saves it.
fn saved_session(kind: TransportKind, scripts: Vec<(&'static str, ScriptStep)>) -> String {
    let fixture = NegotiationFixture::new(&[kind]);
    fixture.server(kind, scripts);
    saved_text(&fixture.open(None).unwrap())
}

fn saved_legacy() -> String {
    let initialized =
        TransportResponse { session_id: Some(HeaderValue::from_static("s-1")), ..answer(INITIALIZE_RESULT) };
    let scripts = vec![("server/discover", refuses(-32601, 200)), ("initialize", ScriptStep::Responds(initialized))];
    saved_session(TransportKind::StreamableHttp, scripts)
}

fn saved_modern() -> String {
    saved_session(TransportKind::StreamableHttp, vec![("server/discover", succeeds(DISCOVER_RESULT))])
}

#[test]
fn a_saved_session_is_continued_without_a_request() {
    for (text, era, id, result) in [
        (saved_legacy(), Era::Legacy, Some("s-1"), INITIALIZE_RESULT),
        (saved_modern(), Era::Modern, None, DISCOVER_RESULT),
    ] {
        let mut fixture = NegotiationFixture::new(URL_TRANSPORTS);
        fixture.needs_server_stream = true;
        let server = fixture.server(TransportKind::StreamableHttp, Vec::new());
        let session = fixture.resume(&parse_saved(&text).unwrap()).unwrap().unwrap();
        assert_eq!((session.era, session.is_unproven()), (era, true));
        assert_eq!(session.id.as_ref().map(|id| id.to_str().unwrap()), id);
        assert_eq!(session.handshake_result.as_ref().map(|result| result.text()), Some(result));
        assert!(methods(&server).is_empty());
        let opens_stream = server.seen().iter().any(|seen| seen.via == TransportMethod::OpenServerStream);
        assert_eq!(opens_stream, era == Era::Legacy);
        // It is saved again as it was.
        assert_eq!(saved_text(&session), text);
    }
}

#[test]
fn a_saved_session_is_not_continued_with_other_settings() {
    let mut fixture = NegotiationFixture::new(URL_TRANSPORTS);
    fixture.client_capabilities.elicitation = true;
    assert!(fixture.resume(&parse_saved(&saved_legacy()).unwrap()).unwrap().is_none());
    fixture.server(TransportKind::StreamableHttp, Vec::new());
    // A modern server is told the capabilities in each request.
    assert!(fixture.resume(&parse_saved(&saved_modern()).unwrap()).unwrap().is_some());
    let mut fixture = NegotiationFixture::new(URL_TRANSPORTS);
    fixture.pinned = Some(("2025-06-18", Era::Legacy));
    assert!(fixture.resume(&parse_saved(&saved_legacy()).unwrap()).unwrap().is_none());
    let fixture = NegotiationFixture::new(&[TransportKind::Sse]);
    assert!(fixture.resume(&parse_saved(&saved_legacy()).unwrap()).unwrap().is_none());
    assert!(fixture.connector.opened.lock().is_empty());
}

#[test]
fn processes_and_event_streams_get_a_handshake_without_a_search() {
    for kind in [TransportKind::Stdio, TransportKind::Sse] {
        let scripts = match kind {
            TransportKind::Sse => vec![("initialize", succeeds(INITIALIZE_RESULT))],
            _ => vec![("server/discover", refuses(-32601, 0)), ("initialize", succeeds(INITIALIZE_RESULT))],
        };
        let client = SavedFor { server: &server(), transports: &[kind], pinned: None };
        let saved = SavedSession::parse(&saved_session(kind, scripts), &client).unwrap();
        let fixture = NegotiationFixture::new(&[kind]);
        assert!(fixture.resume(&saved).unwrap().is_none());
        let server = fixture.server(kind, vec![("initialize", succeeds(INITIALIZE_RESULT))]);
        assert_eq!(fixture.open(saved.discovered()).unwrap().era, Era::Legacy);
        assert_eq!(methods(&server), ["initialize"]);
    }
}

#[test]
fn a_known_legacy_process_is_probed_if_it_refuses_initialize() {
    let discovered = Some(DiscoveredServer { era: Era::Legacy, transport_kind: TransportKind::Stdio });
    let fixture = NegotiationFixture::new(&[TransportKind::Stdio]);
    let scripts = vec![("initialize", refuses(-32601, 0)), ("server/discover", succeeds(DISCOVER_RESULT))];
    let server = fixture.server(TransportKind::Stdio, scripts);
    assert_eq!(fixture.open(discovered).unwrap().era, Era::Modern);
    assert_eq!(methods(&server), ["initialize", "server/discover"]);
    // The refusal is reported if the server is not modern.
    let scripts = vec![("initialize", refuses(-32603, 0)), ("server/discover", refuses(-32601, 0))];
    fixture.server(TransportKind::Stdio, scripts);
    assert_eq!(fixture.open(discovered).err().unwrap().report().rpc.as_ref().unwrap().code, -32603);
}

#[test]
fn a_saved_session_of_another_server_version_or_transport_is_rejected() {
    let text = saved_legacy();
    let refusal = |client: SavedFor| {
        let error = SavedSession::parse(&text, &client).err().unwrap();
        assert_eq!(error.status(), MCP_INVALID_ARGUMENT);
        error.to_string()
    };
    let server = server();
    let client = || SavedFor { server: &server, transports: URL_TRANSPORTS, pinned: None };
    let other = refusal(SavedFor { server: &server_at("http://other/mcp", "key=zqxw"), ..client() });
    assert!(other.contains("belongs to the server \"http://localhost/mcp\""), "{other}");
    let tenant = refusal(SavedFor { server: &server_at("http://localhost/mcp", "key=other"), ..client() });
    assert!(tenant.contains("another server") && tenant.contains("the query, a secret part of the path"), "{tenant}");
    assert!(!text.contains("zqxw"), "{text}");
    let pinned = refusal(SavedFor { pinned: Some("2025-06-18"), ..client() });
    assert!(pinned.contains("it has protocol version 2025-11-25, and this client is pinned to 2025-06-18"), "{pinned}");
    refusal(SavedFor { transports: &[TransportKind::Sse], ..client() });
    refusal(SavedFor { transports: &[TransportKind::Stdio], ..client() });
    for wrong in [
        text.replace("streamable-http", "sse"),
        text.replace("streamable-http", "carrier-pigeon"),
        saved_modern().replace("streamable-http", "sse"),
    ] {
        assert_eq!(parse_saved(&wrong).err().unwrap().status(), MCP_INVALID_ARGUMENT, "{wrong}");
    }
    assert!(SavedSession::parse(&text, &SavedFor { pinned: Some("2025-11-25"), ..client() }).is_ok());
}

#[test]
fn an_uncertain_era_is_not_assumed_after_the_session() {
    let scripts = vec![("server/discover", refuses(-32603, 500)), ("initialize", succeeds(INITIALIZE_RESULT))];
    let saved = parse_saved(&saved_session(TransportKind::StreamableHttp, scripts)).unwrap();
    assert!(saved.discovered().is_none());
}

/// Makes a request in a saved session. It fails with `send_error`, and the harmless one has this outcome. Returns how
/// many times the request was made, its outcome, and whether the saved session is still used.
fn request_in_saved(
    (saved, actual): (Era, Era),
    is_repeatable: bool,
    send_error: SendError,
    harmless: &dyn Fn() -> Result<()>,
) -> (u32, Result<()>, bool) {
    let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let sessions = SessionSlot::new(Arc::clone(&fixture.transport_context.calls));
    let identity = || CredentialIdentity { credentials: Arc::default(), source_id: None, is_login: false };
    let call = call(&fixture.transport_context);
    let open = |earlier: EarlierSessions| {
        // The server was not found again by what is known of the saved session.
        assert!(earlier.discovered.is_none());
        let era = if earlier.any { actual } else { saved };
        Ok(Session { is_unproven: AtomicBool::new(!earlier.any), ..open_session(&fixture, era) })
    };
    let get = || sessions.get(&call, identity, open).map(|(session, _)| session);
    let first = get().unwrap();
    let (attempts, failure) = (Cell::new(0), Cell::new(Some(send_error)));
    let try_saved = |_: &Session| harmless();
    let recovery = Recovery { sessions: &sessions, is_repeatable, forget_headers: None, try_saved: &try_saved };
    let outcome = recovery.with_recovery(&call, get, |_| {
        attempts.set(attempts.get() + 1);
        failure.take().map_or(Ok(()), Err)
    });
    (attempts.get(), outcome, Arc::ptr_eq(&first, &get().unwrap()))
}

#[test]
fn a_failed_request_in_a_saved_session_is_judged_by_one_that_does_no_harm() {
    let refused = || SendError::refused(Error::new(MCP_HTTP_ERROR, "no").with_http_status(400));
    let failed = || SendError::after_sending(Error::new(MCP_SERVER_ERROR, "no").with_http_status(500));
    let own_id = |code| move || rpc_error(code, "no", 200);
    let known: &dyn Fn() -> Result<()> = &|| Ok(());
    let unknown: &dyn Fn() -> Result<()> = &|| Err(Error::new(MCP_HTTP_ERROR, "no").with_http_status(400));
    let unclear: &dyn Fn() -> Result<()> = &|| Err(Error::new(MCP_TIMEOUT, "late"));
    let changed = (Era::Legacy, Era::Modern);
    for send_error in [&refused as &dyn Fn() -> SendError, &failed, &own_id(-32602), &own_id(-32603)] {
        for is_repeatable in [false, true] {
            // The server knows the session: the error is only an error, and nothing is lost.
            let (attempts, outcome, is_kept) = request_in_saved(changed, is_repeatable, send_error(), known);
            assert!((attempts, outcome.is_err(), is_kept) == (1, true, true));
            let (attempts, outcome, is_kept) = request_in_saved(changed, is_repeatable, send_error(), unclear);
            assert!((attempts, outcome.is_err(), is_kept) == (1, true, true));
        }
        // The next call negotiates again in any case, and this one too if that is safe.
        let (attempts, outcome, is_kept) = request_in_saved(changed, true, send_error(), unknown);
        assert!((attempts, outcome.is_ok(), is_kept) == (2, true, false));
        let (attempts, outcome, is_kept) = request_in_saved(changed, false, send_error(), unknown);
        let is_safe = send_error().sent != Sent::Yes;
        assert!((attempts, outcome.is_ok(), is_kept) == (1 + u32::from(is_safe), is_safe, false));
    }
}

#[test]
fn a_tool_is_called_again_if_a_server_of_another_era_refused_its_parameters() {
    let unknown: &dyn Fn() -> Result<()> = &|| Err(rpc_error(-32602, "no", 400).error);
    for (code, actual, is_repeated) in
        [(-32602, Era::Modern, true), (-32602, Era::Legacy, false), (-32603, Era::Modern, false)]
    {
        let send_error = SendError { sent: Sent::Yes, ..rpc_error(code, "no", 400) };
        let (attempts, outcome, is_kept) = request_in_saved((Era::Legacy, actual), false, send_error, unknown);
        assert!((attempts, outcome.is_ok(), is_kept) == (1 + u32::from(is_repeated), is_repeated, false));
    }
}

#[test]
fn a_success_proves_a_saved_session() {
    let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
    let sessions = SessionSlot::new(Arc::clone(&fixture.transport_context.calls));
    let identity = || CredentialIdentity { credentials: Arc::default(), source_id: None, is_login: false };
    let call = call(&fixture.transport_context);
    let open = |_| Ok(Session { is_unproven: AtomicBool::new(true), ..open_session(&fixture, Era::Modern) });
    let get = || sessions.get(&call, identity, open).map(|(session, _)| session);
    let recovery =
        Recovery { sessions: &sessions, is_repeatable: true, forget_headers: None, try_saved: &|_| unreachable!() };
    recovery.with_recovery(&call, get, |_| Ok(())).unwrap();
    assert!(!get().unwrap().is_unproven());
    let first = get().unwrap();
    assert!(recovery.with_recovery(&call, get, |_| Err::<(), _>(rpc_error(-32602, "no", 400))).is_err());
    assert!(Arc::ptr_eq(&first, &get().unwrap()));
}

#[test]
fn the_state_follows_the_session() {
    let fixture = NegotiationFixture::new(&[TransportKind::Stdio]);
    let sessions = SessionSlot::new(Arc::clone(&fixture.transport_context.calls));
    let identity = || CredentialIdentity { credentials: Arc::default(), source_id: None, is_login: false };
    let call = call(&fixture.transport_context);
    let states = Arc::<Mutex<Vec<ConnectionState>>>::default();
    let recorded = Arc::clone(&states);
    sessions.monitor.set_hook(Some(Arc::new(move |state| recorded.lock().push(state))));
    let open_on = |transport: &Arc<FakeTransport>| {
        sessions.get(&call, identity, |_| {
            Ok(Session {
                transport: Arc::clone(transport) as Arc<dyn Transport>,
                ..open_session(&fixture, Era::Legacy)
            })
        })
    };
    let process = FakeTransport::new(&fixture.transport_context, TransportKind::Stdio);
    let (session, _) = open_on(&process).unwrap();
    assert_eq!(sessions.monitor.current(), ConnectionState::Connected);
    process.end(Error::new(MCP_PROCESS_FAILED, "it has exited"));
    assert_eq!(sessions.monitor.current(), ConnectionState::ProcessEnded);
    sessions.forget(&session);
    let stream = FakeTransport::new(&fixture.transport_context, TransportKind::Sse);
    let (session, _) = open_on(&stream).unwrap();
    sessions.forget(&session);
    stream.end(Error::new(MCP_DISCONNECTED, "the stream has ended"));
    open_on(&FakeTransport::new(&fixture.transport_context, TransportKind::Sse)).unwrap();
    sessions.close();
    let expected = [
        ConnectionState::Connected,
        ConnectionState::ProcessEnded,
        ConnectionState::Connected,
        ConnectionState::Lost,
        ConnectionState::Connected,
    ];
    assert_eq!(*states.lock(), expected);
}

#[test]
fn what_is_saved_can_be_read() {
    let session = |id: &'static str, result: &str| {
        let initialized = TransportResponse { session_id: Some(HeaderValue::from_static(id)), ..answer(result) };
        let fixture = NegotiationFixture::new(&[TransportKind::StreamableHttp]);
        let scripts =
            vec![("server/discover", refuses(-32601, 200)), ("initialize", ScriptStep::Responds(initialized))];
        fixture.server(TransportKind::StreamableHttp, scripts);
        fixture.open(None).unwrap()
    };
    // Some servers put spaces in the id.
    let saved = parse_saved(&saved_text(&session("a b\tc", INITIALIZE_RESULT))).unwrap();
    assert_eq!(saved.id.unwrap(), "a b\tc");
    // The result is left out if the whole text would be too long.
    let result = format!(r#"{{"protocolVersion":"2025-11-25","instructions":"{}"}}"#, "x".repeat(500_000));
    let session = session("s-1", &result);
    let saved_with = |length: usize| {
        let client_capabilities = format!(r#"{{"x":"{}"}}"#, "x".repeat(length));
        let client =
            SavedBy { server: &server(), salt: "salt", client_capabilities, has_plain_tools: false, saved_at: 7 };
        save(&session, client)
    };
    for (length, has_result) in [(500_000, true), (600_000, false)] {
        let saved = parse_saved(saved_with(length).unwrap().text()).unwrap();
        assert_eq!(saved.result.is_some(), has_result, "{length}");
    }
    let error = saved_with(2_000_000).err().unwrap();
    assert!(error.to_string().contains("the session cannot be saved: it is larger than"), "{error}");
}
