//! Whether and how to retry after a failure: the tables of statuses that the retrying loops share. The loops count
//! their attempts, and check whether a request may be executed twice. `protocol::negotiation` judges the response to
//! `server/discover`.

use crate::error::Error;
use crate::protocol::negotiation::{is_header_mismatch, is_modern_error};
use crate::protocol::version::Era;
use crate::status::*;

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Try the same again.
    Retry,
    /// Try again in a new session.
    NewSession,
    /// Negotiate the protocol version again.
    NewVersion,
    /// Try again with the headers that the server expects.
    NewHeaders,
    /// Try again with other credentials.
    OtherCredentials,
    /// Try another transport.
    OtherTransport,
    /// Report the error. This includes HTTP 429 and 503: the application decides whether to wait and retry.
    Fatal,
}

/// The step that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedStep {
    /// A request in a session of this era. `renewed`: the session was already re-established for this request.
    Request { era: Era, renewed: bool },
    /// An HTTP request with credentials from the auth callback.
    Credentials,
    /// Resuming the event stream of a response, after it ended early.
    ResumedResponse,
    /// The server stream, which has messages that belong to no request. `was_open`: it was open before. `failures`: how
    /// many attempts to open it have failed in a row.
    ServerStream { was_open: bool, failures: u32 },
    /// A subscription. `failures`: how many times in a row it could not be opened, or ended before anything was
    /// received.
    Subscription { failures: u32 },
    /// Opening the event stream of HTTP+SSE in a handshake. The server may not support this transport.
    FirstStream,
    /// The handshake over Streamable HTTP. The server may not support this transport.
    FirstHandshake,
    /// The handshake with a server that was a legacy server in an earlier handshake.
    LegacyHandshake,
}

/// How many attempts in a row to open a server stream may fail.
const MAX_SERVER_STREAMS: u32 = 5;

/// How many attempts in a row to open a subscription may fail.
const MAX_SUBSCRIPTIONS: u32 = 5;

/// What to do after `step` failed with `error`.
pub fn disposition(error: &Error, step: FailedStep) -> Disposition {
    let retry_if = |may_help: bool| if may_help { Disposition::Retry } else { Disposition::Fatal };
    match step {
        FailedStep::Request { era, renewed } => after_request(error, era, renewed),
        FailedStep::Credentials if wants_other_credentials(error) => Disposition::OtherCredentials,
        FailedStep::Credentials => Disposition::Fatal,
        // The server may be reachable again in a moment.
        FailedStep::ResumedResponse => retry_if(matches!(error.status(), MCP_CONNECT_FAILED | MCP_DISCONNECTED)),
        FailedStep::ServerStream { was_open, failures } => after_server_stream(error, was_open, failures),
        FailedStep::Subscription { failures } => retry_if(failures <= MAX_SUBSCRIPTIONS && is_transient(error)),
        FailedStep::FirstStream if indicates_no_sse_server(error) || error.status() == MCP_TIMEOUT => {
            Disposition::OtherTransport
        }
        FailedStep::FirstHandshake if indicates_older_server(error) => Disposition::OtherTransport,
        FailedStep::LegacyHandshake if indicates_older_server(error) || is_modern_error(error) => {
            Disposition::NewVersion
        }
        FailedStep::FirstStream | FailedStep::FirstHandshake | FailedStep::LegacyHandshake => Disposition::Fatal,
    }
}

fn after_request(error: &Error, era: Era, renewed: bool) -> Disposition {
    if error.status() == MCP_SESSION_LOST || error.report().session_is_gone {
        return Disposition::NewSession;
    }
    if !renewed && era == Era::Legacy && is_modern_error(error) {
        return Disposition::NewVersion;
    }
    if is_header_mismatch(error) { Disposition::NewHeaders } else { Disposition::Fatal }
}

/// HTTP 401, or a 403 that requires a wider scope (RFC 6750, section 3.1).
fn wants_other_credentials(error: &Error) -> bool {
    let challenge = error.report().www_authenticate.as_deref();
    match error.status() {
        MCP_UNAUTHORIZED => true,
        MCP_FORBIDDEN => challenge.is_some_and(|challenge| challenge.contains("insufficient_scope")),
        _ => false,
    }
}

fn after_server_stream(error: &Error, was_open: bool, failures: u32) -> Disposition {
    let is_final = match error.status() {
        MCP_CANCELLED | MCP_CLOSED => true,
        _ if was_open && failures > 0 && reports_existing_stream(error) => false,
        MCP_SESSION_LOST | MCP_NOT_FOUND | MCP_UNEXPECTED_CONTENT => true,
        MCP_HTTP_ERROR | MCP_RPC_ERROR => (400..500).contains(&error.report().http_status),
        _ => failures >= MAX_SERVER_STREAMS,
    };
    if is_final { Disposition::Fatal } else { Disposition::Retry }
}

/// Whether a server refuses a stream because the session already has one (TypeScript SDK: 409 "Only one SSE stream is
/// allowed per session").
pub fn reports_existing_stream(error: &Error) -> bool {
    match error.report().http_status {
        409 => true,
        400 => {
            let words = error.report().message.to_ascii_lowercase();
            // An unknown session has no other stream: "invalid session ID for this stream".
            let names_another =
                || ["only one", "one stream", "one sse", "already"].iter().any(|phrase| words.contains(phrase));
            words.contains("stream") && (error.status() != MCP_SESSION_LOST || names_another())
        }
        _ => false,
    }
}

/// Whether to try again later to open a server stream after the last attempt has failed: the application may set other
/// credentials.
pub fn may_be_opened_later(error: &Error) -> bool {
    is_transient(error) || is_about_credentials(error.status()) || error.status() == MCP_INSECURE
}

/// Whether another attempt a moment later may succeed.
fn is_transient(error: &Error) -> bool {
    matches!(
        error.status(),
        MCP_CONNECT_FAILED
            | MCP_DISCONNECTED
            | MCP_TRUNCATED
            | MCP_UNAVAILABLE
            | MCP_RATE_LIMITED
            | MCP_SERVER_ERROR
            | MCP_SESSION_LOST
            | MCP_RESOLVE_FAILED
            | MCP_PROCESS_FAILED
    )
}

/// Whether the server refuses `initialize` like a server without Streamable HTTP does (2025-11-25, "Transports":
/// Backwards Compatibility).
fn indicates_older_server(error: &Error) -> bool {
    matches!(error.report().http_status, 400 | 404 | 405) && !is_modern_error(error)
}

/// Whether the response to a GET shows that the server does not support HTTP+SSE.
fn indicates_no_sse_server(error: &Error) -> bool {
    match error.status() {
        MCP_UNEXPECTED_CONTENT | MCP_NOT_FOUND | MCP_HTTP_ERROR => true,
        MCP_RPC_ERROR | MCP_SESSION_LOST => (400..500).contains(&error.report().http_status),
        _ => false,
    }
}

/// Whether an error is about this caller or temporary, and does not show which protocol the server supports.
pub fn is_about_caller(error: &Error) -> bool {
    is_about_credentials(error.status())
        || matches!(error.status(), MCP_INSECURE | MCP_PROXY_AUTH_REQUIRED | MCP_RATE_LIMITED | MCP_REDIRECT_REFUSED)
}

/// Whether the credentials for the server are missing, refused, or cannot be obtained.
fn is_about_credentials(status: Status) -> bool {
    matches!(
        status,
        MCP_UNAUTHORIZED | MCP_FORBIDDEN | MCP_AUTH_FAILED | MCP_LOGIN_REQUIRED | MCP_LOGIN_FAILED | MCP_OAUTH_FAILED
    )
}

/// Whether an error concerns only the call that received it, and not other calls that wait for the same result.
pub fn is_of_this_call(error: &Error) -> bool {
    error.report().of_this_call || matches!(error.status(), MCP_CANCELLED | MCP_TIMEOUT | MCP_CLOSED | MCP_SYSTEM_ERROR)
}

/// Whether the session can be used although the server refused `notifications/initialized`, as some servers do.
pub fn is_harmless_for_session(error: &Error) -> bool {
    let is_about_caller = is_about_credentials(error.status()) || error.status() == MCP_PROXY_AUTH_REQUIRED;
    error.report().http_status != 0 && !is_about_caller
}

/// The more informative one of two refusals: that of the GET if it has a specific reason, and the POST's is only that
/// the path or the method does not exist.
pub fn more_informative(of_get: Error, of_post: Error) -> Error {
    let (get, post) = (of_get.report().http_status, of_post.report().http_status);
    let is_refusal = of_get.status() == MCP_HTTP_ERROR && !matches!(get, 0 | 404 | 405);
    if is_refusal && matches!(post, 404 | 405) { of_get } else { of_post }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RpcError;

    fn failed(status: Status, http_status: u16) -> Error {
        Error::new(status, "no").with_http_status(http_status)
    }

    fn rpc(code: i64) -> Error {
        failed(MCP_RPC_ERROR, 400).with_rpc(RpcError { code, message: "no".into(), data: None })
    }

    #[test]
    fn failed_requests_are_retried_as_their_status_says() {
        let mut gone = failed(MCP_DISCONNECTED, 0);
        gone.report_mut().session_is_gone = true;
        for (error, era, next) in [
            (failed(MCP_SESSION_LOST, 404), Era::Legacy, Disposition::NewSession),
            (gone, Era::Legacy, Disposition::NewSession),
            (rpc(-32022), Era::Legacy, Disposition::NewVersion),
            (rpc(-32022), Era::Modern, Disposition::Fatal),
            (rpc(-32020), Era::Modern, Disposition::NewHeaders),
            (failed(MCP_RATE_LIMITED, 429), Era::Legacy, Disposition::Fatal),
            (failed(MCP_UNAVAILABLE, 503), Era::Modern, Disposition::Fatal),
            (failed(MCP_TRUNCATED, 200), Era::Legacy, Disposition::Fatal),
        ] {
            assert_eq!(
                disposition(&error, FailedStep::Request { era, renewed: false }),
                next,
                "{:?} {era:?}",
                error.report()
            );
        }
    }

    #[test]
    fn the_version_is_not_negotiated_again_in_a_renewed_session() {
        let renewed = FailedStep::Request { era: Era::Legacy, renewed: true };
        assert_eq!(disposition(&rpc(-32020), renewed), Disposition::NewHeaders);
        assert_eq!(disposition(&rpc(-32022), renewed), Disposition::Fatal);
    }

    #[test]
    fn credentials_are_replaced_after_401_and_insufficient_scope() {
        let with_challenge = |status, http_status, challenge: &str| {
            let mut error = failed(status, http_status);
            error.report_mut().www_authenticate = Some(challenge.into());
            error
        };
        for (error, next) in [
            (failed(MCP_UNAUTHORIZED, 401), Disposition::OtherCredentials),
            (failed(MCP_FORBIDDEN, 403), Disposition::Fatal),
            (with_challenge(MCP_FORBIDDEN, 403, "Bearer error=\"insufficient_scope\""), Disposition::OtherCredentials),
            (with_challenge(MCP_FORBIDDEN, 403, "Bearer error=\"invalid_token\""), Disposition::Fatal),
            (failed(MCP_SERVER_ERROR, 500), Disposition::Fatal),
        ] {
            assert_eq!(disposition(&error, FailedStep::Credentials), next, "{:?}", error.report());
        }
    }

    #[test]
    fn server_streams_are_reopened_unless_the_server_refuses_them() {
        let first = FailedStep::ServerStream { was_open: false, failures: 1 };
        let last = FailedStep::ServerStream { was_open: false, failures: MAX_SERVER_STREAMS };
        let again = FailedStep::ServerStream { was_open: true, failures: 1 };
        for (error, step, next) in [
            (failed(MCP_CONNECT_FAILED, 0), first, Disposition::Retry),
            (failed(MCP_SERVER_ERROR, 500), first, Disposition::Retry),
            (failed(MCP_SERVER_ERROR, 500), last, Disposition::Fatal),
            (failed(MCP_HTTP_ERROR, 405), first, Disposition::Fatal),
            (failed(MCP_NOT_FOUND, 404), again, Disposition::Fatal),
            (failed(MCP_SESSION_LOST, 404), again, Disposition::Fatal),
            (failed(MCP_CANCELLED, 0), again, Disposition::Fatal),
            // The server has not noticed yet that the previous stream has ended.
            (failed(MCP_HTTP_ERROR, 409), first, Disposition::Fatal),
            (failed(MCP_HTTP_ERROR, 409), again, Disposition::Retry),
            (failed(MCP_DISCONNECTED, 0), FailedStep::ServerStream { was_open: true, failures: 0 }, Disposition::Retry),
        ] {
            assert_eq!(disposition(&error, step), next, "{:?} {step:?}", error.report());
        }
        for (words, expected) in
            [("Only one SSE stream is allowed", true), ("invalid stream session", true), ("no", false)]
        {
            let error = Error::new(MCP_RPC_ERROR, words).with_http_status(400);
            assert_eq!(reports_existing_stream(&error), expected, "{words}");
        }
        assert!(!reports_existing_stream(&Error::new(MCP_SESSION_LOST, "bad stream session").with_http_status(400)));
    }

    #[test]
    fn resumed_responses_and_subscriptions_are_retried_after_transient_errors() {
        for (error, resumed, subscribed) in [
            (failed(MCP_CONNECT_FAILED, 0), Disposition::Retry, Disposition::Retry),
            (failed(MCP_DISCONNECTED, 0), Disposition::Retry, Disposition::Retry),
            (failed(MCP_UNAVAILABLE, 503), Disposition::Fatal, Disposition::Retry),
            (failed(MCP_SESSION_LOST, 404), Disposition::Fatal, Disposition::Retry),
            (failed(MCP_UNAUTHORIZED, 401), Disposition::Fatal, Disposition::Fatal),
            (failed(MCP_CANCELLED, 0), Disposition::Fatal, Disposition::Fatal),
        ] {
            assert_eq!(disposition(&error, FailedStep::ResumedResponse), resumed, "{:?}", error.report());
            assert_eq!(
                disposition(&error, FailedStep::Subscription { failures: 1 }),
                subscribed,
                "{:?}",
                error.report()
            );
            let last = FailedStep::Subscription { failures: MAX_SUBSCRIPTIONS + 1 };
            assert_eq!(disposition(&error, last), Disposition::Fatal);
        }
    }

    #[test]
    fn other_transports_and_versions_are_tried_only_if_the_server_may_support_them() {
        for (error, first_stream, first_handshake, legacy) in [
            (failed(MCP_NOT_FOUND, 404), true, true, true),
            (failed(MCP_HTTP_ERROR, 405), true, true, true),
            (failed(MCP_HTTP_ERROR, 409), true, false, false),
            (failed(MCP_UNEXPECTED_CONTENT, 200), true, false, false),
            (failed(MCP_TIMEOUT, 0), true, false, false),
            (failed(MCP_UNAUTHORIZED, 401), false, false, false),
            (failed(MCP_SERVER_ERROR, 500), false, false, false),
            (rpc(-32601), true, true, true),
            (rpc(-32022), true, false, true),
        ] {
            for (step, next, is_next) in [
                (FailedStep::FirstStream, Disposition::OtherTransport, first_stream),
                (FailedStep::FirstHandshake, Disposition::OtherTransport, first_handshake),
                (FailedStep::LegacyHandshake, Disposition::NewVersion, legacy),
            ] {
                assert_eq!(disposition(&error, step) == next, is_next, "{:?} {step:?}", error.report());
            }
        }
    }
}
