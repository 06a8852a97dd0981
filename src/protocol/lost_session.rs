//! Decides whether an error response means that the server no longer knows the session of the request (2025-11-25,
//! "Transports": Session Management). The specification defines one such response, 404; real servers send others:
//!
//! | response | condition | servers |
//! |---|---|---|
//! | 404 | not JSON-RPC error -32601 | the specification; TypeScript, Python, Go and C# SDKs |
//! | 410 | | gateways |
//! | 400, 422 | names the session, or contains one of [`SESSION_WORDS`] | server-everything, TypeScript SDK, rmcp |
//! | 401 | contains "session not found"; no challenge, not with the request's id | rmcp before 0.3 |
//! | 500 | names the session, or contains "session not found" | servers whose session store throws |
//! | other, except 403, 407, 429 | names the session | servers that send -32000, -32002, -32005 |
//!
//! A text names the session if it contains one of [`PROTOCOL_WORDS`] or the session id.
//!
//! A JSON-RPC error with the request's id is an error of the call, with any HTTP status: a tool may have other
//! sessions, of a browser or a debugger, and report that one is lost. So only a text that names the MCP session counts
//! there.

use super::messages::METHOD_NOT_FOUND;
use crate::sys::short::beginning;

/// Phrases that can only mean the MCP session.
const PROTOCOL_WORDS: [&str; 5] =
    ["mcp-session-id", "mcp session", "server not initialized", "no valid session id", "expect initialize request"];

/// Phrases that mean the MCP session in an error about the HTTP request, but not in an error of the call.
const SESSION_WORDS: [&str; 9] = [
    "session id",
    "sessionid",
    "session not found",
    "session expired",
    "session has expired",
    "session terminated",
    "session does not exist",
    "unknown session",
    "invalid session",
];

/// Only the beginning of a text is searched, this many bytes.
const MAX_SEARCHED: usize = 8 * 1024;

/// How the request identified its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionReference<'a> {
    /// The request belongs to no session: `initialize`, `server/discover`, modern requests.
    Nothing,
    /// The server assigned no id to the session.
    NoId,
    /// The id is in the header `Mcp-Session-Id`.
    Id(&'a str),
    /// The id is in the URL (HTTP+SSE).
    InUrl,
}

/// An error response, as an HTTP status, a JSON-RPC error, or both.
#[derive(Clone, Copy, Debug)]
pub struct ErrorResponse<'a> {
    pub http_status: u16,
    /// The code of the JSON-RPC error.
    pub code: Option<i64>,
    /// The JSON-RPC error has the id of the request.
    pub has_own_id: bool,
    /// The response has the header `WWW-Authenticate`.
    pub has_challenge: bool,
    /// The message of the JSON-RPC error, or the body if there is no such error.
    pub text: &'a str,
}

impl ErrorResponse<'_> {
    /// Whether the server no longer knows the session.
    pub fn is_lost_session(&self, reference: SessionReference) -> bool {
        let (has_id, id) = match reference {
            SessionReference::Nothing => return false,
            SessionReference::NoId => (false, None),
            SessionReference::Id(id) => (true, Some(id)),
            SessionReference::InUrl => (true, None),
        };
        let text = beginning(self.text, MAX_SEARCHED);
        let lowercase = text.to_ascii_lowercase();
        let has_one_of = |phrases: &[&str]| phrases.iter().any(|phrase| lowercase.contains(phrase));
        let names_session = has_one_of(&PROTOCOL_WORDS) || id.is_some_and(|id| id.len() >= 8 && text.contains(id));
        match self.http_status {
            401 => !self.has_challenge && !self.has_own_id && lowercase.contains("session not found"),
            403 | 407 | 429 => false,
            _ if self.has_own_id || !has_id => names_session,
            404 => self.code != Some(METHOD_NOT_FOUND),
            410 => true,
            400 | 422 => names_session || has_one_of(&SESSION_WORDS),
            500 => names_session || lowercase.contains("session not found"),
            _ => names_session,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SessionReference = SessionReference::Id("0123456789abcdef");

    fn response(http_status: u16, code: Option<i64>, text: &str) -> ErrorResponse<'_> {
        ErrorResponse { http_status, code, has_own_id: false, has_challenge: false, text }
    }

    fn own(http_status: u16, code: i64, text: &str) -> ErrorResponse<'_> {
        ErrorResponse { has_own_id: true, ..response(http_status, Some(code), text) }
    }

    #[test]
    fn responses_of_real_servers_to_a_lost_session_are_recognized() {
        for lost in [
            response(404, None, ""),
            response(404, Some(-32600), "Session has expired"),
            response(404, Some(-32001), "Session not found"),
            response(410, None, "Gone"),
            response(401, None, "Unauthorized: Session not found"),
            response(400, Some(-32000), "Bad Request: No valid session ID provided"),
            response(400, Some(-32000), "Bad Request: Server not initialized"),
            response(400, Some(-32000), "Mcp-Session-Id header is required"),
            response(400, None, "No transport found for sessionId"),
            response(422, None, "Unexpected message, expect initialize request"),
            response(422, None, "Invalid session"),
            response(500, None, "Session not found"),
            own(200, -32002, "MCP session has been closed"),
            own(200, -32005, "Server not initialized"),
            own(200, -32000, "unknown: 0123456789abcdef"),
            own(400, -32000, "Bad Request: Server not initialized"),
        ] {
            assert!(lost.is_lost_session(ID), "{lost:?}");
            assert!(!lost.is_lost_session(SessionReference::Nothing), "{lost:?}");
        }
        assert!(response(404, None, "").is_lost_session(SessionReference::InUrl));
        assert!(response(400, None, "Server not initialized").is_lost_session(SessionReference::NoId));
    }

    #[test]
    fn errors_of_calls_do_not_mean_a_lost_session() {
        for kept in [
            response(404, Some(METHOD_NOT_FOUND), "Method not found"),
            response(400, None, "Bad Request"),
            response(422, None, "Unprocessable"),
            response(500, None, "oops"),
            response(403, None, "MCP session"),
            response(429, None, "MCP session"),
            own(404, -32602, "Unknown tool: x"),
            own(404, -32002, "Resource not found"),
            own(404, -32000, "Customer 42 not found"),
            own(400, -32602, "the argument session id is missing"),
            own(200, -32603, "Session not found: abc"),
            own(500, -32603, "Session not found: abc"),
            own(401, -32603, "Session not found: abc"),
        ] {
            assert!(!kept.is_lost_session(ID), "{kept:?}");
        }
        let challenged = ErrorResponse { has_challenge: true, ..response(401, None, "Session not found") };
        assert!(!challenged.is_lost_session(ID));
        assert!(!response(404, None, "").is_lost_session(SessionReference::NoId));
        assert!(!own(200, -32000, "no").is_lost_session(SessionReference::Id("")));
    }

    #[test]
    fn only_the_beginning_of_a_text_is_searched() {
        let late = format!("{}Mcp-Session-Id", "é".repeat(MAX_SEARCHED));
        assert!(!response(400, None, &late).is_lost_session(ID));
    }
}
