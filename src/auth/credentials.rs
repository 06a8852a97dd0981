//! The bearer token and the headers that a caller sets: one copy each in memory, wiped when the last request that uses it has
//! ended, and never printed.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::protocol::headers::{check_name, check_token, check_value};
use crate::status::MCP_INVALID_ARGUMENT;

/// Shorter values are too common in ordinary text to be taken for the secret.
const SHORTEST_SECRET: usize = 4;

/// What a client's requests carry; may change between two requests.
#[derive(Default)]
pub struct Credentials(RwLock<Arc<HeaderSet>>);

/// The headers of one request. No `Debug`: nothing may print it.
#[derive(Clone, Default)]
pub struct HeaderSet {
    bearer: Option<HeaderValue>,
    custom: Vec<(HeaderName, HeaderValue)>,
}

impl Credentials {
    /// Sets the token, or removes it.
    pub fn set_bearer(&self, token: Option<&str>) -> Result<()> {
        let bearer = match token {
            Some(token) => {
                check_token(token).map_err(invalid)?;
                Some(secret_value(&["Bearer ", token])?)
            }
            None => None,
        };
        self.change(|set| set.bearer = bearer);
        Ok(())
    }

    /// Sets a header in place of one of the same name, or removes it.
    pub fn set_header(&self, name: &str, value: Option<&str>) -> Result<()> {
        check_name(name).map_err(invalid)?;
        let value = match value {
            Some(value) => {
                check_value(value).map_err(invalid)?;
                Some(secret_value(&[value])?)
            }
            None => None,
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| invalid(e.to_string()))?;
        self.change(|set| {
            set.custom.retain(|(old, _)| *old != name);
            if let Some(value) = value {
                set.custom.push((name, value));
            }
        });
        Ok(())
    }

    /// What counts now.
    pub fn current(&self) -> Arc<HeaderSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, edit: impl FnOnce(&mut HeaderSet)) {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut set = HeaderSet::clone(&place);
        edit(&mut set);
        *place = Arc::new(set);
    }
}

impl HeaderSet {
    /// Adds the headers to a request. The bearer token beats an `Authorization` header of the caller's own.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.custom {
            headers.insert(name, value.clone());
        }
        if let Some(bearer) = &self.bearer {
            headers.insert(header::AUTHORIZATION, bearer.clone());
        }
    }

    pub fn has_authorization(&self) -> bool {
        self.bearer.is_some() || self.custom.iter().any(|(name, _)| name == header::AUTHORIZATION)
    }

    pub fn is_empty(&self) -> bool {
        self.bearer.is_none() && self.custom.is_empty()
    }

    /// A text that came from the server, without what it may have echoed.
    pub fn redact(&self, text: &str) -> String {
        let values = self.custom.iter().map(|(_, value)| value).chain(&self.bearer);
        let mut text = text.to_owned();
        for value in values.filter_map(|value| str::from_utf8(value.as_bytes()).ok()) {
            // Of `Bearer tok` and `Basic dXNlcg==` the last word is the secret; it may come without the rest.
            for secret in [value, value.rsplit(' ').next().unwrap_or(value)] {
                if secret.len() >= SHORTEST_SECRET && text.contains(secret) {
                    text = text.replace(secret, "[redacted]");
                }
            }
        }
        text
    }
}

/// A header value over memory that wipes itself.
fn secret_value(parts: &[&str]) -> Result<HeaderValue> {
    // The room is exact from the start: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| text.extend_from_slice(part.as_bytes()));
    let bytes = Bytes::from_owner(text);
    let mut value = HeaderValue::from_maybe_shared(bytes)
        .map_err(|_| invalid("the header value holds a character that HTTP does not allow".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn invalid(why: String) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(credentials: &Credentials) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        credentials.current().apply(&mut headers);
        let text = |v: &HeaderValue| String::from_utf8(v.as_bytes().to_vec()).unwrap();
        headers.iter().map(|(n, v)| (n.to_string(), text(v))).collect()
    }

    #[test]
    fn the_bearer_beats_an_authorization_header() {
        let credentials = Credentials::default();
        credentials.set_header("Authorization", Some("Basic abc")).unwrap();
        credentials.set_header("X-Trace", Some("1")).unwrap();
        credentials.set_header("x-trace", Some("2")).unwrap();
        credentials.set_bearer(Some("tok")).unwrap();
        assert_eq!(
            applied(&credentials),
            [("authorization".into(), "Bearer tok".into()), ("x-trace".into(), "2".into())]
        );
        credentials.set_bearer(None).unwrap();
        assert_eq!(applied(&credentials)[0].1, "Basic abc");
        credentials.set_header("AUTHORIZATION", None).unwrap();
        assert_eq!(applied(&credentials).len(), 1);
    }

    #[test]
    fn a_refused_value_changes_nothing() {
        let credentials = Credentials::default();
        credentials.set_bearer(Some("good")).unwrap();
        let error = credentials.set_bearer(Some("Bearer zqxw")).unwrap_err();
        assert_eq!(error.status(), MCP_INVALID_ARGUMENT);
        assert!(!error.to_string().contains("zqxw"));
        assert!(credentials.set_header("X", Some("a\r\nb")).is_err());
        assert!(credentials.set_header("Host", Some("a")).is_err());
        assert_eq!(applied(&credentials).len(), 1);
    }

    #[test]
    fn what_a_server_echoes_is_redacted() {
        let credentials = Credentials::default();
        credentials.set_bearer(Some("zqxw-token")).unwrap();
        credentials.set_header("X-Key", Some("key-value")).unwrap();
        let set = credentials.current();
        assert_eq!(
            set.redact("got Bearer zqxw-token and zqxw-token, key-value"),
            "got [redacted] and [redacted], [redacted]"
        );
        assert_eq!(set.redact("nothing"), "nothing");
    }

    #[test]
    fn headers_do_not_print_their_values() {
        let credentials = Credentials::default();
        credentials.set_bearer(Some("zqxw-token")).unwrap();
        let mut headers = HeaderMap::new();
        credentials.current().apply(&mut headers);
        assert!(!format!("{headers:?}").contains("zqxw"));
    }
}
