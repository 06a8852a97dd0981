//! Which client the program is at an authorization server: one that is set, the URL of its metadata document, or one
//! that registers (2026-07-28, "Client Registration Approaches").

use std::sync::Arc;

use zeroize::Zeroizing;

use super::discovery::AuthorizationSite;
use super::keys::SigningKey;
use super::renewal::{Renewal, oauth_failure, refusal_error};
use super::settings::{ConfiguredClient, ConfiguredCredential, Grant, OAuthSettings, is_near};
use super::token_age::unix_time;
use crate::call::secrets::Secrets;
use crate::error::{Error, Result};
use crate::http::foreign::ForeignBody;
use crate::protocol::oauth::client_authentication::{AuthMethod, ClientCredential};
use crate::protocol::oauth::oauth_error::EndpointFailure;
use crate::protocol::oauth::quote::quote;
use crate::protocol::oauth::record::{ClientOrigin, OAuthRecord, RecordedClient};
use crate::protocol::oauth::registration::{RegisteredClient, RegistrationRequest};
use crate::protocol::oauth::scope::ScopeSet;

/// The client at an authorization server. No `Debug`: it contains secrets.
pub struct ClientIdentity {
    pub id: String,
    pub origin: ClientOrigin,
    pub method: AuthMethod,
    pub secret: Option<Zeroizing<String>>,
    pub secret_expires_at: Option<u64>,
    pub key: Option<(Arc<SigningKey>, Option<String>)>,
    /// The scopes of the registration; `None` if they are not limited.
    pub scope: Option<ScopeSet>,
}

/// The redirect URI of a login, with its port, and the `application_type` of clients that have it.
pub struct LoginRedirect {
    pub uri: String,
    pub application_type: &'static str,
}

impl ClientIdentity {
    fn configured(client: &ConfiguredClient, listed: Option<&[String]>) -> Result<ClientIdentity> {
        let (credential, secret, key) = match &client.credential {
            ConfiguredCredential::Nothing => (ClientCredential::Nothing, None, None),
            ConfiguredCredential::Secret(secret) => (ClientCredential::Secret, Some(secret.clone()), None),
            ConfiguredCredential::Key { key, key_id } => {
                (ClientCredential::PrivateKey, None, Some((Arc::clone(key), key_id.clone())))
            }
        };
        let method = AuthMethod::of_client(credential, None, listed).map_err(oauth_failure)?;
        let public = ClientIdentity::public(&client.id, ClientOrigin::Configured);
        Ok(ClientIdentity { method, secret, key, ..public })
    }

    /// A client that authenticates with its id only.
    pub fn public(id: &str, origin: ClientOrigin) -> ClientIdentity {
        ClientIdentity {
            id: id.into(),
            origin,
            method: AuthMethod::None,
            secret: None,
            secret_expires_at: None,
            key: None,
            scope: None,
        }
    }

    /// The client of a record. A configured client's secret is that of the settings.
    pub fn of_record(record: &OAuthRecord, settings: &OAuthSettings, server_url: &str) -> Result<ClientIdentity> {
        let method = AuthMethod::of(&record.client.auth_method).unwrap_or(AuthMethod::None);
        match record.client.origin {
            ClientOrigin::Configured => {
                let client = settings.client_for(&record.issuer).filter(|client| client.id == record.client.id);
                let client = client.ok_or_else(|| {
                    oauth_failure(format!(
                        "no client is set for the authorization server {} any more; set it with mcp_oauth_set_client",
                        quote(&record.issuer)
                    ))
                })?;
                check_destination(client, &record.issuer, server_url)?;
                let identity = ClientIdentity::configured(client, None)?;
                // The application may have set another kind of credential since.
                let is_possible = match method {
                    AuthMethod::None => identity.key.is_none(),
                    AuthMethod::SecretBasic | AuthMethod::SecretPost => identity.secret.is_some(),
                    AuthMethod::PrivateKeyJwt => identity.key.is_some(),
                };
                Ok(if is_possible { ClientIdentity { method, ..identity } } else { identity })
            }
            ClientOrigin::MetadataDocument => {
                Ok(ClientIdentity::public(&record.client.id, ClientOrigin::MetadataDocument))
            }
            ClientOrigin::Registered => Ok(ClientIdentity {
                method,
                secret: record.client.secret.clone(),
                secret_expires_at: record.client.secret_expires_at,
                scope: record.client.scope.clone(),
                ..ClientIdentity::public(&record.client.id, ClientOrigin::Registered)
            }),
        }
    }

    pub fn to_record(&self) -> RecordedClient {
        let is_registered = self.origin == ClientOrigin::Registered;
        RecordedClient {
            id: self.id.clone(),
            origin: self.origin,
            secret: self.secret.clone().filter(|_| is_registered),
            secret_expires_at: self.secret_expires_at,
            auth_method: self.method.name().into(),
            scope: self.scope.clone(),
        }
    }
}

/// A secret that was set for no issuer must not be sent to any server that the MCP server names.
fn check_destination(client: &ConfiguredClient, issuer: &str, server_url: &str) -> Result<()> {
    let has_secret = !matches!(client.credential, ConfiguredCredential::Nothing);
    if client.issuer.is_some() || !has_secret || is_near(issuer, server_url) {
        return Ok(());
    }
    Err(oauth_failure(format!(
        "the client secret or key was set without an issuer, so it is not sent to the authorization server {} that the \
         MCP server names; pass the issuer to mcp_oauth_set_client or mcp_oauth_set_client_key",
        quote(issuer)
    )))
}

impl Renewal<'_> {
    /// The client that is set for this authorization server, for grants without a login.
    pub fn configured_identity(&self, site: &AuthorizationSite) -> Result<ClientIdentity> {
        let issuer = &site.metadata.issuer;
        let client = self.settings().client_for(issuer).ok_or_else(|| self.no_client_for(issuer))?;
        self.check_configured(client, issuer)?;
        ClientIdentity::configured(client, site.metadata.auth_methods.as_deref())
    }

    /// The client for a login, which registers if necessary. `None` if there seems to be no authorization server.
    pub fn login_identity(
        &self,
        site: &AuthorizationSite,
        redirect: &LoginRedirect,
        scopes: &ScopeSet,
    ) -> Result<Option<ClientIdentity>> {
        let (settings, issuer) = (self.settings(), &site.metadata.issuer);
        if let Some(client) = settings.client_for(issuer) {
            self.check_configured(client, issuer)?;
            return ClientIdentity::configured(client, site.metadata.auth_methods.as_deref()).map(Some);
        }
        if let Some(url) = settings.client_url.as_deref().filter(|_| site.metadata.supports_client_url) {
            return Ok(Some(ClientIdentity::public(url, ClientOrigin::MetadataDocument)));
        }
        if !settings.clients.is_empty() {
            return Err(self.no_client_for(issuer));
        }
        if let Some(known) = self.known_registration(issuer, redirect, scopes)? {
            return Ok(Some(known));
        }
        match &site.metadata.registration_endpoint {
            Some(endpoint) if settings.may_register => self.register(endpoint, site, redirect, scopes),
            _ => Err(self.no_client_for(issuer)),
        }
    }

    /// Whether a client is set for this authorization server, or could register there.
    pub fn may_have_client_at(&self, issuer: &str) -> bool {
        let settings = self.settings();
        let may_register = settings.grant == Grant::Login && settings.clients.is_empty() && settings.may_register;
        let needs_none = settings.grant == Grant::Assertion && settings.clients.is_empty();
        may_register || needs_none || settings.client_for(issuer).is_some()
    }

    fn check_configured(&self, client: &ConfiguredClient, issuer: &str) -> Result<()> {
        check_destination(client, issuer, &self.authorization.server_url)?;
        // A client that was set for no issuer belongs to the one at which it was used first.
        let record = self.authorization.record();
        let first = record.filter(|record| record.client.origin == ClientOrigin::Configured);
        match first {
            Some(first) if client.issuer.is_none() && first.issuer != issuer => Err(oauth_failure(format!(
                "the MCP server names the authorization server {}, but the client {} was used at {} before; set the \
                 client for the new issuer with mcp_oauth_set_client",
                quote(issuer),
                quote(&client.id),
                quote(&first.issuer)
            ))),
            _ => Ok(()),
        }
    }

    fn no_client_for(&self, issuer: &str) -> Error {
        let settings = self.settings();
        let set: Vec<&str> = settings.clients.iter().filter_map(|client| client.issuer.as_deref()).collect();
        let why = if !set.is_empty() {
            format!("clients are set for {} only; set one with mcp_oauth_set_client", quote(&set.join(" ")))
        } else if settings.grant != Grant::Login {
            "set it with mcp_oauth_set_client or mcp_oauth_set_client_key".into()
        } else if settings.may_register {
            "the server registers no clients itself; register one there, and set it with mcp_oauth_set_client".into()
        } else {
            "registration is not allowed; set a client with mcp_oauth_set_client".into()
        };
        oauth_failure(format!("there is no client for the authorization server {}: {why}", quote(issuer)))
    }

    /// The registration in the record, if it can be used for this login.
    fn known_registration(
        &self,
        issuer: &str,
        redirect: &LoginRedirect,
        scopes: &ScopeSet,
    ) -> Result<Option<ClientIdentity>> {
        let Some(record) = self.authorization.record() else { return Ok(None) };
        let is_usable = record.client.origin == ClientOrigin::Registered
            && record.issuer == issuer
            && record.redirect_uri.as_ref() == Some(&redirect.uri)
            && record.client.secret_expires_at.is_none_or(|expires_at| unix_time() < expires_at)
            && record.client.scope.as_ref().is_none_or(|registered| registered.contains_all(scopes));
        if !is_usable {
            return Ok(None);
        }
        ClientIdentity::of_record(&record, self.settings(), &self.authorization.server_url).map(Some)
    }

    /// Registers a client (RFC 7591).
    fn register(
        &self,
        endpoint: &str,
        site: &AuthorizationSite,
        redirect: &LoginRedirect,
        scopes: &ScopeSet,
    ) -> Result<Option<ClientIdentity>> {
        let listed = site.metadata.auth_methods.as_deref();
        // FastMCP refuses logins for scopes that are not registered.
        let all_scopes = scopes.union(&site.scopes_supported.clone().unwrap_or_default());
        let request = RegistrationRequest {
            client_name: &self.environment.client_name,
            redirect_uri: &redirect.uri,
            application_type: redirect.application_type,
            auth_method: AuthMethod::to_register(listed),
            scope: Some(&all_scopes),
            extra: self.settings().registration_metadata.as_deref(),
        };
        let mut sent_scopes = Some(all_scopes.clone());
        let outcome = match self.send_registration(endpoint, &request)? {
            Err(EndpointFailure::Refused(refusal))
                if matches!(refusal.code.as_str(), "invalid_client_metadata" | "invalid_scope")
                    && !all_scopes.is_empty() =>
            {
                sent_scopes = None;
                self.send_registration(endpoint, &RegistrationRequest { scope: None, ..request })?
            }
            outcome => outcome,
        };
        let registered = match outcome {
            Ok(registered) => registered,
            Err(EndpointFailure::Unusable(_)) if site.is_guess => return Ok(None),
            Err(failure) => return Err(registration_error(failure, endpoint)),
        };
        let credential =
            if registered.client_secret.is_some() { ClientCredential::Secret } else { ClientCredential::Nothing };
        let method = AuthMethod::of_client(credential, registered.auth_method.as_deref(), listed);
        Ok(Some(ClientIdentity {
            method: method.map_err(oauth_failure)?,
            secret: registered.client_secret,
            secret_expires_at: registered.secret_expires_at,
            scope: registered.scope.filter(|scope| !scope.is_empty()).or(sent_scopes),
            ..ClientIdentity::public(&registered.client_id, ClientOrigin::Registered)
        }))
    }

    fn send_registration(
        &self,
        endpoint: &str,
        request: &RegistrationRequest,
    ) -> Result<Result<RegisteredClient, EndpointFailure>> {
        let body = request.to_json();
        let response = self.send("the client registration", endpoint, Some(ForeignBody::Json(&body)))?;
        Ok(RegisteredClient::parse(response.status, &String::from_utf8_lossy(&response.body)))
    }
}

fn registration_error(failure: EndpointFailure, endpoint: &str) -> Error {
    const ADVICE: &str = "register the client there, and set it with mcp_oauth_set_client";
    match failure {
        EndpointFailure::Refused(refusal) => {
            let what = format!("the client registration at {} was refused", quote(endpoint));
            let mut error = refusal_error(&what, &refusal, &Secrets::default());
            let message = &mut error.report_mut().message;
            *message = format!("{message}; {ADVICE}");
            error
        }
        EndpointFailure::Unusable(why) => {
            oauth_failure(format!("the client registration at {} failed: {why}; or {ADVICE}", quote(endpoint)))
        }
    }
}
