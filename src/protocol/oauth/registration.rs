//! Dynamic client registration (RFC 7591): the request and the response.

use zeroize::Zeroizing;

use super::client_authentication::AuthMethod;
use super::json_writer::ObjectWriter;
use super::oauth_error::{EndpointFailure, successful};
use super::scope::ScopeSet;
use crate::protocol::params::{distinct, members};

/// The metadata of a client that registers for logins.
pub struct RegistrationRequest<'a> {
    pub client_name: &'a str,
    pub redirect_uri: &'a str,
    /// "native" or "web" (OpenID Connect Registration, section 2).
    pub application_type: &'a str,
    pub auth_method: AuthMethod,
    pub scope: Option<&'a ScopeSet>,
    /// Members that the application adds: a JSON object that [`check_extra_members`] accepts.
    pub extra: Option<&'a str>,
}

/// The members that the library sets and the application cannot change.
const RESERVED: [&str; 5] = ["redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method", "scope"];

/// Checks the JSON object with the members that the application adds. `client_name` and `application_type` replace the
/// library's.
pub fn check_extra_members(object: &str) -> Result<(), String> {
    let members = members(object).map_err(|why| format!("the registration metadata cannot be used: {why}"))?;
    match members.iter().find(|(name, _)| RESERVED.contains(&&**name)) {
        Some((name, _)) => {
            Err(format!("the registration metadata contains {name}, which is set by libmcp and cannot be changed"))
        }
        None => Ok(()),
    }
}

impl RegistrationRequest<'_> {
    /// The body of the request.
    pub fn to_json(&self) -> Zeroizing<String> {
        let extra = self.extra.map(|object| members(object).unwrap_or_default()).unwrap_or_default();
        let is_extra = |name| extra.iter().any(|(known, _)| known == name);
        let mut writer = ObjectWriter::new();
        for (name, value) in [("client_name", self.client_name), ("application_type", self.application_type)] {
            if !is_extra(name) {
                writer.text(name, value);
            }
        }
        writer.texts("redirect_uris", [self.redirect_uri]);
        writer.texts("grant_types", ["authorization_code", "refresh_token"]);
        writer.texts("response_types", ["code"]);
        writer.text("token_endpoint_auth_method", self.auth_method.name());
        writer.optional_text("scope", self.scope.and_then(ScopeSet::to_parameter).as_deref());
        for (name, value) in distinct(extra) {
            if !RESERVED.contains(&&*name) {
                writer.raw(&name, value);
            }
        }
        writer.finish()
    }
}

/// A client as registered. No `Debug`: the secret must not be printed.
pub struct RegisteredClient {
    pub client_id: String,
    pub client_secret: Option<Zeroizing<String>>,
    /// In seconds since 1970; `None` if the secret does not expire.
    pub secret_expires_at: Option<u64>,
    /// The `token_endpoint_auth_method` that the server chose.
    pub auth_method: Option<String>,
    pub scope: Option<ScopeSet>,
}

impl RegisteredClient {
    /// Reads the response to a registration.
    pub fn parse(http_status: u16, body: &str) -> Result<RegisteredClient, EndpointFailure> {
        let document = successful(http_status, body)?;
        let client_id = document.text("client_id").filter(|id| id.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        let client_id = client_id.ok_or_else(|| {
            EndpointFailure::Unusable("the authorization server registered the client without a valid client_id".into())
        })?;
        Ok(RegisteredClient {
            client_id,
            client_secret: document.text("client_secret").map(Zeroizing::new),
            secret_expires_at: document.seconds("client_secret_expires_at").filter(|seconds| *seconds != 0),
            auth_method: document.text("token_endpoint_auth_method"),
            scope: document.scopes("scope"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::oauth_error::OAuthError;
    use super::*;

    fn request<'a>(scope: Option<&'a ScopeSet>, extra: Option<&'a str>) -> serde_json::Value {
        let request = RegistrationRequest {
            client_name: "My \"app\"",
            redirect_uri: "http://127.0.0.1:8123/callback",
            application_type: "native",
            auth_method: AuthMethod::None,
            scope,
            extra,
        };
        serde_json::from_str(&request.to_json()).unwrap()
    }

    #[test]
    fn the_request_describes_the_client() {
        let expected = serde_json::json!({
            "client_name": "My \"app\"", "redirect_uris": ["http://127.0.0.1:8123/callback"],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "application_type": "native", "token_endpoint_auth_method": "none", "scope": "read write",
        });
        assert_eq!(request(Some(&ScopeSet::parse("read write")), None), expected);
        assert!(request(Some(&ScopeSet::default()), None).get("scope").is_none());
    }

    #[test]
    fn members_of_the_application_are_added() {
        let extra = r#"{"client_name":"a","contacts":["x@example.com"],"client_name":"b","client_n\u0061me":"c"}"#;
        assert_eq!(check_extra_members(extra), Ok(()));
        let request = request(None, Some(extra));
        assert_eq!((&request["client_name"], &request["contacts"][0]), (&"c".into(), &"x@example.com".into()));
        assert_eq!(request["application_type"], "native");
    }

    #[test]
    fn members_of_the_library_cannot_be_changed() {
        for extra in [r#"{"redirect_uris":[]}"#, r#"{"a":1,"sc\u006fpe":"x"}"#, "[]", "", "{"] {
            assert!(check_extra_members(extra).is_err(), "{extra}");
        }
    }

    #[test]
    fn the_example_of_the_rfc_is_read() {
        // RFC 7591, section 3.2.1.
        let body = r#"{
            "client_id": "s6BhdRkqt3", "client_secret": "cf136dc3c1fc93f31185e5885805d",
            "client_id_issued_at": 2893256800, "client_secret_expires_at": 2893276800,
            "redirect_uris": ["https://client.example.org/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "client_name": "My Example Client", "token_endpoint_auth_method": "client_secret_basic"
        }"#;
        let client = RegisteredClient::parse(201, body).ok().unwrap();
        assert_eq!(client.client_id, "s6BhdRkqt3");
        assert_eq!(client.client_secret.as_deref().map(String::as_str), Some("cf136dc3c1fc93f31185e5885805d"));
        assert_eq!(client.secret_expires_at, Some(2893276800));
        assert_eq!(client.auth_method.as_deref(), Some("client_secret_basic"));
        assert_eq!(client.scope, None);
    }

    #[test]
    fn a_public_client_has_no_secret() {
        let body = r#"{"client_id":"x","client_secret":null,"client_secret_expires_at":0,"scope":["a","b"]}"#;
        let client = RegisteredClient::parse(200, body).ok().unwrap();
        assert!(client.client_secret.is_none() && client.secret_expires_at.is_none());
        assert_eq!((client.auth_method, client.scope), (None, Some(ScopeSet::parse("a b"))));
    }

    #[test]
    fn refusals_have_their_reason() {
        // RFC 7591, section 3.2.2.
        let body = r#"{"error":"invalid_redirect_uri","error_description":"one or more values are not allowed"}"#;
        let expected = OAuthError {
            code: "invalid_redirect_uri".into(),
            description: Some("one or more values are not allowed".into()),
        };
        assert_eq!(RegisteredClient::parse(400, body).err(), Some(EndpointFailure::Refused(expected)));
        for body in ["{}", r#"{"client_id":""}"#, r#"{"client_id":"a\nb"}"#, "<html>"] {
            assert!(matches!(RegisteredClient::parse(201, body), Err(EndpointFailure::Unusable(_))), "{body}");
        }
    }
}
