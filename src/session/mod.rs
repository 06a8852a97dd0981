//! Negotiating a protocol version with a server; opening, losing and re-opening a session with it.
#![forbid(unsafe_code)]

pub mod negotiate;
pub mod passed;
pub mod recovery;
pub mod sessions;
pub mod state;
#[cfg(test)]
mod tests;
mod version_errors;
