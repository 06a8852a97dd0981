//! The error for a wait that was ended.

use std::time::Duration;

use crate::error::Error;
use crate::status::*;
use crate::sys::wait::{Budget, Stop};

/// What was not begun yet when a wait was ended.
pub const BEFORE: &str = "before anything was sent";

/// The error for a wait that was ended; `doing` says during what.
pub fn stopped(stop: &Stop, doing: &str, budget: &Budget) -> Error {
    let span = |limit: Option<Duration>| limit.map_or_else(String::new, |l| format!(" of {} ms", l.as_millis()));
    match stop {
        Stop::TimedOut => Error::new(MCP_TIMEOUT, format!("the timeout{} passed {doing}", span(budget.allowed))),
        Stop::Idle => Error::new(MCP_TIMEOUT, format!("no byte came for the idle limit{} {doing}", span(budget.idle))),
        Stop::Cancelled => Error::new(MCP_CANCELLED, format!("cancelled {doing}")),
        Stop::Closed => Error::new(MCP_CLOSED, format!("the client was closed {doing}")),
        Stop::Done => Error::new(MCP_DISCONNECTED, format!("given up {doing}: the answer came by another way")),
        Stop::System(error) => Error::new(MCP_SYSTEM_ERROR, format!("the system refused {doing}: {error}")),
    }
}
