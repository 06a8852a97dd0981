//! How a request is authorised.
#![forbid(unsafe_code)]

pub mod credentials;
pub mod pause;
pub mod scheme;
pub mod secrets;
