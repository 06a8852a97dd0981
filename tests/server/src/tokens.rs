//! A token service with named slots. Each slot has one valid token, which a new one replaces.

use crate::http::Head;
use crate::modern::decode_base64;
use crate::options::fields;
use crate::reply::Reply;
use crate::state::{lock, random};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Mutex;

/// The id and the secret of the only client.
const CLIENT: (&str, &str) = ("client", "secret");

/// The slots by name.
#[derive(Default)]
pub struct Tokens {
    slots: Mutex<HashMap<String, Slot>>,
}

#[derive(Default)]
struct Slot {
    current: Option<Token>,
    issued: u64,
    refused: u64,
}

struct Token {
    value: String,
    scope: String,
    uses: u64,
}

impl Tokens {
    /// Whether a token is the current one of a slot. Counts uses and refusals.
    pub fn accept(&self, slot: &str, token: Option<&str>, limit: Option<u64>) -> bool {
        let mut slots = lock(&self.slots);
        let slot = slots.entry(slot.into()).or_default();
        let current = slot.current.as_mut().filter(|current| Some(current.value.as_str()) == token);
        match current {
            Some(current) if limit.is_none_or(|limit| current.uses < limit) => {
                current.uses += 1;
                true
            }
            _ => {
                slot.refused += 1;
                false
            }
        }
    }

    /// Whether the current token of a slot was issued with a scope.
    pub fn has_scope(&self, slot: &str, word: &str) -> bool {
        let slots = lock(&self.slots);
        let current = slots.get(slot).and_then(|slot| slot.current.as_ref());
        current.is_some_and(|token| token.scope.split(' ').any(|scope| scope == word))
    }

    /// Responds to a request for a token.
    pub fn issue(&self, slot: &str, head: &Head, body: &[u8]) -> Reply {
        let form = match fields(body) {
            Ok(form) if head.lists("Content-Type", "application/x-www-form-urlencoded") => form,
            _ => return refusal(400, "invalid_request"),
        };
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if !(is_client(field("client_id"), field("client_secret")) || head.get("Authorization").is_some_and(is_basic)) {
            return refusal(401, "invalid_client").header("WWW-Authenticate", r#"Basic realm="mcp-test-server""#);
        }
        if field("grant_type") != Some("client_credentials") {
            return refusal(400, "unsupported_grant_type");
        }
        let scope = field("scope").unwrap_or("mcp").to_owned();
        let mut slots = lock(&self.slots);
        let entry = slots.entry(slot.into()).or_default();
        entry.issued += 1;
        let value = format!("{slot}-{}-{:016x}", entry.issued, random());
        let answer = json!({"access_token": value, "token_type": "Bearer", "expires_in": 3600, "scope": scope});
        entry.current = Some(Token { value, scope, uses: 0 });
        Reply::json(200, answer.to_string()).header("Cache-Control", "no-store")
    }

    /// Revokes the current token.
    pub fn revoke(&self, slot: &str) -> Reply {
        lock(&self.slots).entry(slot.into()).or_default().current = None;
        Reply::empty(200)
    }

    /// How many tokens were issued, and how many requests were refused.
    pub fn counts(&self, slot: &str) -> Reply {
        let (issued, refused) = lock(&self.slots).get(slot).map_or((0, 0), |slot| (slot.issued, slot.refused));
        Reply::json(200, json!({"minted": issued, "refused": refused}).to_string())
    }
}

fn refusal(status: u16, error: &str) -> Reply {
    Reply::json(status, json!({"error": error}).to_string()).header("Cache-Control", "no-store")
}

fn is_client(id: Option<&str>, secret: Option<&str>) -> bool {
    id.zip(secret) == Some(CLIENT)
}

fn is_basic(value: &str) -> bool {
    let credentials = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Basic"));
    let decoded = credentials.and_then(|(_, text)| String::from_utf8(decode_base64(text)?).ok());
    decoded.is_some_and(|text| text.split_once(':') == Some(CLIENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Body;
    use serde_json::Value;

    fn head(authorization: &str) -> Head {
        let mut head = Head::default();
        let text = "POST /_token/x HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n";
        head.parse(format!("{text}Authorization: {authorization}\r\n\r\n").as_bytes()).unwrap();
        head
    }

    /// The token, or the status of the refusal.
    fn issue(tokens: &Tokens, authorization: &str, body: &str) -> Result<String, u16> {
        let reply = tokens.issue("x", &head(authorization), body.as_bytes());
        let Body::Json(body) = &reply.body else { panic!("no JSON") };
        let value: Value = serde_json::from_slice(body).unwrap();
        value["access_token"].as_str().map(str::to_owned).ok_or(reply.status)
    }

    const BY_FORM: &str = "grant_type=client_credentials&client_id=client&client_secret=secret";

    #[test]
    fn a_new_token_replaces_the_old_one() {
        let tokens = Tokens::default();
        assert!(!tokens.accept("x", None, None));
        let first = issue(&tokens, "-", BY_FORM).unwrap();
        assert!(tokens.accept("x", Some(&first), None));
        let second = issue(&tokens, "Basic Y2xpZW50OnNlY3JldA==", "grant_type=client_credentials").unwrap();
        assert!(!tokens.accept("x", Some(&first), None) && tokens.accept("x", Some(&second), None));
        assert!(!tokens.accept("y", Some(&second), None));
        tokens.revoke("x");
        assert!(!tokens.accept("x", Some(&second), None));
        assert_eq!(tokens.counts("x"), Reply::json(200, r#"{"minted":2,"refused":3}"#));
    }

    #[test]
    fn a_token_can_have_a_limited_number_of_uses() {
        let tokens = Tokens::default();
        let token = issue(&tokens, "-", BY_FORM).unwrap();
        let uses: Vec<_> = (0..3).map(|_| tokens.accept("x", Some(&token), Some(2))).collect();
        assert_eq!(uses, [true, true, false]);
    }

    #[test]
    fn a_token_has_the_requested_scope() {
        let tokens = Tokens::default();
        issue(&tokens, "-", &format!("{BY_FORM}&scope=read+write")).unwrap();
        assert!(tokens.has_scope("x", "write") && !tokens.has_scope("x", "wri") && !tokens.has_scope("x", "mcp"));
    }

    #[test]
    fn requests_without_valid_client_credentials_get_no_token() {
        let tokens = Tokens::default();
        assert_eq!(issue(&tokens, "-", "grant_type=client_credentials"), Err(401));
        assert_eq!(issue(&tokens, "Basic Y2xpZW50Ong=", "grant_type=client_credentials"), Err(401));
        assert_eq!(issue(&tokens, "-", "client_id=client&client_secret=secret"), Err(400));
        assert_eq!(issue(&tokens, "-", "client_id=%zz"), Err(400));
    }
}
