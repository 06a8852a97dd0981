//! Names and values of header fields that more than one part of the library uses.

use ::http::HeaderName;

pub const JSON: &str = "application/json";
pub const EVENT_STREAM: &str = "text/event-stream";

/// The last event that a stream brought (HTML, "Server-sent events", section 9.2.4).
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
