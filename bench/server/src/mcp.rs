//! Parses MCP requests and writes the responses.

use crate::json::Cursor;
use crate::lists;
use crate::reply::Reply;

/// The protocol version, the form of responses, and the list of tools that a URL selects.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Mode {
    pub modern: bool,
    pub stream: bool,
    /// "?tools=": the list has so many generated tools, instead of the three that exist.
    tools: Option<usize>,
    /// "?members=": the list has so many additional members.
    members: usize,
}

impl Mode {
    pub fn of(target: &[u8]) -> Option<Mode> {
        let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
        let (path, query) = target.split_at(end);
        let (modern, stream) = match path {
            b"/legacy/json" => (false, false),
            b"/legacy/sse" => (false, true),
            b"/modern/json" => (true, false),
            b"/modern/sse" => (true, true),
            _ => return None,
        };
        let number = |name: &[u8]| query.strip_prefix(name).and_then(number);
        Some(Mode { modern, stream, tools: number(b"?tools="), members: number(b"?members=").unwrap_or(0) })
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    str::from_utf8(digits).ok()?.parse().ok()
}

const INFO: &str = r#"{"name":"mcp-bench-server","version":"0.1.0"}"#;
/// The maximum size of the result of the tool `make`, in bytes.
const MOST: usize = 1 << 30;
/// The maximum number of events of the tool `events`.
const MOST_EVENTS: usize = 1_000_000;
const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";
const TOOLS: &str = concat!(
    r#"{"name":"echo","description":"Returns its text","inputSchema":{"type":"object","#,
    r#""properties":{"text":{"type":"string"}},"required":["text"]}},"#,
    r#"{"name":"make","description":"Returns a text of so many bytes","inputSchema":{"type":"object","#,
    r#""properties":{"bytes":{"type":"integer"}},"required":["bytes"]}},"#,
    r#"{"name":"events","description":"Reports progress so many times","inputSchema":{"type":"object","#,
    r#""properties":{"count":{"type":"integer"}},"required":["count"]}}"#
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
    count: Option<usize>,
    uri: Option<&'a [u8]>,
    progress_token: Option<&'a [u8]>,
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
                    b"uri" => request.uri = Some(cursor.value()?),
                    b"_meta" => cursor.members(|cursor, key| {
                        let value = cursor.value()?;
                        if key == b"progressToken" {
                            request.progress_token = Some(value);
                        }
                        Some(())
                    })?,
                    b"protocolVersion" => request.version = Some(cursor.value()?),
                    b"arguments" => cursor.members(|cursor, key| {
                        let value = cursor.value()?;
                        match key {
                            b"text" => request.text = Some(value),
                            b"bytes" => request.bytes = number(value),
                            b"count" => request.count = number(value),
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
        (b"\"tools/call\"", _) => call(mode, &request, id, reply),
        (b"\"ping\"", false) => {
            reply.begin(mode.stream, id, "");
            reply.result("{}");
        }
        (b"\"server/discover\"", true) => {
            reply.begin(mode.stream, id, "");
            reply.result(r#"{"supportedVersions":[""#);
            reply.result(MODERN);
            reply.result(r#""],"capabilities":{"resources":{},"tools":{}},"ttlMs":0,"cacheScope":"public""#);
            reply.result(tail);
            reply.result("}");
        }
        (b"\"tools/list\"", modern) => {
            reply.begin(mode.stream, id, "");
            reply.result(r#"{"tools":["#);
            reply.splice(mode.tools.map_or(TOOLS, lists::tools).as_bytes());
            reply.result("]");
            reply.result(lists::members(mode.members));
            reply.result(if modern { r#","ttlMs":600000,"cacheScope":"public""# } else { "" });
            reply.result(tail);
            reply.result("}");
        }
        (b"\"resources/read\"", modern) => {
            let uri = request.uri.unwrap_or(b"\"\"");
            // A resource whose URI has "brief" stays in the cache for the shortest time.
            let brief = uri.windows(5).any(|part| part == b"brief");
            reply.begin(mode.stream, id, "");
            reply.result(r#"{"contents":[{"text":"A short text","uri":"#);
            reply.splice(uri);
            reply.result("}]");
            reply.result(match (modern, brief) {
                (false, _) => "",
                (true, false) => r#","ttlMs":600000,"cacheScope":"public""#,
                (true, true) => r#","ttlMs":1,"cacheScope":"public""#,
            });
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
            reply.result(r#","capabilities":{"resources":{},"tools":{}},"serverInfo":"#);
            reply.result(INFO);
            reply.result("}");
        }
        // The probe of a client that supports both eras: the response of real legacy servers.
        (b"\"server/discover\"", false) => reply.json("400 Bad Request", NO_SESSION),
        (_, true) => reply.error("404 Not Found", id, r#"{"code":-32601,"message":"Method not found"}"#),
        (_, false) => reply.error("200 OK", id, r#"{"code":-32601,"message":"Method not found"}"#),
    }
}

/// Writes the response to a tool call.
fn call<'a>(mode: Mode, request: &Request<'a>, id: &[u8], reply: &mut Reply<'a>) {
    let tail = if mode.modern { modern_tail() } else { "" };
    match (request.tool, request.text, request.bytes, request.count) {
        (b"\"make\"", _, Some(bytes), _) if bytes <= MOST => {
            reply.begin(mode.stream, id, "");
            reply.result(r#"{"content":[{"type":"text","text":""#);
            reply.fill(bytes);
            reply.result("\"");
        }
        // Reports progress, on an event stream in any mode.
        (b"\"events\"", _, _, Some(count)) if count <= MOST_EVENTS => {
            reply.begin(true, id, "");
            if let Some(token) = request.progress_token {
                lists::progress(token, count, |message| reply.event(message));
            }
            reply.result(r#"{"content":[{"type":"text","text":"done""#);
        }
        // "echo" and all generated tools return their text.
        (_, Some(text), _, _) => {
            reply.begin(mode.stream, id, "");
            reply.result(r#"{"content":[{"type":"text","text":"#);
            reply.splice(text);
        }
        _ => return reply.error("200 OK", id, r#"{"code":-32602,"message":"a tool needs text, bytes or count"}"#),
    }
    reply.result(r#"}],"isError":false"#);
    reply.result(tail);
    reply.result("}");
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

    const JSON: Mode = Mode { modern: false, stream: false, tools: None, members: 0 };

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
        let response = response(Mode { stream: true, ..JSON }, r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
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
