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
