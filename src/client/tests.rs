//! Requests over scripted transports.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Client;
use super::operations::lists::ListMethod;
use crate::call::context::{CallContext, CallOptions};
use crate::error::Result;
use crate::protocol::incoming::InputKind;
use crate::protocol::jsonrpc::{ResultType, RpcResponse};
use crate::status::*;
use crate::transport::fake::{FakeTransport, ScriptStep, TransportMethod, answer};
use crate::transport::interface::{Connector, Transport, TransportKind, TransportResponse};

const DISCOVER_RESULT: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#;

struct SingleTransportConnector(Arc<FakeTransport>);

impl Connector for SingleTransportConnector {
    fn candidates(&self, _: Option<TransportKind>, _: bool) -> Vec<TransportKind> {
        vec![self.0.transport_kind()]
    }

    fn address_indicates(&self, _: TransportKind) -> bool {
        false
    }

    fn connect(&self, _: &CallContext, _: TransportKind) -> Result<Arc<dyn Transport>> {
        Ok(Arc::clone(&self.0) as Arc<dyn Transport>)
    }
}

/// A client of a modern server whose responses to `method` are given by `responses`, in this order.
fn client_with_script(
    method: &'static str,
    responses: Vec<ScriptStep>,
    prepare: impl FnOnce(&Client),
) -> (Arc<Client>, Arc<FakeTransport>) {
    let client = Client::new("http://localhost/mcp").unwrap();
    prepare(&client);
    let server = FakeTransport::new(client.transport_context(), TransportKind::Stdio);
    server.script("server/discover", [ScriptStep::Responds(answer(DISCOVER_RESULT))]);
    responses.into_iter().for_each(|step| server.script(method, [step]));
    assert!(client.connector.set(Box::new(SingleTransportConnector(Arc::clone(&server)))).is_ok());
    (client, server)
}

/// Reads all pages: the combined list, and the cursor of each request.
fn read_pages(pages: &[&str]) -> (Result<String>, Vec<String>) {
    let responses = pages.iter().map(|page| ScriptStep::Responds(answer(page))).collect();
    let (client, server) = client_with_script("resources/list", responses, |_| ());
    let all = client.call("list", &CallOptions::default(), |call| client.all_pages(call, ListMethod::Resources));
    let cursors = server.sent(TransportMethod::Request).into_iter().skip(1).map(|params| {
        match params.split_once("\"cursor\":") {
            Some((_, rest)) => rest.split(',').next().unwrap_or_default().trim_end_matches('}').to_owned(),
            None => String::new(),
        }
    });
    (all.map(|all| all.text().to_owned()), cursors.collect())
}

#[test]
fn pages_are_read_until_one_has_no_cursor() {
    let (all, cursors) = read_pages(&[
        r#"{"resources":[1,2],"nextCursor":"a","x":true}"#,
        r#"{"resources":[],"nextCursor":"b"}"#,
        r#"{"resources":[3]}"#,
    ]);
    assert_eq!(all.unwrap(), r#"{"resources":[1,2,3],"x":true}"#);
    assert_eq!(cursors, ["", r#""a""#, r#""b""#]);
}

#[test]
fn a_repeated_cursor_ends_the_list() {
    let circle = [
        r#"{"resources":[1],"nextCursor":"a"}"#,
        r#"{"resources":[2],"nextCursor":"b"}"#,
        r#"{"resources":[3],"nextCursor":"a"}"#,
    ];
    let (all, cursors) = read_pages(&circle);
    assert_eq!(all.unwrap(), r#"{"resources":[1,2,3]}"#);
    assert_eq!(cursors.len(), 3);
    // A server that ignores the cursor sends the same page again.
    let (all, _) = read_pages(&[r#"{"resources":[1],"nextCursor":"a"}"#; 2]);
    assert_eq!(all.unwrap(), r#"{"resources":[1]}"#);
}

#[test]
fn a_malformed_page_is_an_error() {
    for page in [r#"{"resources":{}}"#, "{}", r#"{"resources":[],"nextCursor":1}"#] {
        assert_eq!(read_pages(&[page]).0.unwrap_err().status(), MCP_INVALID_MESSAGE, "{page}");
    }
}

/// Calls a tool that requires input `rounds` times: the result, how often the handler ran, and the requests.
fn call_tool_with_input(rounds: usize) -> (Result<String>, usize, Vec<String>) {
    let input_required = || {
        let text = r#"{"inputRequests":{"name":{"method":"elicitation/create","params":{}}},"requestState":"s 1"}"#;
        let complete = answer(text);
        let response = RpcResponse { kind: ResultType::InputRequired, ..complete.response };
        ScriptStep::Responds(TransportResponse { response, ..complete })
    };
    let mut responses: Vec<_> = (0..rounds).map(|_| input_required()).collect();
    responses.push(ScriptStep::Responds(answer(r#"{"content":[]}"#)));
    let count = Arc::new(AtomicUsize::new(0));
    let handler_count = Arc::clone(&count);
    let (client, server) = client_with_script("tools/call", responses, |client| {
        let handler = move |input: &Arc<crate::rpc::handlers::InputRequest>| {
            handler_count.fetch_add(1, Ordering::Relaxed);
            let _ = input.accept(None);
        };
        client.settings.set_handler(InputKind::Elicitation, Some(Arc::new(handler))).unwrap();
    });
    let result = client.call("call tool", &CallOptions::default(), |call| client.call_tool(call, "t", None));
    let sent = server.sent(TransportMethod::Request).into_iter().skip(1).collect();
    (result.map(|result| result.text().to_owned()), count.load(Ordering::Relaxed), sent)
}

#[test]
fn a_request_is_repeated_with_the_input_that_the_server_requires() {
    let (result, count, sent) = call_tool_with_input(2);
    assert_eq!((result.unwrap().as_str(), count, sent.len()), (r#"{"content":[]}"#, 2, 3));
    assert!(!sent[0].contains("inputResponses"));
    for repeated in &sent[1..] {
        assert!(repeated.contains(r#""inputResponses":{"name":{"action":"accept"}}"#), "{repeated}");
        assert!(repeated.contains(r#""requestState":"s 1""#), "{repeated}");
    }
}

#[test]
fn input_rounds_are_limited() {
    let (result, count, _) = call_tool_with_input(40);
    assert_eq!((result.unwrap_err().status(), count), (MCP_ENDLESS, 32));
}
