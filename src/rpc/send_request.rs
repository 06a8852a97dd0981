//! A request to the server and its answer, with what the era wants around it: a cancelled request is told to the server, and a failure
//! says whether the server may have executed the request.

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

/// One request and its answer.
pub fn send_request(
    host: &TransportContext,
    transport: &dyn Transport,
    call: &CallContext,
    peer_context: &PeerContext,
    ask: &EncodedRequest,
) -> Result<TransportResponse, SendError> {
    let EncodedRequest { method, rules, .. } = *ask;
    // The id that the request had last.
    let asked = Cell::new(0);
    transport.request(call, peer_context, ask, &asked).map_err(|mut send_error| {
        if send_error.sent != Sent::No && rules.cancellable {
            say_cancelled(host, transport, peer_context, asked.get(), &send_error.error);
        }
        record_lost_session(transport, peer_context, &mut send_error.error);
        if send_error.sent == Sent::Yes && !rules.repeatable {
            record_execution(method, &mut send_error.error);
        }
        send_error
    })
}

/// Tells a legacy server that its answer is not awaited any more; a modern one sees it by the closed stream.
fn say_cancelled(
    host: &TransportContext,
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
    // Where there is one stream for all, a closed one cannot say it.
    if peer_context.era == Era::Modern && transport.transport_kind().cancels_by_closing() {
        return;
    }
    leave(host, transport, peer_context, &messages::cancelled(id, reason).into());
}

/// Sends what a call that has ended still has to say, as far as that goes in a moment, and waits for no answer.
pub fn leave(host: &TransportContext, transport: &dyn Transport, peer_context: &PeerContext, message: &MessageText) {
    // Where it does not go, it would not be read.
    let _ = transport.post_best_effort(&host.best_effort_context(BEST_EFFORT_LIMIT), peer_context, message);
}

/// An error under the status 200 whose words name the session: the server does not know it any more, and may have executed the
/// request all the same.
fn record_lost_session(transport: &dyn Transport, peer_context: &PeerContext, error: &mut Error) {
    let report = error.report();
    let Some(rpc) = report.rpc.as_ref().filter(|_| report.status == MCP_RPC_ERROR && report.http_status < 300) else {
        return;
    };
    let (code, text) = (Some(rpc.code), rpc.message.as_str());
    let answer = ErrorResponse { http_status: 200, code, has_own_id: true, has_challenge: false, text };
    if answer.is_lost_session(transport.session_reference(peer_context)) {
        let report = error.report_mut();
        report.status = MCP_SESSION_LOST;
        report.message = format!("the server no longer knows the session: {}", report.message);
    }
}

/// Says that a request which is not sent again may have been executed, where the caller cannot know.
fn record_execution(method: &str, error: &mut Error) {
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
    use crate::transport::fake::{FakeTransport, ScriptStep, TransportMethod, answer, call, recording_host, rpc_error};
    use crate::transport::interface::TransportKind;

    const SESSION_ID: &str = "0123456789abcdef";
    const ALL: [TransportKind; 3] = [TransportKind::StreamableHttp, TransportKind::Sse, TransportKind::Stdio];

    fn legacy() -> PeerContext {
        PeerContext { session_id: Some(HeaderValue::from_static(SESSION_ID)), ..PeerContext::opening() }
    }

    fn modern() -> PeerContext {
        PeerContext::modern("2026-07-28")
    }

    /// Makes a request that ends with `step`; gives the transport, too.
    fn exchanged(
        transport_kind: TransportKind,
        peer_context: &PeerContext,
        (method, rules): (&'static str, RequestPolicy),
        step: ScriptStep,
    ) -> (Arc<FakeTransport>, Result<TransportResponse, SendError>) {
        let (host, ..) = recording_host();
        let fake = FakeTransport::new(&host, transport_kind);
        fake.script(method, [step]);
        let params = Params::new().with("x", "1");
        let outcome =
            send_request(&host, &*fake, &call(&host), peer_context, &EncodedRequest::new(method, &params, rules));
        (fake, outcome)
    }

    /// What is posted after a request that failed.
    fn posted(
        transport_kind: TransportKind,
        peer_context: &PeerContext,
        rules: RequestPolicy,
        send_error: SendError,
    ) -> Vec<String> {
        let (fake, outcome) =
            exchanged(transport_kind, peer_context, ("tools/call", rules), ScriptStep::Fails(send_error));
        assert!(outcome.is_err());
        assert_eq!(fake.seen().len(), 1 + fake.sent(TransportMethod::PostAndLeave).len());
        fake.sent(TransportMethod::PostAndLeave)
    }

    /// The error of a request that failed.
    fn failure(peer_context: &PeerContext, request: (&'static str, RequestPolicy), send_error: SendError) -> Error {
        let (_, outcome) =
            exchanged(TransportKind::StreamableHttp, peer_context, request, ScriptStep::Fails(send_error));
        outcome.err().unwrap().error
    }

    fn sent(status: Status) -> SendError {
        SendError::after_sending(Error::new(status, "failed"))
    }

    #[test]
    fn a_request_is_sent_as_it_is_and_its_answer_given_back() {
        let step = ScriptStep::TransportResponse(answer(r#"{"a":1}"#));
        let (fake, outcome) = exchanged(TransportKind::StreamableHttp, &legacy(), ("m", RequestPolicy::ONCE), step);
        assert_eq!(outcome.ok().unwrap().answered.result.text(), r#"{"a":1}"#);
        let [seen] = &fake.seen()[..] else { panic!("more than the request was sent") };
        assert_eq!((seen.via, seen.method.as_str(), seen.text.as_str()), (TransportMethod::Request, "m", r#"{"x":1}"#));
        assert_eq!((seen.era, seen.session_id.clone()), (Some(Era::Legacy), legacy().session_id));
    }

    #[test]
    fn a_legacy_server_is_told_by_the_id_that_a_request_was_cancelled_or_timed_out() {
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
    fn a_modern_server_is_told_only_where_the_transport_does_not_cancel_by_closing() {
        for transport_kind in ALL {
            let told = posted(transport_kind, &modern(), RequestPolicy::ONCE, sent(MCP_CANCELLED));
            assert_eq!(told.len(), usize::from(transport_kind == TransportKind::Stdio), "{transport_kind:?}");
        }
    }

    #[test]
    fn nothing_is_cancelled_that_was_not_sent_or_failed_otherwise_or_must_not_be_cancelled() {
        let not_sent = SendError::before_sending(Error::new(MCP_TIMEOUT, "failed"));
        for (rules, send_error) in [
            (RequestPolicy::ONCE, not_sent),
            (RequestPolicy::ONCE, sent(MCP_DISCONNECTED)),
            (RequestPolicy::ONCE, sent(MCP_CLOSED)),
            (RequestPolicy::PROBE, sent(MCP_TIMEOUT)),
        ] {
            let status = send_error.error.status();
            assert!(posted(TransportKind::Stdio, &legacy(), rules, send_error).is_empty(), "{status:?}");
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
    fn a_failure_says_nothing_of_execution_where_the_caller_knows_or_a_second_one_does_no_harm() {
        let not_sent = SendError::before_sending(Error::new(MCP_DISCONNECTED, "failed"));
        let refused = SendError::refused(Error::new(MCP_SESSION_LOST, "failed"));
        for (rules, send_error) in [
            (RequestPolicy::ONCE, not_sent),
            (RequestPolicy::ONCE, refused),
            (RequestPolicy::ONCE, sent(MCP_TIMEOUT)),
            (RequestPolicy::REPEATABLE, sent(MCP_DISCONNECTED)),
        ] {
            assert_eq!(failure(&legacy(), ("tools/call", rules), send_error).report().message, "failed");
        }
    }

    #[test]
    fn an_error_under_200_that_names_the_session_is_a_lost_session() {
        for words in ["Mcp-Session-Id is unknown", "there is no 0123456789abcdef"] {
            let error = failure(&legacy(), ("prompts/get", RequestPolicy::READ), rpc_error(-32000, words, 200));
            let expected = format!("the server no longer knows the session: {words}");
            assert_eq!((error.status(), error.report().message.as_str()), (MCP_SESSION_LOST, expected.as_str()));
            // It may have been executed all the same.
            let error = failure(&legacy(), ("tools/call", RequestPolicy::ONCE), rpc_error(-32000, words, 200));
            assert_eq!(error.status(), MCP_SESSION_LOST);
            assert!(error.report().message.ends_with("; the tool may have been executed, so it is not sent again"));
        }
    }

    #[test]
    fn other_errors_of_the_server_are_given_as_they_are() {
        let words = "Mcp-Session-Id is unknown";
        let other_kind = SendError::after_sending(Error::new(MCP_SERVER_ERROR, words).with_http_status(200));
        for (peer_context, send_error) in [
            // A modern server has no session.
            (modern(), rpc_error(-32000, words, 200)),
            (legacy(), rpc_error(-32000, "the argument is missing", 200)),
            // Where HTTP says that it failed, it was judged by its status.
            (legacy(), rpc_error(-32000, words, 500)),
            (legacy(), other_kind),
        ] {
            let (status, message) = (send_error.error.status(), send_error.error.report().message.clone());
            let error = failure(&peer_context, ("tools/call", RequestPolicy::ONCE), send_error);
            assert_eq!((error.status(), &error.report().message), (status, &message));
        }
    }
}
