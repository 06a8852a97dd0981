//! Responses to server requests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use super::interface::{BEST_EFFORT_LIMIT, Transport, TransportKind};
use crate::call::context::CallContext;
use crate::call::request::PeerContext;
use crate::error::Result;
use crate::protocol::version::Era;
use crate::sys::pollable_event::PollableEvent;

/// How long sending a response may take. Meanwhile, the caller waits for the response to its own request.
const REPLY_LIMIT: Duration = Duration::from_secs(5);

/// Sends the response to one server request, from any thread. It does not keep the transport alive, because a handler
/// may run for long; a response after the end of the transport is discarded.
pub struct ReplySlot {
    transport: Weak<dyn Transport>,
    peer_context: PeerContext,
    call: CallContext,
    ended: Arc<AtomicBool>,
}

/// The lifetime of the call or stream in which server requests arrive. Dropping it discards the responses that were not
/// sent yet. Most calls have no server request: the flag is created for the first.
#[derive(Default)]
pub struct CallLifetime(OnceLock<Arc<AtomicBool>>);

impl CallLifetime {
    /// The slot for the response to one server request.
    pub fn slot(&self, transport: Weak<dyn Transport>, peer_context: &PeerContext, call: &CallContext) -> ReplySlot {
        let ended = Arc::clone(self.0.get_or_init(Arc::default));
        ReplySlot { transport, peer_context: peer_context.clone(), call: call.clone(), ended }
    }
}

impl Drop for CallLifetime {
    fn drop(&mut self) {
        self.0.get().into_iter().for_each(|ended| ended.store(true, Ordering::Relaxed));
    }
}

impl ReplySlot {
    /// Whether a response is sent. A modern server must not send requests; if it does, it gets no response.
    pub fn is_answerable(&self) -> bool {
        self.peer_context.era == Era::Legacy
    }

    /// Set when the connection of the request ends, if the transport has an event for that.
    pub fn end_event(&self) -> Option<Arc<PollableEvent>> {
        // With Streamable HTTP, the event is that of another stream.
        let has_one_stream = |kind| kind != TransportKind::StreamableHttp;
        self.transport.upgrade().filter(|transport| has_one_stream(transport.transport_kind()))?.end_event()
    }

    /// Whether the call or stream of the request has ended. The response is then discarded.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Sends the text of a response, or discards it if it is too late.
    pub fn respond(self, response: &str) -> Result<()> {
        let Some(transport) = self.transport.upgrade().filter(|_| !self.has_ended()) else { return Ok(()) };
        transport.post(&self.call.within(REPLY_LIMIT), &self.peer_context, &response.into(), true)
    }

    /// Sends the text of an error for a call that has ended, without waiting for the server.
    pub fn reject(self, response: &str) {
        if let Some(transport) = self.transport.upgrade() {
            // The call has ended anyway.
            let _ = transport.post_best_effort(
                &self.call.best_effort(BEST_EFFORT_LIMIT),
                &self.peer_context,
                &response.into(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::fake::{FakeTransport, TransportMethod, call, recording_context};

    #[test]
    fn a_response_is_sent_before_the_end_of_the_call_and_discarded_after_it() {
        let (context, ..) = recording_context();
        let fake = FakeTransport::new(&context, TransportKind::StreamableHttp);
        let lifetime = CallLifetime::default();
        let slot = || lifetime.slot(fake.weak(), &PeerContext::for_initialize(), &call(&context));
        let (early, late) = (slot(), slot());
        assert!(!early.has_ended() && early.is_answerable());
        early.respond("1").unwrap();
        drop(lifetime);
        assert!(late.has_ended());
        late.respond("2").unwrap();
        assert_eq!(fake.sent(TransportMethod::Post), ["1"]);
    }

    #[test]
    fn a_modern_server_is_not_answerable() {
        let (context, ..) = recording_context();
        let fake = FakeTransport::new(&context, TransportKind::StreamableHttp);
        let slot = CallLifetime::default().slot(fake.weak(), &PeerContext::modern("2026-07-28"), &call(&context));
        assert!(!slot.is_answerable());
    }

    #[test]
    fn a_slot_does_not_keep_its_transport_alive() {
        let (context, ..) = recording_context();
        let fake = FakeTransport::new(&context, TransportKind::Sse);
        let (weak, lifetime) = (Arc::downgrade(&fake), CallLifetime::default());
        let slot = lifetime.slot(fake.weak(), &PeerContext::for_initialize(), &call(&context));
        drop(fake);
        assert!(weak.upgrade().is_none());
        slot.respond("1").unwrap();
    }
}
