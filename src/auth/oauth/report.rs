//! What the application can read about an authorization.

use super::token_age::{is_usable, unix_time};
use crate::protocol::oauth::json_object::JsonObject;
use crate::protocol::oauth::json_writer::ObjectWriter;
use crate::protocol::oauth::jwt::unverified_claims;
use crate::protocol::oauth::record::{OAuthRecord, RecordedTokens};

/// What is known of an authorization, as JSON text.
pub fn describe(record: Option<&OAuthRecord>) -> String {
    let mut writer = ObjectWriter::new();
    let tokens = record.and_then(|record| record.tokens.as_ref());
    writer.raw("loggedIn", if tokens.is_some_and(is_logged_in) { "true" } else { "false" });
    if let Some(record) = record {
        writer.text("issuer", &record.issuer);
        writer.optional_text("resource", record.resource.as_deref());
        // An assertion needs no client.
        if !record.client.id.is_empty() {
            writer.text("clientId", &record.client.id);
            writer.text("registration", record.client.origin.name());
        }
    }
    if let Some(tokens) = tokens {
        writer.texts("scopes", tokens.granted_scopes.iter());
        writer.optional_number("expiresAt", tokens.expires_at);
        writer.raw("refreshable", if tokens.refresh_token.is_some() { "true" } else { "false" });
        let claims = tokens.id_token.as_ref().and_then(|token| unverified_claims(token));
        if let Some(claims) = claims.filter(|claims| JsonObject::parse(claims).is_ok()) {
            writer.raw("idToken", &claims);
        }
    }
    writer.finish().to_string()
}

/// Whether requests can be authorized without the user.
fn is_logged_in(tokens: &RecordedTokens) -> bool {
    tokens.refresh_token.is_some() || is_usable(tokens, unix_time())
}
