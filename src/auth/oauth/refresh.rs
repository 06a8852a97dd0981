//! Renews tokens without the user: with a refresh token (RFC 6749, section 6), or by repeating another grant.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::authorization::{Authorization, TokenSource};
use super::client_identity::ClientIdentity;
use super::record_store::RecordLock;
use super::registration_store::retired;
use super::renewal::Renewal;
use super::token_age::{is_newer, is_older};
use super::token_request::{TokenFailure, TokenRequest, recorded_tokens};
use crate::error::Result;
use crate::log::LogLevel;
use crate::protocol::oauth::record::{ClientOrigin, OAuthRecord};
use crate::protocol::oauth::token_response::TokenResponse;
use crate::sys::wait::WaitContext;

/// How long to wait for the lock of the record before new tokens are used unsaved.
const MAX_LOCK_TIME: Duration = Duration::from_secs(40);

/// The errors of a refresh after which a login may succeed (RFC 6749, section 5.2; RFC 8707, section 2; OpenID Connect
/// Core, section 3.1.2.6).
const LOGIN_HELPS: [&str; 9] = [
    "access_denied",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// How a refresh ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    Renewed,
    /// There is no refresh token, or the authorization server refuses it: only a login helps.
    LoginNeeded,
}

impl Renewal<'_> {
    /// Uses the refresh token. Processes that share the store do so one after the other, and each uses the token that
    /// the last one has stored.
    pub fn refresh(&self) -> Result<RefreshOutcome> {
        let authorization = self.authorization;
        let lock = authorization.lock_record(&self.call.wait_context())?;
        if self.settings().store.is_shared()
            && let Some(stored) = authorization.read_store()?
        {
            let is_newer = is_newer(&stored, authorization.record().as_deref());
            if is_newer || authorization.may_adopt(&stored) {
                authorization.adopt(Some(stored))?;
            }
            if is_newer {
                return Ok(RefreshOutcome::Renewed);
            }
        }
        let Some(record) = authorization.record() else { return Ok(RefreshOutcome::LoginNeeded) };
        let Some(request) = self.refresh_request(&record)? else { return Ok(RefreshOutcome::LoginNeeded) };
        self.call.log(LogLevel::Debug, || "refreshing the access token".into());
        let owned = Arc::clone(authorization);
        let outcome =
            self.send_detached(request, move |response| use_refresh_response(&owned, &record, response, lock));
        outcome?
    }

    /// The request; `None` without a refresh token.
    fn refresh_request(&self, record: &OAuthRecord) -> Result<Option<TokenRequest>> {
        let Some(tokens) = &record.tokens else { return Ok(None) };
        let Some(refresh_token) = &tokens.refresh_token else { return Ok(None) };
        // Without a client for this authorization server any more, the next refusal finds another one.
        let Ok(identity) = ClientIdentity::of_record(record, self.settings(), &self.authorization.server_url) else {
            return Ok(None);
        };
        let scopes = tokens.granted_scopes.to_parameter();
        TokenRequest::new("the token refresh", &record.endpoints.token)
            .with("grant_type", "refresh_token")
            .with("refresh_token", refresh_token)
            // Some servers issue a token for something else without them (Entra).
            .with_optional("scope", scopes.as_deref())
            .with_optional("resource", record.resource.as_deref())
            .authenticated(&identity, &record.issuer)
            .map(Some)
    }
}

/// Stores the new tokens, or removes refused ones. Runs with the record locked.
fn use_refresh_response(
    authorization: &Authorization,
    record: &OAuthRecord,
    response: Result<TokenResponse, TokenFailure>,
    lock: RecordLock,
) -> Result<RefreshOutcome> {
    let outcome = match response {
        Ok(response) => {
            let old = record.tokens.as_ref();
            // The refresh has requested the granted scopes, which may be fewer than those of the login.
            let requested = old.map_or(&record.requested_scopes, |tokens| &tokens.granted_scopes);
            let tokens = recorded_tokens(response, requested, old)?;
            let renewed = OAuthRecord { tokens: Some(tokens), ..record.clone() };
            authorization.install(renewed, TokenSource::Refresh).map(|()| RefreshOutcome::Renewed)
        }
        Err(failure) => match failure.code() {
            Some("invalid_grant") => drop_refused(authorization, record, false),
            Some("invalid_client") if record.client.origin == ClientOrigin::Registered => {
                drop_refused(authorization, record, true)
            }
            // The tokens are kept: the server may accept them for another request.
            Some(code) if LOGIN_HELPS.contains(&code) => Ok(RefreshOutcome::LoginNeeded),
            // The server may have a temporary problem.
            Some(_) | None => Err(failure.into_error()),
        },
    };
    drop(lock);
    outcome
}

/// Removes the tokens that the authorization server refused, unless another process has replaced them meanwhile.
/// `with_client`: it has forgotten the registration, too.
fn drop_refused(authorization: &Authorization, record: &OAuthRecord, with_client: bool) -> Result<RefreshOutcome> {
    if authorization.settings.store.is_shared()
        && let Some(stored) = authorization.read_store()?
        && has_other_tokens(&stored, record)
        && !is_older(&stored, Some(record))
    {
        authorization.adopt(Some(stored))?;
        return Ok(RefreshOutcome::Renewed);
    }
    let client = if with_client { retired(&record.client) } else { record.client.clone() };
    authorization.install(OAuthRecord { tokens: None, client, ..record.clone() }, TokenSource::Store)?;
    Ok(RefreshOutcome::LoginNeeded)
}

fn has_other_tokens(stored: &OAuthRecord, record: &OAuthRecord) -> bool {
    stored.tokens.is_some() && stored.tokens != record.tokens
}

/// The limit for a lock that a token request needs after its call may have ended.
pub(super) fn until_lock_timeout() -> WaitContext {
    WaitContext::until(Instant::now() + MAX_LOCK_TIME)
}

/// Locks the record to store tokens of a login or a grant: a refresh of another process must not replace them with
/// tokens of the old ones. If it cannot be locked in time, the tokens are used by this process only.
pub fn install_locked(authorization: &Authorization, record: OAuthRecord) -> Result<()> {
    match authorization.lock_record(&until_lock_timeout()) {
        Ok(_lock) => authorization.install(record, TokenSource::Grant),
        Err(error) => {
            authorization.use_unsaved(record)?;
            Err(error)
        }
    }
}
