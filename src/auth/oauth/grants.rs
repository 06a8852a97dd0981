//! Tokens without a login: client credentials (SEP-1046), workload identity (SEP-1933), and enterprise-managed
//! authorization (SEP-990).

use std::sync::Arc;

use zeroize::Zeroizing;

use super::callbacks::AssertionRequest;
use super::client_identity::ClientIdentity;
use super::discovery::AuthorizationSite;
use super::login::{new_record, store_login};
use super::renewal::{Renewal, oauth_failure};
use super::settings::{Grant, IdentityProvider, is_near};
use super::token_request::{TokenFailure, TokenRequest};
use crate::error::Result;
use crate::protocol::oauth::quote::quote;
use crate::protocol::oauth::record::{ClientOrigin, OAuthRecord};
use crate::protocol::oauth::scope::ScopeSet;
use crate::protocol::oauth::server_metadata::AuthorizationServerMetadata;
use crate::protocol::oauth::token_response::{ID_JAG, parse_identity_grant};

const JWT_BEARER_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

impl Renewal<'_> {
    /// Requests tokens with the grant of the settings, and stores them.
    pub fn request_grant(&self, site: &AuthorizationSite, scopes: ScopeSet) -> Result<()> {
        let identity = self.grant_identity(site)?;
        let record = new_record(site, &identity, "", &scopes);
        self.send_grant(&identity, record)
    }

    /// Requests tokens again, at the authorization server of the record.
    pub fn repeat_grant(&self, record: &OAuthRecord) -> Result<()> {
        let identity = if record.client.id.is_empty() {
            anonymous()
        } else {
            match ClientIdentity::of_record(record, self.settings(), &self.authorization.server_url) {
                Ok(identity) => identity,
                // Without a client for this authorization server any more, the next refusal finds another one.
                Err(_) => return Ok(()),
            }
        };
        self.send_grant(&identity, OAuthRecord { tokens: None, ..record.clone() })
    }

    fn send_grant(&self, identity: &ClientIdentity, record: OAuthRecord) -> Result<()> {
        let settings = self.settings();
        let request = TokenRequest::new("the token request", &record.endpoints.token);
        let request = match settings.grant {
            Grant::Assertion => {
                let assertion = self.assertion(&record)?;
                request.with("grant_type", JWT_BEARER_GRANT).with("assertion", &assertion)
            }
            Grant::ClientCredentials | Grant::Login => request.with("grant_type", "client_credentials"),
        };
        let request = request
            .with_optional("scope", record.requested_scopes.to_parameter().as_deref())
            .with_optional("resource", record.resource.as_deref())
            .with_custom(&settings.parameters);
        let request = if identity.id.is_empty() { request } else { request.authenticated(identity, &record.issuer)? };
        let authorization = Arc::clone(self.authorization);
        self.send_detached(request, move |response| store_login(&authorization, record, response))?
    }

    /// The client that is set. An assertion needs none: it names the identity itself.
    fn grant_identity(&self, site: &AuthorizationSite) -> Result<ClientIdentity> {
        let AuthorizationServerMetadata { issuer, .. } = &site.metadata;
        if self.settings().grant != Grant::Assertion {
            return self.configured_identity(site);
        }
        self.check_assertion_destination(issuer)?;
        if self.settings().client_for(issuer).is_some() { self.configured_identity(site) } else { Ok(anonymous()) }
    }

    /// The MCP server must not determine where an assertion is sent.
    fn check_assertion_destination(&self, issuer: &str) -> Result<()> {
        let client = self.settings().client_for(issuer);
        let has_issuer = client.is_some_and(|client| client.issuer.is_some());
        if has_issuer || is_near(issuer, &self.authorization.server_url) {
            return Ok(());
        }
        Err(oauth_failure(format!(
            "no client is set for the authorization server {}, so the assertion is not sent there; set the issuer with \
             mcp_oauth_set_client",
            quote(issuer)
        )))
    }

    /// The assertion for the authorization server: that of the application, or with an identity provider, the grant
    /// that it issues for the application's ID token.
    fn assertion(&self, record: &OAuthRecord) -> Result<Zeroizing<String>> {
        self.check_assertion_destination(&record.issuer)?;
        let settings = self.settings();
        let Some(callback) = &settings.assertion else {
            return Err(oauth_failure("no assertion callback is set: see mcp_oauth_set_assertion"));
        };
        let audience = settings.identity.as_ref().map_or(&record.issuer, |provider| &provider.client_id);
        let call_data = self.call.data().cloned();
        let mut request = AssertionRequest::new(audience.clone(), record.resource.clone(), call_data);
        self.call.paused(|clock| clock.during(|| callback(&mut request)));
        let assertion = request.into_assertion()?;
        match &settings.identity {
            None => Ok(assertion),
            Some(provider) => self.exchange_id_token(provider, &assertion, record),
        }
    }

    /// Exchanges an ID token for a grant at the authorization server (RFC 8693; ext-auth, "Enterprise-Managed
    /// Authorization").
    fn exchange_id_token(
        &self,
        provider: &IdentityProvider,
        id_token: &str,
        record: &OAuthRecord,
    ) -> Result<Zeroizing<String>> {
        let secret = provider.client_secret.as_deref().map(String::as_str);
        let request = TokenRequest::new("the token exchange at the identity provider", &provider.token_endpoint)
            .with("grant_type", TOKEN_EXCHANGE_GRANT)
            .with("requested_token_type", ID_JAG)
            .with("audience", &record.issuer)
            .with_optional("resource", record.resource.as_deref())
            .with_optional("scope", record.requested_scopes.to_parameter().as_deref())
            .with("subject_token", id_token)
            .with("subject_token_type", ID_TOKEN)
            .with("client_id", &provider.client_id)
            .with_optional("client_secret", secret);
        self.send_waiting(&request, parse_identity_grant).map_err(TokenFailure::into_error)
    }
}

/// No client: the request names none.
fn anonymous() -> ClientIdentity {
    ClientIdentity::public("", ClientOrigin::Configured)
}
