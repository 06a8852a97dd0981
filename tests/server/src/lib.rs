//! A scripted MCP server that misbehaves on request, and a recording proxy.
//!
//! The server is chosen over a real one wherever a test has to control bytes: which version is
//! offered, where a response is cut, whether a socket ends in FIN or RST. It is built on plain
//! sockets for that reason; an HTTP framework would repair the very faults that are wanted.
//!
//! A request's way: [`serve`] reads it, [`options`] turns its path into a scenario, [`auth`] and [`cookies`]
//! admit it, [`faults`] may take it over, and otherwise [`protocol`] answers it, or [`sse`] keeps it open.

#![deny(missing_docs, unsafe_code)]

pub mod auth;
pub mod authority;
pub mod channels;
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
pub mod state;
pub mod sys;
pub mod tls;
pub mod tokens;
