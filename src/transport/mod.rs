//! How messages travel: HTTP through ureq, over sockets of our own that can be interrupted.
#![forbid(unsafe_code)]

mod buffers;
mod codings;
mod connector;
mod cookies;
pub mod endpoint;
pub mod http;
mod lane;
mod link;
mod names;
pub mod network;
mod no_proxy;
pub mod proxy;
pub mod response;
pub mod tls;
mod tunnel;
mod wire;
