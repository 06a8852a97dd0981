//! Error responses of authorization servers (RFC 6749, sections 4.1.2.1 and 5.2; RFC 7591, section 3.2.2).

use super::json_object::JsonObject;
use super::quote::quote;

/// An error that an authorization server reported. The texts are the server's, of any length, and may contain secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthError {
    pub code: String,
    pub description: Option<String>,
}

impl OAuthError {
    /// The texts for an error message, as quotations. `redact` removes secrets.
    pub fn describe(&self, redact: impl Fn(&str) -> String) -> String {
        let code = quote(&redact(&self.code));
        match &self.description {
            Some(description) => format!("{code}: {}", quote(&redact(description))),
            None => code,
        }
    }
}

/// Why a token or registration endpoint returned nothing usable.
#[derive(Debug, PartialEq, Eq)]
pub enum EndpointFailure {
    /// The authorization server refused the request.
    Refused(OAuthError),
    /// The server has a problem, or the response is not one of OAuth: the request may succeed later. The message
    /// contains nothing of the response.
    Unusable(String),
}

/// The members of a successful response. The member `error` decides, because servers report errors with various HTTP
/// statuses: GitHub with 200, FastMCP with 401. If the server is overloaded or broken, its error is not its last word:
/// tokens must not be dropped for it.
pub fn successful(http_status: u16, body: &str) -> Result<JsonObject<'_>, EndpointFailure> {
    if http_status == 429 || http_status >= 500 {
        let message = format!("the authorization server is not available (HTTP {http_status}): try again later");
        return Err(EndpointFailure::Unusable(message));
    }
    let is_success = (200..300).contains(&http_status);
    let document = match JsonObject::parse(body) {
        Ok(document) => document,
        Err(why) if is_success => {
            let message = format!("the response of the authorization server cannot be read: {why}");
            return Err(EndpointFailure::Unusable(message));
        }
        Err(_) => return Err(unexpected_status(http_status)),
    };
    if let Some(code) = document.text("error") {
        return Err(EndpointFailure::Refused(OAuthError { code, description: document.text("error_description") }));
    }
    if is_success { Ok(document) } else { Err(unexpected_status(http_status)) }
}

fn unexpected_status(http_status: u16) -> EndpointFailure {
    EndpointFailure::Unusable(format!(
        "the authorization server answered with HTTP {http_status} and without an OAuth error code"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(http_status: u16, body: &str) -> EndpointFailure {
        successful(http_status, body).err().unwrap_or_else(|| panic!("{http_status} {body}"))
    }

    #[test]
    fn the_error_member_decides_and_not_the_status() {
        let expected =
            OAuthError { code: "invalid_grant".into(), description: Some("The refresh token is unknown".into()) };
        let body = r#"{"error":"invalid_grant","error_description":"The refresh token is unknown","access_token":"x"}"#;
        for http_status in [200, 400, 401, 403, 422] {
            assert_eq!(failure(http_status, body), EndpointFailure::Refused(expected.clone()));
        }
        assert!(successful(201, r#"{"error":null}"#).is_ok() && successful(200, r#"{"error":""}"#).is_ok());
    }

    #[test]
    fn a_server_in_trouble_refuses_nothing() {
        for http_status in [429, 500, 502, 503] {
            assert!(matches!(failure(http_status, r#"{"error":"invalid_grant"}"#), EndpointFailure::Unusable(_)));
        }
        for (http_status, body) in [
            (404, "<html>zqxw"),
            (400, r#"{"detail":"zqxw"}"#),
            (400, r#"{"error":{"message":"zqxw"}}"#),
            (200, "zqxw"),
        ] {
            match failure(http_status, body) {
                EndpointFailure::Unusable(message) => assert!(!message.contains("zqxw"), "{message}"),
                refused => panic!("{refused:?}"),
            }
        }
    }

    #[test]
    fn the_servers_words_are_redacted_before_they_are_shortened() {
        let description = Some(format!("{}secret", "x".repeat(196)));
        let error = OAuthError { code: "access_denied".into(), description };
        let shown = error.describe(|text| text.replace("secret", "[redacted]"));
        assert!(shown.starts_with("\"access_denied\": \"xxx") && !shown.contains("sec"), "{shown}");
        let error = OAuthError { code: "a\nb".into(), description: None };
        assert_eq!(error.describe(str::to_owned), "\"a b\"");
    }
}
