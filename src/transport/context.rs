//! What a client lends its transports: where calls begin, where what servers send goes, and threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::interface::Transport;
use super::reader_threads::ReaderThreads;
use super::reply_slot::ReplySlot;
use crate::auth::call_factory::CallFactory;
use crate::call::context::CallContext;
use crate::call::limits::SizeLimits;
use crate::call::request::PeerContext;
use crate::log::LogLevel;
use crate::protocol::incoming::{Notification, ServerRequest};
use crate::protocol::messages::{self, INTERNAL_ERROR};
use crate::sys::wait::WaitContext;

/// The longest that refusals take together: others wait behind them.
const REFUSAL_LIMIT: Duration = Duration::from_millis(50);

/// What a server sends beside answers goes here.
pub trait InboundHandler: Send + Sync {
    /// Whether the program has handlers for what servers ask.
    fn has_handlers(&self) -> bool;

    /// A notification has come. What it makes stale is forgotten now, and not only when a call deals with it.
    fn on_arrival(&self, notice: &Notification);

    fn notification(&self, call: &CallContext, notice: &Notification);

    fn server_request(&self, call: &CallContext, asked: &ServerRequest, reply: ReplySlot);
}

/// What a client lends its transports.
pub struct TransportContext {
    pub calls: Arc<CallFactory>,
    pub inbound: Arc<dyn InboundHandler>,
    pub readers: ReaderThreads,
    pub limits: SizeLimits,
}

impl TransportContext {
    /// A call for what has to be said after another one has ended.
    pub fn best_effort_context(&self, limit: Duration) -> CallContext {
        self.calls.own(WaitContext::until(Instant::now() + limit))
    }

    /// Refuses requests of the server, by their ids, as far as that can be said in a moment.
    pub fn refuse(
        &self,
        transport: &dyn Transport,
        call: &CallContext,
        peer_context: &PeerContext,
        ids: &[String],
        why: &str,
    ) {
        if ids.is_empty() {
            return;
        }
        call.log(LogLevel::Warning, || format!("{} requests from the server were rejected: {why}", ids.len()));
        let best_effort_context = self.best_effort_context(REFUSAL_LIMIT);
        for id in ids {
            let reply = messages::error_response(id, INTERNAL_ERROR, why).into();
            if transport.post_best_effort(&best_effort_context, peer_context, &reply).is_err() {
                break;
            }
        }
    }
}
