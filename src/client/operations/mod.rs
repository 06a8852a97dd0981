//! What a caller does with a server: lists, calls, prompts, resources, tasks, and listening for changes.

mod info;
mod inputs;
pub mod listen;
pub mod lists;
pub mod logging;
pub mod offers;
mod perform;
mod ping;
pub mod tasks;
mod tools;
