//! How MCP messages travel: Streamable HTTP, HTTP+SSE and stdio.
#![forbid(unsafe_code)]

pub mod http_failure;
pub mod http_peer;
