//! The errors for failed HTTP responses.

use std::borrow::Cow;
use std::time::Duration;

use ::http::header;

use super::http_peer::HttpPeer;
use super::messages::rpc_error;
use crate::call::context::CallContext;
use crate::call::failure::quote;
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::http::fields::{header_text, retry_after_ms};
use crate::http::response::HttpResponse;
use crate::protocol::challenge::parameter;
use crate::protocol::ids::is_id;
use crate::protocol::json::Json;
use crate::protocol::lost_session::{ErrorResponse, SessionReference};
use crate::protocol::negotiation::is_modern_error;
use crate::protocol::raw_value::RawValue;
use crate::status::*;

/// The maximum size of an error response that is not JSON. Its text is only quoted in a message.
const MAX_ERROR_TEXT: usize = 64 * 1024;

/// How long to wait for the body of an error response. Its status is known already.
const ERROR_BODY_LIMIT: Duration = Duration::from_secs(1);

impl HttpPeer {
    /// Fails unless the response has a success status. Its body, which carries no message, is skipped.
    pub fn expect_success(
        &self,
        call: &CallContext,
        mut response: HttpResponse,
        session_reference: SessionReference,
        id: Option<u64>,
    ) -> Result<(), SendError> {
        if !response.is_success() {
            return Err(self.http_send_error(call, &mut response, session_reference, id));
        }
        // A short body arrives with the headers or right after them. Some servers respond with an event stream, for
        // which the client does not wait.
        if response.content_length().is_some_and(|length| length <= MAX_ERROR_TEXT as u64) {
            return read_error_body(&mut response, MAX_ERROR_TEXT).map(|_| ()).map_err(SendError::after_sending);
        }
        response.release();
        Ok(())
    }

    /// The error for a failed response to an HTTP request that carries no JSON-RPC request.
    pub fn http_failure(
        &self,
        call: &CallContext,
        response: &mut HttpResponse,
        session_reference: SessionReference,
    ) -> Error {
        self.http_send_error(call, response, session_reference, None).error
    }

    /// The failure of a request with a failed response: also says whether it may have been executed. `id` is the id of
    /// the JSON-RPC request, if there is one.
    pub fn http_send_error(
        &self,
        call: &CallContext,
        response: &mut HttpResponse,
        session_reference: SessionReference,
        id: Option<u64>,
    ) -> SendError {
        let http_status = response.status;
        let body = match read_error_body(response, self.limits.message) {
            Ok(body) => body,
            Err(ended) => return SendError::after_sending(ended),
        };
        let text = String::from_utf8_lossy(&body).into_owned();
        call.trace_received(&body);
        let (their_id, rpc) = rpc_error(body).map_or((None, None), |(id, rpc)| (id, Some(rpc)));
        let has_own_id = id.zip(their_id).is_some_and(|(ours, theirs)| is_id(&theirs, ours));
        let code = rpc.as_ref().map(|rpc| rpc.code);
        let challenge = header_text(&response.headers, header::WWW_AUTHENTICATE);

        let server_text = rpc.as_ref().map_or(text.as_str(), |rpc| &rpc.message);
        let has_challenge = challenge.is_some();
        let is_lost = ErrorResponse { http_status, code, has_own_id, has_challenge, text: server_text }
            .is_lost_session(session_reference);
        let status = if is_lost { MCP_SESSION_LOST } else { status_for(http_status, code.is_some()) };
        let content_type = response.content_type().map(str::to_ascii_lowercase);
        // A proxy does not send JSON-RPC errors.
        let may_be_from_proxy =
            rpc.is_none() && (matches!(http_status, 403 | 502..=504) || content_type.as_deref() == Some("text/html"));
        let text = match &rpc {
            Some(rpc) => Some(rpc.message.clone()),
            // The summary quotes the challenge instead.
            None if challenge.is_some() => None,
            None => error_text(content_type.as_deref(), text),
        };
        // Redact before truncating: a part of a secret would not be recognized.
        let quote = text.and_then(|text| quote(&call.secrets().redact(&text)));
        let mut suffix = quote.map_or_else(String::new, |quote| format!("; it says: {quote}"));
        if let Some(proxy) = response.through_proxy().filter(|_| may_be_from_proxy) {
            suffix.push_str(&proxy);
        }
        // Set for the endpoint of HTTP+SSE and for the target of a redirect.
        let other_url = (response.from.uri() != self.endpoint.uri()).then(|| response.from.shown());
        let summary = match code {
            Some(code) if status == MCP_RPC_ERROR => {
                format!("the server returned JSON-RPC error {code} (HTTP {http_status})")
            }
            _ => explain_status(call.has_sent_credentials(), status, http_status, challenge.as_deref(), other_url),
        };
        let mut error = Error::new(status, format!("{summary}{suffix}")).with_http_status(http_status);
        let report = error.report_mut();
        report.rpc = rpc;
        report.www_authenticate = challenge;
        report.retry_after_ms = retry_after_ms(&response.headers);
        // An error with the request's own id may come from its execution, except with these codes.
        let is_refused = (400..500).contains(&http_status) && (!has_own_id || is_modern_error(&error));
        if is_refused { SendError::refused(error) } else { SendError::after_sending(error) }
    }
}

/// A description of a failed status. `any_sent` and `authorization_sent` say whether any credentials and whether an
/// `Authorization` header were sent. `other_url` is the URL of the request if it is not the client's URL.
fn explain_status(
    (any_sent, authorization_sent): (bool, bool),
    status: Status,
    http_status: u16,
    challenge: Option<&str>,
    other_url: Option<&str>,
) -> String {
    match status {
        MCP_UNAUTHORIZED if !any_sent => {
            "the server requires credentials (HTTP 401), but none were sent: set a token with mcp_set_bearer".into()
        }
        MCP_UNAUTHORIZED if !authorization_sent => {
            "the server requires other credentials (HTTP 401): no Authorization header was sent; set a token with \
             mcp_set_bearer, or check the headers that are set"
                .into()
        }
        MCP_UNAUTHORIZED => format!(
            "the server refused the credentials (HTTP 401{}): check the token, and whether it has expired",
            challenge_words(challenge)
        ),
        MCP_FORBIDDEN => format!("access is forbidden with these credentials (HTTP 403{})", challenge_words(challenge)),
        MCP_NOT_FOUND => match other_url {
            Some(url) => format!(
                "no MCP endpoint at {url} (HTTP 404), to which the server directs this client's requests: a proxy in \
                 front of the server may remove or add a part of the path"
            ),
            None => "no MCP endpoint at this URL (HTTP 404): check its path, including a trailing slash".into(),
        },
        MCP_RATE_LIMITED => "too many requests (HTTP 429): try again later".into(),
        MCP_UNAVAILABLE => format!("the server is not available (HTTP {http_status}): try again later"),
        MCP_PROXY_AUTH_REQUIRED => "a proxy requires credentials (HTTP 407)".into(),
        MCP_SESSION_LOST => format!(
            "the server no longer knows the session (HTTP {http_status}{})",
            other_url.map_or_else(String::new, |url| format!(" at {url}"))
        ),
        MCP_SERVER_ERROR if http_status == 501 => {
            "the server does not implement POST at this URL (HTTP 501): it is a plain web server, not an MCP server; \
             check the host, the port and the path"
                .into()
        }
        MCP_HTTP_ERROR if http_status == 421 => {
            "the server does not accept the host of this URL (HTTP 421): use the host name that it expects, or add \
             this one to the hosts that it allows"
                .into()
        }
        MCP_SERVER_ERROR => format!("the server failed (HTTP {http_status})"),
        _ => format!("the server returned the unexpected status HTTP {http_status}"),
    }
}

/// The body of an error response, as far as it arrives within [`ERROR_BODY_LIMIT`]. Fails only if the call is cancelled
/// or the client is closed.
fn read_error_body(response: &mut HttpResponse, max_length: usize) -> Result<Vec<u8>> {
    let is_json = response.has_content_type("application/json");
    let limit = if is_json { max_length } else { MAX_ERROR_TEXT.min(max_length) };
    let mut body = Vec::new();
    response.limit_time(ERROR_BODY_LIMIT);
    match response.read_up_to(limit, &mut body) {
        Err(error) if matches!(error.status(), MCP_CANCELLED | MCP_CLOSED) => Err(error),
        _ => Ok(body),
    }
}

/// The message in the body of an error response, if it is readable text.
fn error_text(content_type: Option<&str>, text: String) -> Option<String> {
    match content_type {
        Some("text/plain") => Some(text),
        Some(json) if json == "application/json" || json.ends_with("+json") => json_error_text(text),
        // Some frameworks send a short JSON text without a content type.
        None if text.trim_start().starts_with('{') => json_error_text(text),
        None => is_plain_text(&text).then_some(text),
        _ => None,
    }
}

/// The member with the message: of OAuth (RFC 6749), of common frameworks, or of problem details (RFC 9457).
fn json_error_text(text: String) -> Option<String> {
    let json = Json::parse(text).ok()?;
    let names = ["error_description", "message", "detail", "title", "error"];
    let text = names.iter().find_map(|name| json.raw_member(name)?.text());
    text.or_else(|| RawValue::of(&json).at(&["error", "message"])?.text()).map(Cow::into_owned)
}

/// Whether a text is readable: neither markup nor binary data.
fn is_plain_text(text: &str) -> bool {
    let is_unprintable = |c: char| (c.is_control() && !c.is_whitespace()) || c == char::REPLACEMENT_CHARACTER;
    !text.trim_start().starts_with('<') && !text.contains(is_unprintable)
}

fn status_for(http_status: u16, is_rpc: bool) -> Status {
    match http_status {
        401 => MCP_UNAUTHORIZED,
        403 => MCP_FORBIDDEN,
        407 => MCP_PROXY_AUTH_REQUIRED,
        429 => MCP_RATE_LIMITED,
        502..=504 => MCP_UNAVAILABLE,
        _ if is_rpc => MCP_RPC_ERROR,
        404 => MCP_NOT_FOUND,
        500..=599 => MCP_SERVER_ERROR,
        _ => MCP_HTTP_ERROR,
    }
}

/// The `error` and `error_description` of a challenge (RFC 6750, section 3), as a part of an error message.
pub fn challenge_words(challenge: Option<&str>) -> String {
    let parameter = |name: &str| parameter(challenge?, name).filter(|value| !value.is_empty());
    match (parameter("error"), parameter("error_description")) {
        (Some(error), Some(description)) => format!(", {error}: {description}"),
        (Some(error), None) => format!(", {error}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_statuses_map_to_client_statuses() {
        let cases = [
            (401, true, MCP_UNAUTHORIZED),
            (403, false, MCP_FORBIDDEN),
            (404, false, MCP_NOT_FOUND),
            (404, true, MCP_RPC_ERROR),
            (405, false, MCP_HTTP_ERROR),
            (429, true, MCP_RATE_LIMITED),
            (500, false, MCP_SERVER_ERROR),
            (500, true, MCP_RPC_ERROR),
            (503, true, MCP_UNAVAILABLE),
            (304, false, MCP_HTTP_ERROR),
            (407, false, MCP_PROXY_AUTH_REQUIRED),
        ];
        for (http_status, is_rpc, status) in cases {
            assert_eq!(status_for(http_status, is_rpc), status, "{http_status}");
        }
    }

    #[test]
    fn error_messages_are_found_in_bodies() {
        let message = |content_type, text: &str| error_text(content_type, text.into());
        assert_eq!(message(None, "Invalid Host header\n"), Some("Invalid Host header\n".into()));
        assert_eq!(message(None, r#" {"detail":"no"}"#), Some("no".into()));
        assert_eq!(message(Some("application/problem+json"), r#"{"type":"x","title":"no"}"#), Some("no".into()));
        assert_eq!(message(Some("application/json"), r#"{"error":{"code":1,"message":"no"}}"#), Some("no".into()));
        for (content_type, text) in
            [(None, " <html>x"), (None, "a\0b"), (None, "\u{fffd}"), (None, "{x"), (Some("text/html"), "x")]
        {
            assert_eq!(message(content_type, text), None, "{text:?}");
        }
    }

    #[test]
    fn challenge_errors_are_quoted() {
        let challenge = r#"Bearer error="invalid_token", error_description="expired", resource="x""#;
        assert_eq!(challenge_words(Some(challenge)), ", invalid_token: expired");
        assert_eq!(challenge_words(Some("Bearer realm=\"x\"")), "");
    }
}
