//! Writes the JSON-RPC messages that the client sends, for both eras.

use super::json::Json;
use super::message_text::MessageText;
use super::params::Params;
use super::version::Era;

/// Name and version of the client application (`Implementation` in the schemas).
#[derive(Clone, Debug)]
pub struct ClientInfo {
    pub name: String,
    pub version: String,
}

// Only modern servers send the next three (specification 2026-07-28, "Error Codes").
pub const HEADER_MISMATCH: i64 = -32020;
pub const MISSING_CLIENT_CAPABILITY: i64 = -32021;
pub const UNSUPPORTED_PROTOCOL_VERSION: i64 = -32022;
pub const METHOD_NOT_FOUND: i64 = -32601;
pub const INVALID_PARAMS: i64 = -32602;
pub const INTERNAL_ERROR: i64 = -32603;

/// Writes a request.
pub fn request<'a>(id: u64, method: &str, params: &'a Params) -> MessageText<'a> {
    let mut text = MessageText::with_capacity(method.len() + params.copied_length() + 64);
    text.push(r#"{"jsonrpc":"2.0","id":"#);
    text.push_number(id);
    write_method(text, method, params)
}

/// Writes a notification.
pub fn notification<'a>(method: &str, params: &'a Params) -> MessageText<'a> {
    let mut text = MessageText::with_capacity(method.len() + params.copied_length() + 48);
    text.push(r#"{"jsonrpc":"2.0""#);
    write_method(text, method, params)
}

/// Completes a request or a notification.
fn write_method<'a>(mut text: MessageText<'a>, method: &str, params: &'a Params) -> MessageText<'a> {
    text.push(r#","method":"#);
    text.push_quoted(method);
    if !params.is_empty() {
        text.push(r#","params":"#);
        params.write(&mut text);
    }
    text.push("}");
    text
}

/// The members of `_meta` that every modern request has (2026-07-28, "Per-request protocol fields").
pub fn modern_meta(version: &str, client: &ClientInfo, capabilities: &str) -> String {
    format!(
        concat!(
            r#""io.modelcontextprotocol/protocolVersion":{version},"io.modelcontextprotocol/clientInfo":{client},"#,
            r#""io.modelcontextprotocol/clientCapabilities":{capabilities}"#
        ),
        version = quoted(version),
        client = implementation(client),
        capabilities = capabilities,
    )
}

/// The capabilities that the client declares to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientCapabilities {
    pub elicitation: bool,
    pub sampling: bool,
    pub roots: bool,
    /// The extension `io.modelcontextprotocol/tasks`.
    pub tasks: bool,
}

impl ClientCapabilities {
    pub fn any(self) -> bool {
        self.elicitation || self.sampling || self.roots
    }
}

/// The name of the tasks extension.
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// An extension that the application supports: its name, and its settings as the text of a JSON object.
pub type Extension = (String, String);

/// `ClientCapabilities` of the schemas, with the members of each capability: servers check these.
pub fn capabilities(era: Era, client_capabilities: ClientCapabilities, extensions: &[Extension]) -> String {
    let has_tasks = client_capabilities.tasks && era == Era::Modern && extensions.iter().all(|(name, _)| name != TASKS);
    let own = has_tasks.then(|| format!("\"{TASKS}\":{{}}"));
    let extensions = extensions.iter().map(|(name, settings)| format!("{}:{settings}", quoted(name)));
    let extensions = own.into_iter().chain(extensions).collect::<Vec<_>>().join(",");
    let extensions_member = format!("\"extensions\":{{{extensions}}}");
    let roots = if era == Era::Legacy { r#""roots":{"listChanged":true}"# } else { r#""roots":{}"# };
    let members = [
        (client_capabilities.elicitation, r#""elicitation":{"form":{},"url":{}}"#),
        (client_capabilities.sampling, r#""sampling":{"tools":{}}"#),
        (client_capabilities.roots, roots),
        (!extensions.is_empty(), extensions_member.as_str()),
    ];
    let declared: Vec<&str> =
        members.into_iter().filter_map(|(is_declared, text)| is_declared.then_some(text)).collect();
    format!("{{{}}}", declared.join(","))
}

/// The parameters of `initialize` (2025-11-25, "Lifecycle").
pub fn initialize_params<'a>(version: &str, client: &ClientInfo, capabilities: String) -> Params<'a> {
    Params::new()
        .with("protocolVersion", quoted(version))
        .with("capabilities", capabilities)
        .with("clientInfo", implementation(client))
}

pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Writes the notification that cancels the client's request `id` (2025-11-25, "Cancellation").
pub fn cancelled(id: u64, reason: &str) -> String {
    let reason = quoted(reason);
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":{reason}}}}}"#)
}

/// Writes the response to a server request. `id` is JSON text, as received.
pub fn result(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// Writes the error response to a server request. `id` is JSON text, as received.
pub fn error_response(id: &str, code: i64, message: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{}}}}}"#, quoted(message))
}

/// Writes the JSON object that `mcp_server_info` returns. `response` is the result of `initialize` or
/// `server/discover`, whose members keep their names.
pub fn server_info(version: &str, era: Era, transport: &str, response: Option<&Json>) -> String {
    let root = response.map(Json::root);
    let member = |pointer: &str| root.and_then(|root| root.at(pointer)).map(|value| value.raw());
    let server = member("/_meta/io.modelcontextprotocol~1serverInfo").or_else(|| member("/serverInfo"));
    let (version, era) = (quoted(version), quoted(era.name()));
    let mut text = format!(r#"{{"protocolVersion":{version},"era":{era},"transport":"{transport}""#);
    let members = [
        ("serverInfo", server),
        ("capabilities", member("/capabilities")),
        ("instructions", member("/instructions")),
        ("supportedVersions", member("/supportedVersions")),
    ];
    for (name, raw) in members {
        if let Some(raw) = raw {
            text.push_str(&format!(",{}:{raw}", quoted(name)));
        }
    }
    text.push('}');
    text
}

/// `Implementation` of the schemas.
fn implementation(client: &ClientInfo) -> String {
    format!(r#"{{"name":{},"version":{}}}"#, quoted(&client.name), quoted(&client.version))
}

/// The text as a JSON string, with its quotes.
pub fn quoted(text: &str) -> String {
    let mut quoted = MessageText::with_capacity(text.len() + 2);
    quoted.push_quoted(text);
    quoted.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> ClientInfo {
        ClientInfo { name: "a\"b".into(), version: "1".into() }
    }

    #[test]
    fn extensions_are_declared_with_their_settings() {
        let with_tasks = ClientCapabilities { tasks: true, ..ClientCapabilities::default() };
        let extension = |name: &str| [(name.to_owned(), r#"{"a":1}"#.to_owned())];
        let ui = extension("example.com/ui");
        assert_eq!(capabilities(Era::Legacy, with_tasks, &[]), "{}");
        assert_eq!(capabilities(Era::Legacy, with_tasks, &ui), r#"{"extensions":{"example.com/ui":{"a":1}}}"#);
        let both = r#"{"extensions":{"io.modelcontextprotocol/tasks":{},"example.com/ui":{"a":1}}}"#;
        assert_eq!(capabilities(Era::Modern, with_tasks, &ui), both);
        // The application's settings replace those of the library.
        let own = r#"{"extensions":{"io.modelcontextprotocol/tasks":{"a":1}}}"#;
        assert_eq!(capabilities(Era::Modern, with_tasks, &extension(TASKS)), own);
    }

    #[test]
    fn every_message_is_valid_json_rpc() {
        let all = ClientCapabilities { elicitation: true, sampling: true, roots: true, tasks: true };
        let extensions = [("example.com/\"ui\"".to_owned(), r#"{"version":2}"#.to_owned())];
        let meta = modern_meta("2026-07-28", &client(), &capabilities(Era::Modern, all, &extensions));
        let mut modern = Params::new();
        modern.share_meta(&meta);
        let texts = [
            request(1, "ping", &Params::new()).into_string(),
            request(2, "server/discover", &modern).into_string(),
            request(
                3,
                "initialize",
                &initialize_params("2025-11-25", &client(), capabilities(Era::Legacy, all, &extensions)),
            )
            .into_string(),
            notification("notifications/roots/list_changed", &Params::new()).into_string(),
            INITIALIZED.into(),
            cancelled(4, "time\nout"),
            result("\"x\"", "{}"),
            error_response("5", METHOD_NOT_FOUND, "no\nsuch"),
        ];
        for text in texts {
            let value: serde_json::Value = serde_json::from_str(&text).expect(&text);
            assert_eq!(value["jsonrpc"], "2.0");
        }
    }

    #[test]
    fn server_info_is_read_from_responses_of_both_eras() {
        let modern = concat!(
            r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"#,
            r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m"}}}"#
        );
        let legacy =
            r#"{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"l"},"instructions":"do"}"#;
        let info = |version, era, text: Option<&str>| {
            let json = text.map(|text| Json::parse(text.into()).unwrap());
            serde_json::from_str::<serde_json::Value>(&server_info(
                version,
                era,
                if era == Era::Legacy { "sse" } else { "streamable-http" },
                json.as_ref(),
            ))
            .unwrap()
        };
        let modern = info("2026-07-28", Era::Modern, Some(modern));
        assert_eq!(modern["serverInfo"]["name"], "m");
        assert_eq!((&modern["era"], &modern["transport"]), (&"modern".into(), &"streamable-http".into()));
        let legacy = info("2025-06-18", Era::Legacy, Some(legacy));
        assert_eq!(legacy["serverInfo"]["name"], "l");
        assert_eq!((&legacy["instructions"], &legacy["transport"]), (&"do".into(), &"sse".into()));
        assert_eq!(info("2026-07-28", Era::Modern, None)["protocolVersion"], "2026-07-28");
    }
}
