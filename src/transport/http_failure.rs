//! What a failed HTTP answer or a JSON-RPC error means for the caller, in words that help.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use ::http::{HeaderMap, HeaderName, header};

use super::http_peer::HttpPeer;
use super::messages::rpc_error;
use crate::call::context::CallContext;
use crate::call::failure::quote;
use crate::call::send_error::SendError;
use crate::error::{Error, Result};
use crate::http::response::HttpResponse;
use crate::protocol::challenge::parameter;
use crate::protocol::ids::is_id;
use crate::protocol::json::Json;
use crate::protocol::lost_session::{ErrorResponse, SessionReference};
use crate::protocol::negotiation::is_modern_error;
use crate::protocol::raw_value::RawValue;
use crate::status::*;

/// More of an error's text is not read: it is for a message.
const MAX_ERROR_TEXT: usize = 64 * 1024;

/// The status is known: a body that does not come is not waited for.
const ERROR_BODY_LIMIT: Duration = Duration::from_secs(1);

impl HttpPeer {
    /// Reads what is left of an answer that carries no message, and fails unless its status says that all is well.
    pub fn expect_success(
        &self,
        call: &CallContext,
        mut response: HttpResponse,
        session_reference: SessionReference,
        id: Option<u64>,
    ) -> Result<(), SendError> {
        if !response.is_success() {
            return Err(self.http_refusal(call, &mut response, session_reference, id));
        }
        // A short body comes with its head or right behind it. Of an event stream, which some servers answer with, nothing is waited
        // for.
        if response.content_length().is_some_and(|length| length <= MAX_ERROR_TEXT as u64) {
            return read_error_body(&mut response, MAX_ERROR_TEXT).map(|_| ()).map_err(SendError::after_sending);
        }
        response.release();
        Ok(())
    }

    /// The error for an answer whose status is not one of success, to a request that has no answer of its own.
    pub fn http_failure(
        &self,
        call: &CallContext,
        response: &mut HttpResponse,
        session_reference: SessionReference,
    ) -> Error {
        self.http_refusal(call, response, session_reference, None).error
    }

    /// The same for the answer to the JSON-RPC request `id`.
    pub fn http_refusal(
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
        let (their_id, rpc) = rpc_error(body).map_or((None, None), |(id, rpc)| (id, Some(rpc)));
        let has_own_id = id.zip(their_id).is_some_and(|(ours, theirs)| is_id(&theirs, ours));
        let code = rpc.as_ref().map(|rpc| rpc.code);
        let challenge = header_text(&response.headers, header::WWW_AUTHENTICATE);

        let said = rpc.as_ref().map_or(text.as_str(), |rpc| &rpc.message);
        let has_challenge = challenge.is_some();
        let lost = ErrorResponse { http_status, code, has_own_id, has_challenge, text: said }
            .is_lost_session(session_reference);
        let status = if lost { MCP_SESSION_LOST } else { status_for(http_status, code.is_some()) };
        let kind = response.content_type();
        // A proxy knows nothing of JSON-RPC.
        let may_be_of_proxy =
            rpc.is_none() && (matches!(http_status, 403 | 502..=504) || kind.as_deref() == Some("text/html"));
        let words = match &rpc {
            Some(rpc) => Some(rpc.message.clone()),
            // A challenge says it already.
            None if challenge.is_some() => None,
            None => words_of(kind.as_deref(), text),
        };
        // Redacted before it is cut: half a secret would not be found any more.
        let quote = words.and_then(|words| quote(&call.secrets().redact(&words)));
        let mut said = quote.map_or_else(String::new, |quote| format!("; it says: {quote}"));
        if let Some(proxy) = response.through_proxy().filter(|_| may_be_of_proxy) {
            said.push_str(&proxy);
        }
        // The endpoint of HTTP+SSE, or the target of a redirect.
        let elsewhere = (response.from.uri() != self.endpoint.uri()).then(|| response.from.shown());
        let what = match code {
            Some(code) if status == MCP_RPC_ERROR => {
                format!("the server returned JSON-RPC error {code} (HTTP {http_status})")
            }
            _ => explain_status(call.has_sent_credentials(), status, http_status, challenge.as_deref(), elsewhere),
        };
        let mut error = Error::new(status, format!("{what}{said}")).with_http_status(http_status);
        let report = error.report_mut();
        report.rpc = rpc;
        report.www_authenticate = challenge;
        report.retry_after_ms = retry_after_ms(&response.headers);
        // Under the request's own id, only these codes say that the request was not carried out.
        let is_refused = (400..500).contains(&http_status) && (!has_own_id || is_modern_error(&error));
        if is_refused { SendError::refused(error) } else { SendError::after_sending(error) }
    }
}

/// `any` and `authorization` say whether credentials were sent, and an `Authorization` header among them; `elsewhere` is the URL that was
/// asked, where it is not the client's.
fn explain_status(
    (any, authorization): (bool, bool),
    status: Status,
    http_status: u16,
    challenge: Option<&str>,
    elsewhere: Option<&str>,
) -> String {
    match status {
        MCP_UNAUTHORIZED if !any => {
            "the server requires credentials (HTTP 401), but none were sent: set a token with mcp_set_bearer".into()
        }
        MCP_UNAUTHORIZED if !authorization => {
            "the server requires other credentials (HTTP 401): no Authorization header was sent; set a token with mcp_set_bearer, or check the headers that are set".into()
        }
        MCP_UNAUTHORIZED => format!(
            "the server refused the credentials (HTTP 401{}): check the token, and whether it has expired",
            challenge_words(challenge)
        ),
        MCP_FORBIDDEN => format!(
            "access is forbidden with these credentials (HTTP 403{})",
            challenge_words(challenge)
        ),
        MCP_NOT_FOUND => match elsewhere {
            Some(url) => format!(
                "no MCP endpoint at {url} (HTTP 404), to which the server directs this client's requests: a proxy in front of the server may remove or add a part of the path"
            ),
            None => "no MCP endpoint at this URL (HTTP 404): check its path, including a trailing slash".into(),
        },
        MCP_RATE_LIMITED => "too many requests (HTTP 429): try again later".into(),
        MCP_UNAVAILABLE => format!("the server is not available (HTTP {http_status}): try again later"),
        MCP_PROXY_AUTH_REQUIRED => "a proxy requires credentials (HTTP 407)".into(),
        MCP_SESSION_LOST => format!(
            "the server no longer knows the session (HTTP {http_status}{})",
            elsewhere.map_or_else(String::new, |url| format!(" at {url}"))
        ),
        MCP_SERVER_ERROR if http_status == 501 => {
            "the server does not implement POST at this URL (HTTP 501): it is a plain web server, not an MCP server; check the host, the port and the path".into()
        }
        MCP_HTTP_ERROR if http_status == 421 => {
            "the server does not accept the host of this URL (HTTP 421): use the host name that it expects, or add this one to the hosts that it allows".into()
        }
        MCP_SERVER_ERROR => format!("the server failed (HTTP {http_status})"),
        _ => format!("the server returned the unexpected status HTTP {http_status}"),
    }
}

/// The body of a failed answer, as far as it comes in a moment; fails only where the caller has ended the call.
fn read_error_body(response: &mut HttpResponse, most: usize) -> Result<Vec<u8>> {
    let is_json = response.content_type().as_deref() == Some("application/json");
    let limit = if is_json { most } else { MAX_ERROR_TEXT.min(most) };
    let mut body = Vec::new();
    response.limit_time(ERROR_BODY_LIMIT);
    match response.read_up_to(limit, &mut body) {
        Err(error) if matches!(error.status(), MCP_CANCELLED | MCP_CLOSED) => Err(error),
        _ => Ok(body),
    }
}

/// What an error's body says to people.
fn words_of(content_type: Option<&str>, text: String) -> Option<String> {
    match content_type {
        Some("text/plain") => Some(text),
        Some(json) if json == "application/json" || json.ends_with("+json") => words_of_json(text),
        // Frameworks send such a short text with nothing beside it.
        None if text.trim_start().starts_with('{') => words_of_json(text),
        None => is_plain(&text).then_some(text),
        _ => None,
    }
}

/// The member that speaks to people: of OAuth (RFC 6749), of common frameworks, or of a problem (RFC 9457).
fn words_of_json(text: String) -> Option<String> {
    let json = Json::parse(text).ok()?;
    let names = ["error_description", "message", "detail", "title", "error"];
    let words = names.iter().find_map(|name| RawValue::of(&json).member(name)?.text());
    words.or_else(|| RawValue::of(&json).at(&["error", "message"])?.text()).map(Cow::into_owned)
}

/// Whether it reads like a sentence: neither markup nor bytes.
fn is_plain(text: &str) -> bool {
    let is_strange = |c: char| (c.is_control() && !c.is_whitespace()) || c == char::REPLACEMENT_CHARACTER;
    !text.trim_start().starts_with('<') && !text.contains(is_strange)
}

pub fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
    // Several challenges in several headers are one list (RFC 9110, 5.2).
    (!values.is_empty()).then(|| values.join(", "))
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

/// The `error` and `error_description` of a challenge (RFC 6750, section 3), for a message.
pub fn challenge_words(challenge: Option<&str>) -> String {
    let parameter = |name: &str| parameter(challenge?, name).filter(|value| !value.is_empty());
    match (parameter("error"), parameter("error_description")) {
        (Some(error), Some(description)) => format!(", {error}: {description}"),
        (Some(error), None) => format!(", {error}"),
        _ => String::new(),
    }
}

/// Seconds from now, or a date (RFC 9110, 10.2.3). A date is held against the server's own clock, where it tells that.
pub fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(1000);
    }
    let then = httpdate::parse_http_date(text).ok()?;
    let theirs = headers.get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let left = then.duration_since(theirs.unwrap_or_else(SystemTime::now)).unwrap_or_default();
    u64::try_from(left.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
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
    fn words_of_refusals() {
        let words = |kind, text: &str| words_of(kind, text.into());
        assert_eq!(words(None, "Invalid Host header\n"), Some("Invalid Host header\n".into()));
        assert_eq!(words(None, r#" {"detail":"no"}"#), Some("no".into()));
        assert_eq!(words(Some("application/problem+json"), r#"{"type":"x","title":"no"}"#), Some("no".into()));
        assert_eq!(words(Some("application/json"), r#"{"error":{"code":1,"message":"no"}}"#), Some("no".into()));
        for (kind, text) in
            [(None, " <html>x"), (None, "a\0b"), (None, "\u{fffd}"), (None, "{x"), (Some("text/html"), "x")]
        {
            assert_eq!(words(kind, text), None, "{text:?}");
        }
    }

    #[test]
    fn retry_after_in_both_forms() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(n, v)| (HeaderName::from_static(n), v.parse().unwrap())).collect::<HeaderMap>()
        };
        assert_eq!(retry_after_ms(&headers(&[("retry-after", " 7 ")])), Some(7000));
        let date = ("date", "Tue, 15 Nov 1994 08:12:31 GMT");
        assert_eq!(retry_after_ms(&headers(&[("retry-after", "Tue, 15 Nov 1994 08:12:41 GMT"), date])), Some(10_000));
        assert_eq!(retry_after_ms(&headers(&[("retry-after", "Tue, 15 Nov 1994 08:12:01 GMT"), date])), Some(0));
        assert_eq!(retry_after_ms(&headers(&[("retry-after", "soon")])), None);
    }

    #[test]
    fn challenges_are_quoted() {
        let challenge = r#"Bearer error="invalid_token", error_description="expired", resource="x""#;
        assert_eq!(challenge_words(Some(challenge)), ", invalid_token: expired");
        assert_eq!(challenge_words(Some("Bearer realm=\"x\"")), "");
    }
}
