//! Sessions: negotiating the protocol version, the handshake, and re-establishing a lost session.
#![forbid(unsafe_code)]

pub mod negotiate;
pub mod recovery;
mod resume;
pub mod saved_session;
pub mod session_slot;
pub mod state;
pub mod state_monitor;
#[cfg(test)]
mod tests;
pub mod tried_credentials;
mod version_errors;
