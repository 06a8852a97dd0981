//! Completion queues, for programs with an event loop: calls that return at once, and whose results and callbacks are
//! delivered where the program dispatches its queue.
#![forbid(unsafe_code)]

pub mod client_callbacks;
pub mod completion_queue;
mod core;
mod deadlines;
mod inbox;
mod queued_call;

pub use completion_queue::{CompletionQueue, QueueTarget};
pub use queued_call::{DoneCallback, Outcome};
