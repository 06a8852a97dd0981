//! One stream for all calls, as HTTP+SSE and stdio have it: a reader hands what comes to the calls that wait.

mod letters;
pub mod pending;
pub mod receiver;

use std::sync::Arc;

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
use pending::{Arrived, Delivered, Place};

/// Waits for the answer to a request that was sent, and takes what comes before.
pub fn await_answer(
    host: &Host,
    transport: Option<&Arc<dyn Transport>>,
    call: &Call,
    speaking: &Speaking,
    place: &Place,
    rules: Rules,
) -> Result<Answer, Setback> {
    let delivered = await_delivery(host, transport, call, speaking, place);
    if let Some(transport) = transport {
        leave_place(host, &**transport, call, speaking, place);
    }
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
    transport: Option<&Arc<dyn Transport>>,
    call: &Call,
    speaking: &Speaking,
    place: &Place,
) -> Result<Delivered> {
    let asking = Asking::default();
    let outcome = loop {
        match place.wait(call) {
            Ok(Arrived::Letter(Letter::Notice(notice))) => host.inbound.notification(call, &notice),
            Ok(Arrived::Letter(Letter::Asked(asked))) => {
                if let Some(transport) = transport {
                    let slot = asking.slot(Arc::clone(transport), speaking, call);
                    host.inbound.server_request(call, &asked, slot);
                }
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
