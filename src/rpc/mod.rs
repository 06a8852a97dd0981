//! One request and its answer, and what a server sends beside answers.
#![forbid(unsafe_code)]

pub mod dispatch;
pub mod handlers;
pub mod send_request;
pub mod server_log;
