//! The outcomes of a call, under the names that C knows them by.

/// How a call ended. `MCP_OK` is zero; a number is never reused, and a later version may add more,
/// so treat an unknown one as a failure.
///
/// Use `mcp_status_name` for the name as text, and `mcp_error_message` for what happened.
///
/// Since 0.1.0.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mcp_status {
    /// The call did what it was asked to do.
    MCP_OK = 0,
    /// An argument cannot be used: NULL, not UTF-8, a line break in a header, a malformed token or
    /// URL. Nothing was sent.
    MCP_INVALID_ARGUMENT = 1,
    /// The call came at the wrong time: a setting after the first request that fixed it, or a
    /// client used after `fork`.
    MCP_MISUSE = 2,
    /// A bug in libmcp, caught before it could hurt the program. Please report it.
    MCP_INTERNAL = 3,
    /// The call's cancel token was triggered.
    MCP_CANCELLED = 4,
    /// `mcp_client_close` was called on the client, before or during the call.
    MCP_CLOSED = 5,
    /// The call's timeout passed, or its idle limit.
    MCP_TIMEOUT = 6,
    /// The server's name has no address.
    MCP_RESOLVE_FAILED = 7,
    /// Nobody accepts connections there: refused or unreachable.
    MCP_CONNECT_FAILED = 8,
    /// No trusted TLS connection: a bad certificate, or a handshake that failed.
    MCP_TLS_FAILED = 9,
    /// The connection was reset, or ended before an answer.
    MCP_DISCONNECTED = 10,
    /// The answer began, and its body or event stream ended before it was complete.
    MCP_TRUNCATED = 11,
    /// HTTP 401: the server wants credentials, or refuses those that it got (RFC 9110, 15.5.2; RFC
    /// 6750, 3.1).
    MCP_UNAUTHORIZED = 12,
    /// HTTP 403: the credentials are known and do not suffice (RFC 9110, 15.5.4).
    MCP_FORBIDDEN = 13,
    /// HTTP 404: nothing at this URL speaks MCP.
    MCP_NOT_FOUND = 14,
    /// HTTP 429: too many requests; see `mcp_error_retry_after_ms` (RFC 6585, 4).
    MCP_RATE_LIMITED = 15,
    /// HTTP 5xx, except those of `MCP_UNAVAILABLE`.
    MCP_SERVER_ERROR = 16,
    /// HTTP 502, 503 or 504: the server cannot be reached behind its gateway, or is overloaded;
    /// try again later.
    MCP_UNAVAILABLE = 17,
    /// Any other HTTP status that has no place in the protocol; or an answer that is no HTTP at all,
    /// and then the HTTP status of the error is 0.
    MCP_HTTP_ERROR = 18,
    /// A redirect that is not followed, because credentials would leave their origin or the method
    /// would change (of a POST; a GET is redirected within its origin), or because there are more than
    /// five; or the endpoint of an HTTP+SSE server, on another origin than its stream.
    MCP_REDIRECT_REFUSED = 19,
    /// HTML, plain text or nothing where a JSON message or an event stream belongs; or it has a content
    /// coding that nobody asked for.
    MCP_UNEXPECTED_CONTENT = 20,
    /// The answer says that it is JSON and is not.
    MCP_INVALID_JSON = 21,
    /// The answer is JSON, but not a message that the protocol allows here.
    MCP_INVALID_MESSAGE = 22,
    /// The answer carries a result for another request.
    MCP_WRONG_ID = 23,
    /// The server answered with a JSON-RPC error; see `mcp_error_rpc_code`.
    MCP_RPC_ERROR = 24,
    /// The server and this client share no protocol version, or not the pinned one.
    MCP_VERSION_UNSUPPORTED = 25,
    /// The server does not know the session any more, and the request was not sent again: it may have
    /// been executed, or the server forgot a second session as well. The next call opens a new one.
    MCP_SESSION_LOST = 26,
    /// A message, header or event is larger than the limit.
    MCP_TOO_LARGE = 27,
    /// The JSON value has another type than the one that was asked for, or is not there.
    MCP_JSON_MISMATCH = 28,
    /// The JSON value does not fit into what it was asked as: a number out of range, text that is
    /// no base64.
    MCP_JSON_RANGE = 29,
    /// The caller's buffer is too small; the length that is needed was set.
    MCP_BUFFER_TOO_SMALL = 30,
    /// The operating system refused something: no descriptors, no thread.
    MCP_SYSTEM_ERROR = 31,
    /// HTTP 407: a proxy wants credentials (RFC 9110, 15.5.8).
    MCP_PROXY_AUTH_REQUIRED = 32,
    /// The auth callback gave no credentials: it failed, or what it set cannot be used.
    MCP_AUTH_FAILED = 33,
    /// Credentials would have gone over plain http to another machine, and `mcp_set_require_https`
    /// forbids that. Nothing was sent.
    MCP_INSECURE = 34,
    /// The proxy cannot be reached or used, or refuses to connect to the server.
    MCP_PROXY_FAILED = 35,
    /// The server never comes to an end: its pages lead on and on, or it asks for input again and
    /// again.
    MCP_ENDLESS = 36,
    /// The server asks for something that no handler is set for.
    MCP_INPUT_UNSUPPORTED = 37,
    /// A handler that the program has set gave no input.
    MCP_INPUT_FAILED = 38,
    /// The server's process cannot be started, or has ended.
    MCP_PROCESS_FAILED = 39,
    /// A configuration file cannot be read or used.
    MCP_CONFIG_INVALID = 40,
    /// The task was cancelled, by whomever, before it had a result.
    MCP_TASK_CANCELLED = 41,
}

pub use mcp_status as Status;
pub use mcp_status::*;

/// Every status, in the order of its number.
const ALL: [(Status, &std::ffi::CStr); 42] = [
    (MCP_OK, c"MCP_OK"),
    (MCP_INVALID_ARGUMENT, c"MCP_INVALID_ARGUMENT"),
    (MCP_MISUSE, c"MCP_MISUSE"),
    (MCP_INTERNAL, c"MCP_INTERNAL"),
    (MCP_CANCELLED, c"MCP_CANCELLED"),
    (MCP_CLOSED, c"MCP_CLOSED"),
    (MCP_TIMEOUT, c"MCP_TIMEOUT"),
    (MCP_RESOLVE_FAILED, c"MCP_RESOLVE_FAILED"),
    (MCP_CONNECT_FAILED, c"MCP_CONNECT_FAILED"),
    (MCP_TLS_FAILED, c"MCP_TLS_FAILED"),
    (MCP_DISCONNECTED, c"MCP_DISCONNECTED"),
    (MCP_TRUNCATED, c"MCP_TRUNCATED"),
    (MCP_UNAUTHORIZED, c"MCP_UNAUTHORIZED"),
    (MCP_FORBIDDEN, c"MCP_FORBIDDEN"),
    (MCP_NOT_FOUND, c"MCP_NOT_FOUND"),
    (MCP_RATE_LIMITED, c"MCP_RATE_LIMITED"),
    (MCP_SERVER_ERROR, c"MCP_SERVER_ERROR"),
    (MCP_UNAVAILABLE, c"MCP_UNAVAILABLE"),
    (MCP_HTTP_ERROR, c"MCP_HTTP_ERROR"),
    (MCP_REDIRECT_REFUSED, c"MCP_REDIRECT_REFUSED"),
    (MCP_UNEXPECTED_CONTENT, c"MCP_UNEXPECTED_CONTENT"),
    (MCP_INVALID_JSON, c"MCP_INVALID_JSON"),
    (MCP_INVALID_MESSAGE, c"MCP_INVALID_MESSAGE"),
    (MCP_WRONG_ID, c"MCP_WRONG_ID"),
    (MCP_RPC_ERROR, c"MCP_RPC_ERROR"),
    (MCP_VERSION_UNSUPPORTED, c"MCP_VERSION_UNSUPPORTED"),
    (MCP_SESSION_LOST, c"MCP_SESSION_LOST"),
    (MCP_TOO_LARGE, c"MCP_TOO_LARGE"),
    (MCP_JSON_MISMATCH, c"MCP_JSON_MISMATCH"),
    (MCP_JSON_RANGE, c"MCP_JSON_RANGE"),
    (MCP_BUFFER_TOO_SMALL, c"MCP_BUFFER_TOO_SMALL"),
    (MCP_SYSTEM_ERROR, c"MCP_SYSTEM_ERROR"),
    (MCP_PROXY_AUTH_REQUIRED, c"MCP_PROXY_AUTH_REQUIRED"),
    (MCP_AUTH_FAILED, c"MCP_AUTH_FAILED"),
    (MCP_INSECURE, c"MCP_INSECURE"),
    (MCP_PROXY_FAILED, c"MCP_PROXY_FAILED"),
    (MCP_ENDLESS, c"MCP_ENDLESS"),
    (MCP_INPUT_UNSUPPORTED, c"MCP_INPUT_UNSUPPORTED"),
    (MCP_INPUT_FAILED, c"MCP_INPUT_FAILED"),
    (MCP_PROCESS_FAILED, c"MCP_PROCESS_FAILED"),
    (MCP_CONFIG_INVALID, c"MCP_CONFIG_INVALID"),
    (MCP_TASK_CANCELLED, c"MCP_TASK_CANCELLED"),
];

/// The name of a status; for a number that is none, `MCP_UNKNOWN`.
pub fn name(number: i32) -> &'static std::ffi::CStr {
    usize::try_from(number).ok().and_then(|at| ALL.get(at)).map_or(c"MCP_UNKNOWN", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_own_name() {
        for (at, (status, listed)) in ALL.iter().enumerate() {
            assert_eq!(*status as usize, at);
            assert_eq!(listed.to_str().unwrap(), format!("{status:?}"));
            assert_eq!(name(at as i32), *listed);
        }
        assert_eq!(name(-1), c"MCP_UNKNOWN");
        assert_eq!(name(ALL.len() as i32), c"MCP_UNKNOWN");
    }
}
