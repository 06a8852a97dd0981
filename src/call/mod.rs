//! One call of a caller, and the values that travel with it.
#![forbid(unsafe_code)]

pub mod bounded_queue;
pub mod context;
pub mod failure;
pub mod headers;
pub mod interrupt;
pub mod issued_credentials;
pub mod known_secrets;
pub mod limits;
mod patterns;
pub mod pause_clock;
pub mod request;
pub mod retry;
pub mod secrets;
pub mod send_error;
pub mod skipped_input;

use crate::error::{Error, Result};
use crate::protocol::json_scanner;
use crate::status::{MCP_INVALID_ARGUMENT, MCP_SYSTEM_ERROR};
use crate::sys::pollable_event::PollableEvent;

/// A signal, or the error for a system that has no more descriptors.
pub fn new_signal() -> Result<PollableEvent> {
    PollableEvent::new()
        .map_err(|error| Error::new(MCP_SYSTEM_ERROR, format!("cannot create a file descriptor: {error}")))
}

/// The text of an object that a caller gives.
pub fn object<'a>(text: &'a str, what: &str) -> Result<&'a str> {
    json_scanner::object(text).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, format!("{what}: {why}")))
}
