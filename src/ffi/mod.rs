//! The exported C functions, one file for each section of `mcp.h` (build.rs has the list). The functions contain no
//! logic: they convert arguments and results. Every function that can fail runs in [`guard`].
#![allow(non_camel_case_types)]
#![allow(clippy::missing_safety_doc, reason = "the comments are the C manual: they state what a C caller must do")]

mod arguments;
pub mod c_types;
pub mod document;
mod guard;
mod setter_error;
mod text_arena;

pub mod auth;
pub mod calls;
pub mod cancel;
pub mod client;
pub mod client_features;
pub mod config;
pub mod credentials;
pub mod error;
pub mod json;
pub mod json_content;
pub mod listen;
pub mod log;
pub mod logging;
pub mod network;
pub mod oauth;
pub mod oauth_assertion;
pub mod oauth_grant;
pub mod oauth_login;
pub mod oauth_request;
pub mod oauth_store;
pub mod options;
pub mod prompts;
pub mod queue;
pub mod raw_requests;
pub mod resources;
pub mod settings;
pub mod status;
pub mod stdio;
pub mod tasks;
pub mod tools;
pub mod trace;
pub mod userdata;
pub mod version;
pub mod writer;
