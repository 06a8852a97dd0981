//! Sessions: negotiating the protocol version, the handshake, and re-establishing a lost session.
#![forbid(unsafe_code)]

pub mod negotiate;
pub mod recovery;
pub mod session_slot;
pub mod state;
#[cfg(test)]
mod tests;
pub mod tried_credentials;
mod version_errors;
