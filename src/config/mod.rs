//! Configuration files of MCP hosts: their grammar, the variables in them, and the dialects of several hosts. Pure: no I/O.
#![forbid(unsafe_code)]

pub mod env_file;
mod expansion;
pub mod file;
