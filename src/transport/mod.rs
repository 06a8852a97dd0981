//! How messages travel: HTTP through ureq, over sockets of our own that can be interrupted.
#![forbid(unsafe_code)]

mod connector;
pub mod endpoint;
pub mod http;
mod lane;
mod names;
pub mod response;
mod tls;
mod wire;
