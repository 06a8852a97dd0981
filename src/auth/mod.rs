//! How a request is authorised.
#![forbid(unsafe_code)]

pub mod credentials;
pub mod scheme;
