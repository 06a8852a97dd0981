//! Sharing one stream among all calls, for HTTP+SSE and stdio: a reader thread delivers messages to the waiting calls.

mod mailbox;
pub mod message_router;
pub mod pending;

use std::sync::Weak;

use super::context::{CALL_HAS_ENDED, TransportContext};
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

/// Registers a request before it is sent. If the stream has ended, the error allows the request to be sent in a new
/// session.
pub fn register<'a>(
    context: &TransportContext,
    pending: &'a PendingRequests,
    call: &CallContext,
    (id, method): (u64, &str),
) -> Result<PendingResponse<'a>, SendError> {
    // Done first, because the error of an ended stream may quote credentials.
    pending.share_secrets(call);
    pending.add_request(call, id, method, context.inbound.has_handlers()).map_err(SendError::gone_before_sending)
}

/// Waits for the response to a sent request, and handles the messages that arrive before it. `me` is the transport, for
/// the responses to server requests.
pub fn await_response(
    context: &TransportContext,
    (transport, me): (&dyn Transport, &Weak<dyn Transport>),
    call: &CallContext,
    peer_context: &PeerContext,
    pending_response: &PendingResponse,
    policy: RequestPolicy,
) -> Result<TransportResponse, SendError> {
    let outcome = await_outcome(context, me, call, peer_context, pending_response);
    unregister(context, transport, call, peer_context, pending_response);
    match outcome.map_err(SendError::after_sending)? {
        RpcOutcome::Result(response) => {
            let response = check_result_type(peer_context.era, policy, response).map_err(SendError::after_sending)?;
            Ok(TransportResponse { response, session_id: None })
        }
        RpcOutcome::Refused(error) => Err(SendError::after_sending(rpc_failure(call, error))),
        RpcOutcome::Failed(error) => Err(SendError::after_sending(pending_response.explained(call, error))),
    }
}

fn await_outcome(
    context: &TransportContext,
    me: &Weak<dyn Transport>,
    call: &CallContext,
    peer_context: &PeerContext,
    pending_response: &PendingResponse,
) -> Result<RpcOutcome> {
    let lifetime = CallLifetime::default();
    let outcome = loop {
        match pending_response.wait(call) {
            Ok(PendingEvent::Message(InboundMessage::Notification(notification))) => {
                context.inbound.notification(call, &notification)
            }
            Ok(PendingEvent::Message(InboundMessage::ServerRequest(request))) => {
                let slot = lifetime.slot(Weak::clone(me), peer_context, call);
                context.inbound.server_request(call, &request, slot);
            }
            Ok(PendingEvent::Outcome(outcome)) => break Ok(outcome),
            Err(error) => break Err(error),
        }
    };
    log_dropped(call, pending_response.dropped());
    outcome
}

/// Unregisters a request. Rejects the server requests that were meant for its call, if no other call can handle them.
pub fn unregister(
    context: &TransportContext,
    transport: &dyn Transport,
    call: &CallContext,
    peer_context: &PeerContext,
    pending_response: &PendingResponse,
) {
    context.reject_server_requests(transport, call, peer_context, &pending_response.unregister(), CALL_HAS_ENDED);
}

/// Logs that notifications were dropped.
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
    use crate::call::new_event;
    use crate::error::{Error, RpcError};
    use crate::protocol::jsonrpc::{ResultType, RpcResponse};
    use crate::protocol::messages::{INTERNAL_ERROR, error_response};
    use crate::status::*;
    use crate::transport::fake::{
        FakeTransport, TransportMethod, answer, call, call_with, recording_context, server_request,
    };
    use crate::transport::interface::TransportKind;

    #[test]
    fn server_requests_that_a_cancelled_call_has_not_handled_are_rejected() {
        let (context, _, requests) = recording_context();
        let transport: Arc<FakeTransport> = FakeTransport::new(&context, TransportKind::Sse);
        let pending = PendingRequests::new(false, Arc::default()).unwrap();
        let cancel = Arc::new(new_event().unwrap());
        let call = call_with(&context, &CallOptions { cancel: Some(Arc::clone(&cancel)), ..CallOptions::default() });
        let pending_response = pending.add_request(&call, 1, "m", true).unwrap();
        assert!(pending.deliver_server_request(server_request("7", "roots/list")).is_ok());
        cancel.set();
        let outcome = await_response(
            &context,
            (&*transport, &transport.weak()),
            &call,
            &PeerContext::for_initialize(),
            &pending_response,
            RequestPolicy::ONCE,
        );
        assert_eq!(outcome.err().unwrap().error.status(), MCP_CANCELLED);
        let reason = CALL_HAS_ENDED;
        assert_eq!(transport.sent(TransportMethod::PostBestEffort), [error_response("7", INTERNAL_ERROR, reason)]);
        assert!(requests.try_recv().is_err() && !pending.is_awaited(1));
    }

    #[test]
    fn the_outcome_of_a_request_is_its_response_or_its_error() {
        let outcome = |rpc_outcome: RpcOutcome| {
            let (context, ..) = recording_context();
            let pending = PendingRequests::new(false, Arc::default()).unwrap();
            let call = call(&context);
            let pending_response = pending.add_request(&call, 1, "m", false).unwrap();
            assert!(pending.deliver(Some(1), rpc_outcome).is_none());
            let transport = FakeTransport::new(&context, TransportKind::Sse);
            let transports = (&*transport as &dyn Transport, &transport.weak());
            await_response(
                &context,
                transports,
                &call,
                &PeerContext::modern("v"),
                &pending_response,
                RequestPolicy::REPEATABLE,
            )
            .map(|response| response.response.result.text().to_owned())
            .map_err(|send_error| send_error.error.status())
        };
        let response = answer(r#"{"a":1}"#).response;
        assert_eq!(outcome(RpcOutcome::Result(response.clone())), Ok(r#"{"a":1}"#.into()));
        let other_kind = RpcResponse { kind: ResultType::Task, ..response };
        assert_eq!(outcome(RpcOutcome::Result(other_kind)), Err(MCP_INVALID_MESSAGE));
        let refused = RpcError { code: -1, message: "no".into(), data: None };
        assert_eq!(outcome(RpcOutcome::Refused(refused)), Err(MCP_RPC_ERROR));
        assert_eq!(outcome(RpcOutcome::Failed(Error::new(MCP_TRUNCATED, ""))), Err(MCP_TRUNCATED));
    }
}
