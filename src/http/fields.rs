//! Names and values of header fields that several modules use.

use ::http::HeaderName;

pub const JSON: &str = "application/json";
pub const EVENT_STREAM: &str = "text/event-stream";

/// The id of the last event received on a stream (HTML, "Server-sent events", section 9.2.4).
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
