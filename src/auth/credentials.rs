//! The bearer token and the headers that are set on a client.

use std::sync::Arc;

use crate::call::headers::HeaderSet;
use crate::call::known_secrets::{KnownSecrets, SecretSource};
use crate::error::Result;
use crate::sys::lock::RwLock;

/// The bearer token and the headers that all requests of a client carry. They may change between two requests.
pub struct Credentials {
    current: RwLock<Arc<HeaderSet>>,
    known: Arc<KnownSecrets>,
}

impl Credentials {
    /// All values are recorded in `known`, to keep them out of errors and logs.
    pub fn new(known: Arc<KnownSecrets>) -> Credentials {
        Credentials { current: RwLock::default(), known }
    }

    pub fn set_bearer(&self, token: Option<&str>) -> Result<()> {
        self.change(|set| set.set_bearer(token))
    }

    pub fn set_header(&self, name: &str, value: Option<&str>) -> Result<()> {
        self.change(|set| set.set_header(name, value))
    }

    /// The current headers.
    pub fn current(&self) -> Arc<HeaderSet> {
        Arc::clone(&self.current.read())
    }

    fn change(&self, edit: impl FnOnce(&mut HeaderSet) -> Result<()>) -> Result<()> {
        let mut current = self.current.write();
        let mut changed = HeaderSet::clone(&current);
        edit(&mut changed)?;
        *current = Arc::new(changed);
        self.known.set_headers(SecretSource::Credentials, Arc::clone(&current));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;
    use crate::call::request_headers::RequestHeaders;
    use crate::call::secrets::Secrets;
    use crate::status::MCP_INVALID_ARGUMENT;

    fn applied(credentials: &Credentials) -> Vec<(String, String)> {
        let mut headers = RequestHeaders::default();
        credentials.current().apply(&mut headers);
        let text = |v: &HeaderValue| String::from_utf8(v.as_bytes().to_vec()).unwrap();
        headers.iter().map(|(n, v)| (n.to_string(), text(v))).collect()
    }

    #[test]
    fn the_bearer_token_overrides_an_authorization_header() {
        let credentials = Credentials::new(Arc::default());
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
    fn an_invalid_value_changes_nothing() {
        let credentials = Credentials::new(Arc::default());
        credentials.set_bearer(Some("good")).unwrap();
        let error = credentials.set_bearer(Some("Bearer zqxw")).unwrap_err();
        assert_eq!(error.status(), MCP_INVALID_ARGUMENT);
        assert!(!error.to_string().contains("zqxw"));
        assert!(credentials.set_header("X", Some("a\r\nb")).is_err());
        assert!(credentials.set_header("Host", Some("a")).is_err());
        assert_eq!(applied(&credentials).len(), 1);
    }

    #[test]
    fn credentials_that_a_server_echoes_are_redacted() {
        let credentials = Credentials::new(Arc::default());
        credentials.set_bearer(Some("zqxw-token")).unwrap();
        credentials.set_header("X-Key", Some("key-value")).unwrap();
        let mut secrets = Secrets::default();
        credentials.current().add_to(&mut secrets);
        assert_eq!(
            secrets.redact("Bearer error: got Bearer zqxw-token, key-value"),
            "Bearer error: got Bearer [redacted], [redacted]"
        );
        assert_eq!(secrets.redact("nothing"), "nothing");
    }

    #[test]
    fn headers_that_are_too_large_are_rejected() {
        let credentials = Credentials::new(Arc::default());
        assert!(credentials.set_header("X-Key", Some(&"x".repeat(200_000))).is_err());
        assert!(credentials.current().is_empty());
    }

    #[test]
    fn the_debug_output_of_headers_has_no_values() {
        let credentials = Credentials::new(Arc::default());
        credentials.set_bearer(Some("zqxw-token")).unwrap();
        let mut headers = RequestHeaders::default();
        credentials.current().apply(&mut headers);
        assert!(!format!("{headers:?}").contains("zqxw"));
    }
}
