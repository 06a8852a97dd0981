//! Names and values of header fields that several modules use, and how they are read.

use std::time::SystemTime;

use ::http::{HeaderMap, HeaderName, header};

pub const JSON: &str = "application/json";
pub const EVENT_STREAM: &str = "text/event-stream";
pub const HTML: &str = "text/html";
pub const FORM: &str = "application/x-www-form-urlencoded";

/// The id of the last event received on a stream (HTML, "Server-sent events", section 9.2.4).
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The values of a header, separated by commas.
pub fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
    // Several header fields with one name form one list (RFC 9110, 5.2).
    (!values.is_empty()).then(|| values.join(", "))
}

/// The delay in the header `Retry-After`, which is a number of seconds or a date (RFC 9110, 10.2.3). A date is compared
/// with the server's clock, if its response has a `Date`.
pub fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(1000);
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let server_now = headers.get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let delay = date.duration_since(server_now.unwrap_or_else(SystemTime::now)).unwrap_or_default();
    u64::try_from(delay.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_date() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(n, v)| (HeaderName::from_static(n), v.parse().unwrap())).collect::<HeaderMap>()
        };
        assert_eq!(retry_after_ms(&headers(&[("retry-after", " 7 ")])), Some(7000));
        let date = ("date", "Tue, 15 Nov 1994 08:12:31 GMT");
        assert_eq!(retry_after_ms(&headers(&[("retry-after", "Tue, 15 Nov 1994 08:12:41 GMT"), date])), Some(10_000));
        assert_eq!(retry_after_ms(&headers(&[("retry-after", "Tue, 15 Nov 1994 08:12:01 GMT"), date])), Some(0));
        assert_eq!(retry_after_ms(&headers(&[("retry-after", "soon")])), None);
    }
}
