//! Who may pass: a bearer token, a token of a rotating pot, an API key, or any of them.

use crate::protocol::Request;
use crate::reply::Reply;

/// The challenge of a request without credentials.
const ABSENT: &str = r#"Bearer realm="mcp-test-server""#;
const INVALID: &str = r#"Bearer error="invalid_token", error_description="The token is unknown or expired""#;

/// Refuses a request that lacks what the scenario wants.
pub fn check(request: &Request) -> Result<(), Reply> {
    let (scenario, head) = (request.scenario, request.head);
    let (bearer, api_key) = (scenario.bearer.as_deref(), scenario.api_key.as_deref());
    let pot = scenario.rotating.as_deref();
    if bearer.is_none() && api_key.is_none() && pot.is_none() {
        return Ok(());
    }
    if api_key.is_some() && head.get("X-API-Key") == api_key {
        return Ok(());
    }
    let token = head.get("Authorization").and_then(token);
    if bearer.is_some() && token == bearer {
        return Ok(());
    }
    if pot.is_some_and(|pot| request.state.tokens.accept(pot, token, scenario.uses)) {
        return Ok(());
    }
    Err(match (bearer.or(pot), token) {
        (Some(_), None) => unauthorized(ABSENT),
        (Some(_), Some(_)) => invalid_token(),
        (None, _) => unauthorized("ApiKey"),
    })
}

/// Whether the token of an admitted request was minted for less than what is asked.
pub fn lacks_scope(request: &Request, word: &str) -> bool {
    request.scenario.rotating.as_deref().is_none_or(|pot| !request.state.tokens.has_scope(pot, word))
}

/// The answer to a token that is not, or no longer, good.
pub fn invalid_token() -> Reply {
    unauthorized(INVALID)
}

/// The answer to a token that is good for less than what is asked.
pub fn insufficient_scope(scope: &str) -> Reply {
    let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
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
