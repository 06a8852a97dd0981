//! The requests of a client: lists, tool calls, prompts, resources, tasks, and subscriptions to changes.

mod info;
mod input_rounds;
pub mod listen;
pub mod lists;
pub mod logging;
pub mod offers;
mod ping;
mod request;
mod subscribed_uris;
pub mod tasks;
mod tools;
mod unavailable_input;
