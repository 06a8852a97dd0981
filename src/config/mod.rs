//! Configuration files of MCP host applications: their syntax, the variables in them, and the variants of several
//! hosts. No I/O here.
#![forbid(unsafe_code)]

mod entry;
pub mod env_file;
mod expansion;
pub mod file;
pub mod oauth;
