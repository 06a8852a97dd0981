//! The metadata of a protected resource (RFC 9728): which authorization servers an MCP server uses.

use super::json_object::{DocumentError, JsonObject};
use super::leniency::Leniency;
use super::quote::quote;
use super::scope::ScopeSet;
use super::url::{HttpUrl, check_server_url};
use super::well_known::contains_server;

/// The metadata of an MCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// The value of the parameter `resource`, as published.
    pub resource: String,
    /// The issuers of the authorization servers, at least one.
    pub authorization_servers: Vec<String>,
    pub scopes_supported: Option<ScopeSet>,
    /// The server accepts only access tokens that are bound to a key (RFC 9449, section 5.2).
    pub requires_dpop: bool,
}

impl ResourceMetadata {
    /// Reads the metadata of `server`. An authorization server without a valid URL is left out, unless it is the only
    /// one.
    pub fn parse(text: &str, server: &HttpUrl, leniency: Leniency) -> Result<ResourceMetadata, DocumentError> {
        let document = JsonObject::parse(text)
            .map_err(|why| DocumentError::NotJson(format!("the protected resource metadata cannot be read: {why}")))?;
        let resource = document.text("resource").ok_or_else(|| {
            DocumentError::Invalid("the protected resource metadata has no resource, which RFC 9728 requires".into())
        })?;
        check_resource(&resource, server).map_err(DocumentError::Invalid)?;
        let listed = document.texts("authorization_servers").unwrap_or_default();
        Ok(ResourceMetadata {
            resource,
            authorization_servers: valid_issuers(listed, leniency).map_err(DocumentError::Invalid)?,
            scopes_supported: document.scopes("scopes_supported"),
            requires_dpop: document.flag("dpop_bound_access_tokens_required"),
        })
    }
}

/// Another resource would let a server obtain tokens for a resource of another server (RFC 9728, section 7.3).
fn check_resource(resource: &str, server: &HttpUrl) -> Result<(), String> {
    let is_valid = HttpUrl::parse(resource).is_ok_and(|resource| contains_server(&resource, server));
    if is_valid {
        return Ok(());
    }
    // Without the server's query: it may contain a secret.
    let expected = format!("{}{}", server.origin, server.path);
    Err(format!(
        "the protected resource metadata is for the resource {}, but the MCP server is {}: its tokens would be meant \
         for another server",
        quote(resource),
        quote(&expected)
    ))
}

/// The issuers with a valid URL. Fails if there is none.
fn valid_issuers(listed: Vec<String>, leniency: Leniency) -> Result<Vec<String>, String> {
    let mut first_error = None;
    let is_valid = |issuer: &String| match check_issuer(issuer, leniency) {
        Ok(()) => true,
        Err(why) => {
            first_error.get_or_insert(why);
            false
        }
    };
    let valid: Vec<String> = listed.into_iter().filter(is_valid).collect();
    if valid.is_empty() {
        return Err(first_error.unwrap_or_else(|| {
            "the protected resource metadata names no authorization server; the server must list one in \
             authorization_servers"
                .into()
        }));
    }
    Ok(valid)
}

/// An issuer has neither a query nor a fragment (RFC 8414, section 2).
fn check_issuer(issuer: &str, leniency: Leniency) -> Result<(), String> {
    match check_server_url("authorization server", issuer, leniency)?.query {
        None => Ok(()),
        Some(_) => Err(format!("the authorization server {} has a query, which is not allowed", quote(issuer))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "https://h/mcp?key=secret";

    fn parse(text: &str) -> Result<ResourceMetadata, DocumentError> {
        ResourceMetadata::parse(text, &HttpUrl::parse(SERVER).ok().unwrap(), Leniency::default())
    }

    fn error(text: &str) -> String {
        match parse(text) {
            Err(DocumentError::Invalid(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn metadata_is_read() {
        let text = r#"{
            "resource": "https://h/mcp", "authorization_servers": ["https://as.example/t", "http://as.example", 5],
            "scopes_supported": ["read", "write"], "bearer_methods_supported": ["header"], "x": {}
        }"#;
        let expected = ResourceMetadata {
            resource: "https://h/mcp".into(),
            authorization_servers: vec!["https://as.example/t".into()],
            scopes_supported: Some(ScopeSet::parse("read write")),
            requires_dpop: false,
        };
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn the_resource_is_kept_as_published() {
        let text = r#"{"resource":"https://H:443","authorization_servers":["http://localhost:9000/"]}"#;
        let metadata = parse(text).unwrap();
        assert_eq!((metadata.resource.as_str(), metadata.scopes_supported), ("https://H:443", None));
        assert_eq!(metadata.authorization_servers, ["http://localhost:9000/"]);
    }

    #[test]
    fn metadata_of_another_resource_is_rejected() {
        let message = error(r#"{"resource":"https://evil.example.com/mcp","authorization_servers":["https://a"]}"#);
        assert!(message.contains("\"https://evil.example.com/mcp\"") && message.contains("\"https://h/mcp\""));
        assert!(!message.contains("secret"), "{message}");
        assert!(error(r#"{"resource":"h/mcp","authorization_servers":["https://a"]}"#).contains("\"h/mcp\""));
        assert!(error(r#"{"authorization_servers":["https://a"]}"#).contains("has no resource"));
    }

    #[test]
    fn metadata_without_a_usable_authorization_server_is_rejected() {
        let with = |servers| error(&format!(r#"{{"resource":"https://h/mcp","authorization_servers":{servers}}}"#));
        assert!(with("[]").contains("names no authorization server"));
        assert!(with("\"https://a\"").contains("names no authorization server"));
        assert!(with(r#"["http://a"]"#).contains("\"http://a\" is not an https URL"));
        assert!(with(r#"["https://a?b"]"#).contains("has a query"));
    }

    #[test]
    fn other_documents_are_not_metadata() {
        assert!(matches!(parse("<html>"), Err(DocumentError::NotJson(_))));
    }
}
