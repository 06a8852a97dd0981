//! Responses of token endpoints (RFC 6749, section 5; RFC 8693, section 2.2). They are read leniently: the servers
//! differ in the kinds of members.

use zeroize::Zeroizing;

use super::json_object::JsonObject;
use super::oauth_error::{EndpointFailure, successful};
use super::quote::quote;
use super::scope::ScopeSet;

/// The type of an Identity Assertion JWT Authorization Grant (ext-auth, "Enterprise-Managed Authorization").
pub const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// How an access token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenScheme {
    Bearer,
    Dpop,
}

/// The tokens in a response. No `Debug`: they must not be printed.
pub struct TokenResponse {
    pub access_token: Zeroizing<String>,
    pub scheme: TokenScheme,
    /// The lifetime in seconds; `None` if unknown.
    pub expires_in: Option<u64>,
    pub refresh_token: Option<Zeroizing<String>>,
    /// The granted scopes; `None` if they are the requested ones.
    pub scope: Option<ScopeSet>,
    pub id_token: Option<Zeroizing<String>>,
}

impl TokenResponse {
    pub fn parse(http_status: u16, body: &str) -> Result<TokenResponse, EndpointFailure> {
        let document = successful(http_status, body)?;
        Ok(TokenResponse {
            access_token: access_token(&document)?,
            scheme: scheme(&document)?,
            expires_in: document.seconds("expires_in"),
            refresh_token: document.text("refresh_token").map(Zeroizing::new),
            scope: granted_scopes(&document),
            id_token: document.text("id_token").map(Zeroizing::new),
        })
    }
}

/// Reads the response to a token exchange for an identity assertion grant, and returns the grant.
pub fn parse_identity_grant(http_status: u16, body: &str) -> Result<Zeroizing<String>, EndpointFailure> {
    let document = successful(http_status, body)?;
    let issued_type = document.text("issued_token_type").unwrap_or_default();
    if issued_type != ID_JAG {
        return Err(EndpointFailure::Unusable(format!(
            "the identity provider issued a token of another type than {ID_JAG}: it does not support \
             enterprise-managed authorization"
        )));
    }
    access_token(&document)
}

/// The access token: visible ASCII characters, because it is sent in a header. RFC 6750 allows fewer characters, but
/// real tokens contain others.
fn access_token(document: &JsonObject) -> Result<Zeroizing<String>, EndpointFailure> {
    let token = document.text("access_token").map(Zeroizing::new).ok_or_else(|| {
        EndpointFailure::Unusable("the response of the authorization server has no access_token".into())
    })?;
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(EndpointFailure::Unusable(
            "the authorization server returned an access token that cannot be sent in a header".into(),
        ));
    }
    Ok(token)
}

fn scheme(document: &JsonObject) -> Result<TokenScheme, EndpointFailure> {
    match document.text("token_type") {
        None => Ok(TokenScheme::Bearer),
        Some(name) if name.eq_ignore_ascii_case("Bearer") => Ok(TokenScheme::Bearer),
        Some(name) if name.eq_ignore_ascii_case("DPoP") => Ok(TokenScheme::Dpop),
        // A long text may be a token in the wrong member.
        Some(name) => Err(EndpointFailure::Unusable(format!(
            "the authorization server returned a token of the type {}, but only Bearer is supported",
            if name.len() <= 16 { quote(&name) } else { "\"...\"".into() }
        ))),
    }
}

fn granted_scopes(document: &JsonObject) -> Option<ScopeSet> {
    match document.value("scope")?.text() {
        Some(text) => Some(ScopeSet::parse_granted(&text)).filter(|scopes| !scopes.is_empty()),
        None => document.scopes("scope"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::oauth_error::OAuthError;
    use super::*;

    fn parse(body: &str) -> TokenResponse {
        TokenResponse::parse(200, body).unwrap_or_else(|why| panic!("{body}: {why:?}"))
    }

    fn failure(http_status: u16, body: &str) -> EndpointFailure {
        TokenResponse::parse(http_status, body).err().unwrap_or_else(|| panic!("{body}"))
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        // RFC 6749, section 5.1.
        let body = r#"{
            "access_token":"2YotnFZFEjr1zCsicMWpAA", "token_type":"example", "expires_in":3600,
            "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA", "example_parameter":"example_value"
        }"#;
        let response = parse(&body.replace("\"example\",", "\"Bearer\","));
        assert_eq!(*response.access_token, "2YotnFZFEjr1zCsicMWpAA");
        assert_eq!((response.scheme, response.expires_in), (TokenScheme::Bearer, Some(3600)));
        assert_eq!(response.refresh_token.as_deref().map(String::as_str), Some("tGzv3JOkF0XG5Qx2TlKWIA"));
        assert!(response.scope.is_none() && response.id_token.is_none());
        match failure(200, body) {
            EndpointFailure::Unusable(message) => assert!(message.contains("\"example\""), "{message}"),
            refused => panic!("{refused:?}"),
        }
    }

    #[test]
    fn members_are_read_leniently() {
        let response = parse(r#"{"access_token":"x","token_type":"bearer","expires_in":"3599","refresh_token":""}"#);
        assert_eq!((response.scheme, response.expires_in), (TokenScheme::Bearer, Some(3599)));
        assert!(response.refresh_token.is_none());
        assert_eq!(parse(r#"{"access_token":"x","expires_in":0}"#).expires_in, Some(0));
        assert_eq!(parse(r#"{"access_token":"x","expires_in":null}"#).expires_in, None);
        assert_eq!(parse(r#"{"access_token":"x","token_type":"dpop"}"#).scheme, TokenScheme::Dpop);
        let scope = |scope| parse(&format!(r#"{{"access_token":"x","scope":{scope}}}"#)).scope;
        assert_eq!(scope("\"a b\""), Some(ScopeSet::parse("a b")));
        assert_eq!(scope("[\"a\",\"b\"]"), Some(ScopeSet::parse("a b")));
        assert_eq!(scope("\"repo,gist\""), Some(ScopeSet::parse("repo gist")));
        assert_eq!((scope("\"\""), scope("null"), scope("5")), (None, None, None));
    }

    #[test]
    fn an_unusable_access_token_is_not_repeated() {
        for body in [
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":5}"#,
            r#"{"access_token":"zqxw\r\nX: y"}"#,
            r#"{"access_token":"zqxw zqxw"}"#,
            r#"{"access_token":"zqxwé"}"#,
            r#"{"access_token":"zqxw","token_type":"zqxw-0123456789abcdef"}"#,
        ] {
            match failure(200, body) {
                EndpointFailure::Unusable(message) => assert!(!message.contains("zqxw"), "{message}"),
                refused => panic!("{refused:?}"),
            }
        }
    }

    #[test]
    fn errors_are_reported_with_any_status() {
        // RFC 6749, section 5.2; GitHub returns such errors with status 200.
        let refused = EndpointFailure::Refused(OAuthError { code: "bad_verification_code".into(), description: None });
        assert_eq!(failure(200, r#"{"error":"bad_verification_code"}"#), refused);
        assert_eq!(failure(401, r#"{"error":"bad_verification_code"}"#), refused);
    }

    #[test]
    fn identity_grants_are_read() {
        // ext-auth, "Enterprise-Managed Authorization", section 4.2.
        let body = r#"{
            "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag", "access_token": "eyJhbGciOiJIUzI1NiIsI",
            "token_type": "N_A", "scope": "chat.read chat.history", "expires_in": 300
        }"#;
        let grant = parse_identity_grant(200, body).ok().unwrap();
        assert_eq!(*grant, "eyJhbGciOiJIUzI1NiIsI");
        let other = body.replace("id-jag", "access_token");
        assert!(matches!(parse_identity_grant(200, &other), Err(EndpointFailure::Unusable(_))));
        assert!(matches!(parse_identity_grant(400, r#"{"error":"invalid_grant"}"#), Err(EndpointFailure::Refused(_))));
    }
}
