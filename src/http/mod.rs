//! HTTP requests and responses, by ureq, over the connections of `net`.
#![forbid(unsafe_code)]

mod body_handover;
mod buffers;
mod chunked;
pub mod client;
mod connection_notes;
mod content_encoding;
pub mod cookies;
pub mod endpoint;
pub mod error;
pub mod fields;
pub mod foreign;
mod header_lines;
mod http_connection;
mod pool;
pub mod pooled_connection;
pub mod response;
pub mod response_body;
pub mod send;
mod ureq_adapter;
