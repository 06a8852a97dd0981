//! How messages travel: HTTP through ureq, over sockets of our own that can be interrupted.
#![forbid(unsafe_code)]

mod buffers;
mod chunks;
pub mod client;
mod codings;
mod connector;
pub mod cookies;
pub mod endpoint;
pub mod lane;
mod link;
mod names;
pub mod network;
pub mod no_proxy;
mod own_certificate;
pub mod proxy;
pub mod response;
pub mod tls;
pub mod tunnel;
mod wire;
