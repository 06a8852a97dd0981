//! The protocol's data formats: JSON values, JSON-RPC messages, protocol versions, header values, event streams. No
//! I/O, no clock and no threads, so that all of it can be fuzzed.
#![forbid(unsafe_code)]

pub mod challenge;
pub mod elicitation;
pub mod event_stream;
pub mod header_arguments;
pub mod headers;
pub mod ids;
pub mod incoming;
pub mod json;
mod json_index;
pub mod json_scanner;
pub mod json_strings;
mod json_structure;
mod json_tokens;
mod json_walk;
pub mod json_writer;
pub mod jsonrpc;
pub mod lost_session;
pub mod message_text;
pub mod messages;
pub mod negotiation;
pub mod oauth;
pub mod params;
pub mod progress;
#[cfg(test)]
mod properties;
pub mod raw_value;
pub mod version;
