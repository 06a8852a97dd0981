//! How a request is authorised.
#![forbid(unsafe_code)]

pub mod authorizer;
pub mod calls;
pub mod credentials;
pub mod scheme;
