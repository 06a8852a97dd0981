//! Which step follows from the server's refusal, and from what is known: a refresh, a login, or none.

use ::http::Method;

use super::authorization::TokenSource;
use super::discovery::AuthorizationSite;
use super::refresh::RefreshOutcome;
use super::renewal::Renewal;
use super::renewal_progress::RenewalOutcome;
use super::settings::{Grant, LoginPolicy};
use super::token_age::{is_fresh, is_newer, is_usable, unix_time};
use crate::call::context::AuthorizationStep;
use crate::call::issued_credentials::CredentialRefusal;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::challenge::{OAuthChallenge, oauth_challenge};
use crate::protocol::oauth::record::{OAuthRecord, RecordedTokens};
use crate::protocol::oauth::resource_metadata::ResourceMetadata;
use crate::protocol::oauth::scope::ScopeSet;
use crate::protocol::oauth::url::HttpUrl;
use crate::protocol::oauth::well_known::is_issuer;
use crate::status::MCP_LOGIN_REQUIRED;

impl Renewal<'_> {
    /// Gets credentials: before a request, or after its refusal.
    pub(super) fn run(&self, refusal: Option<&CredentialRefusal>) -> Result<RenewalOutcome> {
        self.authorization.load_once()?;
        let Some(refusal) = refusal else { return self.before_request() };
        let challenge = refusal.challenge.as_deref().and_then(oauth_challenge).unwrap_or_default();
        // Also without a token: another process may have logged in since the store was read.
        if self.take_newer_from_store()? {
            return Ok(self.authorization.issued_now());
        }
        if refusal.http_status == 403 {
            return self.widen_scopes(&challenge, refusal);
        }
        self.replace_refused(&challenge, refusal)
    }

    /// The tokens were just read from the store, or they end soon.
    fn before_request(&self) -> Result<RenewalOutcome> {
        let record = self.authorization.record();
        let tokens = record.as_ref().and_then(|record| record.tokens.as_ref());
        let now = unix_time();
        if let (Some(record), Some(tokens)) = (&record, tokens)
            && !is_fresh(tokens, now)
        {
            let renewed = match self.settings().grant {
                Grant::Login => self.refresh().map(drop),
                Grant::ClientCredentials | Grant::Assertion => self.repeat_grant(record),
            };
            if let Err(error) = renewed {
                if !is_usable(tokens, now) {
                    return Err(error);
                }
                self.authorization.record_failed_early_renewal();
            }
        }
        Ok(self.authorization.issued_now())
    }

    /// Uses the tokens of another process, if they are others than the refused ones.
    fn take_newer_from_store(&self) -> Result<bool> {
        let store = &self.settings().store;
        if !store.is_shared() {
            return Ok(false);
        }
        let Some(stored) = self.authorization.read_store()? else { return Ok(false) };
        let is_newer = is_newer(&stored, self.authorization.record().as_deref());
        if is_newer {
            self.authorization.adopt(Some(stored))?;
        }
        Ok(is_newer)
    }

    /// After 401.
    fn replace_refused(&self, challenge: &OAuthChallenge, refusal: &CredentialRefusal) -> Result<RenewalOutcome> {
        let record = self.authorization.record();
        let tokens = record.as_ref().and_then(|record| record.tokens.as_ref());
        if tokens.is_none() {
            // Without requests to servers that the MCP server names, as long as no login can follow.
            self.check_login_is_possible(refusal)?;
        }
        let published = self.resource_metadata(challenge.resource_metadata.as_deref())?;
        let same_issuer = record.as_ref().filter(|record| self.has_same_issuer(record, published.as_ref()));
        if same_issuer.is_some() && tokens.is_some() {
            // A token that ended on its way to the server says nothing about the next one.
            let has_ended = tokens.is_some_and(|tokens| has_lifetime(tokens) && !is_usable(tokens, unix_time()));
            let is_futile = |source| self.authorization.is_futile(source) && !has_ended;
            if is_futile(TokenSource::Grant) && !self.call.is_login {
                return Ok(RenewalOutcome::Useless(Some("it refuses the access token that was just issued".into())));
            }
            if self.settings().grant == Grant::Login
                && !is_futile(TokenSource::Refresh)
                && (self.call.begin_step(AuthorizationStep::Refresh) || has_ended)
                && self.refresh()? == RefreshOutcome::Renewed
            {
                return Ok(self.authorization.issued_now());
            }
        }
        let old_scopes = same_issuer.map(|record| record.requested_scopes.clone()).unwrap_or_default();
        let is_other_issuer = record.is_some() && same_issuer.is_none();
        self.get_tokens(challenge, refusal, published, &old_scopes, is_other_issuer)
    }

    /// After 403 with `insufficient_scope`: a login for the union of the scopes. A refresh cannot widen them.
    fn widen_scopes(&self, challenge: &OAuthChallenge, refusal: &CredentialRefusal) -> Result<RenewalOutcome> {
        let wanted = ScopeSet::parse(challenge.scope.as_deref().unwrap_or_default());
        let record = self.authorization.record();
        let old_scopes = record.as_ref().map(|record| record.requested_scopes.clone()).unwrap_or_default();
        let granted = record.as_ref().and_then(|record| record.tokens.as_ref()).map(|tokens| &tokens.granted_scopes);
        let known = granted.map_or_else(|| old_scopes.clone(), |granted| old_scopes.union(granted));
        if known.contains_all(&wanted) || !self.call.begin_step(AuthorizationStep::StepUp) {
            return Ok(RenewalOutcome::Useless(None));
        }
        self.authorization.want_scopes(&wanted);
        self.check_login_is_possible(refusal)?;
        let published = self.resource_metadata(challenge.resource_metadata.as_deref())?;
        let is_other_issuer = record.is_some_and(|record| !self.has_same_issuer(&record, published.as_ref()));
        let old_scopes = if is_other_issuer { ScopeSet::default() } else { old_scopes };
        self.get_tokens(challenge, refusal, published, &old_scopes, is_other_issuer)
    }

    /// Gets tokens by a login, or by another grant.
    fn get_tokens(
        &self,
        challenge: &OAuthChallenge,
        refusal: &CredentialRefusal,
        published: Option<ResourceMetadata>,
        old_scopes: &ScopeSet,
        is_other_issuer: bool,
    ) -> Result<RenewalOutcome> {
        self.check_login_is_possible(refusal)?;
        // Another issuer may follow a login of this call only if the server has accepted its token: it could name new
        // issuers again and again.
        let may_begin = refusal.http_status == 403
            || self.call.begin_step(AuthorizationStep::Login)
            || (is_other_issuer && self.authorization.is_accepted());
        if !may_begin {
            return Ok(RenewalOutcome::Useless(Some(
                "it refuses the access tokens that were issued during this call".into(),
            )));
        }
        let site = self.site(published)?;
        if site.is_guess && !self.may_have_client_at(&site.metadata.issuer) {
            // The server publishes nothing: its refusal says more than the error about a server that was not found.
            return Ok(RenewalOutcome::Useless(None));
        }
        let missing = if is_other_issuer { ScopeSet::default() } else { self.authorization.wanted_scopes() };
        let scopes = old_scopes.union(&self.scopes_to_request(challenge, &site)).union(&missing);
        self.call.log(LogLevel::Debug, || format!("the authorization server is {}", site.metadata.issuer));
        match self.settings().grant {
            Grant::Login => {
                let tokens_are_refused = refusal.http_status == 401;
                if !self.login(&site, scopes, tokens_are_refused)? {
                    return Ok(RenewalOutcome::Useless(None));
                }
            }
            Grant::ClientCredentials | Grant::Assertion => self.request_grant(&site, scopes)?,
        }
        Ok(self.authorization.issued_now())
    }

    /// Logs in without a refusal, for the scopes that an earlier one required. False if the MCP server names no
    /// authorization server.
    pub fn log_in_unasked(&self) -> Result<bool> {
        self.authorization.load_once()?;
        let Some(published) = self.resource_metadata(None)? else { return Ok(false) };
        let record = self.authorization.record();
        let same_issuer = record.as_ref().filter(|record| self.has_same_issuer(record, Some(&published)));
        let old_scopes = same_issuer.map(|record| record.requested_scopes.clone()).unwrap_or_default();
        let challenge =
            OAuthChallenge { scope: self.authorization.wanted_scopes().to_parameter(), ..OAuthChallenge::default() };
        // With tokens, only for more scopes.
        let http_status = if self.authorization.has_tokens() { 403 } else { 401 };
        let refusal = CredentialRefusal {
            url: String::new(),
            method: Method::POST,
            http_status,
            challenge: None,
            generation: self.authorization.last().generation,
        };
        match self.get_tokens(&challenge, &refusal, Some(published), &old_scopes, false)? {
            RenewalOutcome::Issued(_) => Ok(true),
            RenewalOutcome::Useless(_) => Ok(false),
        }
    }

    /// Whether the record's authorization server is still one of the MCP server's.
    fn has_same_issuer(&self, record: &OAuthRecord, published: Option<&ResourceMetadata>) -> bool {
        match published {
            Some(published) => published.authorization_servers.iter().any(|issuer| is_issuer(issuer, &record.issuer)),
            // Without metadata, the authorization server has the MCP server's origin.
            None => match (HttpUrl::parse(&record.issuer), HttpUrl::parse(&self.authorization.server_url)) {
                (Ok(issuer), Ok(server)) => issuer.has_origin_of(&server),
                _ => false,
            },
        }
    }

    /// The scopes of the challenge, else those that the application set, else those that the server publishes
    /// (2026-07-28, "Scope Selection Strategy"). The application's scopes are added to those of the challenge.
    fn scopes_to_request(&self, challenge: &OAuthChallenge, site: &AuthorizationSite) -> ScopeSet {
        let challenged = challenge.scope.as_deref().map(ScopeSet::parse);
        match (challenged, &self.settings().scopes) {
            (Some(challenged), Some(set)) => set.union(&challenged),
            (Some(challenged), None) => challenged,
            (None, Some(set)) => set.clone(),
            (None, None) => site.scopes_supported.clone().unwrap_or_default(),
        }
    }

    /// Fails if a login is the only way and cannot begin.
    fn check_login_is_possible(&self, refusal: &CredentialRefusal) -> Result<()> {
        let settings = self.settings();
        if settings.grant != Grant::Login {
            return Ok(());
        }
        let why = if settings.open.is_none() {
            "no callback is set that could ask the user: see mcp_oauth_set_open and mcp_oauth_use_browser".into()
        } else if self.call.is_login {
            return Ok(());
        } else if settings.login_policy == LoginPolicy::WhenAsked {
            "call mcp_login".into()
        } else if let Some(failure) = self.authorization.login_failure() {
            format!("the last login failed ({failure}); mcp_login begins a new one")
        } else {
            return Ok(());
        };
        let message = format!("the server requires a login (HTTP {}): {why}", refusal.http_status);
        let mut error = Error::new(MCP_LOGIN_REQUIRED, message).with_http_status(refusal.http_status);
        error.report_mut().www_authenticate = refusal.challenge.clone();
        Err(error)
    }
}

/// Whether the access token did not end when it was issued.
fn has_lifetime(tokens: &RecordedTokens) -> bool {
    tokens.expires_at.is_none_or(|expires_at| tokens.issued_at.is_none_or(|issued_at| issued_at < expires_at))
}
