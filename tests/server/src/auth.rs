//! Authorization: by a bearer token, by the current token of a slot (`rotating`), by a token of the scenario's
//! authorization server (`oauth`), or by an API key.

use crate::oauth;
use crate::protocol::Request;
use crate::reply::Reply;

/// The challenge of a request without credentials.
const ABSENT: &str = r#"Bearer realm="mcp-test-server""#;
const INVALID: &str = r#"Bearer error="invalid_token", error_description="The token is unknown or expired""#;

/// Refuses a request without the credentials that the scenario requires.
pub fn check(request: &Request) -> Result<(), Reply> {
    let (scenario, head) = (request.scenario, request.head);
    let (bearer, api_key) = (scenario.bearer.as_deref(), scenario.api_key.as_deref());
    let slot = scenario.rotating.as_deref();
    let is_open = bearer.is_none() && api_key.is_none() && slot.is_none() && !scenario.oauth;
    if is_open || request.endpoint.is_some() {
        return Ok(());
    }
    if api_key.is_some() && head.get("X-API-Key") == api_key {
        return Ok(());
    }
    let token = head.get("Authorization").and_then(token);
    if bearer.is_some() && token == bearer {
        return Ok(());
    }
    if slot.is_some_and(|slot| request.state.tokens.accept(slot, token, scenario.uses)) {
        return Ok(());
    }
    if scenario.oauth {
        if request.state.issued.accept(token, scenario.uses) {
            return Ok(());
        }
        let problem = token.map_or("", |_| r#", error="invalid_token""#);
        return Err(unauthorized(&format!("{}{problem}", oauth::challenge(request))));
    }
    Err(match (bearer.or(slot), token) {
        (Some(_), None) => unauthorized(ABSENT),
        (Some(_), Some(_)) => invalid_token(),
        (None, _) => unauthorized("ApiKey"),
    })
}

/// Whether the token of an authorized request was issued without the scope.
pub fn lacks_scope(request: &Request, word: &str) -> bool {
    request.scenario.rotating.as_deref().is_none_or(|slot| !request.state.tokens.has_scope(slot, word))
}

/// The response to a token that is unknown or no longer valid.
pub fn invalid_token() -> Reply {
    unauthorized(INVALID)
}

/// The response to a valid token without the required scope.
pub fn insufficient_scope(scope: &str) -> Reply {
    let challenge = format!(r#"Bearer error="insufficient_scope", scope="{scope}""#);
    Reply::json(403, r#"{"error":"insufficient_scope"}"#).header("WWW-Authenticate", challenge)
}

fn unauthorized(challenge: &str) -> Reply {
    Reply::json(401, r#"{"error":"invalid_token"}"#).header("WWW-Authenticate", challenge)
}

/// The token after the scheme, which is case-insensitive.
fn token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}
