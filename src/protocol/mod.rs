//! What messages are: JSON values, JSON-RPC, protocol versions, header grammar, event streams. Pure: no I/O, no clock, no
//! threads, so that all of it can be fuzzed.
#![forbid(unsafe_code)]

pub mod event_stream;
pub mod headers;
pub mod json;
pub mod jsonrpc;
pub mod messages;
pub mod negotiation;
pub mod version;
