//! The member "oauth" of a server in a configuration file.

use super::entry::ConfigEntry;
use crate::protocol::json::Kind;

/// How the program logs in. A member is `None` if the file does not set it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OAuthConfig {
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    pub issuer: Option<String>,
    /// Separated by spaces.
    pub scopes: Option<String>,
    pub redirect_uri: Option<String>,
    pub client_metadata_url: Option<String>,
}

impl OAuthConfig {
    pub(super) fn read(entry: &ConfigEntry) -> Result<OAuthConfig, String> {
        let config = OAuthConfig {
            client_id: entry.text("clientId")?,
            client_secret: entry.text("clientSecret")?,
            issuer: entry.text("issuer")?,
            scopes: scopes(entry)?,
            redirect_uri: redirect_uri(entry)?,
            client_metadata_url: entry.text("clientMetadataUrl")?,
        };
        match config.client_id {
            None if config.client_secret.is_some() => Err(entry.wrong("clientSecret", "it requires a \"clientId\"")),
            None if config.issuer.is_some() => Err(entry.wrong("issuer", "it requires a \"clientId\"")),
            _ => Ok(config),
        }
    }
}

/// A list of scopes, or a text in which spaces separate them.
fn scopes(entry: &ConfigEntry) -> Result<Option<String>, String> {
    match entry.member("scopes") {
        Some(list) if list.kind() == Kind::Array => {
            let scopes = list.children().map(|scope| entry.expanded_string(scope, "scopes"));
            Ok(Some(scopes.collect::<Result<Vec<String>, String>>()?.join(" ")))
        }
        _ => entry.text("scopes"),
    }
}

fn redirect_uri(entry: &ConfigEntry) -> Result<Option<String>, String> {
    let uri = entry.text("redirectUri")?;
    let Some(port) = entry.member("callbackPort") else { return Ok(uri) };
    if uri.is_some() {
        return Err(entry.wrong("callbackPort", "it does not fit \"redirectUri\", which contains the port"));
    }
    match port.uint64() {
        Ok(port) if (1..=65535).contains(&port) => Ok(Some(format!("http://localhost:{port}/callback"))),
        _ => Err(entry.wrong("callbackPort", "it is not a port number from 1 to 65535")),
    }
}
