//! How a request is authorised.
#![forbid(unsafe_code)]

pub mod auth_callback;
pub mod authorizer;
pub mod call_factory;
pub mod credentials;
