//! The error for a wait that was ended.

use std::time::Duration;

use crate::error::Error;
use crate::status::*;
use crate::sys::wait::{Interrupt, WaitContext};

/// What was not begun yet when a wait was ended.
pub const BEFORE: &str = "before anything was sent";

/// The error for a wait that was ended; `doing` says during what.
pub fn stopped(stop: &Interrupt, doing: &str, wait_context: &WaitContext) -> Error {
    let span = |limit: Option<Duration>| limit.map_or_else(String::new, |l| format!(" of {} ms", l.as_millis()));
    match stop {
        Interrupt::TimedOut => {
            Error::new(MCP_TIMEOUT, format!("the timeout{} passed {doing}", span(wait_context.timeout)))
        }
        Interrupt::Idle => Error::new(
            MCP_TIMEOUT,
            format!("no data was received for the idle limit{} {doing}", span(wait_context.idle)),
        ),
        Interrupt::Cancelled => Error::new(MCP_CANCELLED, format!("cancelled {doing}")),
        Interrupt::Closed => Error::new(MCP_CLOSED, format!("the client was closed {doing}")),
        Interrupt::Done => Error::new(MCP_DISCONNECTED, format!("stopped {doing}: the response arrived another way")),
        Interrupt::System(error) => Error::new(MCP_SYSTEM_ERROR, format!("system call failed {doing}: {error}")),
    }
}
