//! Who may pass: a bearer token, an API key, or either of them.

use crate::http::Head;
use crate::options::Scenario;
use crate::reply::Reply;

/// The challenge of a request without credentials.
const ABSENT: &str = r#"Bearer realm="mcp-test-server""#;
const INVALID: &str = r#"Bearer error="invalid_token", error_description="The token is unknown or expired""#;

/// Refuses a request that lacks what the scenario wants.
pub fn check(scenario: &Scenario, head: &Head) -> Result<(), Reply> {
    let (bearer, api_key) = (scenario.bearer.as_deref(), scenario.api_key.as_deref());
    if bearer.is_none() && api_key.is_none() {
        return Ok(());
    }
    if api_key.is_some() && head.get("X-API-Key") == api_key {
        return Ok(());
    }
    let token = head.get("Authorization").and_then(token);
    if bearer.is_some() && token == bearer {
        return Ok(());
    }
    Err(match (bearer, token) {
        (Some(_), None) => unauthorized(ABSENT),
        (Some(_), Some(_)) => invalid_token(),
        (None, _) => unauthorized("ApiKey"),
    })
}

/// The answer to a token that is not, or no longer, good.
pub fn invalid_token() -> Reply {
    unauthorized(INVALID)
}

/// The answer to a token that is good for less than what is asked.
pub fn insufficient_scope() -> Reply {
    let challenge = r#"Bearer error="insufficient_scope", scope="admin""#;
    Reply::json(403, r#"{"error":"insufficient_scope"}"#).header("WWW-Authenticate", challenge)
}

fn unauthorized(challenge: &str) -> Reply {
    Reply::json(401, r#"{"error":"invalid_token"}"#).header("WWW-Authenticate", challenge)
}

/// The token behind the scheme, whose case does not matter.
fn token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}
