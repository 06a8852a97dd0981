//! How a request is authorised.
#![forbid(unsafe_code)]

pub mod credentials;
mod patterns;
pub mod pause;
pub mod scheme;
pub mod secrets;
