//! HTTP requests and answers, through ureq, over the connections of `net`.
#![forbid(unsafe_code)]

mod adapter;
pub mod body;
mod buffers;
mod chunks;
pub mod client;
mod codings;
pub mod cookies;
pub mod endpoint;
pub mod failure;
pub mod fields;
pub mod lane;
mod notes;
mod pool;
pub mod response;
mod wire;
