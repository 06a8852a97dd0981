//! The authorization response: the query of the redirect after a login (RFC 6749, section 4.1.2; RFC 9207).

use zeroize::Zeroizing;

use super::form::QueryParameters;
use super::oauth_error::OAuthError;
use super::quote::quote;

/// An authorization response that was not checked yet. No `Debug`: the code is a secret.
pub struct Callback {
    state: Option<String>,
    issuer: Option<String>,
    code: Option<Zeroizing<String>>,
    error: Option<OAuthError>,
}

/// What is known of the authorization server to which the login was sent.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedIssuer<'a> {
    /// The issuer in its metadata.
    pub issuer: &'a str,
    /// Its metadata states that its responses have the parameter `iss`.
    pub sends_issuer: bool,
}

/// Why a response contains no usable authorization code.
#[derive(Debug, PartialEq, Eq)]
pub enum CallbackError {
    /// It violates RFC 6749 or RFC 9207. The message contains neither the response's error nor its code.
    Invalid(String),
    /// The authorization server reports this error.
    Refused(OAuthError),
}

impl Callback {
    /// Parses the query, without its question mark. Fails if a parameter occurs more than once: which one counts would
    /// be a guess.
    pub fn parse(query: &str) -> Result<Callback, String> {
        read(&QueryParameters::parse(query)).map_err(|why| format!("the redirect of the login is not valid: {why}"))
    }

    /// Parses a whole URL. Its fragment is ignored: some servers append one.
    pub fn from_url(url: &str) -> Result<Callback, String> {
        let url = url.split('#').next().unwrap_or_default();
        Callback::parse(url.split_once('?').map_or("", |(_, query)| query))
    }

    /// Whether the response belongs to the login with this `state`. The time does not depend on where they differ.
    pub fn has_state(&self, expected: &str) -> bool {
        let found = self.state.as_deref().unwrap_or_default().as_bytes();
        let difference = found.iter().zip(expected.as_bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        !expected.is_empty() && found.len() == expected.len() && difference == 0
    }

    /// Whether it has a code or an error.
    pub fn is_response(&self) -> bool {
        self.code.is_some() || self.error.is_some()
    }

    /// Whether the authorization server reports an error.
    pub fn is_refusal(&self) -> bool {
        self.error.is_some()
    }

    /// The authorization code of a response whose `state` was checked. The issuer is checked first: the error of an
    /// authorization server that is not the expected one must not be shown (2026-07-28, "Authorization Response
    /// Validation").
    pub fn into_code(self, expected: ExpectedIssuer) -> Result<Zeroizing<String>, CallbackError> {
        check_issuer(self.issuer.as_deref(), expected).map_err(CallbackError::Invalid)?;
        if let Some(error) = self.error {
            return Err(CallbackError::Refused(error));
        }
        self.code.ok_or_else(|| {
            CallbackError::Invalid("the redirect of the login has neither a code nor an error (RFC 6749, 4.1.2)".into())
        })
    }
}

fn read(parameters: &QueryParameters) -> Result<Callback, String> {
    let text = |name| parameters.single(name).map(|value| value.map(str::to_owned));
    // A repeated description is only left out.
    let description = text("error_description").unwrap_or_default();
    Ok(Callback {
        state: text("state")?,
        issuer: text("iss")?,
        code: text("code")?.map(Zeroizing::new),
        error: text("error")?.map(|code| OAuthError { code, description }),
    })
}

/// Compares `iss` as a string, without any normalization (RFC 9207, section 2.4).
fn check_issuer(found: Option<&str>, expected: ExpectedIssuer) -> Result<(), String> {
    match found {
        Some(found) if found == expected.issuer => Ok(()),
        Some(found) => Err(format!(
            "the redirect of the login comes from the issuer {}, but the login was sent to {}: it may be an attack, \
             and its code is not used",
            quote(found),
            quote(expected.issuer)
        )),
        None if expected.sends_issuer => Err(format!(
            "the redirect of the login has no iss, but the authorization server {} states that it sends one: it may be \
             an attack, and its code is not used",
            quote(expected.issuer)
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDS: ExpectedIssuer = ExpectedIssuer { issuer: "https://as.example", sends_issuer: true };
    const SILENT: ExpectedIssuer = ExpectedIssuer { issuer: "https://as.example", sends_issuer: false };

    fn code(query: &str, expected: ExpectedIssuer) -> Result<String, CallbackError> {
        let callback = Callback::parse(query).unwrap_or_else(|why| panic!("{query}: {why}"));
        callback.into_code(expected).map(|code| code.to_string())
    }

    #[test]
    fn the_code_is_read() {
        // RFC 6749, section 4.1.2, and RFC 9207, section 2.
        let query = "code=SplxlOBeZQQYbYS6WxSbIA&state=xyz&iss=https%3A%2F%2Fas.example";
        assert_eq!(code(query, SENDS).as_deref(), Ok("SplxlOBeZQQYbYS6WxSbIA"));
        let callback = Callback::from_url(&format!("https://client.example.com/cb?{query}#_=_")).ok().unwrap();
        assert!(callback.has_state("xyz") && !callback.has_state("xyZ") && !callback.has_state("xy"));
        assert!(!Callback::parse("code=x").ok().unwrap().has_state(""));
    }

    #[test]
    fn the_issuer_must_be_the_expected_one() {
        for issuer in ["https://as.example/", "https://AS.example", "https://as.example:443", "https://evil.example"] {
            for expected in [SENDS, SILENT] {
                match code(&format!("error=zqxw&error_description=zqxw&iss={issuer}"), expected) {
                    Err(CallbackError::Invalid(why)) => assert!(why.contains(issuer) && !why.contains("zqxw"), "{why}"),
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(matches!(code("code=x", SENDS), Err(CallbackError::Invalid(_))));
        assert!(matches!(code("code=x&iss=", SENDS), Err(CallbackError::Invalid(_))));
        assert!(matches!(code("error=access_denied", SENDS), Err(CallbackError::Invalid(_))));
        assert_eq!(code("code=x", SILENT).as_deref(), Ok("x"));
        assert_eq!(code("code=x&iss=https://as.example", SILENT).as_deref(), Ok("x"));
    }

    #[test]
    fn errors_of_the_server_are_reported() {
        let error = OAuthError { code: "access_denied".into(), description: Some("The user said no".into()) };
        let query = "error=access_denied&error_description=The+user+said+no&state=xyz";
        assert_eq!(code(query, SILENT), Err(CallbackError::Refused(error.clone())));
        assert_eq!(code(&format!("code=x&{query}"), SILENT), Err(CallbackError::Refused(error)));
        for query in ["", "code=", "state=xyz"] {
            assert!(matches!(code(query, SILENT), Err(CallbackError::Invalid(_))), "{query}");
        }
    }

    #[test]
    fn repeated_parameters_are_rejected() {
        for query in ["code=a&code=b", "state=a&state=a", "iss=a&iss=b", "error=a&error=b", "code=a&state=x&%63ode"] {
            let error = Callback::parse(query).err().unwrap_or_else(|| panic!("{query}"));
            assert!(error.contains("more than once"), "{error}");
        }
        let query = "error=x&error_description=a&error_description=b&session_state=1&session_state=2";
        let expected = OAuthError { code: "x".into(), description: None };
        assert_eq!(code(query, SILENT), Err(CallbackError::Refused(expected)));
    }
}
