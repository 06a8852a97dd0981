//! The stateless protocol versions: each request contains all information, and its headers repeat it for
//! intermediaries.

use crate::methods;
use crate::options::Era;
use crate::protocol::{META_VERSION, Request};
use crate::reply::Reply;
use crate::rpc::{Error, Message};
use serde_json::{Value, json};

const META_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const META_CLIENT: &str = "io.modelcontextprotocol/clientInfo";

/// Responds to a POST.
pub fn answer(request: &Request) -> Reply {
    match request.message {
        Message::Request { method, params, .. } => {
            let outcome = validate(request, method, params).and_then(|()| run(request, method, params));
            request.wrap(outcome, "")
        }
        Message::Notification { .. } => Reply::empty(202),
        _ => request.refusal(Error::new(-32600, "Bad Request: this version has no client responses").status(400)),
    }
}

fn run(request: &Request, method: &str, params: &Value) -> Result<String, Error> {
    match method {
        "server/discover" => Ok(methods::discover(&supported(request))),
        _ => methods::call(method, params, true),
    }
}

/// The checks that these versions require of a server. The order ensures that the error names the cause.
fn validate(request: &Request, method: &str, params: &Value) -> Result<(), Error> {
    let head = request.head;
    let Some(header_version) = head.get("MCP-Protocol-Version") else {
        // This is the error for a legacy client: only the list of versions tells its user the cause.
        let error = mismatch("MCP-Protocol-Version is missing");
        return Err(error.data(json!({"supported": supported(request)})));
    };
    let meta = params.get("_meta").filter(|meta| meta.is_object());
    let meta = meta.ok_or_else(|| malformed("_meta is missing"))?;
    let version = meta.get(META_VERSION).and_then(Value::as_str);
    let version = version.ok_or_else(|| malformed("_meta has no protocolVersion"))?;
    if version != header_version {
        return Err(mismatch(&format!("MCP-Protocol-Version is '{header_version}' and the body says '{version}'")));
    }
    // A server that has only legacy versions but implements discovery (Go's) responds to it for every requested
    // version.
    let offered = request.offered(true);
    let legacy_discovery = offered.is_empty() && method == "server/discover";
    if !legacy_discovery && !offered.contains(&version) {
        return Err(unsupported(request));
    }
    if !meta.get(META_CAPABILITIES).is_some_and(Value::is_object) {
        return Err(malformed("_meta has no clientCapabilities"));
    }
    if let Some(client) = meta.get(META_CLIENT)
        && !(client["name"].is_string() && client["version"].is_string())
    {
        return Err(malformed("clientInfo lacks a name or a version"));
    }
    match head.get("Mcp-Method") {
        Some(header) if header == method => {}
        Some(header) => {
            return Err(mismatch(&format!("Mcp-Method is '{header}' and the body says '{method}'")));
        }
        None => return Err(mismatch("Mcp-Method is missing")),
    }
    let name = match method {
        "tools/call" | "prompts/get" => params["name"].as_str(),
        "resources/read" => params["uri"].as_str(),
        _ => None,
    };
    match name {
        Some(name) => check_name(name, head.get("Mcp-Name")),
        None => Ok(()),
    }
}

fn check_name(name: &str, header: Option<&str>) -> Result<(), Error> {
    let header = header.ok_or_else(|| mismatch("Mcp-Name is missing"))?;
    let decoded = match header.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(text) => decode_base64(text).and_then(|bytes| String::from_utf8(bytes).ok()),
        None if header.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) => Some(header.to_owned()),
        None => None,
    };
    match decoded {
        Some(value) if value == name => Ok(()),
        Some(value) => Err(mismatch(&format!("Mcp-Name is '{value}' and the body says '{name}'"))),
        None => Err(mismatch("Mcp-Name holds invalid characters")),
    }
}

/// The error for an unsupported version, with the list of supported ones.
pub fn unsupported(request: &Request) -> Error {
    let requested = request.message.params()["_meta"][META_VERSION].as_str();
    let requested = requested.or(request.head.get("MCP-Protocol-Version"));
    let supported = match &request.scenario.supported {
        Some(list) => json!(list),
        None => json!(supported(request)),
    };
    let data = json!({"supported": supported, "requested": requested});
    Error::new(-32022, "Unsupported protocol version").status(400).data(data)
}

/// All versions of this server.
fn supported<'a>(request: &'a Request) -> Vec<&'a str> {
    if let Some(versions) = &request.scenario.versions {
        return versions.iter().map(String::as_str).collect();
    }
    let mut versions = request.offered(true);
    if request.scenario.era == Era::Dual {
        versions.extend(request.offered(false));
    }
    versions
}

fn mismatch(message: &str) -> Error {
    Error::new(-32020, format!("Header mismatch: {message}")).status(400)
}

fn malformed(message: &str) -> Error {
    Error::new(-32602, format!("Invalid params: {message}")).status(400)
}

/// Decodes strict base64 with padding: a lenient decoder would hide errors of an encoder.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let padding = bytes.iter().rev().take_while(|&&byte| byte == b'=').count();
    if padding > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for &byte in &bytes[..bytes.len() - padding] {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_strictly() {
        for (text, bytes) in [("", ""), ("aQ==", "i"), ("aGk=", "hi"), ("SGVsbG8sIOS4lueVjA==", "Hello, 世界")] {
            assert_eq!(decode_base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        for text in ["aQ", "aQ=", "a===", "aR==", "a*==", "a=Q="] {
            assert_eq!(decode_base64(text), None, "{text}");
        }
    }

    #[test]
    fn names_are_compared_plain_or_decoded() {
        assert!(check_name("echo", Some("echo")).is_ok());
        assert!(check_name("世界", Some("=?base64?5LiW55WM?=")).is_ok());
        assert!(check_name("echo", Some("add")).is_err());
        assert!(check_name("世界", Some("世界")).is_err());
        assert!(check_name("echo", None).is_err());
    }
}
