//! What a failure means for what is tried next. All tables of statuses that decide that are here; the loops that try again ask, and
//! decide nothing by themselves.

use crate::error::Error;
use crate::protocol::negotiation::{is_header_mismatch, is_modern_error};
use crate::protocol::version::Era;
use crate::status::*;

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The same once more.
    Retry,
    /// The same in a new session.
    NewSession,
    /// Finding out anew which version the server speaks.
    NewVersion,
    /// The same with the headers that the server wants.
    NewHeaders,
    /// The same with other credentials.
    OtherCredentials,
    /// The same over another transport.
    OtherTransport,
    /// Nothing. 429 and 503 are reported as well: the program knows whether it wants to wait.
    Fatal,
}

/// What has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedStep {
    /// A request in a session of this era, which was `renewed` for it already or not.
    Request { era: Era, renewed: bool },
    /// An HTTP request, for which the auth callback has given credentials.
    Credentials,
    /// Going on with the event stream of an answer that broke off.
    ResumedAnswer,
    /// The event stream for what belongs to no call. `was_open` says that it was open before, and `in_vain` how often in a row it was
    /// not opened.
    ServerStream { was_open: bool, in_vain: u32 },
    /// A subscription, which was opened so often in a row without anything coming of it.
    Subscription { in_vain: u32 },
    /// The first stream of a transport that may not be the server's.
    FirstStream,
    /// The handshake over a transport that may not be the server's.
    FirstHandshake,
    /// The handshake with a server that was a legacy one when it was last asked.
    LegacyHandshake,
}

/// How often a server stream is tried in a row without being opened.
const MAX_SERVER_STREAMS: u32 = 5;

/// So often a subscription is opened in a row without anything coming of it.
const MAX_SUBSCRIPTIONS: u32 = 5;

/// What may help after `error`.
pub fn disposition(error: &Error, stage: FailedStep) -> Disposition {
    let retry_if = |may_help: bool| if may_help { Disposition::Retry } else { Disposition::Fatal };
    match stage {
        FailedStep::Request { era, renewed } => after_request(error, era, renewed),
        FailedStep::Credentials if wants_other_credentials(error) => Disposition::OtherCredentials,
        FailedStep::Credentials => Disposition::Fatal,
        // The server may be back in a moment.
        FailedStep::ResumedAnswer => retry_if(matches!(error.status(), MCP_CONNECT_FAILED | MCP_DISCONNECTED)),
        FailedStep::ServerStream { was_open, in_vain } => after_server_stream(error, was_open, in_vain),
        FailedStep::Subscription { in_vain } => retry_if(in_vain <= MAX_SUBSCRIPTIONS && is_transient(error)),
        FailedStep::FirstStream if is_no_stream(error) || error.status() == MCP_TIMEOUT => Disposition::OtherTransport,
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

/// 401, or a 403 that asks for a wider scope (RFC 6750, section 3.1).
fn wants_other_credentials(error: &Error) -> bool {
    let challenge = error.report().www_authenticate.as_deref();
    match error.status() {
        MCP_UNAUTHORIZED => true,
        MCP_FORBIDDEN => challenge.is_some_and(|challenge| challenge.contains("insufficient_scope")),
        _ => false,
    }
}

fn after_server_stream(error: &Error, was_open: bool, in_vain: u32) -> Disposition {
    let is_final = match error.status() {
        MCP_CANCELLED | MCP_CLOSED => true,
        _ if was_open && in_vain > 0 && reports_existing_stream(error) => false,
        MCP_SESSION_LOST | MCP_NOT_FOUND | MCP_UNEXPECTED_CONTENT => true,
        MCP_HTTP_ERROR | MCP_RPC_ERROR => (400..500).contains(&error.report().http_status),
        _ => in_vain >= MAX_SERVER_STREAMS,
    };
    if is_final { Disposition::Fatal } else { Disposition::Retry }
}

/// Whether a server says that the session has a stream already (TypeScript SDK: 409 "Only one SSE stream is allowed per session").
pub fn reports_existing_stream(error: &Error) -> bool {
    match error.report().http_status {
        409 => true,
        400 => {
            let words = error.report().message.to_ascii_lowercase();
            // A session that is not known has no other stream: "invalid session ID for this stream".
            let tells_of_one =
                || ["only one", "one stream", "one sse", "already"].iter().any(|told| words.contains(told));
            words.contains("stream") && (error.status() != MCP_SESSION_LOST || tells_of_one())
        }
        _ => false,
    }
}

/// Whether a server stream that was given up may be opened again later: the program may have set other credentials since.
pub fn may_be_opened_later(error: &Error) -> bool {
    is_transient(error) || matches!(error.status(), MCP_UNAUTHORIZED | MCP_FORBIDDEN | MCP_AUTH_FAILED | MCP_INSECURE)
}

/// Whether what failed may go better in a moment.
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

/// How `initialize` is refused by servers of before Streamable HTTP (2025-11-25, "Transports": Backwards Compatibility).
fn indicates_older_server(error: &Error) -> bool {
    matches!(error.report().http_status, 400 | 404 | 405) && !is_modern_error(error)
}

/// What a GET is answered with where no HTTP+SSE server is.
fn is_no_stream(error: &Error) -> bool {
    match error.status() {
        MCP_UNEXPECTED_CONTENT | MCP_NOT_FOUND | MCP_HTTP_ERROR => true,
        MCP_RPC_ERROR | MCP_SESSION_LOST => (400..500).contains(&error.report().http_status),
        _ => false,
    }
}

/// Says something of this caller or of this moment, and nothing of what the server is.
pub fn is_about_caller(error: &Error) -> bool {
    matches!(
        error.status(),
        MCP_UNAUTHORIZED
            | MCP_FORBIDDEN
            | MCP_AUTH_FAILED
            | MCP_INSECURE
            | MCP_PROXY_AUTH_REQUIRED
            | MCP_RATE_LIMITED
            | MCP_REDIRECT_REFUSED
    )
}

/// An outcome that says nothing to the other calls that wait for it.
pub fn is_of_this_call(error: &Error) -> bool {
    error.report().of_this_call || matches!(error.status(), MCP_CANCELLED | MCP_TIMEOUT | MCP_CLOSED | MCP_SYSTEM_ERROR)
}

/// Some servers refuse `notifications/initialized` and serve the session all the same.
pub fn is_harmless_for_session(error: &Error) -> bool {
    let is_about_credentials =
        matches!(error.status(), MCP_UNAUTHORIZED | MCP_FORBIDDEN | MCP_AUTH_FAILED | MCP_PROXY_AUTH_REQUIRED);
    error.report().http_status != 0 && !is_about_credentials
}

/// Of two refusals, the one that says more: a GET that is refused for what it is, and not a POST that is not allowed there.
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
    fn requests() {
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
    fn a_session_that_was_renewed_is_not_renewed_for_the_version_again() {
        let renewed = FailedStep::Request { era: Era::Legacy, renewed: true };
        assert_eq!(disposition(&rpc(-32020), renewed), Disposition::NewHeaders);
        assert_eq!(disposition(&rpc(-32022), renewed), Disposition::Fatal);
    }

    #[test]
    fn credentials() {
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
    fn server_streams() {
        let first = FailedStep::ServerStream { was_open: false, in_vain: 1 };
        let last = FailedStep::ServerStream { was_open: false, in_vain: MAX_SERVER_STREAMS };
        let again = FailedStep::ServerStream { was_open: true, in_vain: 1 };
        for (error, stage, next) in [
            (failed(MCP_CONNECT_FAILED, 0), first, Disposition::Retry),
            (failed(MCP_SERVER_ERROR, 500), first, Disposition::Retry),
            (failed(MCP_SERVER_ERROR, 500), last, Disposition::Fatal),
            (failed(MCP_HTTP_ERROR, 405), first, Disposition::Fatal),
            (failed(MCP_NOT_FOUND, 404), again, Disposition::Fatal),
            (failed(MCP_SESSION_LOST, 404), again, Disposition::Fatal),
            (failed(MCP_CANCELLED, 0), again, Disposition::Fatal),
            // The server has not noticed yet that the last stream has ended.
            (failed(MCP_HTTP_ERROR, 409), first, Disposition::Fatal),
            (failed(MCP_HTTP_ERROR, 409), again, Disposition::Retry),
            (failed(MCP_DISCONNECTED, 0), FailedStep::ServerStream { was_open: true, in_vain: 0 }, Disposition::Retry),
        ] {
            assert_eq!(disposition(&error, stage), next, "{:?} {stage:?}", error.report());
        }
        for (words, is_told) in
            [("Only one SSE stream is allowed", true), ("invalid stream session", true), ("no", false)]
        {
            let error = Error::new(MCP_RPC_ERROR, words).with_http_status(400);
            assert_eq!(reports_existing_stream(&error), is_told, "{words}");
        }
        assert!(!reports_existing_stream(&Error::new(MCP_SESSION_LOST, "bad stream session").with_http_status(400)));
    }

    #[test]
    fn other_streams() {
        for (error, resumed, subscribed) in [
            (failed(MCP_CONNECT_FAILED, 0), Disposition::Retry, Disposition::Retry),
            (failed(MCP_DISCONNECTED, 0), Disposition::Retry, Disposition::Retry),
            (failed(MCP_UNAVAILABLE, 503), Disposition::Fatal, Disposition::Retry),
            (failed(MCP_SESSION_LOST, 404), Disposition::Fatal, Disposition::Retry),
            (failed(MCP_UNAUTHORIZED, 401), Disposition::Fatal, Disposition::Fatal),
            (failed(MCP_CANCELLED, 0), Disposition::Fatal, Disposition::Fatal),
        ] {
            assert_eq!(disposition(&error, FailedStep::ResumedAnswer), resumed, "{:?}", error.report());
            assert_eq!(
                disposition(&error, FailedStep::Subscription { in_vain: 1 }),
                subscribed,
                "{:?}",
                error.report()
            );
            let last = FailedStep::Subscription { in_vain: MAX_SUBSCRIPTIONS + 1 };
            assert_eq!(disposition(&error, last), Disposition::Fatal);
        }
    }

    #[test]
    fn transports() {
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
            for (stage, next, is_next) in [
                (FailedStep::FirstStream, Disposition::OtherTransport, first_stream),
                (FailedStep::FirstHandshake, Disposition::OtherTransport, first_handshake),
                (FailedStep::LegacyHandshake, Disposition::NewVersion, legacy),
            ] {
                assert_eq!(disposition(&error, stage) == next, is_next, "{:?} {stage:?}", error.report());
            }
        }
    }
}
