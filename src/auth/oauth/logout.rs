//! Logging out: revokes the tokens (RFC 7009) and forgets them.

use super::authorization::TokenSource;
use super::client_identity::ClientIdentity;
use super::renewal::Renewal;
use super::token_request::{TokenFailure, TokenRequest};
use crate::error::Result;
use crate::log::LogLevel;
use crate::protocol::oauth::oauth_error::{EndpointFailure, successful};
use crate::protocol::oauth::record::{OAuthRecord, RecordedTokens};

impl Renewal<'_> {
    /// Revokes the tokens at the authorization server, if it supports that, and forgets them. The registration is kept.
    /// The tokens are forgotten even if they cannot be revoked; the error says so.
    pub fn log_out(&self) -> Result<()> {
        let authorization = self.authorization;
        let store = &self.settings().store;
        let _lock = store.lock(&authorization.key, authorization.owner(), &self.call.wait_context())?;
        if store.is_shared() {
            authorization.adopt(authorization.read_store()?)?;
        }
        authorization.set_login_failure(None);
        let Some(record) = authorization.record() else { return Ok(()) };
        let Some(tokens) = &record.tokens else { return Ok(()) };
        let revoked = self.revoke(&record, tokens);
        authorization.install(OAuthRecord { tokens: None, ..(*record).clone() }, TokenSource::Store)?;
        self.call.log(LogLevel::Debug, || "the tokens were removed".into());
        revoked
    }

    /// Revokes the refresh token first: that may already revoke the access token. Returns the first error.
    fn revoke(&self, record: &OAuthRecord, tokens: &RecordedTokens) -> Result<()> {
        let Some(endpoint) = &record.endpoints.revocation else { return Ok(()) };
        let identity = ClientIdentity::of_record(record, self.settings(), &self.authorization.server_url)?;
        let refresh_token = tokens.refresh_token.as_ref().map(|token| ("refresh_token", token));
        let mut outcome = Ok(());
        for (hint, token) in refresh_token.into_iter().chain([("access_token", &tokens.access_token)]) {
            let request = TokenRequest::new("the token revocation", endpoint)
                .with("token", token)
                .with("token_type_hint", hint)
                .authenticated(&identity, &record.issuer)?;
            let wait_context = self.call.wait_context().clone();
            let exceptions = self.settings().address_exceptions;
            let sent = request.send(&*self.environment.sender, exceptions, &wait_context, revoked);
            // The other token may be revoked nevertheless: some servers revoke only one kind.
            outcome = outcome.and(sent.map_err(TokenFailure::into_error));
        }
        outcome
    }
}

/// Any success counts; the body is empty in most cases (RFC 7009, section 2.2).
fn revoked(http_status: u16, body: &str) -> Result<(), EndpointFailure> {
    match http_status {
        200..=299 => Ok(()),
        _ => successful(http_status, body).map(drop),
    }
}
