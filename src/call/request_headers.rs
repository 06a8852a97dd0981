//! The header fields of an HTTP request.

use ::http::{HeaderName, HeaderValue};

/// The header fields of a request, in the order in which they are sent. Names are unique. A list and not a `HeaderMap`:
/// a request has few of them, and comparing names costs less than hashing them.
#[derive(Clone, Debug, Default)]
pub struct RequestHeaders(Vec<(HeaderName, HeaderValue)>);

impl RequestHeaders {
    pub fn with_capacity(capacity: usize) -> RequestHeaders {
        RequestHeaders(Vec::with_capacity(capacity))
    }

    /// Adds a header whose name is not in the list.
    pub fn push(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// Adds a header, or replaces the value of the one with this name.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(header) => header.1 = value,
            None => self.0.push((name, value)),
        }
    }

    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> + Clone {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use ::http::header;

    use super::*;

    #[test]
    fn a_header_is_replaced_by_a_later_one_of_the_same_name() {
        let mut headers = RequestHeaders::with_capacity(1);
        let names = [header::ACCEPT, HeaderName::from_static("x-a"), HeaderName::from_bytes(b"X-A").unwrap()];
        for (name, value) in names.into_iter().zip(["1", "2", "3"]) {
            headers.set(name, HeaderValue::from_static(value));
        }
        let all: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(all, [("accept", "1"), ("x-a", "3")]);
        assert!(headers.get(&header::ACCEPT).is_some() && headers.get(&header::HOST).is_none());
    }
}
