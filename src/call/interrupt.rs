//! The error for an interrupted wait.

use std::time::Duration;

use crate::error::Error;
use crate::status::*;
use crate::sys::wait::{Interrupt, WaitContext};

/// For [`interrupt_error`]: the wait was interrupted before the request was sent.
pub const BEFORE_SENDING: &str = "before anything was sent";

/// The status of a call whose wait was interrupted.
pub fn status_of(interrupt: &Interrupt) -> Status {
    match interrupt {
        Interrupt::TimedOut | Interrupt::Idle => MCP_TIMEOUT,
        Interrupt::Cancelled => MCP_CANCELLED,
        Interrupt::Closed => MCP_CLOSED,
        Interrupt::Done => MCP_DISCONNECTED,
        Interrupt::System(_) => MCP_SYSTEM_ERROR,
    }
}

/// The error for an interrupted wait. `doing` says what was in progress, such as "while connecting".
pub fn interrupt_error(interrupt: &Interrupt, doing: &str, wait_context: &WaitContext) -> Error {
    let duration = |limit: Option<Duration>| limit.map_or_else(String::new, |l| format!(" of {} ms", l.as_millis()));
    match interrupt {
        Interrupt::TimedOut => {
            Error::new(MCP_TIMEOUT, format!("the timeout{} passed {doing}", duration(wait_context.timeout)))
        }
        Interrupt::Idle => Error::new(
            MCP_TIMEOUT,
            format!("no data was received for the idle timeout{} {doing}", duration(wait_context.idle)),
        ),
        Interrupt::Cancelled => Error::new(MCP_CANCELLED, format!("cancelled {doing}")),
        Interrupt::Closed => Error::new(MCP_CLOSED, format!("the client was closed {doing}")),
        Interrupt::Done => {
            Error::new(MCP_DISCONNECTED, format!("stopped {doing}: the response arrived on another connection"))
        }
        Interrupt::System(error) => Error::new(MCP_SYSTEM_ERROR, format!("system call failed {doing}: {error}")),
    }
}
