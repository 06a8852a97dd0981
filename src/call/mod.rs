//! The context of one API call, and the types that are passed along with it.
#![forbid(unsafe_code)]

pub mod bounded_queue;
pub mod call_options;
pub mod callback_runner;
pub mod callback_scope;
pub mod context;
pub mod failure;
pub mod headers;
pub mod interrupt;
pub mod issued_credentials;
pub mod known_secrets;
pub mod limits;
pub mod over_hook;
mod patterns;
pub mod pause_clock;
pub mod request;
pub mod request_headers;
pub mod retry;
pub mod secrets;
pub mod send_error;
mod sent_secrets;
pub mod skipped_input;

use crate::error::{Error, Result};
use crate::protocol::json_scanner;
use crate::status::{MCP_INVALID_ARGUMENT, MCP_SYSTEM_ERROR};
use crate::sys::pollable_event::PollableEvent;

/// Creates an event; fails if the process or the system has no file descriptor left.
pub fn new_event() -> Result<PollableEvent> {
    PollableEvent::new()
        .map_err(|error| Error::new(MCP_SYSTEM_ERROR, format!("cannot create a file descriptor: {error}")))
}

/// Checks that a text from the caller is a JSON object. `what` names it in the error.
pub fn object<'a>(text: &'a str, what: &str) -> Result<&'a str> {
    json_scanner::object(text).map_err(|why| Error::new(MCP_INVALID_ARGUMENT, format!("{what}: {why}")))
}
