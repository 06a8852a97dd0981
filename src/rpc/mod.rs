//! Sending requests, and handling the notifications and requests of the server.
#![forbid(unsafe_code)]

pub mod dispatch;
pub mod handlers;
mod input_request;
pub mod notification_hook;
pub mod send_request;
pub mod server_log;
