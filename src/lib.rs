//! libmcp: the Model Context Protocol client that every language can link.
//!
//! The public interface is the C header `mcp.h`, generated from [`ffi`]; `docs/architecture.md` has the floor plan.
//! There is no Rust API: the modules are private, and the `rlib` exists for this project's own tests and benchmarks.

mod auth;
#[cfg(feature = "benching")]
pub mod benching;
mod call;
mod client;
mod config;
mod error;
pub mod ffi;
#[cfg(fuzzing)]
pub mod fuzzing;
mod http;
mod log;
mod net;
mod protocol;
mod rpc;
mod sanitize;
mod session;
mod status;
mod sys;
mod transport;
