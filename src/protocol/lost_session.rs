//! Whether a refusal says that the server does not know the session of a request any more (2025-11-25, "Transports": Session
//! Management). The specification has one answer for that, 404; real servers have others.
//!
//! | answer | counts | servers |
//! |---|---|---|
//! | 404, not JSON-RPC -32601 | by its status | the specification; TypeScript, Python, Go and C# SDKs |
//! | 410 | by its status | gateways |
//! | 400, 422 | by [`SESSION_WORDS`] | server-everything, TypeScript SDK after a restart, rmcp ("expect initialize request") |
//! | 401 without a challenge and not under the request's own id | by "session not found" | rmcp before 0.3 |
//! | 500 | by [`PROTOCOL_WORDS`] or "session not found" | servers whose session store throws |
//! | 200, and any status under the request's own id | by [`PROTOCOL_WORDS`] or the session id's own value | servers that answer with -32000, -32002, -32005 |
//!
//! Under the request's own id an error is that of the call: a tool may have a session of its own (a browser's, a debugger's) and
//! report that it is gone. So only words that name the protocol's session count there.

use super::messages::METHOD_NOT_FOUND;

/// Words that name the protocol's session and nothing else.
const PROTOCOL_WORDS: [&str; 5] =
    ["mcp-session-id", "mcp session", "server not initialized", "no valid session id", "expect initialize request"];

/// Words that mean the session where the answer is about the HTTP request, and not about what it asked for.
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

/// Of a text, so much is looked at: the words stand at its beginning.
const MAX_LOOKED_AT: usize = 8 * 1024;

/// What the request said of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionReference<'a> {
    /// It belongs to no session: `initialize`, `server/discover`, modern requests.
    Nothing,
    /// It is one of a session to which the server gave no id.
    NoId,
    /// The id is in the header `Mcp-Session-Id`.
    Id(&'a str),
    /// The id is in the URL (HTTP+SSE).
    InUrl,
}

/// An answer that is an error.
#[derive(Clone, Copy, Debug)]
pub struct ErrorResponse<'a> {
    pub http_status: u16,
    /// The code of its JSON-RPC error.
    pub code: Option<i64>,
    /// The JSON-RPC error has the id of the request.
    pub has_own_id: bool,
    pub has_challenge: bool,
    /// The message of the JSON-RPC error, or else the body.
    pub text: &'a str,
}

impl ErrorResponse<'_> {
    /// Whether it says that the session is not known any more.
    pub fn is_lost_session(&self, reference: SessionReference) -> bool {
        let (has_id, id) = match reference {
            SessionReference::Nothing => return false,
            SessionReference::NoId => (false, None),
            SessionReference::Id(id) => (true, Some(id)),
            SessionReference::InUrl => (true, None),
        };
        let text = beginning(self.text);
        let clear = text.to_ascii_lowercase();
        let has_one_of = |words: &[&str]| words.iter().any(|words| clear.contains(words));
        let names_protocol = has_one_of(&PROTOCOL_WORDS) || id.is_some_and(|id| id.len() >= 8 && text.contains(id));
        match self.http_status {
            401 => !self.has_challenge && !self.has_own_id && clear.contains("session not found"),
            403 | 407 | 429 => false,
            _ if self.has_own_id || !has_id => names_protocol,
            404 => self.code != Some(METHOD_NOT_FOUND),
            410 => true,
            400 | 422 => names_protocol || has_one_of(&SESSION_WORDS),
            500 => names_protocol || clear.contains("session not found"),
            _ => names_protocol,
        }
    }
}

/// At most [`MAX_LOOKED_AT`] bytes of a text.
fn beginning(text: &str) -> &str {
    let mut end = text.len().min(MAX_LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SessionReference = SessionReference::Id("0123456789abcdef");

    fn answer(http_status: u16, code: Option<i64>, text: &str) -> ErrorResponse<'_> {
        ErrorResponse { http_status, code, has_own_id: false, has_challenge: false, text }
    }

    fn own(http_status: u16, code: i64, text: &str) -> ErrorResponse<'_> {
        ErrorResponse { has_own_id: true, ..answer(http_status, Some(code), text) }
    }

    #[test]
    fn answers_of_real_servers_that_lost_the_session() {
        for lost in [
            answer(404, None, ""),
            answer(404, Some(-32600), "Session has expired"),
            answer(404, Some(-32001), "Session not found"),
            answer(410, None, "Gone"),
            answer(401, None, "Unauthorized: Session not found"),
            answer(400, Some(-32000), "Bad Request: No valid session ID provided"),
            answer(400, Some(-32000), "Bad Request: Server not initialized"),
            answer(400, Some(-32000), "Mcp-Session-Id header is required"),
            answer(400, None, "No transport found for sessionId"),
            answer(422, None, "Unexpected message, expect initialize request"),
            answer(422, None, "Invalid session"),
            answer(500, None, "Session not found"),
            own(200, -32002, "MCP session has been closed"),
            own(200, -32005, "Server not initialized"),
            own(200, -32000, "unknown: 0123456789abcdef"),
            own(400, -32000, "Bad Request: Server not initialized"),
        ] {
            assert!(lost.is_lost_session(ID), "{lost:?}");
            assert!(!lost.is_lost_session(SessionReference::Nothing), "{lost:?}");
        }
        assert!(answer(404, None, "").is_lost_session(SessionReference::InUrl));
        assert!(answer(400, None, "Server not initialized").is_lost_session(SessionReference::NoId));
    }

    #[test]
    fn errors_of_calls_are_not_lost_sessions() {
        for kept in [
            answer(404, Some(METHOD_NOT_FOUND), "Method not found"),
            answer(400, None, "Bad Request"),
            answer(422, None, "Unprocessable"),
            answer(500, None, "oops"),
            answer(403, None, "MCP session"),
            answer(429, None, "MCP session"),
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
        let challenged = ErrorResponse { has_challenge: true, ..answer(401, None, "Session not found") };
        assert!(!challenged.is_lost_session(ID));
        assert!(!answer(404, None, "").is_lost_session(SessionReference::NoId));
        assert!(!own(200, -32000, "no").is_lost_session(SessionReference::Id("")));
    }

    #[test]
    fn long_texts_are_looked_at_in_part() {
        let late = format!("{}Mcp-Session-Id", "é".repeat(MAX_LOOKED_AT));
        assert!(!answer(400, None, &late).is_lost_session(ID));
    }
}
