//! The transports Streamable HTTP, HTTP+SSE and stdio, which implement one interface.
#![forbid(unsafe_code)]

pub mod connector;
pub mod context;
mod event_reader;
#[cfg(test)]
pub mod fake;
pub mod http_failure;
pub mod http_peer;
mod http_request;
pub mod interface;
pub mod legacy_sse;
pub mod messages;
pub mod multiplexer;
pub mod reader_threads;
pub mod reply_slot;
#[cfg(test)]
mod socket_pair;
pub mod stdio;
pub mod streamable_http;
