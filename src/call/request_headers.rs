//! The header fields of an HTTP request.

use ::http::{HeaderName, HeaderValue};

type Header = (HeaderName, HeaderValue);

/// The header fields of a request, in the order in which they are sent. Names are unique. A list and not a `HeaderMap`:
/// a request has few of them, and comparing names costs less than hashing them.
#[derive(Debug, Default)]
pub struct RequestHeaders {
    /// The first ones, without an allocation: enough for most requests.
    first: [Option<Header>; 8],
    others: Vec<Header>,
}

impl RequestHeaders {
    /// Adds a header whose name is not in the list.
    pub fn push(&mut self, name: HeaderName, value: HeaderValue) {
        match self.first.iter_mut().find(|header| header.is_none()) {
            Some(free) => *free = Some((name, value)),
            None => self.others.push((name, value)),
        }
    }

    /// Adds a header, or replaces the value of the one with this name.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        let mut all = self.first.iter_mut().flatten().chain(&mut self.others);
        match all.find(|(known, _)| *known == name) {
            Some(header) => header.1 = value,
            None => self.push(name, value),
        }
    }

    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Header> + Clone {
        self.first.iter().flatten().chain(&self.others)
    }
}

impl Clone for RequestHeaders {
    /// Not derived: copying each array element in place takes 500 bytes of code.
    fn clone(&self) -> Self {
        let mut copy = RequestHeaders::default();
        for (name, value) in self.iter() {
            copy.push(name.clone(), value.clone());
        }
        copy
    }
}

#[cfg(test)]
mod tests {
    use ::http::header;

    use super::*;

    #[test]
    fn a_header_is_replaced_by_a_later_one_of_the_same_name() {
        let mut headers = RequestHeaders::default();
        let names = [header::ACCEPT, HeaderName::from_static("x-a"), HeaderName::from_bytes(b"X-A").unwrap()];
        for (name, value) in names.into_iter().zip(["1", "2", "3"]) {
            headers.set(name, HeaderValue::from_static(value));
        }
        let all: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(all, [("accept", "1"), ("x-a", "3")]);
        assert!(headers.get(&header::ACCEPT).is_some() && headers.get(&header::HOST).is_none());
    }

    #[test]
    fn any_number_of_headers_keeps_its_order() {
        let names: Vec<_> = (0..20).map(|number| format!("x-{number}")).collect();
        let mut headers = RequestHeaders::default();
        for value in ["1", "2"] {
            for name in &names {
                headers.set(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static(value));
            }
        }
        assert!(headers.iter().map(|(name, _)| name.as_str()).eq(&names));
        assert!(headers.iter().all(|(_, value)| value == "2"));
    }
}
