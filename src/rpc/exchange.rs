//! A request to the server and its answer, with what the era wants around it: a cancelled request is told to the server, and a failure
//! says whether the server may have executed the request.

use std::cell::Cell;

use crate::call::context::Call;
use crate::call::request::{Ask, Speaking};
use crate::call::setback::{Sent, Setback};
use crate::error::Error;
use crate::protocol::lost_session::ErrorAnswer;
use crate::protocol::messages;
use crate::protocol::text::Text;
use crate::protocol::version::Era;
use crate::status::*;
use crate::transport::host::Host;
use crate::transport::interface::{Answer, FAREWELL, Transport};

/// One request and its answer.
pub fn exchange(
    host: &Host,
    transport: &dyn Transport,
    call: &Call,
    speaking: &Speaking,
    ask: &Ask,
) -> Result<Answer, Setback> {
    let Ask { method, rules, .. } = *ask;
    // The id that the request had last.
    let asked = Cell::new(0);
    transport.request(call, speaking, ask, &asked).map_err(|mut setback| {
        if setback.sent != Sent::No && rules.cancellable {
            say_cancelled(host, transport, speaking, asked.get(), &setback.error);
        }
        note_lost_session(transport, speaking, &mut setback.error);
        if setback.sent == Sent::Yes && !rules.repeatable {
            note_execution(method, &mut setback.error);
        }
        setback
    })
}

/// Tells a legacy server that its answer is not awaited any more; a modern one sees it by the closed stream.
fn say_cancelled(host: &Host, transport: &dyn Transport, speaking: &Speaking, id: u64, error: &Error) {
    let reason = match error.status() {
        MCP_CANCELLED => "cancelled by the caller",
        MCP_TIMEOUT => "timed out",
        _ => return,
    };
    // Where there is one stream for all, a closed one cannot say it.
    if speaking.era == Era::Modern && transport.travels().cancels_by_closing() {
        return;
    }
    leave(host, transport, speaking, &messages::cancelled(id, reason).into());
}

/// Sends what a call that has ended still has to say, as far as that goes in a moment, and waits for no answer.
pub fn leave(host: &Host, transport: &dyn Transport, speaking: &Speaking, message: &Text) {
    // Where it does not go, it would not be read.
    let _ = transport.post_and_leave(&host.farewell(FAREWELL), speaking, message);
}

/// An error under the status 200 whose words name the session: the server does not know it any more, and may have executed the
/// request all the same.
fn note_lost_session(transport: &dyn Transport, speaking: &Speaking, error: &mut Error) {
    let report = error.report();
    let Some(rpc) = report.rpc.as_ref().filter(|_| report.status == MCP_RPC_ERROR && report.http_status < 300) else {
        return;
    };
    let (code, text) = (Some(rpc.code), rpc.message.as_str());
    let answer = ErrorAnswer { http_status: 200, code, has_own_id: true, has_challenge: false, text };
    if answer.is_lost_session(transport.carried(speaking)) {
        let report = error.report_mut();
        report.status = MCP_SESSION_LOST;
        report.message = format!("the server does not know the session any more: {}", report.message);
    }
}

/// Says that a request which is not sent again may have been executed, where the caller cannot know.
fn note_execution(method: &str, error: &mut Error) {
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
    use crate::call::request::Rules;
    use crate::protocol::params::Params;
    use crate::transport::fake::{FakeTransport, Step, Via, answer, call, recording_host, rpc_error};
    use crate::transport::interface::Travels;

    const SESSION_ID: &str = "0123456789abcdef";
    const ALL: [Travels; 3] = [Travels::StreamableHttp, Travels::Sse, Travels::Stdio];

    fn legacy() -> Speaking {
        Speaking { session_id: Some(HeaderValue::from_static(SESSION_ID)), ..Speaking::opening() }
    }

    fn modern() -> Speaking {
        Speaking::modern("2026-07-28")
    }

    /// Makes a request that ends with `step`; gives the transport, too.
    fn exchanged(
        travels: Travels,
        speaking: &Speaking,
        (method, rules): (&'static str, Rules),
        step: Step,
    ) -> (Arc<FakeTransport>, Result<Answer, Setback>) {
        let (host, ..) = recording_host();
        let fake = FakeTransport::new(&host, travels);
        fake.script(method, [step]);
        let params = Params::new().with("x", "1");
        let outcome = exchange(&host, &*fake, &call(&host), speaking, &Ask::new(method, &params, rules));
        (fake, outcome)
    }

    /// What is posted after a request that failed.
    fn posted(travels: Travels, speaking: &Speaking, rules: Rules, setback: Setback) -> Vec<String> {
        let (fake, outcome) = exchanged(travels, speaking, ("tools/call", rules), Step::Fails(setback));
        assert!(outcome.is_err());
        assert_eq!(fake.seen().len(), 1 + fake.sent(Via::PostAndLeave).len());
        fake.sent(Via::PostAndLeave)
    }

    /// The error of a request that failed.
    fn failure(speaking: &Speaking, request: (&'static str, Rules), setback: Setback) -> Error {
        let (_, outcome) = exchanged(Travels::StreamableHttp, speaking, request, Step::Fails(setback));
        outcome.err().unwrap().error
    }

    fn sent(status: Status) -> Setback {
        Setback::after_sending(Error::new(status, "failed"))
    }

    #[test]
    fn a_request_is_sent_as_it_is_and_its_answer_given_back() {
        let step = Step::Answer(answer(r#"{"a":1}"#));
        let (fake, outcome) = exchanged(Travels::StreamableHttp, &legacy(), ("m", Rules::ONCE), step);
        assert_eq!(outcome.ok().unwrap().answered.result.text(), r#"{"a":1}"#);
        let [seen] = &fake.seen()[..] else { panic!("more than the request was sent") };
        assert_eq!((seen.via, seen.method.as_str(), seen.text.as_str()), (Via::Request, "m", r#"{"x":1}"#));
        assert_eq!((seen.era, seen.session_id.clone()), (Some(Era::Legacy), legacy().session_id));
    }

    #[test]
    fn a_legacy_server_is_told_by_the_id_that_a_request_was_cancelled_or_timed_out() {
        for travels in ALL {
            for (status, reason) in [(MCP_CANCELLED, "cancelled by the caller"), (MCP_TIMEOUT, "timed out")] {
                let expected = messages::cancelled(1, reason);
                assert_eq!(posted(travels, &legacy(), Rules::ONCE, sent(status)), [expected], "{travels:?}");
            }
        }
    }

    #[test]
    fn a_modern_server_is_told_only_where_the_transport_does_not_cancel_by_closing() {
        for travels in ALL {
            let told = posted(travels, &modern(), Rules::ONCE, sent(MCP_CANCELLED));
            assert_eq!(told.len(), usize::from(travels == Travels::Stdio), "{travels:?}");
        }
    }

    #[test]
    fn nothing_is_cancelled_that_was_not_sent_or_failed_otherwise_or_must_not_be_cancelled() {
        let not_sent = Setback::before_sending(Error::new(MCP_TIMEOUT, "failed"));
        for (rules, setback) in [
            (Rules::ONCE, not_sent),
            (Rules::ONCE, sent(MCP_DISCONNECTED)),
            (Rules::ONCE, sent(MCP_CLOSED)),
            (Rules::PROBE, sent(MCP_TIMEOUT)),
        ] {
            let status = setback.error.status();
            assert!(posted(Travels::Stdio, &legacy(), rules, setback).is_empty(), "{status:?}");
        }
    }

    #[test]
    fn a_failure_after_sending_says_that_a_request_may_have_been_executed() {
        for status in [MCP_SESSION_LOST, MCP_TRUNCATED, MCP_DISCONNECTED, MCP_PROCESS_FAILED] {
            for (method, what) in [("tools/call", "the tool"), ("x/y", "the request")] {
                let error = failure(&legacy(), (method, Rules::ONCE), sent(status));
                let expected = format!("failed; {what} may have been executed, so it is not sent again");
                assert_eq!((error.status(), error.report().message.as_str()), (status, expected.as_str()));
            }
        }
    }

    #[test]
    fn a_failure_says_nothing_of_execution_where_the_caller_knows_or_a_second_one_does_no_harm() {
        let not_sent = Setback::before_sending(Error::new(MCP_DISCONNECTED, "failed"));
        let refused = Setback::refused(Error::new(MCP_SESSION_LOST, "failed"));
        for (rules, setback) in [
            (Rules::ONCE, not_sent),
            (Rules::ONCE, refused),
            (Rules::ONCE, sent(MCP_TIMEOUT)),
            (Rules::REPEATABLE, sent(MCP_DISCONNECTED)),
        ] {
            assert_eq!(failure(&legacy(), ("tools/call", rules), setback).report().message, "failed");
        }
    }

    #[test]
    fn an_error_under_200_that_names_the_session_is_a_lost_session() {
        for words in ["Mcp-Session-Id is unknown", "there is no 0123456789abcdef"] {
            let error = failure(&legacy(), ("prompts/get", Rules::READ), rpc_error(-32000, words, 200));
            let expected = format!("the server does not know the session any more: {words}");
            assert_eq!((error.status(), error.report().message.as_str()), (MCP_SESSION_LOST, expected.as_str()));
            // It may have been executed all the same.
            let error = failure(&legacy(), ("tools/call", Rules::ONCE), rpc_error(-32000, words, 200));
            assert_eq!(error.status(), MCP_SESSION_LOST);
            assert!(error.report().message.ends_with("; the tool may have been executed, so it is not sent again"));
        }
    }

    #[test]
    fn other_errors_of_the_server_are_given_as_they_are() {
        let words = "Mcp-Session-Id is unknown";
        let other_kind = Setback::after_sending(Error::new(MCP_SERVER_ERROR, words).with_http_status(200));
        for (speaking, setback) in [
            // A modern server has no session.
            (modern(), rpc_error(-32000, words, 200)),
            (legacy(), rpc_error(-32000, "the argument is missing", 200)),
            // Where HTTP says that it failed, it was judged by its status.
            (legacy(), rpc_error(-32000, words, 500)),
            (legacy(), other_kind),
        ] {
            let (status, message) = (setback.error.status(), setback.error.report().message.clone());
            let error = failure(&speaking, ("tools/call", Rules::ONCE), setback);
            assert_eq!((error.status(), &error.report().message), (status, &message));
        }
    }
}
