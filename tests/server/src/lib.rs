//! A scripted MCP server that misbehaves on request, and a recording proxy.
//!
//! Tests use this server instead of a real one if they must control bytes: which version is offered, where a response
//! is truncated, whether a socket ends with FIN or RST. Therefore it uses plain sockets: an HTTP framework would not
//! allow such faults.
//!
//! How a request is processed: [`serve`] reads it, [`options`] parses the scenario in its path, [`auth`] and
//! [`cookies`] check it. Then [`faults`] may apply a fault; otherwise [`protocol`] responds, or [`sse`] opens an event
//! stream.

#![deny(missing_docs, unsafe_code)]

pub mod auth;
pub mod authority;
pub mod cookies;
pub mod encoding;
pub mod faults;
pub mod http;
pub mod keys;
pub mod legacy;
pub mod log;
pub mod methods;
pub mod modern;
pub mod net;
pub mod oauth;
pub mod options;
pub mod protocol;
pub mod recorder;
pub mod reply;
pub mod resume;
pub mod rpc;
pub mod run;
pub mod serve;
pub mod services;
pub mod sse;
pub mod sse_streams;
pub mod state;
pub mod sys;
pub mod tls;
pub mod tokens;
