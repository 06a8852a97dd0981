//! The credentials of requests: fixed ones, and those that an auth callback issues.
#![forbid(unsafe_code)]

pub mod auth_callback;
pub mod auth_request;
pub mod authorizer;
pub mod call_factory;
pub mod credential_source;
pub mod credentials;
pub mod oauth;
pub mod pending_auth;
