//! Answers to what a server asks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::interface::Transport;
use crate::call::context::CallContext;
use crate::call::request::PeerContext;
use crate::error::Result;
use crate::protocol::version::Era;

/// The longest that an answer may take on its way: the caller waits for something else.
const REPLY_LIMIT: Duration = Duration::from_secs(5);

/// Where the answer to one request of a server goes: once, from any thread. It does not keep the transport: a handler may take its
/// time, and learns from the transport's end that nobody wants its answer.
pub struct ReplySlot {
    transport: Weak<dyn Transport>,
    peer_context: PeerContext,
    call: CallContext,
    ended: Arc<AtomicBool>,
}

/// The call during which a server asks something. When it has ended, answers are discarded.
#[derive(Default)]
pub struct CallLifetime(Arc<AtomicBool>);

impl CallLifetime {
    /// The slot for the answer to one request.
    pub fn slot(&self, transport: Weak<dyn Transport>, peer_context: &PeerContext, call: &CallContext) -> ReplySlot {
        let ended = Arc::clone(&self.0);
        ReplySlot { transport, peer_context: peer_context.clone(), call: call.clone(), ended }
    }
}

impl Drop for CallLifetime {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl ReplySlot {
    /// A modern server must not send requests, and is not answered.
    pub fn is_answerable(&self) -> bool {
        self.peer_context.era == Era::Legacy
    }

    /// Whether the call has ended during which the server asked: its answer is not awaited any more.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Sends the text of a response; one that comes too late is discarded.
    pub fn answer(self, reply: &str) -> Result<()> {
        let Some(transport) = self.transport.upgrade().filter(|_| !self.has_ended()) else { return Ok(()) };
        transport.post(&self.call.within(REPLY_LIMIT), &self.peer_context, &reply.into(), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::fake::{FakeTransport, TransportMethod, call, recording_host};
    use crate::transport::interface::TransportKind;

    #[test]
    fn an_answer_is_sent_before_the_end_of_the_call_and_discarded_after_it() {
        let (host, ..) = recording_host();
        let fake = FakeTransport::new(&host, TransportKind::StreamableHttp);
        let asking = CallLifetime::default();
        let slot = || asking.slot(fake.weak(), &PeerContext::opening(), &call(&host));
        let (early, late) = (slot(), slot());
        assert!(!early.has_ended() && early.is_answerable());
        early.answer("1").unwrap();
        drop(asking);
        assert!(late.has_ended());
        late.answer("2").unwrap();
        assert_eq!(fake.sent(TransportMethod::Post), ["1"]);
    }

    #[test]
    fn a_modern_server_is_not_answerable() {
        let (host, ..) = recording_host();
        let fake = FakeTransport::new(&host, TransportKind::StreamableHttp);
        let slot = CallLifetime::default().slot(fake.weak(), &PeerContext::modern("2026-07-28"), &call(&host));
        assert!(!slot.is_answerable());
    }

    #[test]
    fn a_slot_does_not_keep_its_transport() {
        let (host, ..) = recording_host();
        let fake = FakeTransport::new(&host, TransportKind::Sse);
        let (weak, asking) = (Arc::downgrade(&fake), CallLifetime::default());
        let slot = asking.slot(fake.weak(), &PeerContext::opening(), &call(&host));
        drop(fake);
        assert!(weak.upgrade().is_none());
        slot.answer("1").unwrap();
    }
}
