//! Sockets with a deadline: names, connecting, proxies and TLS. Every wait can be interrupted.
#![forbid(unsafe_code)]

pub mod connector;
mod explain;
pub mod failure;
pub mod link;
mod names;
pub mod network;
pub mod no_proxy;
pub mod origin;
mod own_certificate;
pub mod progress;
pub mod proxy;
pub mod tls;
pub mod tunnel;

pub use explain::explain;
