//! Proper HTTP with something wrong inside.

use super::{Kind, sized};
use crate::auth;
use crate::protocol::Request;
use crate::reply::{Body, NOTIFICATION, Reply, event};
use crate::rpc::{self, Error, Message};
use serde_json::{Value, json};
use std::io;

const PAGE: &str = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n";
/// Events that no client knows; the data of one looks like an answer.
const UNKNOWN: [&[u8]; 3] = [
    b"event: heartbeat\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n",
    b"event: message2\ndata: no JSON\n\n",
    b"colour: blue\nevent: \nevent: note\ndata\n\n",
];

/// The wrong response, or `None` when the fault is not one of content.
pub fn reply(kind: &Kind, request: &Request) -> Option<io::Result<Reply>> {
    match wrong(kind, request) {
        Some(wrong) if is_message(kind) && request.session_on_stream() => Some(Ok(on_stream(request, wrong))),
        Some(wrong) => Some(Ok(wrong)),
        None => sized::reply(kind, request),
    }
}

/// Whether what is wrong is the message alone, which HTTP+SSE has on another stream.
fn is_message(kind: &Kind) -> bool {
    use Kind::{BadUtf8, NoIdError, NotJson, NotRpc, RpcError, SecretEcho};
    matches!(kind, BadUtf8 | NoIdError | NotJson | NotRpc | RpcError | SecretEcho)
}

fn on_stream(request: &Request, wrong: Reply) -> Reply {
    let mut reply = request.answer();
    if let (Some(_), Body::Json(message)) = (&reply.delivery, wrong.body) {
        reply.set_message(message);
    }
    reply
}

fn wrong(kind: &Kind, request: &Request) -> Option<Reply> {
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
        // As older rmcp servers have it: no challenge, no JSON.
        Kind::UnknownSession401 => Reply::text(401, "Unauthorized: Session not found"),
        Kind::Status(status) => status_reply(*status, request.scenario.retry_after.as_deref()),
        Kind::Redirect(status, target) => {
            let path = request.head.path();
            let query = &request.head.target()[path.len()..];
            let target = if target == "self-slash" { format!("{path}/{query}") } else { target.clone() };
            Reply::text(*status, "look elsewhere\n").header("Location", target)
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
        Kind::GarbageEvent => preceded(request, &[&event(b"this is no JSON")]),
        Kind::UnknownEvents => preceded(request, &UNKNOWN),
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

/// The right answer with its message changed. What has no message (a 202) stays as it is.
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

/// Always a stream: a JSON body has no room for a second answer.
fn two_answers(request: &Request) -> Reply {
    let mut reply = request.answer();
    let second = event(&Error::new(-32603, "a second answer").body(request.message.id()));
    if matches!(request.message, Message::Request { .. })
        && reply.carries_answer()
        && let Some(events) = reply.events_mut()
    {
        events.push(second);
    }
    reply
}

/// The right answer behind some events.
fn preceded(request: &Request, before: &[&[u8]]) -> Reply {
    let mut reply = request.answer();
    if reply.carries_answer()
        && let Some(events) = reply.events_mut()
    {
        let at = events.len() - 1;
        events.splice(at..at, before.iter().map(|event| event.to_vec()));
    }
    reply
}
