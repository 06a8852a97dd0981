//! Parses MCP requests and writes the responses.

use crate::json::Cursor;
use crate::reply::Reply;

/// The protocol version and the form of responses that a path selects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    pub modern: bool,
    pub stream: bool,
}

impl Mode {
    pub fn of(path: &[u8]) -> Option<Mode> {
        let (modern, stream) = match path {
            b"/legacy/json" => (false, false),
            b"/legacy/sse" => (false, true),
            b"/modern/json" => (true, false),
            b"/modern/sse" => (true, true),
            _ => return None,
        };
        Some(Mode { modern, stream })
    }
}

const INFO: &str = r#"{"name":"mcp-bench-server","version":"0.1.0"}"#;
/// The maximum size of the result of the tool `make`, in bytes.
const MOST: usize = 1 << 30;
const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";
const TOOLS: &str = concat!(
    r#""tools":[{"name":"echo","description":"Returns its text","inputSchema":{"type":"object","#,
    r#""properties":{"text":{"type":"string"}},"required":["text"]}},"#,
    r#"{"name":"make","description":"Returns a text of so many bytes","inputSchema":{"type":"object","#,
    r#""properties":{"bytes":{"type":"integer"}},"required":["bytes"]}}]"#
);
/// All clients get the same session id, because sessions have no state.
const SESSION: &str = "Mcp-Session-Id: 5f0c1e1d6a7b4c3e9d8f7a6b5c4d3e2f\r\n";
const NO_SESSION: &str =
    r#"{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Bad Request: Missing session ID"}}"#;

/// The members of a request that determine the response. The values are raw JSON.
#[derive(Default)]
struct Request<'a> {
    id: Option<&'a [u8]>,
    method: &'a [u8],
    version: Option<&'a [u8]>,
    tool: &'a [u8],
    text: Option<&'a [u8]>,
    bytes: Option<usize>,
}

fn parse(body: &[u8]) -> Option<Request<'_>> {
    let mut request = Request::default();
    Cursor::new(body).members(|cursor, key| {
        match key {
            b"id" => request.id = Some(cursor.value()?),
            b"method" => request.method = cursor.value()?,
            b"params" => cursor.members(|cursor, key| {
                match key {
                    b"name" => request.tool = cursor.value()?,
                    b"protocolVersion" => request.version = Some(cursor.value()?),
                    b"arguments" => cursor.members(|cursor, key| {
                        let value = cursor.value()?;
                        match key {
                            b"text" => request.text = Some(value),
                            b"bytes" => request.bytes = str::from_utf8(value).ok().and_then(|text| text.parse().ok()),
                            _ => {}
                        }
                        Some(())
                    })?,
                    _ => drop(cursor.value()?),
                }
                Some(())
            })?,
            _ => drop(cursor.value()?),
        }
        Some(())
    })?;
    Some(request)
}

/// Writes the response to a POST.
pub fn answer<'a>(mode: Mode, body: &'a [u8], reply: &mut Reply<'a>) {
    let Some(request) = parse(body) else {
        return reply.plain("400 Bad Request", "");
    };
    let Some(id) = request.id else {
        return reply.plain("202 Accepted", "");
    };
    let tail = if mode.modern { modern_tail() } else { "" };
    match (request.method, mode.modern) {
        (b"\"tools/call\"", _) => match (request.tool, request.text, request.bytes) {
            (b"\"echo\"", Some(text), _) => {
                reply.begin(mode.stream, id, "");
                reply.result(r#"{"content":[{"type":"text","text":"#);
                reply.splice(text);
                reply.result(r#"}],"isError":false"#);
                reply.result(tail);
                reply.result("}");
            }
            (b"\"make\"", _, Some(bytes)) if bytes <= MOST => {
                reply.begin(mode.stream, id, "");
                reply.result(r#"{"content":[{"type":"text","text":""#);
                reply.fill(bytes);
                reply.result(r#""}],"isError":false"#);
                reply.result(tail);
                reply.result("}");
            }
            _ => reply.error("200 OK", id, r#"{"code":-32602,"message":"echo needs text, make needs bytes"}"#),
        },
        (b"\"ping\"", false) => {
            reply.begin(mode.stream, id, "");
            reply.result("{}");
        }
        (b"\"server/discover\"", true) => {
            reply.begin(mode.stream, id, "");
            reply.result(r#"{"supportedVersions":[""#);
            reply.result(MODERN);
            reply.result(r#""],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"public""#);
            reply.result(tail);
            reply.result("}");
        }
        (b"\"tools/list\"", modern) => {
            reply.begin(mode.stream, id, "");
            reply.result("{");
            reply.result(TOOLS);
            reply.result(if modern { r#","ttlMs":60000,"cacheScope":"public""# } else { "" });
            reply.result(tail);
            reply.result("}");
        }
        (b"\"initialize\"", false) => {
            let known = matches!(request.version, Some(br#""2025-03-26""# | br#""2025-06-18""#));
            let version = request.version.filter(|_| known).and_then(|text| str::from_utf8(text).ok());
            reply.begin(mode.stream, id, SESSION);
            reply.result(r#"{"protocolVersion":"#);
            match version {
                Some(version) => reply.result(version),
                None => ["\"", LEGACY, "\""].map(|part| reply.result(part)).into_iter().collect(),
            }
            reply.result(r#","capabilities":{"tools":{}},"serverInfo":"#);
            reply.result(INFO);
            reply.result("}");
        }
        // The probe of a client that supports both eras: the response of real legacy servers.
        (b"\"server/discover\"", false) => reply.json("400 Bad Request", NO_SESSION),
        (_, true) => reply.error("404 Not Found", id, r#"{"code":-32601,"message":"Method not found"}"#),
        (_, false) => reply.error("200 OK", id, r#"{"code":-32601,"message":"Method not found"}"#),
    }
}

/// The members that all modern results have in common.
fn modern_tail() -> &'static str {
    concat!(
        r#","resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":"#,
        r#"{"name":"mcp-bench-server","version":"0.1.0"}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(mode: Mode, body: &str) -> String {
        let mut reply = Reply::new();
        answer(mode, body.as_bytes(), &mut reply);
        let mut out = Vec::new();
        reply.send(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    const JSON: Mode = Mode { modern: false, stream: false };

    #[test]
    fn echo_returns_the_text() {
        for text in ["hi".to_owned(), "x".repeat(100_000), "a\\\"b".to_owned()] {
            let params = format!(r#"{{"arguments":{{"text":"{text}"}},"name":"echo"}}"#);
            let body = format!(r#"{{"params":{params},"method":"tools/call","id":"a","jsonrpc":"2.0"}}"#);
            let response = response(JSON, &body);
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
            let result = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"isError":false}}"#);
            assert!(body == format!(r#"{{"jsonrpc":"2.0","id":"a","result":{result}}}"#));
        }
    }

    #[test]
    fn make_returns_the_requested_size() {
        let request = r#"{"id":1,"method":"tools/call","params":{"name":"make","arguments":{"bytes":5}}}"#;
        let response = response(JSON, request);
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"xxxxx"}],"isError":false}}"#;
        assert!(response.ends_with(&format!("Content-Length: {}\r\n\r\n{body}", body.len())), "{response}");
    }

    #[test]
    fn an_event_stream_is_one_chunk() {
        let response = response(Mode { modern: false, stream: true }, r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
        let event = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n\n";
        assert!(response.ends_with(&format!("\r\n\r\n{:x}\r\n{event}\r\n0\r\n\r\n", event.len())), "{response}");
    }

    #[test]
    fn notifications_are_accepted_and_invalid_json_is_rejected() {
        let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert!(response(JSON, notification).starts_with("HTTP/1.1 202"));
        assert!(response(JSON, "{").starts_with("HTTP/1.1 400"));
    }
}
