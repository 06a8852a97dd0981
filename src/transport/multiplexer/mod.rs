//! One stream for all calls, as HTTP+SSE and stdio have it: a reader hands what comes to the calls that wait.

mod mailbox;
pub mod message_router;
pub mod pending;

use std::sync::Weak;

use super::context::TransportContext;
use super::interface::{Transport, TransportResponse};
use super::messages::check_result_type;
use super::reply_slot::CallLifetime;
use crate::call::context::CallContext;
use crate::call::failure::rpc_failure;
use crate::call::request::{PeerContext, RequestPolicy};
use crate::call::send_error::SendError;
use crate::error::Result;
use crate::log::LogLevel;
pub use mailbox::InboundMessage;
use pending::{PendingEvent, PendingRequests, PendingResponse, RpcOutcome};

/// Makes a place for the answer to a request, before anything is sent: where the stream has ended, another one will do.
pub fn register<'a>(
    host: &TransportContext,
    pending: &'a PendingRequests,
    call: &CallContext,
    (id, method): (u64, &str),
) -> Result<PendingResponse<'a>, SendError> {
    // First: a line that has ended may quote what it knows.
    pending.share_credentials(call);
    pending.expect(call, id, method, host.inbound.has_handlers()).map_err(SendError::gone_before_sending)
}

/// Waits for the answer to a request that was sent, and takes what comes before. `me` is the transport, for what the server asks.
pub fn await_answer(
    host: &TransportContext,
    (transport, me): (&dyn Transport, &Weak<dyn Transport>),
    call: &CallContext,
    peer_context: &PeerContext,
    response: &PendingResponse,
    rules: RequestPolicy,
) -> Result<TransportResponse, SendError> {
    let delivered = await_delivery(host, me, call, peer_context, response);
    unregister(host, transport, call, peer_context, response);
    match delivered.map_err(SendError::after_sending)? {
        RpcOutcome::Result(answered) => {
            let answered = check_result_type(peer_context.era, rules, answered).map_err(SendError::after_sending)?;
            Ok(TransportResponse { answered, session_id: None })
        }
        RpcOutcome::Refused(error) => Err(SendError::after_sending(rpc_failure(call, error))),
        RpcOutcome::Failed(error) => Err(SendError::after_sending(response.explained(call, error))),
    }
}

fn await_delivery(
    host: &TransportContext,
    me: &Weak<dyn Transport>,
    call: &CallContext,
    peer_context: &PeerContext,
    response: &PendingResponse,
) -> Result<RpcOutcome> {
    let lifetime = CallLifetime::default();
    let outcome = loop {
        match response.wait(call) {
            Ok(PendingEvent::InboundMessage(InboundMessage::Notification(notice))) => {
                host.inbound.notification(call, &notice)
            }
            Ok(PendingEvent::InboundMessage(InboundMessage::ServerRequest(asked))) => {
                let slot = lifetime.slot(Weak::clone(me), peer_context, call);
                host.inbound.server_request(call, &asked, slot);
            }
            Ok(PendingEvent::TransportResponse(delivered)) => break Ok(delivered),
            Err(error) => break Err(error),
        }
    };
    log_dropped(call, response.dropped());
    outcome
}

/// Gives a place up, and refuses what the server has asked and no call deals with any more.
pub fn unregister(
    host: &TransportContext,
    transport: &dyn Transport,
    call: &CallContext,
    peer_context: &PeerContext,
    response: &PendingResponse,
) {
    host.refuse(transport, call, peer_context, &response.leave(), "the call during which it was sent has ended");
}

/// Notifications that were dropped are not dropped in silence.
pub fn log_dropped(call: &CallContext, dropped: u64) {
    if dropped > 0 {
        call.log(LogLevel::Warning, || {
            format!("{dropped} notifications from the server arrived faster than they were handled and were dropped")
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
    use crate::protocol::jsonrpc::{ResultType, RpcResponse};
    use crate::protocol::messages::{INTERNAL_ERROR, error_response};
    use crate::status::*;
    use crate::transport::fake::{FakeTransport, TransportMethod, answer, asked, call, call_with, recording_host};
    use crate::transport::interface::TransportKind;

    #[test]
    fn requests_of_the_server_that_a_cancelled_call_has_not_taken_are_refused_by_their_ids() {
        let (host, _, requests) = recording_host();
        let transport: Arc<FakeTransport> = FakeTransport::new(&host, TransportKind::Sse);
        let pending = PendingRequests::new(false, Arc::default()).unwrap();
        let cancel = Arc::new(new_signal().unwrap());
        let call = call_with(&host, &CallOptions { cancel: Some(Arc::clone(&cancel)), ..CallOptions::default() });
        let response = pending.expect(&call, 1, "m", true).unwrap();
        assert!(pending.deliver_asked(asked("7", "roots/list")).is_ok());
        cancel.set();
        let outcome = await_answer(
            &host,
            (&*transport, &transport.weak()),
            &call,
            &PeerContext::opening(),
            &response,
            RequestPolicy::ONCE,
        );
        assert_eq!(outcome.err().unwrap().error.status(), MCP_CANCELLED);
        let why = "the call during which it was sent has ended";
        assert_eq!(transport.sent(TransportMethod::PostAndLeave), [error_response("7", INTERNAL_ERROR, why)]);
        assert!(requests.try_recv().is_err() && !pending.is_awaited(1));
    }

    #[test]
    fn what_comes_for_a_request_becomes_its_answer_or_its_error() {
        let outcome = |delivered: RpcOutcome| {
            let (host, ..) = recording_host();
            let pending = PendingRequests::new(false, Arc::default()).unwrap();
            let call = call(&host);
            let response = pending.expect(&call, 1, "m", false).unwrap();
            assert!(pending.deliver(Some(1), delivered).is_none());
            let transport = FakeTransport::new(&host, TransportKind::Sse);
            let both = (&*transport as &dyn Transport, &transport.weak());
            let answer =
                await_answer(&host, both, &call, &PeerContext::modern("v"), &response, RequestPolicy::REPEATABLE);
            answer
                .map(|answer| answer.answered.result.text().to_owned())
                .map_err(|send_error| send_error.error.status())
        };
        let answered = answer(r#"{"a":1}"#).answered;
        assert_eq!(outcome(RpcOutcome::Result(answered.clone())), Ok(r#"{"a":1}"#.into()));
        let other_kind = RpcResponse { kind: ResultType::Task, ..answered };
        assert_eq!(outcome(RpcOutcome::Result(other_kind)), Err(MCP_INVALID_MESSAGE));
        let refused = RpcError { code: -1, message: "no".into(), data: None };
        assert_eq!(outcome(RpcOutcome::Refused(refused)), Err(MCP_RPC_ERROR));
        assert_eq!(outcome(RpcOutcome::Failed(Error::new(MCP_TRUNCATED, ""))), Err(MCP_TRUNCATED));
    }
}
