//! One stream for all calls, as HTTP+SSE and stdio have it: a reader hands what comes to the calls that wait.

mod letters;
pub mod pending;
pub mod receiver;

use std::sync::Weak;

use super::host::Host;
use super::interface::{Answer, Transport};
use super::messages::check_result_type;
use super::reply::Asking;
use crate::call::context::Call;
use crate::call::failure::rpc_failure;
use crate::call::request::{Rules, Speaking};
use crate::call::setback::Setback;
use crate::error::Result;
use crate::log::Level;
pub use letters::Letter;
use pending::{Arrived, Delivered, Line, Place};

/// Makes a place for the answer to a request, before anything is sent: where the stream has ended, another one will do.
pub fn make_place<'a>(
    host: &Host,
    line: &'a Line,
    call: &Call,
    (id, method): (u64, &str),
) -> Result<Place<'a>, Setback> {
    // First: a line that has ended may quote what it knows.
    line.carried(call);
    line.expect(call, id, method, host.inbound.has_handlers()).map_err(Setback::gone_before_sending)
}

/// Waits for the answer to a request that was sent, and takes what comes before. `me` is the transport, for what the server asks.
pub fn await_answer(
    host: &Host,
    (transport, me): (&dyn Transport, &Weak<dyn Transport>),
    call: &Call,
    speaking: &Speaking,
    place: &Place,
    rules: Rules,
) -> Result<Answer, Setback> {
    let delivered = await_delivery(host, me, call, speaking, place);
    leave_place(host, transport, call, speaking, place);
    match delivered.map_err(Setback::after_sending)? {
        Delivered::Result(answered) => {
            let answered = check_result_type(speaking.era, rules, answered).map_err(Setback::after_sending)?;
            Ok(Answer { answered, session_id: None })
        }
        Delivered::Refused(error) => Err(Setback::after_sending(rpc_failure(call, error))),
        Delivered::Failed(error) => Err(Setback::after_sending(place.explained(call, error))),
    }
}

fn await_delivery(
    host: &Host,
    me: &Weak<dyn Transport>,
    call: &Call,
    speaking: &Speaking,
    place: &Place,
) -> Result<Delivered> {
    let asking = Asking::default();
    let outcome = loop {
        match place.wait(call) {
            Ok(Arrived::Letter(Letter::Notice(notice))) => host.inbound.notification(call, &notice),
            Ok(Arrived::Letter(Letter::Asked(asked))) => {
                let slot = asking.slot(Weak::clone(me), speaking, call);
                host.inbound.server_request(call, &asked, slot);
            }
            Ok(Arrived::Answer(delivered)) => break Ok(delivered),
            Err(error) => break Err(error),
        }
    };
    remark_dropped(call, place.dropped());
    outcome
}

/// Gives a place up, and refuses what the server has asked and no call deals with any more.
pub fn leave_place(host: &Host, transport: &dyn Transport, call: &Call, speaking: &Speaking, place: &Place) {
    host.refuse(transport, call, speaking, &place.leave(), "the call that it was asked during has ended");
}

/// Notifications that were dropped are not dropped in silence.
pub fn remark_dropped(call: &Call, dropped: u64) {
    if dropped > 0 {
        call.remark(Level::Warning, || {
            format!("{dropped} notifications of the server came faster than the program took them, and were dropped")
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::call::context::CallOptions;
    use crate::call::new_signal;
    use crate::error::{Error, RpcError};
    use crate::protocol::jsonrpc::{Answered, ResultType};
    use crate::protocol::messages::{INTERNAL_ERROR, refusal};
    use crate::status::*;
    use crate::transport::fake::{FakeTransport, Via, answer, asked, call, call_with, recording_host};
    use crate::transport::interface::Travels;

    #[test]
    fn requests_of_the_server_that_a_cancelled_call_has_not_taken_are_refused_by_their_ids() {
        let (host, _, requests) = recording_host();
        let transport: Arc<FakeTransport> = FakeTransport::new(&host, Travels::Sse);
        let line = Line::new(false, Arc::default()).unwrap();
        let cancel = Arc::new(new_signal().unwrap());
        let call = call_with(&host, &CallOptions { cancel: Some(Arc::clone(&cancel)), ..CallOptions::default() });
        let place = line.expect(&call, 1, "m", true).unwrap();
        assert!(line.deliver_asked(asked("7", "roots/list")).is_ok());
        cancel.raise();
        let outcome =
            await_answer(&host, (&*transport, &transport.weak()), &call, &Speaking::opening(), &place, Rules::ONCE);
        assert_eq!(outcome.err().unwrap().error.status(), MCP_CANCELLED);
        let why = "the call that it was asked during has ended";
        assert_eq!(transport.sent(Via::PostAndLeave), [refusal("7", INTERNAL_ERROR, why)]);
        assert!(requests.try_recv().is_err() && !line.is_awaited(1));
    }

    #[test]
    fn what_comes_for_a_request_becomes_its_answer_or_its_error() {
        let outcome = |delivered: Delivered| {
            let (host, ..) = recording_host();
            let line = Line::new(false, Arc::default()).unwrap();
            let call = call(&host);
            let place = line.expect(&call, 1, "m", false).unwrap();
            assert!(line.deliver(Some(1), delivered).is_none());
            let transport = FakeTransport::new(&host, Travels::Sse);
            let both = (&*transport as &dyn Transport, &transport.weak());
            let answer = await_answer(&host, both, &call, &Speaking::modern("v"), &place, Rules::REPEATABLE);
            answer.map(|answer| answer.answered.result.text().to_owned()).map_err(|setback| setback.error.status())
        };
        let answered = answer(r#"{"a":1}"#).answered;
        assert_eq!(outcome(Delivered::Result(answered.clone())), Ok(r#"{"a":1}"#.into()));
        let other_kind = Answered { kind: ResultType::Task, ..answered };
        assert_eq!(outcome(Delivered::Result(other_kind)), Err(MCP_INVALID_MESSAGE));
        let refused = RpcError { code: -1, message: "no".into(), data: None };
        assert_eq!(outcome(Delivered::Refused(refused)), Err(MCP_RPC_ERROR));
        assert_eq!(outcome(Delivered::Failed(Error::new(MCP_TRUNCATED, ""))), Err(MCP_TRUNCATED));
    }
}
