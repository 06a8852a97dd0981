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
pub enum Stage {
    /// A request in a session of this era.
    Request { era: Era },
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
const MOST_SERVER_STREAMS: u32 = 5;

/// So often a subscription is opened in a row without anything coming of it.
const MOST_SUBSCRIPTIONS: u32 = 5;

/// What may help after `error`.
pub fn disposition(error: &Error, stage: Stage) -> Disposition {
    let retry_if = |may_help: bool| if may_help { Disposition::Retry } else { Disposition::Fatal };
    match stage {
        Stage::Request { era } => after_request(error, era),
        Stage::Credentials if wants_other_credentials(error) => Disposition::OtherCredentials,
        Stage::Credentials => Disposition::Fatal,
        // The server may be back in a moment.
        Stage::ResumedAnswer => retry_if(matches!(error.status(), MCP_CONNECT_FAILED | MCP_DISCONNECTED)),
        Stage::ServerStream { was_open, in_vain } => after_server_stream(error, was_open, in_vain),
        Stage::Subscription { in_vain } => retry_if(in_vain <= MOST_SUBSCRIPTIONS && may_come_back(error)),
        Stage::FirstStream if is_no_stream(error) || error.status() == MCP_TIMEOUT => Disposition::OtherTransport,
        Stage::FirstHandshake if tells_older_server(error) => Disposition::OtherTransport,
        Stage::LegacyHandshake if tells_older_server(error) || is_modern_error(error) => Disposition::NewVersion,
        Stage::FirstStream | Stage::FirstHandshake | Stage::LegacyHandshake => Disposition::Fatal,
    }
}

fn after_request(error: &Error, era: Era) -> Disposition {
    if error.status() == MCP_SESSION_LOST || error.report().session_is_gone {
        return Disposition::NewSession;
    }
    if era == Era::Legacy && is_modern_error(error) {
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
        _ if was_open && in_vain > 0 && tells_of_another_stream(error) => false,
        MCP_SESSION_LOST | MCP_NOT_FOUND | MCP_UNEXPECTED_CONTENT => true,
        MCP_HTTP_ERROR | MCP_RPC_ERROR => (400..500).contains(&error.report().http_status),
        _ => in_vain >= MOST_SERVER_STREAMS,
    };
    if is_final { Disposition::Fatal } else { Disposition::Retry }
}

/// Whether a server says that the session has a stream already (TypeScript SDK: 409 "Only one SSE stream is allowed per session").
pub fn tells_of_another_stream(error: &Error) -> bool {
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
    may_come_back(error) || matches!(error.status(), MCP_UNAUTHORIZED | MCP_FORBIDDEN | MCP_AUTH_FAILED | MCP_INSECURE)
}

/// Whether what failed may go better in a moment.
fn may_come_back(error: &Error) -> bool {
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
fn tells_older_server(error: &Error) -> bool {
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
pub fn more_telling(of_get: Error, of_post: Error) -> Error {
    let (get, post) = (of_get.report().http_status, of_post.report().http_status);
    let is_refusal = of_get.status() == MCP_HTTP_ERROR && !matches!(get, 0 | 404 | 405);
    if is_refusal && matches!(post, 404 | 405) { of_get } else { of_post }
}
