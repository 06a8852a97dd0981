//! Writing the messages of both eras.

use super::json::Json;
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

/// A request; `params` is the text of an object.
pub fn request(id: u64, method: &str, params: Option<&str>) -> String {
    let method = quoted(method);
    match params {
        Some(params) => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#),
        None => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method}}}"#),
    }
}

/// The parameters that every modern request carries, where it has no others (2026-07-28, "Per-request protocol fields").
pub fn modern_params(version: &str, client: &ClientInfo) -> String {
    format!(
        concat!(
            r#"{{"_meta":{{"io.modelcontextprotocol/protocolVersion":{version},"#,
            r#""io.modelcontextprotocol/clientInfo":{client},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}"#
        ),
        version = quoted(version),
        client = implementation(client),
    )
}

/// The parameters of `initialize` (2025-11-25, "Lifecycle").
pub fn initialize_params(version: &str, client: &ClientInfo) -> String {
    format!(r#"{{"protocolVersion":{},"capabilities":{{}},"clientInfo":{}}}"#, quoted(version), implementation(client))
}

pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Tells a legacy server that nobody waits for a request any more (2025-11-25, "Cancellation").
pub fn cancelled(id: u64, reason: &str) -> String {
    let reason = quoted(reason);
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id},"reason":{reason}}}}}"#)
}

/// The answer to a server's own request, whose id is given as it came: `ping` is answered, anything else is unknown here.
pub fn answer(id: &str, method: &str) -> String {
    if method == "ping" {
        return format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
    }
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{METHOD_NOT_FOUND},"message":"Method not found"}}}}"#)
}

/// What `mcp_server_info` gives: the parts of the server's own answer under the names that the specification has for them.
pub fn server_info(version: &str, era: Era, sse: bool, answer: Option<&Json>) -> String {
    let root = answer.map(Json::root);
    let member = |pointer: &str| root.and_then(|root| root.at(pointer)).map(|value| value.raw());
    let server = member("/_meta/io.modelcontextprotocol~1serverInfo").or_else(|| member("/serverInfo"));
    let transport = if sse { "sse" } else { "streamable-http" };
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

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> ClientInfo {
        ClientInfo { name: "a\"b".into(), version: "1".into() }
    }

    #[test]
    fn every_message_is_json() {
        let texts = [
            request(1, "ping", None),
            request(2, "server/discover", Some(&modern_params("2026-07-28", &client()))),
            request(3, "initialize", Some(&initialize_params("2025-11-25", &client()))),
            INITIALIZED.into(),
            cancelled(4, "time\nout"),
            answer("\"x\"", "ping"),
            answer("5", "roots/list"),
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
            serde_json::from_str::<serde_json::Value>(&server_info(version, era, era == Era::Legacy, json.as_ref()))
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
