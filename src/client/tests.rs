//! Operations over transports that follow scripts.

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

const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}"#;

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

/// A client of a modern server, which answers requests for `method` with these one after the other.
fn client_of(
    method: &'static str,
    answers: Vec<ScriptStep>,
    prepare: impl FnOnce(&Client),
) -> (Arc<Client>, Arc<FakeTransport>) {
    let client = Client::new("http://localhost/mcp").unwrap();
    prepare(&client);
    let server = FakeTransport::new(client.host(), TransportKind::Stdio);
    server.script("server/discover", [ScriptStep::TransportResponse(answer(DISCOVERED))]);
    answers.into_iter().for_each(|step| server.script(method, [step]));
    assert!(client.connector.set(Box::new(SingleTransportConnector(Arc::clone(&server)))).is_ok());
    (client, server)
}

fn pages_of(pages: &[&str]) -> (Result<String>, Vec<String>) {
    let answers = pages.iter().map(|page| ScriptStep::TransportResponse(answer(page))).collect();
    let (client, server) = client_of("resources/list", answers, |_| ());
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
fn pages_are_read_until_there_is_no_cursor() {
    let (all, cursors) = pages_of(&[
        r#"{"resources":[1,2],"nextCursor":"a","x":true}"#,
        r#"{"resources":[],"nextCursor":"b"}"#,
        r#"{"resources":[3]}"#,
    ]);
    assert_eq!(all.unwrap(), r#"{"resources":[1,2,3],"x":true}"#);
    assert_eq!(cursors, ["", r#""a""#, r#""b""#]);
}

#[test]
fn pages_that_lead_to_each_other_end() {
    let circle = [
        r#"{"resources":[1],"nextCursor":"a"}"#,
        r#"{"resources":[2],"nextCursor":"b"}"#,
        r#"{"resources":[3],"nextCursor":"a"}"#,
    ];
    let (all, cursors) = pages_of(&circle);
    assert_eq!(all.unwrap(), r#"{"resources":[1,2,3]}"#);
    assert_eq!(cursors.len(), 3);
    // A server that looks at no cursor sends the same page again.
    let (all, _) = pages_of(&[r#"{"resources":[1],"nextCursor":"a"}"#; 2]);
    assert_eq!(all.unwrap(), r#"{"resources":[1]}"#);
}

#[test]
fn a_page_that_is_none_is_an_error() {
    for page in [r#"{"resources":{}}"#, "{}", r#"{"resources":[],"nextCursor":1}"#] {
        assert_eq!(pages_of(&[page]).0.unwrap_err().status(), MCP_INVALID_MESSAGE, "{page}");
    }
}

/// A tool that asks for input so many times.
fn asked_for_input(rounds: usize) -> (Result<String>, usize, Vec<String>) {
    let wants = || {
        let text = r#"{"inputRequests":{"name":{"method":"elicitation/create","params":{}}},"requestState":"s 1"}"#;
        let wanted = answer(text);
        let response = RpcResponse { kind: ResultType::InputRequired, ..wanted.response };
        ScriptStep::TransportResponse(TransportResponse { response, ..wanted })
    };
    let mut answers: Vec<_> = (0..rounds).map(|_| wants()).collect();
    answers.push(ScriptStep::TransportResponse(answer(r#"{"content":[]}"#)));
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let (client, server) = client_of("tools/call", answers, |client| {
        let handler = move |input: &mut crate::rpc::handlers::InputRequest| {
            counted.fetch_add(1, Ordering::Relaxed);
            let _ = input.accept(None);
        };
        client.settings.set_handler(InputKind::Elicitation, Some(Arc::new(handler))).unwrap();
    });
    let result = client.call("call tool", &CallOptions::default(), |call| client.call_tool(call, "t", None));
    let sent = server.sent(TransportMethod::Request).into_iter().skip(1).collect();
    (result.map(|result| result.text().to_owned()), count.load(Ordering::Relaxed), sent)
}

#[test]
fn a_call_is_made_again_with_the_input_that_the_server_wants() {
    let (result, count, sent) = asked_for_input(2);
    assert_eq!((result.unwrap().as_str(), count, sent.len()), (r#"{"content":[]}"#, 2, 3));
    assert!(!sent[0].contains("inputResponses"));
    for again in &sent[1..] {
        assert!(again.contains(r#""inputResponses":{"name":{"action":"accept"}}"#), "{again}");
        assert!(again.contains(r#""requestState":"s 1""#), "{again}");
    }
}

#[test]
fn a_server_that_never_has_enough_input_is_given_up() {
    let (result, count, _) = asked_for_input(40);
    assert_eq!((result.unwrap_err().status(), count), (MCP_ENDLESS, 32));
}
