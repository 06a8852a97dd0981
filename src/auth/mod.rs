//! How a request is authorised.
#![forbid(unsafe_code)]

pub mod authorizer;
pub mod credentials;
pub mod scheme;
