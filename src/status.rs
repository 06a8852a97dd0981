//! Status codes of calls, with their C names.

use std::ffi::CStr;

/// The result of a function. `MCP_OK` is 0. A later version may add values, and never reuses a
/// number: treat an unknown value as a failure.
///
/// `mcp_status_name` returns the name of a status, and `mcp_status_text` a description of it.
/// `mcp_error_message` describes the failure itself.
///
/// Since 0.1.0.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum mcp_status {
    /// The function succeeded.
    MCP_OK = 0,
    /// An argument is invalid: NULL, not UTF-8, an unknown number, a line break in a header, a
    /// malformed token or URL. Nothing was sent.
    MCP_INVALID_ARGUMENT = 1,
    /// The function is not allowed now or here: a setting was changed after the first call had fixed
    /// it, or is not for this kind of server (URL or process); a client was used after `fork`; a
    /// callback made a call that would wait for itself; or a handler responded to another request
    /// than an elicitation with a function for elicitations.
    MCP_MISUSE = 2,
    /// A bug in libmcp, caught before it could harm the process. Please report it.
    MCP_INTERNAL = 3,
    /// The call was cancelled: by its cancel token, `mcp_queue_cancel`, `mcp_queue_stop` or its
    /// progress callback.
    MCP_CANCELLED = 4,
    /// The client was closed or freed before or during the call, or the queue was stopped or freed.
    MCP_CLOSED = 5,
    /// The timeout or the idle timeout of the call expired.
    MCP_TIMEOUT = 6,
    /// The DNS lookup found no address for the server's host name.
    MCP_RESOLVE_FAILED = 7,
    /// Connection refused, or host unreachable.
    MCP_CONNECT_FAILED = 8,
    /// TLS failed: the server's certificate is not trusted, or the handshake failed.
    MCP_TLS_FAILED = 9,
    /// The connection was reset or closed before a response arrived.
    MCP_DISCONNECTED = 10,
    /// The response started, but its body or event stream ended before it was complete.
    MCP_TRUNCATED = 11,
    /// HTTP 401: the server requires credentials, or rejected those it received (RFC 9110, 15.5.2;
    /// RFC 6750, 3.1). See `mcp_error_challenge`.
    MCP_UNAUTHORIZED = 12,
    /// HTTP 403: the server knows the credentials, but they are not sufficient (RFC 9110, 15.5.4).
    MCP_FORBIDDEN = 13,
    /// HTTP 404: there is no MCP endpoint at this URL.
    MCP_NOT_FOUND = 14,
    /// HTTP 429: too many requests; see `mcp_error_retry_after_ms` (RFC 6585, 4).
    MCP_RATE_LIMITED = 15,
    /// HTTP 5xx, except the codes of `MCP_UNAVAILABLE`.
    MCP_SERVER_ERROR = 16,
    /// HTTP 502, 503 or 504: a gateway cannot reach the server, or the server is overloaded. Retry
    /// later.
    MCP_UNAVAILABLE = 17,
    /// Any other HTTP status that the protocol does not use; or the response is not HTTP, and then
    /// `mcp_error_http_status` is 0.
    MCP_HTTP_ERROR = 18,
    /// A redirect was not followed, because it leads to another origin (scheme, host and port), would
    /// change the method of a request other than GET, or was the sixth in a row; or an HTTP+SSE
    /// server named an endpoint on an origin other than that of its event stream.
    MCP_REDIRECT_REFUSED = 19,
    /// The response is HTML, plain text or empty, where JSON or an event stream is required; or it
    /// has a content encoding that the client did not offer.
    MCP_UNEXPECTED_CONTENT = 20,
    /// A response, or the text given to `mcp_json_parse`, is not valid JSON.
    MCP_INVALID_JSON = 21,
    /// The response is JSON, but not a message that the protocol allows here.
    MCP_INVALID_MESSAGE = 22,
    /// The response contains the result of another request.
    MCP_WRONG_ID = 23,
    /// The server returned a JSON-RPC error; see `mcp_error_rpc_code`.
    MCP_RPC_ERROR = 24,
    /// The client and the server have no protocol version in common, or the server does not support
    /// the pinned version.
    MCP_VERSION_UNSUPPORTED = 25,
    /// The server no longer knows the session, and the request was not sent again: it may have been
    /// executed, or the server lost the new session too. The next call opens a new session.
    MCP_SESSION_LOST = 26,
    /// A message, a header or an event exceeds the limit (`mcp_set_limit`).
    MCP_TOO_LARGE = 27,
    /// The JSON value is missing, or does not have the requested type.
    MCP_JSON_MISMATCH = 28,
    /// The JSON value cannot be converted: a number is out of range, or a string is not base64.
    MCP_JSON_RANGE = 29,
    /// The caller's buffer is too small; the required length was stored.
    MCP_BUFFER_TOO_SMALL = 30,
    /// The operating system denied a resource: a file descriptor, a thread, or memory for a response.
    MCP_SYSTEM_ERROR = 31,
    /// HTTP 407: a proxy requires credentials (RFC 9110, 15.5.8).
    MCP_PROXY_AUTH_REQUIRED = 32,
    /// The auth callback gave no credentials: it failed, or the values it set are invalid.
    MCP_AUTH_FAILED = 33,
    /// Credentials would have been sent over plain http to another machine, which
    /// `mcp_set_require_https` forbids. Nothing was sent.
    MCP_INSECURE = 34,
    /// The proxy cannot be reached or used, or refused to connect to the server.
    MCP_PROXY_FAILED = 35,
    /// A list has more than 10,000 pages, or the server requested input more than 32 times in one
    /// call.
    MCP_ENDLESS = 36,
    /// The server requested input for which no handler is set: see `mcp_set_elicitation`,
    /// `mcp_set_sampling` and `mcp_set_roots`. Or a tool of a modern server requested input in a way
    /// that only legacy versions have; the message says which version to pin
    /// (`mcp_set_protocol_version`).
    MCP_INPUT_UNSUPPORTED = 37,
    /// A handler called `mcp_input_fail`, or gave no response (`mcp_input_fn`).
    MCP_INPUT_FAILED = 38,
    /// The server process cannot be started, or has ended.
    MCP_PROCESS_FAILED = 39,
    /// A configuration file cannot be read, or is invalid.
    MCP_CONFIG_INVALID = 40,
    /// The task was cancelled, by this client or another, before it had a result.
    MCP_TASK_CANCELLED = 41,
    /// The server requires a login, and none may begin: no open callback is set (`mcp_oauth_set_open`,
    /// `mcp_oauth_use_browser`), logins begin only with `mcp_login`, or the last login failed. Offer
    /// the user a login, and call `mcp_login`.
    MCP_LOGIN_REQUIRED = 42,
    /// The login failed: the redirect reported an error (see `mcp_error_oauth_code`), the open
    /// callback failed, or the user did not complete it in time. Show the message; `mcp_login` begins
    /// a new login.
    MCP_LOGIN_FAILED = 43,
    /// No token was obtained, for another reason than the user: a document or a response of the
    /// authorization server is invalid or reports an error (see `mcp_error_oauth_code`), the server is
    /// not available, no client id can be used there, the redirect port is taken, or a store or
    /// assertion callback failed. If the server cannot be reached at all, the status is that of the
    /// network error, such as `MCP_CONNECT_FAILED`, and the message names the server.
    MCP_OAUTH_FAILED = 44,
    /// Not a failure: the call was submitted to the queue of its options (`mcp_options_set_queue`), and
    /// its end is delivered by `mcp_queue_dispatch`.
    MCP_PENDING = 45,
}

pub use mcp_status as Status;
pub use mcp_status::*;

/// Every status with its name and a description, in numeric order.
const ALL: [(Status, &CStr, &CStr); 46] = [
    (MCP_OK, c"MCP_OK", c"The function succeeded"),
    (MCP_INVALID_ARGUMENT, c"MCP_INVALID_ARGUMENT", c"An argument is invalid"),
    (MCP_MISUSE, c"MCP_MISUSE", c"The function is not allowed now or here"),
    (MCP_INTERNAL, c"MCP_INTERNAL", c"Internal error in libmcp"),
    (MCP_CANCELLED, c"MCP_CANCELLED", c"The call was cancelled"),
    (MCP_CLOSED, c"MCP_CLOSED", c"The client was closed"),
    (MCP_TIMEOUT, c"MCP_TIMEOUT", c"The timeout of the call expired"),
    (MCP_RESOLVE_FAILED, c"MCP_RESOLVE_FAILED", c"The DNS lookup found no address for the server"),
    (MCP_CONNECT_FAILED, c"MCP_CONNECT_FAILED", c"Connection refused, or host unreachable"),
    (MCP_TLS_FAILED, c"MCP_TLS_FAILED", c"The certificate is not trusted, or the TLS handshake failed"),
    (MCP_DISCONNECTED, c"MCP_DISCONNECTED", c"The connection was closed before a response arrived"),
    (MCP_TRUNCATED, c"MCP_TRUNCATED", c"The response ended before it was complete"),
    (MCP_UNAUTHORIZED, c"MCP_UNAUTHORIZED", c"The server requires credentials, or rejected those it received"),
    (MCP_FORBIDDEN, c"MCP_FORBIDDEN", c"The credentials are not sufficient"),
    (MCP_NOT_FOUND, c"MCP_NOT_FOUND", c"There is no MCP endpoint at this URL"),
    (MCP_RATE_LIMITED, c"MCP_RATE_LIMITED", c"The server received too many requests"),
    (MCP_SERVER_ERROR, c"MCP_SERVER_ERROR", c"The server failed to process the request"),
    (MCP_UNAVAILABLE, c"MCP_UNAVAILABLE", c"The server is not available or overloaded"),
    (MCP_HTTP_ERROR, c"MCP_HTTP_ERROR", c"The server returned an unexpected HTTP response"),
    (MCP_REDIRECT_REFUSED, c"MCP_REDIRECT_REFUSED", c"A redirect was not followed"),
    (MCP_UNEXPECTED_CONTENT, c"MCP_UNEXPECTED_CONTENT", c"The response is neither JSON nor an event stream"),
    (MCP_INVALID_JSON, c"MCP_INVALID_JSON", c"The text is not valid JSON"),
    (MCP_INVALID_MESSAGE, c"MCP_INVALID_MESSAGE", c"The response is not a message that the protocol allows here"),
    (MCP_WRONG_ID, c"MCP_WRONG_ID", c"The response belongs to another request"),
    (MCP_RPC_ERROR, c"MCP_RPC_ERROR", c"The server returned a JSON-RPC error"),
    (MCP_VERSION_UNSUPPORTED, c"MCP_VERSION_UNSUPPORTED", c"There is no common protocol version"),
    (MCP_SESSION_LOST, c"MCP_SESSION_LOST", c"The server no longer knows the session"),
    (MCP_TOO_LARGE, c"MCP_TOO_LARGE", c"A message, a header or an event exceeds the limit"),
    (MCP_JSON_MISMATCH, c"MCP_JSON_MISMATCH", c"The JSON value is missing, or has another type"),
    (MCP_JSON_RANGE, c"MCP_JSON_RANGE", c"The JSON value cannot be converted"),
    (MCP_BUFFER_TOO_SMALL, c"MCP_BUFFER_TOO_SMALL", c"The buffer is too small"),
    (MCP_SYSTEM_ERROR, c"MCP_SYSTEM_ERROR", c"The operating system denied a resource"),
    (MCP_PROXY_AUTH_REQUIRED, c"MCP_PROXY_AUTH_REQUIRED", c"A proxy requires credentials"),
    (MCP_AUTH_FAILED, c"MCP_AUTH_FAILED", c"The auth callback gave no credentials"),
    (MCP_INSECURE, c"MCP_INSECURE", c"Credentials would have been sent over plain http"),
    (MCP_PROXY_FAILED, c"MCP_PROXY_FAILED", c"The proxy cannot be used"),
    (MCP_ENDLESS, c"MCP_ENDLESS", c"The server sent too many pages or input requests"),
    (MCP_INPUT_UNSUPPORTED, c"MCP_INPUT_UNSUPPORTED", c"The server requested input for which no handler is set"),
    (MCP_INPUT_FAILED, c"MCP_INPUT_FAILED", c"A handler gave no input"),
    (MCP_PROCESS_FAILED, c"MCP_PROCESS_FAILED", c"The server process cannot be started, or has ended"),
    (MCP_CONFIG_INVALID, c"MCP_CONFIG_INVALID", c"The configuration cannot be read, or is invalid"),
    (MCP_TASK_CANCELLED, c"MCP_TASK_CANCELLED", c"The task was cancelled"),
    (MCP_LOGIN_REQUIRED, c"MCP_LOGIN_REQUIRED", c"The server requires a login"),
    (MCP_LOGIN_FAILED, c"MCP_LOGIN_FAILED", c"The login failed"),
    (MCP_OAUTH_FAILED, c"MCP_OAUTH_FAILED", c"No token was obtained"),
    (MCP_PENDING, c"MCP_PENDING", c"The call was submitted to its queue"),
];

/// The name of a status; `MCP_UNKNOWN` for an unknown number.
pub fn name(number: i32) -> &'static CStr {
    entry(number).map_or(c"MCP_UNKNOWN", |(_, name, _)| name)
}

/// A description of a status, without a full stop.
pub fn text(number: i32) -> &'static CStr {
    entry(number).map_or(c"The status is unknown to this version of libmcp", |(_, _, text)| text)
}

fn entry(number: i32) -> Option<&'static (Status, &'static CStr, &'static CStr)> {
    usize::try_from(number).ok().and_then(|at| ALL.get(at))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_status_has_a_name_and_a_description() {
        let mut texts = HashSet::new();
        for (at, (status, listed, description)) in ALL.iter().enumerate() {
            assert_eq!(*status as usize, at);
            assert_eq!(listed.to_str().unwrap(), format!("{status:?}"));
            assert_eq!((name(at as i32), text(at as i32)), (*listed, *description));
            assert!(texts.insert(*description) && !description.to_bytes().ends_with(b"."), "{description:?}");
        }
        assert!(texts.insert(text(-1)));
        assert_eq!(name(-1), c"MCP_UNKNOWN");
        assert_eq!(name(ALL.len() as i32), c"MCP_UNKNOWN");
    }
}
