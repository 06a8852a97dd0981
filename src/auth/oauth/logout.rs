//! Logging out: revokes the tokens (RFC 7009) and forgets them.

use super::authorization::TokenSource;
use super::client_identity::ClientIdentity;
use super::renewal::Renewal;
use super::token_request::{TokenFailure, TokenRequest};
use crate::error::Result;
use crate::log::LogLevel;
use crate::protocol::oauth::client_authentication::AuthMethod;
use crate::protocol::oauth::oauth_error::{EndpointFailure, successful};
use crate::protocol::oauth::record::{OAuthRecord, RecordedTokens};

impl Renewal<'_> {
    /// Revokes the tokens at the authorization server, if it supports that, and forgets them. The registration is kept.
    /// The tokens are forgotten even if they cannot be revoked; the error says so.
    pub fn log_out(&self) -> Result<()> {
        let authorization = self.authorization;
        let _lock = authorization.lock_record(&self.call.wait_context())?;
        if self.settings().store.is_shared()
            && let Some(stored) = authorization.read_store()?
            && authorization.may_adopt(&stored)
        {
            authorization.adopt(Some(stored))?;
        }
        authorization.set_login_failure(None);
        let Some(record) = authorization.record() else { return Ok(()) };
        let Some(tokens) = &record.tokens else { return Ok(()) };
        let revoked = self.revoke(&record, tokens);
        authorization.install(OAuthRecord { tokens: None, ..(*record).clone() }, TokenSource::Store)?;
        self.call.log(LogLevel::Debug, || "the tokens were removed".into());
        revoked
    }

    /// Revokes the refresh token first: that may already revoke the access token.
    fn revoke(&self, record: &OAuthRecord, tokens: &RecordedTokens) -> Result<()> {
        let Some(endpoint) = &record.endpoints.revocation else { return Ok(()) };
        let identity = ClientIdentity::of_record(record, self.settings(), &self.authorization.server_url)?;
        let request = |hint: &'static str, token: &str| {
            let request = TokenRequest::new("the token revocation", endpoint).with("token", token);
            request.with("token_type_hint", hint).authenticated(&identity, &record.issuer)
        };
        let refresh_token = tokens.refresh_token.as_ref().map(|token| ("refresh_token", token));
        let mut all_revoked = Ok(());
        for (hint, token) in refresh_token.into_iter().chain([("access_token", &tokens.access_token)]) {
            let mut revoked = self.send_waiting(&request(hint, token)?, parse_revocation);
            // The Python SDK's endpoint requires the parameter even if the client has no secret, or sends it in a
            // header. Elsewhere an empty parameter is one that was omitted (RFC 6749, section 3.1).
            let code = revoked.as_ref().err().and_then(TokenFailure::code);
            if code == Some("invalid_request") && identity.method != AuthMethod::SecretPost {
                revoked = self.send_waiting(&request(hint, token)?.with("client_secret", ""), parse_revocation);
            }
            match revoked {
                // A server that does not look up access tokens (JWTs) cannot revoke them (RFC 7009, section 2.2.1).
                Err(failure) if hint == "access_token" && failure.code() == Some("unsupported_token_type") => {}
                revoked => all_revoked = all_revoked.and(revoked.map_err(TokenFailure::into_error)),
            }
        }
        all_revoked
    }
}

/// Any success counts; the body is empty in most cases (RFC 7009, section 2.2).
fn parse_revocation(http_status: u16, body: &str) -> Result<(), EndpointFailure> {
    match http_status {
        200..=299 => Ok(()),
        _ => successful(http_status, body).map(drop),
    }
}
