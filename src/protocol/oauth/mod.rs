//! The documents, URLs and texts of OAuth 2.1 as MCP uses it (2026-07-28, "Authorization"). What a client does with
//! them is decided in `auth`.
#![allow(dead_code)] // until auth/oauth uses it

pub mod form;
pub mod json_object;
mod json_writer;
pub mod quote;
pub mod scope;
mod secret_buffer;
