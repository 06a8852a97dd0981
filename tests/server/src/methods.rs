//! The methods of the server, and its two tools. Results are written as JSON text, without a `Value` tree.

use crate::rpc::Error;
use serde_json::{Value, json};

/// The server's name and version.
pub const SERVER_INFO: &str = concat!(r#"{"name":"mcp-test-server","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
/// The instructions for clients.
pub const INSTRUCTIONS: &str = "A scripted server for tests. The tool echo returns its text, add returns a sum.";
/// The server's capabilities.
pub const CAPABILITIES: &str = r#"{"tools":{}}"#;

const TOOLS: &str = concat!(
    r#""tools":["#,
    r#"{"name":"echo","description":"Returns its text","#,
    r#""inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}}"#,
    r#",{"name":"add","description":"Adds two numbers","#,
    r#""inputSchema":{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},"#,
    r#""required":["a","b"]},"#,
    r#""outputSchema":{"type":"object","properties":{"sum":{"type":"number"}},"#,
    r#""required":["sum"]}}]"#,
);

/// The members that only modern results have.
fn modern_members(modern: bool) -> &'static str {
    if modern {
        concat!(
            r#","resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":"#,
            r#"{"name":"mcp-test-server","version":""#,
            env!("CARGO_PKG_VERSION"),
            r#""}}"#
        )
    } else {
        ""
    }
}

/// Runs a method that both eras have.
pub fn call(method: &str, params: &Value, modern: bool) -> Result<String, Error> {
    match method {
        "tools/list" => Ok(list(modern)),
        "tools/call" => tool(params, modern),
        _ => Err(Error::new(-32601, format!("Method not found: {method}")).status(if modern { 404 } else { 200 })),
    }
}

/// The DiscoverResult.
pub fn discover(versions: &[&str]) -> String {
    let (versions, instructions) = (json!(versions), json!(INSTRUCTIONS));
    let cache = r#""ttlMs":60000,"cacheScope":"public""#;
    let modern_members = modern_members(true);
    let instructions = format!(r#""instructions":{instructions}"#);
    format!(
        r#"{{"supportedVersions":{versions},"capabilities":{CAPABILITIES},{instructions},{cache}{modern_members}}}"#
    )
}

/// The InitializeResult.
pub fn initialize(version: &str) -> String {
    let (version, instructions) = (json!(version), json!(INSTRUCTIONS));
    let server = format!(r#""serverInfo":{SERVER_INFO},"instructions":{instructions}"#);
    format!(r#"{{"protocolVersion":{version},"capabilities":{CAPABILITIES},{server}}}"#)
}

fn list(modern: bool) -> String {
    let cache = if modern { r#","ttlMs":60000,"cacheScope":"public""# } else { "" };
    ["{", TOOLS, cache, modern_members(modern), "}"].concat()
}

fn tool(params: &Value, modern: bool) -> Result<String, Error> {
    let arguments = &params["arguments"];
    match params["name"].as_str() {
        Some("echo") => Ok(match arguments["text"].as_str() {
            Some(text) => content(text, false, "", modern),
            None => content("echo requires a string argument text", true, "", modern),
        }),
        Some("add") => Ok(match sum(&arguments["a"], &arguments["b"]) {
            Some(sum) => {
                let structured = format!(r#","structuredContent":{{"sum":{sum}}}"#);
                content(&sum.to_string(), false, &structured, modern)
            }
            None => content("add requires two number arguments a and b", true, "", modern),
        }),
        Some(name) => Err(Error::new(-32602, format!("Unknown tool: {name}"))),
        None => Err(Error::new(-32602, "Invalid params: no tool name")),
    }
}

fn sum(a: &Value, b: &Value) -> Option<Value> {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.checked_add(b).map(Value::from),
        _ => Some(Value::from(a.as_f64()? + b.as_f64()?)),
    }
}

fn content(text: &str, is_error: bool, structured: &str, modern: bool) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8 + 256);
    out.push_str(r#"{"content":[{"type":"text","text":"#);
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
    out.push_str(if is_error { r#"}],"isError":true"# } else { r#"}],"isError":false"# });
    out.push_str(structured);
    out.push_str(modern_members(modern));
    out.push('}');
    out
}
