//! Sends a request and waits for its response. If the call is cancelled, the server is notified; the error of a failed
//! request says whether the server may have executed it.

use std::cell::Cell;

use crate::call::context::CallContext;
use crate::call::request::{EncodedRequest, PeerContext};
use crate::call::send_error::{SendError, Sent};
use crate::error::Error;
use crate::protocol::lost_session::ErrorResponse;
use crate::protocol::message_text::MessageText;
use crate::protocol::messages;
use crate::protocol::version::Era;
use crate::status::*;
use crate::transport::context::TransportContext;
use crate::transport::interface::{BEST_EFFORT_LIMIT, Transport, TransportResponse};

/// Sends a request and waits for its response.
pub fn send_request(
    context: &TransportContext,
    transport: &dyn Transport,
    call: &CallContext,
    peer_context: &PeerContext,
    request: &EncodedRequest,
) -> Result<TransportResponse, SendError> {
    let EncodedRequest { method, policy, .. } = *request;
    let last_id = Cell::new(0);
    transport.request(call, peer_context, request, &last_id).map_err(|mut send_error| {
        if send_error.sent != Sent::No && policy.cancellable {
            send_cancellation(context, transport, peer_context, last_id.get(), &send_error.error);
        }
        mark_lost_session(transport, peer_context, &mut send_error.error);
        if send_error.sent == Sent::Yes && !policy.repeatable {
            mention_execution(method, &mut send_error.error);
        }
        send_error
    })
}

/// Notifies the server that the request was cancelled or timed out. Over HTTP, a modern server learns that from the
/// closed response stream instead.
fn send_cancellation(
    context: &TransportContext,
    transport: &dyn Transport,
    peer_context: &PeerContext,
    id: u64,
    error: &Error,
) {
    let reason = match error.status() {
        MCP_CANCELLED => "cancelled by the caller",
        MCP_TIMEOUT => "timed out",
        _ => return,
    };
    if peer_context.era == Era::Modern && transport.transport_kind().cancels_by_closing() {
        return;
    }
    send_best_effort(context, transport, peer_context, &messages::cancelled(id, reason).into());
}

/// Sends the last message of a call that has ended, within [`BEST_EFFORT_LIMIT`] and without waiting for a response.
pub fn send_best_effort(
    context: &TransportContext,
    transport: &dyn Transport,
    peer_context: &PeerContext,
    message: &MessageText,
) {
    // Errors are ignored: the call has already ended.
    let _ = transport.post_best_effort(&context.best_effort_context(BEST_EFFORT_LIMIT), peer_context, message);
}

/// Changes a JSON-RPC error with a success status that names the session to `MCP_SESSION_LOST`. The server may
/// nevertheless have executed the request.
fn mark_lost_session(transport: &dyn Transport, peer_context: &PeerContext, error: &mut Error) {
    let report = error.report();
    let Some(rpc) = report.rpc.as_ref().filter(|_| report.status == MCP_RPC_ERROR && report.http_status < 300) else {
        return;
    };
    let (code, text) = (Some(rpc.code), rpc.message.as_str());
    let response = ErrorResponse { http_status: 200, code, has_own_id: true, has_challenge: false, text };
    if response.is_lost_session(transport.session_reference(peer_context)) {
        let report = error.report_mut();
        report.status = MCP_SESSION_LOST;
        report.message = format!("the server no longer knows the session: {}", report.message);
    }
}

/// Adds to the error that the request may have been executed, if the caller cannot know that from its status.
fn mention_execution(method: &str, error: &mut Error) {
    if matches!(error.status(), MCP_SESSION_LOST | MCP_TRUNCATED | MCP_DISCONNECTED | MCP_PROCESS_FAILED) {
        let what = if method == "tools/call" { "the tool" } else { "the request" };
        error.report_mut().message.push_str(&format!("; {what} may have been executed, so it is not sent again"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::http::HeaderValue;

    use super::*;
    use crate::call::request::RequestPolicy;
    use crate::protocol::params::Params;
    use crate::transport::fake::{
        FakeTransport, ScriptStep, TransportMethod, answer, call, recording_context, rpc_error,
    };
    use crate::transport::interface::TransportKind;

    const SESSION_ID: &str = "0123456789abcdef";
    const ALL: [TransportKind; 3] = [TransportKind::StreamableHttp, TransportKind::Sse, TransportKind::Stdio];

    fn legacy() -> PeerContext {
        PeerContext { session_id: Some(HeaderValue::from_static(SESSION_ID)), ..PeerContext::for_initialize() }
    }

    fn modern() -> PeerContext {
        PeerContext::modern("2026-07-28")
    }

    /// Sends a request whose script is `step`; the transport and the outcome.
    fn sent_request(
        transport_kind: TransportKind,
        peer_context: &PeerContext,
        (method, policy): (&'static str, RequestPolicy),
        step: ScriptStep,
    ) -> (Arc<FakeTransport>, Result<TransportResponse, SendError>) {
        let (context, ..) = recording_context();
        let fake = FakeTransport::new(&context, transport_kind);
        fake.script(method, [step]);
        let params = Params::new().with("x", "1");
        let outcome = send_request(
            &context,
            &*fake,
            &call(&context),
            peer_context,
            &EncodedRequest::new(method, &params, policy),
        );
        (fake, outcome)
    }

    /// The messages that are posted after a failed request.
    fn posted(
        transport_kind: TransportKind,
        peer_context: &PeerContext,
        policy: RequestPolicy,
        send_error: SendError,
    ) -> Vec<String> {
        let (fake, outcome) =
            sent_request(transport_kind, peer_context, ("tools/call", policy), ScriptStep::Fails(send_error));
        assert!(outcome.is_err());
        assert_eq!(fake.seen().len(), 1 + fake.sent(TransportMethod::PostBestEffort).len());
        fake.sent(TransportMethod::PostBestEffort)
    }

    /// The error of a failed request.
    fn failure(peer_context: &PeerContext, request: (&'static str, RequestPolicy), send_error: SendError) -> Error {
        let (_, outcome) =
            sent_request(TransportKind::StreamableHttp, peer_context, request, ScriptStep::Fails(send_error));
        outcome.err().unwrap().error
    }

    fn sent(status: Status) -> SendError {
        SendError::after_sending(Error::new(status, "failed"))
    }

    #[test]
    fn a_request_is_sent_unchanged_and_its_response_is_returned() {
        let step = ScriptStep::Responds(answer(r#"{"a":1}"#));
        let (fake, outcome) = sent_request(TransportKind::StreamableHttp, &legacy(), ("m", RequestPolicy::ONCE), step);
        assert_eq!(outcome.ok().unwrap().response.result.text(), r#"{"a":1}"#);
        let [seen] = &fake.seen()[..] else { panic!("more than the request was sent") };
        assert_eq!((seen.via, seen.method.as_str(), seen.text.as_str()), (TransportMethod::Request, "m", r#"{"x":1}"#));
        assert_eq!((seen.era, seen.session_id.clone()), (Some(Era::Legacy), legacy().session_id));
    }

    #[test]
    fn a_legacy_server_is_notified_when_a_request_is_cancelled_or_times_out() {
        for transport_kind in ALL {
            for (status, reason) in [(MCP_CANCELLED, "cancelled by the caller"), (MCP_TIMEOUT, "timed out")] {
                let expected = messages::cancelled(1, reason);
                assert_eq!(
                    posted(transport_kind, &legacy(), RequestPolicy::ONCE, sent(status)),
                    [expected],
                    "{transport_kind:?}"
                );
            }
        }
    }

    #[test]
    fn a_modern_server_is_notified_only_over_stdio() {
        for transport_kind in ALL {
            let posted = posted(transport_kind, &modern(), RequestPolicy::ONCE, sent(MCP_CANCELLED));
            assert_eq!(posted.len(), usize::from(transport_kind == TransportKind::Stdio), "{transport_kind:?}");
        }
    }

    #[test]
    fn unsent_and_uncancellable_requests_and_other_failures_send_no_cancellation() {
        let not_sent = SendError::before_sending(Error::new(MCP_TIMEOUT, "failed"));
        for (policy, send_error) in [
            (RequestPolicy::ONCE, not_sent),
            (RequestPolicy::ONCE, sent(MCP_DISCONNECTED)),
            (RequestPolicy::ONCE, sent(MCP_CLOSED)),
            (RequestPolicy::PROBE, sent(MCP_TIMEOUT)),
        ] {
            let status = send_error.error.status();
            assert!(posted(TransportKind::Stdio, &legacy(), policy, send_error).is_empty(), "{status:?}");
        }
    }

    #[test]
    fn a_failure_after_sending_says_that_a_request_may_have_been_executed() {
        for status in [MCP_SESSION_LOST, MCP_TRUNCATED, MCP_DISCONNECTED, MCP_PROCESS_FAILED] {
            for (method, what) in [("tools/call", "the tool"), ("x/y", "the request")] {
                let error = failure(&legacy(), (method, RequestPolicy::ONCE), sent(status));
                let expected = format!("failed; {what} may have been executed, so it is not sent again");
                assert_eq!((error.status(), error.report().message.as_str()), (status, expected.as_str()));
            }
        }
    }

    #[test]
    fn a_failure_does_not_mention_execution_if_the_caller_knows_or_the_request_is_repeatable() {
        let not_sent = SendError::before_sending(Error::new(MCP_DISCONNECTED, "failed"));
        let refused = SendError::refused(Error::new(MCP_SESSION_LOST, "failed"));
        for (policy, send_error) in [
            (RequestPolicy::ONCE, not_sent),
            (RequestPolicy::ONCE, refused),
            (RequestPolicy::ONCE, sent(MCP_TIMEOUT)),
            (RequestPolicy::REPEATABLE, sent(MCP_DISCONNECTED)),
        ] {
            assert_eq!(failure(&legacy(), ("tools/call", policy), send_error).report().message, "failed");
        }
    }

    #[test]
    fn an_error_under_200_that_names_the_session_is_a_lost_session() {
        for words in ["Mcp-Session-Id is unknown", "there is no 0123456789abcdef"] {
            let error = failure(&legacy(), ("prompts/get", RequestPolicy::READ), rpc_error(-32000, words, 200));
            let expected = format!("the server no longer knows the session: {words}");
            assert_eq!((error.status(), error.report().message.as_str()), (MCP_SESSION_LOST, expected.as_str()));
            // The tool may nevertheless have been executed.
            let error = failure(&legacy(), ("tools/call", RequestPolicy::ONCE), rpc_error(-32000, words, 200));
            assert_eq!(error.status(), MCP_SESSION_LOST);
            assert!(error.report().message.ends_with("; the tool may have been executed, so it is not sent again"));
        }
    }

    #[test]
    fn other_errors_of_the_server_are_returned_unchanged() {
        let words = "Mcp-Session-Id is unknown";
        let other_kind = SendError::after_sending(Error::new(MCP_SERVER_ERROR, words).with_http_status(200));
        for (peer_context, send_error) in [
            // A modern server has no session.
            (modern(), rpc_error(-32000, words, 200)),
            (legacy(), rpc_error(-32000, "the argument is missing", 200)),
            // A failed HTTP status was classified before.
            (legacy(), rpc_error(-32000, words, 500)),
            (legacy(), other_kind),
        ] {
            let (status, message) = (send_error.error.status(), send_error.error.report().message.clone());
            let error = failure(&peer_context, ("tools/call", RequestPolicy::ONCE), send_error);
            assert_eq!((error.status(), &error.report().message), (status, &message));
        }
    }
}
