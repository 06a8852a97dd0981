//! What a caller does with a server: lists, calls, prompts, resources, tasks, and listening for changes.

mod info;
mod input_rounds;
pub mod listen;
pub mod lists;
pub mod logging;
pub mod offers;
mod ping;
mod request;
pub mod tasks;
mod tools;
