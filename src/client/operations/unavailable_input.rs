//! Tools that request input in the way of legacy versions, on modern servers. Modern versions have no requests from the
//! server to the client (2026-07-28, "Multi Round-Trip Requests"), so the server's framework refuses the request, and
//! the tool fails. The text of the failure does not say what the client can do.

use memchr::memmem;

use crate::call::context::CallContext;
use crate::call::failure::quote;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::raw_value::RawValue;
use crate::protocol::version::LEGACY;
use crate::status::*;

/// One of them occurs in the failures of:
/// - FastMCP 4: "elicitation via server-initiated requests is unavailable on 2026-07-28 connections."
/// - the Python SDK 2: "Cannot send 'elicitation/create': this transport context has no back-channel for
///   server-initiated requests."
/// - the TypeScript SDK 2: "Server-to-client requests are not available on protocol revision 2026-07-28: ..."
const MARKS: [&str; 2] = ["server-initiated requests", "Server-to-client requests"];

/// The longest result that is searched, in bytes: such a failure is short.
const MAX_SEARCHED: usize = 4 * 1024;

/// Returns the outcome of a tool call. If the tool could not request input, it is an error that names the version in
/// which the tool can.
pub fn checked(call: &CallContext, outcome: Result<Json>, version: &str) -> Result<Json> {
    match outcome {
        Ok(result) => match refusal(&result) {
            Some(text) => {
                // Redact before shortening: a part of a secret would not be recognized.
                let quote = quote(&call.secrets().redact(&text)).unwrap_or_default();
                Err(Error::new(MCP_INPUT_UNSUPPORTED, format!("the tool failed: {quote}{}", remedy(version))))
            }
            None => Ok(result),
        },
        Err(mut error) => {
            if error.report().rpc.as_ref().is_some_and(|rpc| has_mark(&rpc.message)) {
                error.report_mut().message.push_str(&remedy(version));
            }
            Err(error)
        }
    }
}

fn remedy(version: &str) -> String {
    format!(
        "; the tool requests input in a way that protocol version {version} does not have: pin version {} with \
         mcp_set_protocol_version",
        LEGACY[0]
    )
}

/// The text of a failed tool that could not request input.
fn refusal(result: &Json) -> Option<String> {
    if result.text().len() > MAX_SEARCHED || !has_mark(result.text()) {
        return None;
    }
    let is_error = result.raw_member("isError").is_some_and(|value| value.raw() == "true");
    let (_, first) = result.raw_member("content")?.children().next()?;
    let text = first.member("text").and_then(RawValue::text)?;
    (is_error && has_mark(&text)).then(|| text.into_owned())
}

fn has_mark(text: &str) -> bool {
    MARKS.iter().any(|mark| memmem::find(text.as_bytes(), mark.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RpcError;
    use crate::transport::fake::{call, recording_context};

    const REFUSAL: &str = "elicitation via server-initiated requests is unavailable on 2026-07-28 connections.";

    fn checked_outcome(outcome: Result<Json>) -> Result<Json> {
        checked(&call(&recording_context().0), outcome, "2026-07-28")
    }

    fn checked_result(text: &str) -> Result<Json> {
        checked_outcome(Ok(Json::parse(text.to_owned()).unwrap()))
    }

    #[test]
    fn a_tool_that_cannot_request_input_is_an_error_that_names_the_version_to_pin() {
        let of_typescript = "Server-to-client requests are not available on protocol revision 2026-07-28: ...";
        for text in [REFUSAL, of_typescript] {
            let result = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"isError":true}}"#);
            let error = checked_result(&result).unwrap_err();
            assert_eq!(error.status(), MCP_INPUT_UNSUPPORTED);
            for part in ["2025-11-25", "mcp_set_protocol_version", text] {
                assert!(error.to_string().contains(part), "{error}");
            }
        }
    }

    #[test]
    fn other_results_are_returned() {
        let long = "x".repeat(MAX_SEARCHED);
        for text in [
            format!(r#"{{"content":[{{"type":"text","text":"{REFUSAL}"}}]}}"#),
            format!(r#"{{"content":[{{"type":"text","text":"{REFUSAL}"}}],"isError":false}}"#),
            format!(r#"{{"content":[{{"type":"text","text":"{REFUSAL}{long}"}}],"isError":true}}"#),
            format!(r#"{{"content":[{{"type":"text","text":"no"}}],"isError":true,"_meta":{{"x":"{REFUSAL}"}}}}"#),
            format!(r#"{{"content":["{REFUSAL}"],"isError":true}}"#),
            r#"{"content":[],"isError":true}"#.into(),
            "{}".into(),
        ] {
            assert_eq!(checked_result(&text).unwrap().text(), text);
        }
    }

    #[test]
    fn an_rpc_error_for_a_request_that_cannot_be_sent_names_the_version_to_pin() {
        let message = "Cannot send 'elicitation/create': this transport context has no back-channel for \
                       server-initiated requests.";
        for (message, is_named) in [(message, true), ("no", false)] {
            let rpc = RpcError { code: -32600, message: message.into(), data: None };
            let error = checked_outcome(Err(Error::new(MCP_RPC_ERROR, "no").with_rpc(rpc))).unwrap_err();
            assert_eq!((error.status(), error.report().rpc.as_ref().unwrap().code), (MCP_RPC_ERROR, -32600));
            assert_eq!(error.to_string().contains("pin version 2025-11-25"), is_named, "{error}");
        }
    }
}
