//! Negotiating a protocol version with a server; opening, losing and re-opening a session with it.
#![forbid(unsafe_code)]

pub mod negotiate;
pub mod recovery;
pub mod session_slot;
pub mod state;
#[cfg(test)]
mod tests;
pub mod tried_credentials;
mod version_errors;
