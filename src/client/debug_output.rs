//! Writes the log and the trace of a client to stderr, if the environment variable MCP_DEBUG asks for it.

use std::io::Write;
use std::sync::Arc;

use super::Client;
use crate::log::LogLevel;
use crate::sanitize::printable;
use crate::trace::TraceDirection;

/// "1": the log; "2": also the trace.
const VARIABLE: &str = "MCP_DEBUG";

/// Sets the hooks that the variable asks for.
pub fn set(client: &Client) {
    let value = std::env::var_os(VARIABLE).unwrap_or_default();
    if value != "1" && value != "2" {
        return;
    }
    drop(client.log().set(Some(Arc::new(|level, text: &str| {
        let level = match level {
            LogLevel::Error => "error",
            LogLevel::Warning => "warning",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
        };
        write(level, text);
    }))));
    if value == "2" {
        let name = client.name();
        drop(client.trace().set(Some(Arc::new(move |direction, text: &str| {
            let what = match direction {
                TraceDirection::Sent => "sent",
                TraceDirection::Received => "received",
            };
            write(what, &format!("{name}: {text}"));
        }))));
    }
}

fn write(what: &str, text: &str) {
    let mut line = format!("mcp {what}: {}", printable(text));
    line.push('\n');
    // Written at once, so that the lines of several processes do not mix. Nothing can be done if it fails.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
