//! The settings of an OAuth client. They are checked when they are set.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::callbacks::{AssertionCallback, OpenCallback};
use super::folder_store::{FolderStore, default_folder};
use super::keys::SigningKey;
use super::record_store::{CustomStore, RecordStore};
use crate::call::object;
use crate::error::{Error, Result};
use crate::net::address_policy::AddressExceptions;
use crate::protocol::oauth::client_url::check_client_url;
use crate::protocol::oauth::leniency::Leniency;
use crate::protocol::oauth::record::record_key;
use crate::protocol::oauth::redirect::RedirectUri;
use crate::protocol::oauth::registration::check_extra_members;
use crate::protocol::oauth::scope::ScopeSet;
use crate::protocol::oauth::url::{HttpUrl, check_server_url};
use crate::protocol::oauth::well_known::is_issuer;
use crate::status::MCP_INVALID_ARGUMENT;

/// How long a login waits for the user, unless the application sets another time.
const DEFAULT_LOGIN_TIMEOUT: Duration = Duration::from_secs(300);

/// The parameters of authorization and token requests that the library sets.
const RESERVED_PARAMETERS: [&str; 16] = [
    "assertion",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "resource",
    "response_type",
    "scope",
    "state",
];

/// How tokens are obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The user logs in (RFC 6749, section 4.1).
    Login,
    /// The client is the user (RFC 6749, section 4.4).
    ClientCredentials,
    /// A JWT of another party proves the identity (RFC 7523).
    Assertion,
}

/// When the user may be asked to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginPolicy {
    /// During any call that needs a token.
    WhenNeeded,
    /// Only during a call of `mcp_login`.
    WhenAsked,
}

/// A rule that the application may switch off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LenientRule {
    UnstatedPkce,
    PrivateAddresses,
    PlainHttp,
}

/// What a configured client authenticates with. No `Debug`: it contains secrets.
#[derive(Clone)]
pub(super) enum ConfiguredCredential {
    /// A public client.
    Nothing,
    Secret(Zeroizing<String>),
    Key {
        key: Arc<SigningKey>,
        key_id: Option<String>,
    },
}

/// A client that is registered at an authorization server in advance.
#[derive(Clone)]
pub(super) struct ConfiguredClient {
    /// `None`: the authorization server that the MCP server names.
    pub issuer: Option<String>,
    pub id: String,
    pub credential: ConfiguredCredential,
}

/// The identity provider that exchanges an ID token for an identity assertion grant.
#[derive(Clone)]
pub(super) struct IdentityProvider {
    pub token_endpoint: String,
    pub client_id: String,
    pub client_secret: Option<Zeroizing<String>>,
}

/// The settings of an OAuth client. No `Debug`: they contain secrets.
pub struct OAuthSettings {
    pub(super) clients: Vec<ConfiguredClient>,
    /// The URL of the client's metadata document.
    pub(super) client_url: Option<String>,
    pub(super) may_register: bool,
    /// Members that are added to a registration: a JSON object.
    pub(super) registration_metadata: Option<String>,
    pub grant: Grant,
    /// `None`: those that the MCP server names.
    pub(super) scopes: Option<ScopeSet>,
    /// `None`: as the MCP server publishes it. Empty: none is sent.
    pub(super) resource: Option<String>,
    /// Added to authorization requests, and to token requests without a login.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) leniency: Leniency,
    pub(super) address_exceptions: AddressExceptions,
    pub open: Option<Box<OpenCallback>>,
    pub(super) redirect: RedirectUri,
    pub login_policy: LoginPolicy,
    /// `None`: no limit.
    pub login_timeout: Option<Duration>,
    pub(super) store: RecordStore,
    pub assertion: Option<Box<AssertionCallback>>,
    pub(super) identity: Option<IdentityProvider>,
}

impl OAuthSettings {
    pub(super) fn new() -> OAuthSettings {
        OAuthSettings {
            clients: Vec::new(),
            client_url: None,
            may_register: true,
            registration_metadata: None,
            grant: Grant::Login,
            scopes: None,
            resource: None,
            parameters: Vec::new(),
            leniency: Leniency::default(),
            address_exceptions: AddressExceptions::default(),
            open: None,
            redirect: RedirectUri::default(),
            login_policy: LoginPolicy::WhenNeeded,
            login_timeout: Some(DEFAULT_LOGIN_TIMEOUT),
            store: RecordStore::Memory,
            assertion: None,
            identity: None,
        }
    }

    /// Sets the client for an issuer, with its secret if it has one.
    pub fn set_client(&mut self, issuer: Option<&str>, id: &str, secret: Option<&str>) -> Result<()> {
        let credential = match secret {
            None => ConfiguredCredential::Nothing,
            Some("") => return Err(invalid("the client secret is empty; pass NULL for a public client".into())),
            Some(secret) => ConfiguredCredential::Secret(Zeroizing::new(secret.into())),
        };
        self.add_client(issuer, id, credential)
    }

    /// Sets the client for an issuer, with the private key (PEM) that it authenticates with.
    pub fn set_client_key(
        &mut self,
        issuer: Option<&str>,
        id: &str,
        private_key: &str,
        key_id: Option<&str>,
    ) -> Result<()> {
        let key = Arc::new(SigningKey::from_pem(private_key)?);
        self.add_client(issuer, id, ConfiguredCredential::Key { key, key_id: key_id.map(str::to_owned) })
    }

    fn add_client(&mut self, issuer: Option<&str>, id: &str, credential: ConfiguredCredential) -> Result<()> {
        check_client_id(id)?;
        if let Some(issuer) = issuer {
            // Plain http is checked when it is used: `allow` may be called later.
            let any_scheme = Leniency { plain_http: true, ..self.leniency };
            check_server_url("issuer", issuer, any_scheme).map_err(invalid)?;
        }
        let issuer = issuer.map(str::to_owned);
        self.clients.retain(|client| client.issuer != issuer);
        self.clients.push(ConfiguredClient { issuer, id: id.into(), credential });
        Ok(())
    }

    pub fn set_client_url(&mut self, url: Option<&str>) -> Result<()> {
        if let Some(url) = url {
            check_client_url(url).map_err(invalid)?;
        }
        self.client_url = url.map(str::to_owned);
        Ok(())
    }

    /// `metadata` is the text of a JSON object.
    pub fn set_registration(&mut self, is_allowed: bool, metadata: Option<&str>) -> Result<()> {
        if let Some(metadata) = metadata {
            object(metadata, "the registration metadata")?;
            check_extra_members(metadata).map_err(invalid)?;
        }
        self.may_register = is_allowed;
        self.registration_metadata = metadata.map(str::to_owned);
        Ok(())
    }

    /// Sets the scopes, separated by spaces.
    pub fn set_scopes(&mut self, scopes: Option<&str>) -> Result<()> {
        let parsed = scopes.map(ScopeSet::parse);
        if let (Some(text), Some(parsed)) = (scopes, &parsed)
            && let Some(rejected) = text.split(' ').find(|scope| !scope.is_empty() && !parsed.contains(scope))
        {
            return Err(invalid(format!("{rejected:?} is not a valid scope (RFC 6749, 3.3)")));
        }
        self.scopes = parsed;
        Ok(())
    }

    pub fn set_resource(&mut self, resource: Option<&str>) -> Result<()> {
        if let Some(resource) = resource.filter(|resource| !resource.is_empty())
            && (!resource.bytes().all(|byte| byte.is_ascii_graphic()) || resource.contains('#'))
        {
            return Err(invalid("the resource is not a URI without a fragment (RFC 8707, 2)".into()));
        }
        self.resource = resource.map(str::to_owned);
        Ok(())
    }

    /// Sets or removes a parameter of authorization requests.
    pub fn set_parameter(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        if name.is_empty() || RESERVED_PARAMETERS.contains(&name) {
            return Err(invalid(format!("the parameter {name:?} cannot be set: libmcp sets it")));
        }
        self.parameters.retain(|(known, _)| known != name);
        self.parameters.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        Ok(())
    }

    pub fn allow(&mut self, rule: LenientRule, is_allowed: bool) {
        match rule {
            LenientRule::UnstatedPkce => self.leniency.unstated_pkce = is_allowed,
            LenientRule::PrivateAddresses => self.address_exceptions.private_addresses = is_allowed,
            LenientRule::PlainHttp => {
                self.leniency.plain_http = is_allowed;
                self.address_exceptions.plain_http = is_allowed;
            }
        }
    }

    pub fn set_redirect(&mut self, uri: &str) -> Result<()> {
        self.redirect = RedirectUri::parse(uri).map_err(invalid)?;
        Ok(())
    }

    /// Keeps records in a folder; `None` for the default one.
    pub fn use_folder(&mut self, path: Option<&Path>) -> Result<Option<RecordStore>> {
        let folder = path.map_or_else(default_folder, |path| Ok(path.to_owned()))?;
        Ok(self.replace_store(RecordStore::Folder(FolderStore::new(&folder)?)))
    }

    /// Keeps records with the application's callbacks; `None` for memory.
    pub fn set_store(&mut self, store: Option<Box<dyn CustomStore>>) -> Option<RecordStore> {
        self.replace_store(store.map_or(RecordStore::Memory, |store| RecordStore::Custom(store.into())))
    }

    fn replace_store(&mut self, store: RecordStore) -> Option<RecordStore> {
        Some(std::mem::replace(&mut self.store, store))
    }

    pub fn set_identity(&mut self, token_endpoint: &str, client_id: &str, client_secret: Option<&str>) -> Result<()> {
        let any_scheme = Leniency { plain_http: true, ..self.leniency };
        check_server_url("token endpoint of the identity provider", token_endpoint, any_scheme).map_err(invalid)?;
        check_client_id(client_id)?;
        self.identity = Some(IdentityProvider {
            token_endpoint: token_endpoint.into(),
            client_id: client_id.into(),
            client_secret: client_secret.map(|secret| Zeroizing::new(secret.into())),
        });
        Ok(())
    }

    /// The key of the record of the MCP server at `url`.
    pub(super) fn record_key(&self, url: &str) -> String {
        let configured = self.clients.first().map(|client| client.id.as_str());
        record_key(url, configured.or(self.client_url.as_deref()).unwrap_or_default())
    }

    /// The client that was set for this issuer, or else the one that was set for none.
    pub(super) fn client_for(&self, issuer: &str) -> Option<&ConfiguredClient> {
        let is_for = |client: &&ConfiguredClient| client.issuer.as_deref().is_some_and(|own| is_issuer(own, issuer));
        let of_any = || self.clients.iter().find(|client| client.issuer.is_none());
        self.clients.iter().find(is_for).or_else(of_any)
    }
}

/// Whether both URLs have the same origin, or `url` is on this machine.
pub(super) fn is_near(url: &str, server_url: &str) -> bool {
    match (HttpUrl::parse(url), HttpUrl::parse(server_url)) {
        (Ok(url), Ok(server)) => url.is_loopback() || url.has_origin_of(&server),
        _ => false,
    }
}

/// `client-id = *VSCHAR` (RFC 6749, appendix A.1)
fn check_client_id(id: &str) -> Result<()> {
    if id.is_empty() || !id.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(invalid("the client id is empty or contains a character other than visible ASCII".into()));
    }
    Ok(())
}

fn invalid(why: String) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, why)
}
