//! The metadata of an authorization server (RFC 8414, OpenID Connect Discovery): its endpoints, and what it supports.

use super::json_object::{DocumentError, JsonObject};
use super::leniency::Leniency;
use super::quote::quote;
use super::scope::ScopeSet;
use super::url::{HttpUrl, check_server_url};
use super::well_known::{DefaultEndpoints, is_issuer};

/// The metadata of an authorization server. A list is `None` if the document does not contain it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationServerMetadata {
    /// As in the document: the `iss` of an authorization response is compared with it.
    pub issuer: String,
    /// A server without this grant has none.
    pub authorization_endpoint: Option<String>,
    pub token_endpoint: String,
    pub registration_endpoint: Option<String>,
    pub revocation_endpoint: Option<String>,
    pub scopes_supported: Option<ScopeSet>,
    pub auth_methods: Option<Vec<String>>,
    pub code_challenge_methods: Option<Vec<String>>,
    /// Authorization responses have the parameter `iss` (RFC 9207).
    pub sends_issuer: bool,
    /// Client ID Metadata Documents: the client id may be the URL of a document.
    pub supports_client_url: bool,
}

impl AuthorizationServerMetadata {
    /// Reads the metadata of the authorization server `issuer`.
    pub fn parse(text: &str, issuer: &str, leniency: Leniency) -> Result<AuthorizationServerMetadata, DocumentError> {
        let document = JsonObject::parse(text).map_err(|why| {
            DocumentError::NotJson(format!("the metadata of the authorization server cannot be read: {why}"))
        })?;
        read(&document, issuer, leniency).map_err(DocumentError::Invalid)
    }

    /// What is known of an authorization server without metadata (2025-03-26). Its issuer is the origin of the MCP
    /// server.
    pub fn default_of(server: HttpUrl) -> AuthorizationServerMetadata {
        let endpoints = DefaultEndpoints::of(server);
        AuthorizationServerMetadata {
            issuer: server.origin.to_owned(),
            authorization_endpoint: Some(endpoints.authorization),
            token_endpoint: endpoints.token,
            registration_endpoint: Some(endpoints.registration),
            revocation_endpoint: None,
            scopes_supported: None,
            auth_methods: None,
            // That version requires PKCE of all authorization servers.
            code_challenge_methods: Some(vec!["S256".into()]),
            sends_issuer: false,
            supports_client_url: false,
        }
    }

    /// Checks that the server can be used for logins: it has an authorization endpoint, which is returned, and supports
    /// PKCE with S256 (2026-07-28, "Authorization Code Protection").
    pub fn check_login(&self, leniency: Leniency) -> Result<&str, String> {
        let endpoint = self.authorization_endpoint.as_deref().ok_or_else(|| {
            format!(
                "the authorization server {} has no authorization_endpoint: it offers no logins",
                quote(&self.issuer)
            )
        })?;
        match &self.code_challenge_methods {
            Some(methods) if methods.iter().any(|method| method == "S256") => Ok(endpoint),
            Some(methods) => Err(format!(
                "the authorization server {} does not support PKCE with S256, but only {}",
                quote(&self.issuer),
                quote(&methods.join(" "))
            )),
            None if leniency.unstated_pkce => Ok(endpoint),
            None => Err(format!(
                "the authorization server {} does not state that it supports PKCE: its metadata has no \
                 code_challenge_methods_supported. If it does support PKCE, allow MCP_OAUTH_UNSTATED_PKCE",
                quote(&self.issuer)
            )),
        }
    }

    /// Whether the server lists the scope.
    pub fn lists_scope(&self, scope: &str) -> bool {
        self.scopes_supported.as_ref().is_some_and(|scopes| scopes.contains(scope))
    }
}

fn read(document: &JsonObject, expected: &str, leniency: Leniency) -> Result<AuthorizationServerMetadata, String> {
    let issuer = document.text("issuer").ok_or_else(|| {
        format!("the metadata of the authorization server {} has no issuer, which RFC 8414 requires", quote(expected))
    })?;
    if !is_issuer(expected, &issuer) {
        return Err(format!(
            "the metadata of the authorization server {} is for the issuer {}; the two must be equal (RFC 8414, 3.3)",
            quote(expected),
            quote(&issuer)
        ));
    }
    let endpoint = |name: &str| match document.text(name) {
        Some(url) => check_server_url(name, &url, leniency).map(|_| Some(url.clone())),
        None => Ok(None),
    };
    let token_endpoint = endpoint("token_endpoint")?
        .ok_or_else(|| format!("the metadata of the authorization server {} has no token_endpoint", quote(expected)))?;
    Ok(AuthorizationServerMetadata {
        authorization_endpoint: endpoint("authorization_endpoint")?,
        token_endpoint,
        registration_endpoint: endpoint("registration_endpoint")?,
        revocation_endpoint: endpoint("revocation_endpoint")?,
        scopes_supported: document.scopes("scopes_supported"),
        auth_methods: document.texts("token_endpoint_auth_methods_supported"),
        code_challenge_methods: document.texts("code_challenge_methods_supported"),
        sends_issuer: document.flag("authorization_response_iss_parameter_supported"),
        supports_client_url: document.flag("client_id_metadata_document_supported"),
        issuer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, issuer: &str) -> Result<AuthorizationServerMetadata, DocumentError> {
        AuthorizationServerMetadata::parse(text, issuer, Leniency::default())
    }

    /// Metadata of `https://as` with more members.
    fn with(members: &str) -> Result<AuthorizationServerMetadata, DocumentError> {
        parse(&format!(r#"{{"issuer":"https://as","token_endpoint":"https://as/token"{members}}}"#), "https://as")
    }

    fn error(result: Result<AuthorizationServerMetadata, DocumentError>) -> String {
        match result {
            Err(DocumentError::Invalid(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        // RFC 8414, section 3.2.
        let text = r#"{
            "issuer": "https://server.example.com",
            "authorization_endpoint": "https://server.example.com/authorize",
            "token_endpoint": "https://server.example.com/token",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
            "userinfo_endpoint": "https://server.example.com/userinfo",
            "jwks_uri": "https://server.example.com/jwks.json",
            "registration_endpoint": "https://server.example.com/register",
            "scopes_supported": ["openid", "profile", "email", "address", "phone", "offline_access"],
            "response_types_supported": ["code", "code token"],
            "service_documentation": "http://server.example.com/service_documentation.html",
            "ui_locales_supported": ["en-US", "en-GB", "en-CA", "fr-FR", "fr-CA"]
        }"#;
        let metadata = parse(text, "https://server.example.com").unwrap();
        assert_eq!(metadata.token_endpoint, "https://server.example.com/token");
        assert_eq!(metadata.registration_endpoint.as_deref(), Some("https://server.example.com/register"));
        assert_eq!(metadata.auth_methods, Some(vec!["client_secret_basic".into(), "private_key_jwt".into()]));
        assert!(metadata.lists_scope("offline_access") && !metadata.lists_scope("admin"));
        assert!(!metadata.sends_issuer && !metadata.supports_client_url && metadata.revocation_endpoint.is_none());
        let refused = metadata.check_login(Leniency::default()).unwrap_err();
        assert!(refused.contains("MCP_OAUTH_UNSTATED_PKCE"), "{refused}");
    }

    #[test]
    fn metadata_of_another_issuer_is_rejected() {
        let text = r#"{"issuer":"https://honest.example","token_endpoint":"https://honest.example/token"}"#;
        let message = error(parse(text, "https://attacker.example"));
        assert!(message.contains("\"https://attacker.example\"") && message.contains("\"https://honest.example\""));
        assert!(error(parse("{}", "https://as")).contains("has no issuer"));
    }

    #[test]
    fn the_issuer_is_kept_as_in_the_document() {
        let text = r#"{"issuer":"https://as/","token_endpoint":"https://as/token"}"#;
        assert_eq!(parse(text, "https://as").unwrap().issuer, "https://as/");
    }

    #[test]
    fn endpoints_must_be_valid() {
        assert!(error(parse(r#"{"issuer":"https://as"}"#, "https://as")).contains("has no token_endpoint"));
        for name in ["authorization_endpoint", "registration_endpoint", "revocation_endpoint"] {
            let message = error(with(&format!(r#","{name}":"http://as/x""#)));
            assert!(message.starts_with(&format!("the {name} \"http://as/x\" is not an https URL")), "{message}");
            assert!(with(&format!(r#","{name}":null"#)).is_ok());
        }
        let query = with(r#","authorization_endpoint":"https://other/authorize?tenant=1""#).unwrap();
        assert_eq!(query.authorization_endpoint.as_deref(), Some("https://other/authorize?tenant=1"));
    }

    #[test]
    fn logins_need_pkce_with_s256() {
        let unstated = Leniency { unstated_pkce: true, ..Leniency::default() };
        let check = |members: &str, leniency| {
            let metadata = with(&format!(r#","authorization_endpoint":"https://as/a"{members}"#)).unwrap();
            metadata.check_login(leniency).map(str::to_owned)
        };
        let listed = r#","code_challenge_methods_supported":["plain","S256"]"#;
        assert_eq!(check(listed, Leniency::default()).as_deref(), Ok("https://as/a"));
        assert!(check("", Leniency::default()).is_err() && check("", unstated).is_ok());
        assert!(check(r#","code_challenge_methods_supported":["plain"]"#, unstated).is_err());
        assert!(check(r#","code_challenge_methods_supported":"S256""#, Leniency::default()).is_err());
        assert!(with("").unwrap().check_login(unstated).unwrap_err().contains("offers no logins"));
    }

    #[test]
    fn optional_features_are_read() {
        let members =
            r#","authorization_response_iss_parameter_supported":true,"client_id_metadata_document_supported":true"#;
        let metadata = with(members).unwrap();
        assert!(metadata.sends_issuer && metadata.supports_client_url);
    }

    #[test]
    fn defaults_are_at_the_root_of_the_server() {
        let server = HttpUrl::parse("https://h/mcp").ok().unwrap();
        let metadata = AuthorizationServerMetadata::default_of(server);
        assert_eq!(metadata.check_login(Leniency::default()), Ok("https://h/authorize"));
        assert_eq!((metadata.issuer.as_str(), metadata.token_endpoint.as_str()), ("https://h", "https://h/token"));
    }

    #[test]
    fn other_documents_are_not_metadata() {
        assert!(matches!(parse("not found", "https://as"), Err(DocumentError::NotJson(_))));
    }
}
