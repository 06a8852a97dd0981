//! libmcp: a Model Context Protocol client with a C interface.
//!
//! The public interface is the C header `mcp.h`, which is generated from [`ffi`]; `docs/architecture.md` describes the
//! layers. There is no Rust API: the modules are private, and the `rlib` exists for the project's tests and benchmarks.

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
mod queue;
mod rpc;
mod sanitize;
mod session;
mod status;
mod sys;
mod trace;
mod transport;
