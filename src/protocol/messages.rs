//! Writing the messages of both eras.

use super::json::Json;
use super::message_text::MessageText;
use super::params::Params;
use super::version::Era;

/// Who this client says that it is (`Implementation` in the schemas).
#[derive(Clone, Debug)]
pub struct ClientInfo {
    pub name: String,
    pub version: String,
}

/// Codes of errors that say something about the server's era (specification 2026-07-28, "Error Codes").
pub const HEADER_MISMATCH: i64 = -32020;
pub const MISSING_CLIENT_CAPABILITY: i64 = -32021;
pub const UNSUPPORTED_PROTOCOL_VERSION: i64 = -32022;
pub const METHOD_NOT_FOUND: i64 = -32601;
pub const INVALID_PARAMS: i64 = -32602;
pub const INTERNAL_ERROR: i64 = -32603;

/// A request.
pub fn request<'a>(id: u64, method: &str, params: &'a Params) -> MessageText<'a> {
    let mut text = MessageText::with_capacity(method.len() + params.length() + 64);
    text.push(r#"{"jsonrpc":"2.0","id":"#);
    text.push_number(id);
    write_call(text, method, params)
}

/// A notification.
pub fn notification<'a>(method: &str, params: &'a Params) -> MessageText<'a> {
    let mut text = MessageText::with_capacity(method.len() + params.length() + 48);
    text.push(r#"{"jsonrpc":"2.0""#);
    write_call(text, method, params)
}

fn write_call<'a>(mut text: MessageText<'a>, method: &str, params: &'a Params) -> MessageText<'a> {
    text.push(r#","method":"#);
    text.push_quoted(method);
    if !params.is_empty() {
        text.push(r#","params":"#);
        params.write(&mut text);
    }
    text.push("}");
    text
}

/// The members that the `_meta` of every modern request holds (2026-07-28, "Per-request protocol fields").
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

/// What this client can do when a server asks it for something.
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

/// `ClientCapabilities` of the schemas: in full, for servers look at the members.
pub fn capabilities(era: Era, client_capabilities: ClientCapabilities) -> String {
    let roots = if era == Era::Legacy { r#""roots":{"listChanged":true}"# } else { r#""roots":{}"# };
    let parts = [
        (client_capabilities.elicitation, r#""elicitation":{"form":{},"url":{}}"#),
        (client_capabilities.sampling, r#""sampling":{"tools":{}}"#),
        (client_capabilities.roots, roots),
        (client_capabilities.tasks && era == Era::Modern, r#""extensions":{"io.modelcontextprotocol/tasks":{}}"#),
    ];
    let there: Vec<&str> = parts.into_iter().filter_map(|(is_there, text)| is_there.then_some(text)).collect();
    format!("{{{}}}", there.join(","))
}

/// The parameters of `initialize` (2025-11-25, "Lifecycle").
pub fn initialize_params<'a>(version: &str, client: &ClientInfo, capabilities: String) -> Params<'a> {
    Params::new()
        .with("protocolVersion", quoted(version))
        .with("capabilities", capabilities)
        .with("clientInfo", implementation(client))
}

pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Tells a legacy server that nobody waits for a request any more (2025-11-25, "Cancellation").
pub fn cancelled(id: u64, reason: &str) -> String {
    let reason = quoted(reason);
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":{reason}}}}}"#)
}

/// The answer to a server's own request, whose id is given as it came.
pub fn result(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// The refusal of a server's own request.
pub fn refusal(id: &str, code: i64, message: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{}}}}}"#, quoted(message))
}

/// What `mcp_server_info` gives: the parts of the server's own answer under the names that the specification has for them.
pub fn server_info(version: &str, era: Era, transport: &str, answer: Option<&Json>) -> String {
    let root = answer.map(Json::root);
    let member = |pointer: &str| root.and_then(|root| root.at(pointer)).map(|value| value.raw());
    let server = member("/_meta/io.modelcontextprotocol~1serverInfo").or_else(|| member("/serverInfo"));
    let (version, era) = (quoted(version), quoted(era.name()));
    let mut text = format!(r#"{{"protocolVersion":{version},"era":{era},"transport":"{transport}""#);
    let parts = [
        ("serverInfo", server),
        ("capabilities", member("/capabilities")),
        ("instructions", member("/instructions")),
        ("supportedVersions", member("/supportedVersions")),
    ];
    for (name, raw) in parts {
        if let Some(raw) = raw {
            text.push_str(&format!(",{}:{raw}", quoted(name)));
        }
    }
    text.push('}');
    text
}

fn implementation(client: &ClientInfo) -> String {
    format!(r#"{{"name":{},"version":{}}}"#, quoted(&client.name), quoted(&client.version))
}

/// A text as JSON.
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
    fn every_message_is_json() {
        let all = ClientCapabilities { elicitation: true, sampling: true, roots: true, tasks: true };
        let meta = modern_meta("2026-07-28", &client(), &capabilities(Era::Modern, all));
        let mut modern = Params::new();
        modern.share_meta(&meta);
        let texts = [
            request(1, "ping", &Params::new()).into_string(),
            request(2, "server/discover", &modern).into_string(),
            request(3, "initialize", &initialize_params("2025-11-25", &client(), capabilities(Era::Legacy, all)))
                .into_string(),
            notification("notifications/roots/list_changed", &Params::new()).into_string(),
            INITIALIZED.into(),
            cancelled(4, "time\nout"),
            result("\"x\"", "{}"),
            refusal("5", METHOD_NOT_FOUND, "no\nsuch"),
        ];
        for text in texts {
            let value: serde_json::Value = serde_json::from_str(&text).expect(&text);
            assert_eq!(value["jsonrpc"], "2.0");
        }
    }

    #[test]
    fn server_info_is_put_together_from_either_era() {
        let modern = r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m"}}}"#;
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
