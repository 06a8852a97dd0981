//! What a client lends its transports: where calls begin, where what servers send goes, and threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::interface::Transport;
use super::readers::Readers;
use super::reply::ReplySlot;
use crate::auth::calls::Calls;
use crate::call::context::Call;
use crate::call::limits::Limits;
use crate::call::request::Speaking;
use crate::log::Level;
use crate::protocol::incoming::{Asked, Notice};
use crate::protocol::messages::{self, INTERNAL_ERROR};
use crate::sys::wait::Budget;

/// The longest that refusals take together: others wait behind them.
const REFUSAL_LIMIT: Duration = Duration::from_millis(50);

/// What a server sends beside answers goes here.
pub trait Inbound: Send + Sync {
    /// Whether the program has handlers for what servers ask.
    fn has_handlers(&self) -> bool;

    /// A notification has come. What it makes stale is forgotten now, and not only when a call deals with it.
    fn note_arrival(&self, notice: &Notice);

    fn notification(&self, call: &Call, notice: &Notice);

    fn server_request(&self, call: &Call, asked: &Asked, reply: ReplySlot);
}

/// What a client lends its transports.
pub struct Host {
    pub calls: Arc<Calls>,
    pub inbound: Arc<dyn Inbound>,
    pub readers: Readers,
    pub limits: Limits,
}

impl Host {
    /// A call for what has to be said after another one has ended.
    pub fn farewell(&self, limit: Duration) -> Call {
        self.calls.own(Budget::until(Instant::now() + limit))
    }

    /// Refuses requests of the server, by their ids, as far as that can be said in a moment.
    pub fn refuse(&self, transport: &dyn Transport, call: &Call, speaking: &Speaking, ids: &[String], why: &str) {
        if ids.is_empty() {
            return;
        }
        call.remark(Level::Warning, || format!("{} requests of the server are refused: {why}", ids.len()));
        let farewell = self.farewell(REFUSAL_LIMIT);
        for id in ids {
            let reply = messages::refusal(id, INTERNAL_ERROR, why).into();
            if transport.post_and_leave(&farewell, speaking, &reply).is_err() {
                break;
            }
        }
    }
}
