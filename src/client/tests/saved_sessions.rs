//! Saved sessions of a client, and the state of its connection.

use std::process::Command;
use std::sync::mpsc;

use super::*;
use crate::protocol::json::Json;
use crate::protocol::raw_value::RawValue;
use crate::session::state_monitor::ConnectionState;
use crate::transport::fake::rpc_error;
use crate::transport::stdio::environment::command_for;

const INITIALIZE_RESULT: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#;

/// A client of a server over Streamable HTTP, with these responses.
fn client_of(scripts: Vec<(&'static str, ScriptStep)>) -> (Arc<Client>, Arc<FakeTransport>) {
    let client = Client::new("http://localhost/mcp").unwrap();
    let server = FakeTransport::new(client.transport_context(), TransportKind::StreamableHttp);
    scripts.into_iter().for_each(|(method, step)| server.script(method, [step]));
    assert!(client.connector.set(Box::new(SingleTransportConnector(Arc::clone(&server)))).is_ok());
    (client, server)
}

fn responds(result: &str) -> ScriptStep {
    ScriptStep::Responds(answer(result))
}

fn list(client: &Client) -> Result<Json> {
    client.call("list", &CallOptions::default(), |call| client.all_pages(call, ListMethod::Resources))
}

fn methods(server: &FakeTransport) -> Vec<String> {
    let requests = server.seen().into_iter().filter(|seen| seen.via == TransportMethod::Request);
    requests.map(|seen| seen.method).collect()
}

/// The text that a client of a modern server saves.
fn saved_modern() -> String {
    let scripts =
        vec![("server/discover", responds(DISCOVER_RESULT)), ("resources/list", responds(r#"{"resources":[]}"#))];
    let (client, _) = client_of(scripts);
    assert_eq!(client.save_session().unwrap_err().status(), MCP_MISUSE);
    list(&client).unwrap();
    client.save_session().unwrap().text().to_owned()
}

#[test]
fn the_first_request_of_a_saved_session_is_that_of_the_call() {
    let saved = saved_modern();
    let (client, server) = client_of(vec![("resources/list", responds(r#"{"resources":[1]}"#))]);
    client.set_saved_session(Some(&saved)).unwrap();
    assert_eq!(client.state(), ConnectionState::NotConnected);
    client.call("connect", &CallOptions::default(), |call| client.connect(call)).unwrap();
    assert_eq!(client.state(), ConnectionState::Connected);
    assert_eq!(list(&client).unwrap().text(), r#"{"resources":[1]}"#);
    assert_eq!(methods(&server), ["resources/list"]);
    assert_eq!(client.set_saved_session(None).unwrap_err().status(), MCP_MISUSE);
    // A ping asks the server, also if it is the first call.
    let (client, server) = client_of(vec![("server/discover", responds(DISCOVER_RESULT))]);
    client.set_saved_session(Some(&saved)).unwrap();
    client.call("ping", &CallOptions::default(), |call| client.ping(call)).unwrap();
    assert_eq!(methods(&server), ["server/discover"]);
}

#[test]
fn tools_without_headers_are_called_without_a_list() {
    let call_tool = |client: &Client| {
        client.call("call tool", &CallOptions::default(), |call| client.call_tool(call, "t", Some(r#"{"a":1}"#)))
    };
    let plain = r#"{"tools":[{"name":"t","inputSchema":{"properties":{"a":{}}}}]}"#;
    let expiring = r#"{"ttlMs":1000,"tools":[{"name":"t","inputSchema":{}}]}"#;
    let with_headers =
        r#"{"tools":[{"name":"t","inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}}]}"#;
    for (tools, is_plain) in [(plain, true), (expiring, false), (with_headers, false)] {
        let (client, _) = client_of(vec![
            ("server/discover", responds(DISCOVER_RESULT)),
            ("tools/list", responds(tools)),
            ("tools/call", responds(r#"{"content":[]}"#)),
        ]);
        call_tool(&client).unwrap();
        let saved = client.save_session().unwrap();
        assert_eq!(saved.raw_member("plainTools").is_some(), is_plain, "{tools}");
        let (client, server) =
            client_of(vec![("tools/call", responds(r#"{"content":[]}"#)), ("tools/list", responds(tools))]);
        client.set_saved_session(Some(saved.text())).unwrap();
        call_tool(&client).unwrap();
        let expected: &[&str] = if is_plain { &["tools/call"] } else { &["tools/list", "tools/call"] };
        assert_eq!(methods(&server), expected, "{tools}");
        // It is saved again as it was.
        assert_eq!(client.save_session().unwrap().raw_member("plainTools").is_some(), is_plain, "{tools}");
    }
}

#[test]
fn a_server_that_was_replaced_is_negotiated_with() {
    let refusal = rpc_error(-32600, "Missing session ID", 400);
    let refusal = crate::call::send_error::SendError::refused(refusal.error);
    let (client, server) = client_of(vec![
        ("resources/list", ScriptStep::Fails(refusal)),
        // To find out whether the server knows the session, and then to negotiate.
        ("server/discover", ScriptStep::Fails(rpc_error(-32601, "no", 200))),
        ("server/discover", ScriptStep::Fails(rpc_error(-32601, "no", 200))),
        ("initialize", responds(INITIALIZE_RESULT)),
        ("resources/list", responds(r#"{"resources":[2]}"#)),
    ]);
    client.set_saved_session(Some(&saved_modern())).unwrap();
    assert_eq!(list(&client).unwrap().text(), r#"{"resources":[2]}"#);
    let expected = ["resources/list", "server/discover", "server/discover", "initialize", "resources/list"];
    assert_eq!(methods(&server), expected);
}

#[test]
fn the_ids_of_a_shared_session_begin_at_a_random_number() {
    let scripts = |id| {
        let initialized =
            TransportResponse { session_id: Some(::http::HeaderValue::from_static(id)), ..answer(INITIALIZE_RESULT) };
        vec![
            ("server/discover", ScriptStep::Fails(rpc_error(-32601, "no", 200))),
            ("initialize", ScriptStep::Responds(initialized)),
            ("resources/list", responds(r#"{"resources":[]}"#)),
        ]
    };
    let (client, _) = client_of(scripts("s-1"));
    list(&client).unwrap();
    let saved = client.save_session().unwrap();
    assert_eq!(saved.raw_member("sessionId").and_then(RawValue::text).as_deref(), Some("s-1"));
    let next = |saved: &str| {
        let (client, _) = client_of(Vec::new());
        client.set_saved_session(Some(saved)).unwrap();
        client.calls.next_id()
    };
    let ids = [next(saved.text()), next(saved.text()), next(saved.text())];
    assert!(ids.iter().all(|id| (1024..=1 << 30).contains(id)), "{ids:?}");
    assert!(ids[0] != ids[1] || ids[1] != ids[2], "{ids:?}");
    assert!(next(&saved_modern()) < 1024);
}

#[test]
fn a_saved_session_belongs_to_the_server_with_these_arguments() {
    let process = |arguments: &[&str]| {
        Client::new_stdio(command_for(arguments.iter().map(|argument| (*argument).to_owned()).collect())).unwrap()
    };
    let (a, b) = (process(&["npx", "a"]), process(&["npx", "b"]));
    assert_eq!(a.server_identity(&None).shown, b.server_identity(&None).shown);
    assert_ne!(*a.server_identity(&None).whole, *b.server_identity(&None).whole);
}

#[test]
fn a_saved_session_is_not_for_another_tenant_or_socket() {
    const URL: &str = "http://localhost/key/zqxw-5ecret-1234567/mcp?tenant=zqxw";
    let client_at = |url: &str| {
        let client = Client::new(url).unwrap();
        let server = FakeTransport::new(client.transport_context(), TransportKind::StreamableHttp);
        server.script("server/discover", [responds(DISCOVER_RESULT)]);
        server.script("resources/list", [responds(r#"{"resources":[]}"#)]);
        assert!(client.connector.set(Box::new(SingleTransportConnector(Arc::clone(&server)))).is_ok());
        (client, server)
    };
    let (client, _) = client_at(URL);
    list(&client).unwrap();
    let saved = client.save_session().unwrap();
    assert!(!saved.text().contains("zqxw"), "{}", saved.text());
    // The salt is random, so that equal servers cannot be recognized.
    let hash = |saved: &Json| saved.raw_member("serverHash").and_then(RawValue::text).unwrap().into_owned();
    assert_ne!(hash(&saved), hash(&client.save_session().unwrap()));
    for other in [URL.replace("tenant=zqxw", "tenant=b"), URL.replace("1234567", "7654321")] {
        let (client, _) = client_at(&other);
        let error = client.set_saved_session(Some(saved.text())).unwrap_err();
        assert_eq!(error.status(), MCP_INVALID_ARGUMENT);
        assert!(!error.to_string().contains("zqxw"), "{error}");
    }
    let (client, _) = client_at(URL);
    client.settings.set_unix_socket(Some("/run/a.sock")).unwrap();
    assert_eq!(client.set_saved_session(Some(saved.text())).unwrap_err().status(), MCP_INVALID_ARGUMENT);
    // The socket that counts is that of the first call.
    for (later, expected) in
        [(Some("/run/a.sock"), &["server/discover", "resources/list"][..]), (None, &["resources/list"][..])]
    {
        let (client, server) = client_at(URL);
        client.set_saved_session(Some(saved.text())).unwrap();
        client.settings.set_unix_socket(Some("/run/a.sock")).unwrap();
        client.settings.set_unix_socket(later).unwrap();
        list(&client).unwrap();
        assert_eq!(methods(&server), expected, "{later:?}");
    }
}

/// Responds to `initialize` and `ping`. Its name is its process id.
const SERVER: &str = r#"while read -r line; do
    case $line in *'"id":'*) ;; *) continue ;; esac
    id=${line#*'"id":'}; id=${id%%,*}
    echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"'$$'"}}}'
done"#;

#[test]
fn the_end_of_a_process_is_noticed_at_once() {
    let client = Client::new_stdio(command_for(["/bin/sh", "-c", SERVER].map(String::from).to_vec())).unwrap();
    client.settings.pin_version(Some("2025-11-25")).unwrap();
    let (sender, states) = mpsc::channel();
    let sender = crate::sys::lock::Mutex::new(sender);
    client.set_state_hook(Some(Arc::new(move |state| sender.lock().send(state).unwrap())));
    let info = client.call("info", &CallOptions::default(), |call| client.server_info(call)).unwrap();
    let pid = RawValue::of(&info).at(&["serverInfo", "name"]).and_then(RawValue::text).unwrap();
    assert!(Command::new("kill").args(["-9", &*pid]).status().unwrap().success());
    assert_eq!(states.recv().unwrap(), ConnectionState::Connected);
    assert_eq!(states.recv().unwrap(), ConnectionState::ProcessEnded);
    assert_eq!(client.state(), ConnectionState::ProcessEnded);
    assert_eq!(client.save_session().unwrap_err().status(), MCP_MISUSE);
    client.call("ping", &CallOptions::default(), |call| client.ping(call)).unwrap();
    assert_eq!(states.recv().unwrap(), ConnectionState::Connected);
    client.close(&CallOptions::default()).unwrap();
    assert_eq!(states.recv().unwrap(), ConnectionState::Closed);
    client.shut_down();
    assert!(states.recv().is_err(), "the hook is still there");
}
