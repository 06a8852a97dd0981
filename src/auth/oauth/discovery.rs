//! Finds the authorization server of an MCP server (2026-07-28, "Authorization Server Discovery").

use super::renewal::{Renewal, oauth_failure};
use crate::call::retry::is_of_this_call;
use crate::error::{Error, Result};
use crate::http::foreign::ForeignResponse;
use crate::protocol::oauth::json_object::DocumentError;
use crate::protocol::oauth::quote::quote;
use crate::protocol::oauth::resource_metadata::ResourceMetadata;
use crate::protocol::oauth::scope::ScopeSet;
use crate::protocol::oauth::server_metadata::AuthorizationServerMetadata;
use crate::protocol::oauth::url::HttpUrl;
use crate::protocol::oauth::well_known::{is_issuer, resource_metadata_urls, server_metadata_urls};
use crate::status::MCP_REDIRECT_REFUSED;

/// How many authorization servers of an MCP server are tried: each causes up to three requests.
const MAX_AUTHORIZATION_SERVERS: usize = 8;

/// Where and for what tokens are requested.
pub struct AuthorizationSite {
    /// The parameter `resource`; `None` if none is sent.
    pub resource: Option<String>,
    /// The scopes that the MCP server publishes.
    pub scopes_supported: Option<ScopeSet>,
    pub metadata: AuthorizationServerMetadata,
    /// The authorization server publishes no metadata: whether it exists is not certain.
    pub is_guess: bool,
}

impl Renewal<'_> {
    /// The metadata of the MCP server; `None` if it publishes none. `challenged` is the URL in the server's challenge.
    pub fn resource_metadata(&self, challenged: Option<&str>) -> Result<Option<ResourceMetadata>> {
        const WHAT: &str = "the protected resource metadata";
        let server = self.server_url()?;
        let leniency = self.settings().leniency;
        for url in resource_metadata_urls(server, challenged) {
            let found = if challenged == Some(&url) {
                self.challenged_document(WHAT, &url)?
            } else {
                self.document(WHAT, &url)?
            };
            let Some(text) = found else { continue };
            match ResourceMetadata::parse(&text, &server, leniency) {
                Ok(metadata) if metadata.requires_dpop => {
                    return Err(oauth_failure(
                        "the server accepts only tokens that are bound to a key (DPoP, RFC 9449), which libmcp does \
                         not support",
                    ));
                }
                Ok(metadata) => return Ok(Some(metadata)),
                Err(DocumentError::NotJson(_)) if challenged != Some(&url) => {}
                Err(error) => {
                    return Err(oauth_failure(format!("{} (read from {})", error.message(), self.quoted(&url))));
                }
            }
        }
        Ok(None)
    }

    /// Chooses the authorization server and reads its metadata. `published` is what the MCP server publishes.
    pub fn site(&self, published: Option<ResourceMetadata>) -> Result<AuthorizationSite> {
        let Some(published) = published else { return self.site_without_metadata() };
        let mut last_error = None;
        for issuer in self.by_preference(&published.authorization_servers).into_iter().take(MAX_AUTHORIZATION_SERVERS) {
            match self.server_metadata(issuer) {
                Ok(Some(metadata)) => {
                    return Ok(AuthorizationSite {
                        resource: self.resource_parameter(Some(published.resource)),
                        scopes_supported: published.scopes_supported,
                        metadata,
                        is_guess: false,
                    });
                }
                Ok(None) => {
                    last_error.get_or_insert_with(|| {
                        oauth_failure(format!(
                            "the authorization server {} publishes no metadata (RFC 8414)",
                            quote(issuer)
                        ))
                    });
                }
                Err(error) if is_of_this_call(&error) => return Err(error),
                Err(error) => {
                    last_error.get_or_insert(error);
                }
            }
        }
        Err(last_error.unwrap_or_else(|| oauth_failure("the server names no authorization server")))
    }

    /// The authorization server is at the origin of the MCP server (2025-03-26).
    fn site_without_metadata(&self) -> Result<AuthorizationSite> {
        let server = self.server_url()?;
        let metadata = self.server_metadata(server.origin)?;
        Ok(AuthorizationSite {
            resource: self.resource_parameter(None),
            scopes_supported: None,
            is_guess: metadata.is_none(),
            metadata: metadata.unwrap_or_else(|| AuthorizationServerMetadata::default_of(server)),
        })
    }

    /// First those for which the application has set a client, then the one of the record.
    fn by_preference<'i>(&self, issuers: &'i [String]) -> Vec<&'i str> {
        let record = self.authorization.record();
        let rank = |issuer: &&str| {
            let is_set = |own: &Option<String>| own.as_deref().is_some_and(|own| is_issuer(own, issuer));
            if self.settings().clients.iter().any(|client| is_set(&client.issuer)) {
                0
            } else if record.as_ref().is_some_and(|record| is_issuer(issuer, &record.issuer)) {
                1
            } else {
                2
            }
        };
        let issuers = || issuers.iter().map(String::as_str);
        (0..=2).flat_map(|wanted| issuers().filter(move |issuer| rank(issuer) == wanted)).collect()
    }

    /// The metadata of an authorization server; `None` if it publishes none.
    fn server_metadata(&self, issuer: &str) -> Result<Option<AuthorizationServerMetadata>> {
        const WHAT: &str = "the metadata of the authorization server";
        let url = HttpUrl::parse(issuer).map_err(|why| oauth_failure(format!("the issuer {} {why}", quote(issuer))))?;
        for url in server_metadata_urls(url) {
            let Some(text) = self.document(WHAT, &url)? else { continue };
            match AuthorizationServerMetadata::parse(&text, issuer, self.settings().leniency) {
                Ok(metadata) => return Ok(Some(metadata)),
                Err(DocumentError::NotJson(_)) => {}
                Err(error) => {
                    return Err(oauth_failure(format!("{} (read from {})", error.message(), self.quoted(&url))));
                }
            }
        }
        Ok(None)
    }

    /// The document that the server's challenge names. A server with such a challenge is not one of 2025-03-26, so a
    /// wrong document must not be mistaken for a missing one.
    fn challenged_document(&self, what: &str, url: &str) -> Result<Option<String>> {
        let response = self.send(what, url, None)?;
        match response.status {
            200..=299 => Ok(Some(String::from_utf8_lossy(&response.body).into_owned())),
            408 | 429 | 500.. => Err(unavailable(what, &self.quoted(url), &response)),
            _ => Ok(None),
        }
    }

    /// The text at one of the URLs at which a document may be; `None` if there is none. A server that is overloaded or
    /// broken is an error: it must not be mistaken for one without the document.
    fn document(&self, what: &str, url: &str) -> Result<Option<String>> {
        let response = match self.send(what, url, None) {
            Ok(response) => response,
            // Web applications redirect unknown paths to their login page.
            Err(error) if error.status() == MCP_REDIRECT_REFUSED => return Ok(None),
            Err(error) => return Err(error),
        };
        match response.status {
            200..=299 => Ok(String::from_utf8(response.body.to_vec()).ok()),
            408 | 429 | 500.. => Err(unavailable(what, &self.quoted(url), &response)),
            _ => Ok(None),
        }
    }

    /// The URL in quotation marks. It may contain the secrets of the MCP server's URL, which are redacted first.
    fn quoted(&self, url: &str) -> String {
        quote(&self.call.secrets().redact(url))
    }

    /// The value of the parameter `resource`. `published` is what the MCP server publishes.
    fn resource_parameter(&self, published: Option<String>) -> Option<String> {
        match &self.settings().resource {
            Some(set) => Some(set.clone()).filter(|set| !set.is_empty()),
            None => published,
        }
    }

    fn server_url(&self) -> Result<HttpUrl<'_>> {
        HttpUrl::parse(&self.authorization.server_url)
            .map_err(|why| oauth_failure(format!("OAuth cannot be used, because the URL of the server {why}")))
    }
}

fn unavailable(what: &str, url: &str, response: &ForeignResponse) -> Error {
    let mut error = oauth_failure(format!("{what} at {url} is not available (HTTP {})", response.status));
    error.report_mut().retry_after_ms = response.retry_after_ms;
    error
}
