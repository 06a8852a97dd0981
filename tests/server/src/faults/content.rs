//! Faults in the content of valid HTTP responses.

use super::{Kind, sized};
use crate::auth;
use crate::protocol::Request;
use crate::reply::{Body, NOTIFICATION, Reply, event};
use crate::rpc::{self, Error, Message};
use serde_json::{Value, json};
use std::io;

const PAGE: &str = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n";
/// Events with unknown names. The data of the first looks like a response.
const UNKNOWN: [&[u8]; 3] = [
    b"event: heartbeat\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n",
    b"event: message2\ndata: no JSON\n\n",
    b"colour: blue\nevent: \nevent: note\ndata\n\n",
];

/// The faulty response, or `None` if the fault does not concern the content.
pub fn reply(kind: &Kind, request: &Request) -> Option<io::Result<Reply>> {
    match faulty_response(kind, request) {
        Some(reply) if is_message(kind) && request.responds_on_sse_stream() => Some(Ok(on_stream(request, reply))),
        Some(reply) => Some(Ok(reply)),
        None => sized::reply(kind, request),
    }
}

/// Whether only the JSON-RPC message is faulty, which HTTP+SSE sends on its event stream.
fn is_message(kind: &Kind) -> bool {
    use Kind::{BadUtf8, NoIdError, NotJson, NotRpc, RpcError, SecretEcho};
    matches!(kind, BadUtf8 | NoIdError | NotJson | NotRpc | RpcError | SecretEcho)
}

fn on_stream(request: &Request, faulty: Reply) -> Reply {
    let mut reply = request.answer();
    if let (Some(_), Body::Json(message)) = (&reply.delivery, faulty.body) {
        reply.set_message(message);
    }
    reply
}

fn faulty_response(kind: &Kind, request: &Request) -> Option<Reply> {
    let id = request.message.id();
    Some(match kind {
        Kind::Html => Reply::other(200, "text/html; charset=utf-8", PAGE.into()),
        Kind::Html404 => Reply::other(404, "text/html; charset=utf-8", PAGE.into()),
        Kind::NotJson => Reply::json(200, r#"{"jsonrpc":"2.0","id":1,"result":{"#),
        Kind::Plain => Reply::text(200, "It works!\n"),
        Kind::Empty => Reply::json(200, ""),
        Kind::Accepted => Reply::empty(202),
        Kind::NoIdError => Reply::json(400, Error::new(-32600, "Bad Request: no id").body(&Value::Null)),
        Kind::RpcError => error(request, 200),
        Kind::RpcError500 => error(request, 500),
        Kind::NotRpc => Reply::json(200, r#"{"hello":1}"#),
        Kind::BadUtf8 => Reply::json(200, bad_utf8(id)),
        Kind::SecretEcho => Reply::json(200, secret_echo(request)),
        Kind::InvalidToken => auth::invalid_token(),
        Kind::ScopeMissing => auth::insufficient_scope("admin"),
        Kind::Scope(word) => auth::insufficient_scope(word),
        // Like older rmcp servers: without a challenge and without JSON.
        Kind::UnknownSession401 => Reply::text(401, "Unauthorized: Session not found"),
        Kind::Status(status) => status_reply(*status, request.scenario.retry_after.as_deref()),
        Kind::Redirect(status, target) => {
            let path = request.head.path();
            let query = &request.head.target()[path.len()..];
            let target = if target == "self-slash" { format!("{path}/{query}") } else { target.clone() };
            Reply::text(*status, "redirected\n").header("Location", target)
        }
        Kind::ForeignId => changed(request, |message| set_id(message, json!(987_654_321))),
        Kind::StringId => changed(request, |message| {
            let id = message.get("id").filter(|id| id.is_number()).map(|id| json!(id.to_string()));
            if let Some(id) = id {
                set_id(message, id);
            }
        }),
        Kind::Batch => changed(request, |message| {
            let notification = serde_json::from_str(NOTIFICATION).unwrap_or_default();
            *message = Value::Array(vec![notification, message.take()]);
        }),
        Kind::TwoAnswers => two_answers(request),
        Kind::GarbageEvent => with_events_before(request, &[&event(b"this is not JSON")]),
        Kind::UnknownEvents => with_events_before(request, &UNKNOWN),
        _ => return None,
    })
}

/// A notification that belongs to no request, as an event.
pub fn notification() -> Vec<u8> {
    event(NOTIFICATION.as_bytes())
}

fn error(request: &Request, status: u16) -> Reply {
    let code = request.scenario.rpc_code.unwrap_or(-32603);
    let error = Error::new(code, "boom").data(json!({"why": "test"}));
    Reply::json(request.scenario.rpc_status.unwrap_or(status), error.body(request.message.id()))
}

fn status_reply(status: u16, retry_after: Option<&str>) -> Reply {
    let reply = match status {
        100..=199 | 204 | 304 => Reply::empty(status),
        _ => Reply::text(status, format!("status {status}\n")),
    };
    match retry_after {
        Some(value) => reply.header("Retry-After", value),
        None => reply,
    }
}

fn bad_utf8(id: &Value) -> Vec<u8> {
    let result = r#"{"content":[{"type":"text","text":"??"}],"isError":false}"#;
    let mut body = rpc::result(id, result);
    if let Some(at) = body.windows(2).position(|pair| pair == b"??") {
        body[at..at + 2].copy_from_slice(b"\xff\xfe");
    }
    body
}

fn secret_echo(request: &Request) -> Vec<u8> {
    let secrets = ["Authorization", "X-API-Key"].map(|name| request.head.get(name).unwrap_or_default());
    let message = format!("refused: {}", secrets.join(" "));
    Error::new(-32603, message).body(request.message.id())
}

/// The correct response with its message changed. A response without a message (a 202) stays unchanged.
fn changed(request: &Request, change: impl FnOnce(&mut Value)) -> Reply {
    let mut reply = request.answer();
    if let Some(mut message) = reply.message().and_then(|bytes| serde_json::from_slice(bytes).ok()) {
        change(&mut message);
        reply.set_message(message.to_string().into_bytes());
    }
    reply
}

fn set_id(message: &mut Value, id: Value) {
    if message.get("result").is_some() {
        message["id"] = id;
    }
}

/// Always an event stream: a JSON body cannot contain a second response.
fn two_answers(request: &Request) -> Reply {
    let mut reply = request.answer();
    let second = event(&Error::new(-32603, "a second response").body(request.message.id()));
    if matches!(request.message, Message::Request { .. })
        && reply.has_rpc_response()
        && let Some(events) = reply.events_mut()
    {
        events.push(second);
    }
    reply
}

/// The correct response with other events before it.
fn with_events_before(request: &Request, before: &[&[u8]]) -> Reply {
    let mut reply = request.answer();
    if reply.has_rpc_response()
        && let Some(events) = reply.events_mut()
    {
        let at = events.len() - 1;
        events.splice(at..at, before.iter().map(|event| event.to_vec()));
    }
    reply
}
