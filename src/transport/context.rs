//! The parts of a client that its transports use.

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

/// How long the rejections of several server requests may take together. Other messages wait meanwhile.
const REJECTION_LIMIT: Duration = Duration::from_millis(50);

/// Why a server request is rejected.
pub const CALL_HAS_ENDED: &str = "the call during which the request was sent has ended";

/// Handles notifications and server requests.
pub trait InboundHandler: Send + Sync {
    /// Whether the application has handlers for server requests.
    fn has_handlers(&self) -> bool;

    /// Whether the application receives all notifications.
    fn observes_notifications(&self) -> bool {
        false
    }

    /// Invalidates caches when a notification arrives, before a call handles it.
    fn on_arrival(&self, notification: &Notification);

    /// Handles a notification. `call` is the call that it belongs to, or an internal one.
    fn notification(&self, call: &CallContext, notification: &Notification);

    /// Handles a server request, and responds through `slot`.
    fn server_request(&self, call: &CallContext, request: &ServerRequest, slot: ReplySlot);
}

/// The parts of a client that its transports use.
pub struct TransportContext {
    pub calls: Arc<CallFactory>,
    pub inbound: Arc<dyn InboundHandler>,
    pub readers: ReaderThreads,
    pub limits: SizeLimits,
}

impl TransportContext {
    /// A call for messages that are sent after the application's call has ended.
    pub fn best_effort_context(&self, limit: Duration) -> CallContext {
        self.calls.start_internal(WaitContext::until(Instant::now() + limit))
    }

    /// Rejects server requests by their ids. Best effort: the rejections that do not fit into the time limit are not
    /// sent.
    pub fn reject_server_requests(
        &self,
        transport: &dyn Transport,
        call: &CallContext,
        peer_context: &PeerContext,
        ids: &[String],
        reason: &str,
    ) {
        if ids.is_empty() {
            return;
        }
        call.log(LogLevel::Warning, || format!("{} requests from the server were rejected: {reason}", ids.len()));
        let best_effort_context = self.best_effort_context(REJECTION_LIMIT);
        for id in ids {
            let response = messages::error_response(id, INTERNAL_ERROR, reason).into();
            if transport.post_best_effort(&best_effort_context, peer_context, &response).is_err() {
                break;
            }
        }
    }
}
