//! Connections: DNS lookup, sockets, proxies and TLS. Every wait has the call's deadline and can be interrupted.
#![forbid(unsafe_code)]

pub mod address_policy;
pub mod address_scope;
pub mod buffered_socket;
pub mod connection_factory;
pub mod connector;
mod dns;
mod explain;
pub mod io_error;
mod ip_network;
pub mod no_proxy;
pub mod origin;
mod pinned_certificate;
pub mod progress;
pub mod proxy;
pub mod proxy_handshake;
pub mod tls;

pub use explain::explain;
