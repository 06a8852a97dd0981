//! How MCP messages travel: Streamable HTTP, HTTP+SSE and stdio, each behind one interface.
#![forbid(unsafe_code)]

pub mod connector;
mod event_reader;
#[cfg(test)]
pub mod fake;
pub mod host;
pub mod http_failure;
pub mod http_peer;
mod http_request;
pub mod interface;
pub mod legacy_sse;
pub mod messages;
pub mod multiplexer;
pub mod readers;
pub mod reply;
#[cfg(test)]
mod socket_pair;
pub mod stdio;
pub mod streamable_http;
