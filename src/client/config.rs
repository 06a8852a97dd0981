//! Clients for the servers of a configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroize;

use super::Client;
use crate::auth::oauth::client::OAuthClient;
use crate::auth::oauth::login::open_in_browser;
use crate::config::env_file::parse_env_file;
use crate::config::file::{self as config, EnvFile, ListedServer, ServerAddress, ServerConfig};
use crate::config::oauth::OAuthConfig;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::messages::quoted;
use crate::sanitize::shortened;
use crate::status::MCP_CONFIG_INVALID;
use crate::sys::{file, text};
use crate::transport::interface::TransportKind;
use crate::transport::stdio::environment::command_for;

/// The largest configuration file that is read, in bytes.
const MAX_FILE_SIZE: u64 = 4 * 1024 * 1024;

/// The largest `envFile` that is read, in bytes.
const MAX_ENV_FILE_SIZE: u64 = 1024 * 1024;

/// The longest header name in an error message, in bytes.
const MAX_NAME_IN_MESSAGE: usize = 100;

/// The longest file path in an error message, in bytes.
const MAX_PATH_IN_MESSAGE: usize = 600;

impl Client {
    /// A client for the server `name` of a configuration file; without a name, for its only server.
    pub fn from_config(path: &str, name: Option<&str>) -> Result<Arc<Client>> {
        let file = read(path)?;
        let lookup = |name: &str| std::env::var(name).ok();
        let server = config::server(&file, name, &lookup);
        // The file may contain credentials.
        file.wipe();
        let mut server = server.map_err(|why| invalid(path, why))?;
        read_env_file(&mut server, Path::new(path)).map_err(|why| invalid(path, why))?;
        Client::from_server_config(server).map_err(|why| invalid(path, why))
    }

    /// A client for a server of a configuration file. An error names the invalid key.
    pub fn from_server_config(server: ServerConfig) -> Result<Arc<Client>, String> {
        let key_path = server.key_path;
        let invalid_key = |key: &str| {
            let key = format!("{key_path}.{key}");
            move |error: Error| format!("{key}: {error}")
        };
        let client = match server.address {
            ServerAddress::Process { argv, environment, directory, env_file: _ } => {
                let mut command = command_for(argv);
                // Of variables with the same name, the last one counts.
                let all: BTreeMap<_, _> = command.environment.into_iter().chain(environment).collect();
                command.environment = all.into_iter().collect();
                command.directory = directory.map(PathBuf::from);
                Client::new_stdio(command).map_err(invalid_key("command"))?
            }
            ServerAddress::Url { key, url, transport, headers, mut bearer, oauth } => {
                let client = Client::new(&url).map_err(invalid_key(key))?;
                if let Some(transport) = transport {
                    let transport = match transport {
                        config::ConfiguredTransport::StreamableHttp => TransportKind::StreamableHttp,
                        config::ConfiguredTransport::Sse => TransportKind::Sse,
                    };
                    client.settings.set_transport(Some(transport)).map_err(invalid_key("transport"))?;
                }
                for (name, mut value) in headers {
                    let set = client.auth().credentials.set_header(&name, Some(&value));
                    value.zeroize();
                    set.map_err(invalid_key(&format!("headers.{}", shortened(&name, MAX_NAME_IN_MESSAGE))))?;
                }
                let set = client.auth().credentials.set_bearer(bearer.as_deref());
                bearer.zeroize();
                set.map_err(invalid_key("auth"))?;
                if let Some(oauth) = oauth {
                    let set = oauth_client(oauth).and_then(|oauth| client.set_oauth(Some(&oauth)));
                    set.map_err(invalid_key("oauth"))?;
                }
                client
            }
        };
        if let Some(timeout) = server.timeout_ms {
            client.settings.set_config_timeout(timeout);
        }
        Ok(client)
    }
}

/// An OAuth client with the settings of a file: it opens the user's browser, and keeps the tokens in the default folder
/// if there is one.
fn oauth_client(mut config: OAuthConfig) -> Result<Arc<OAuthClient>> {
    let oauth = OAuthClient::new();
    let replaced = oauth.change(|settings| {
        settings.open = Some(Box::new(open_in_browser));
        if let Some(id) = &config.client_id {
            settings.set_client(config.issuer.as_deref(), id, config.client_secret.as_deref())?;
        }
        settings.set_client_url(config.client_metadata_url.as_deref())?;
        settings.set_scopes(config.scopes.as_deref())?;
        if let Some(uri) = &config.redirect_uri {
            settings.set_redirect(uri)?;
        }
        // Without a home folder, the tokens are kept in memory.
        Ok(settings.use_folder(None).ok())
    });
    config.client_secret.zeroize();
    replaced.map(|_| oauth)
}

/// The names of the servers of a configuration file, as a JSON array.
pub fn names(path: &str) -> Result<Json> {
    list(path, |server| quoted(&server.name))
}

/// The servers of a configuration file, as a JSON array of objects.
pub fn servers(path: &str) -> Result<Json> {
    list(path, |ListedServer { name, is_disabled }| format!(r#"{{"name":{},"disabled":{is_disabled}}}"#, quoted(name)))
}

fn list(path: &str, write: impl Fn(&ListedServer) -> String) -> Result<Json> {
    let file = read(path)?;
    let servers = config::list(&file);
    file.wipe();
    let servers = servers.map_err(|why| invalid(path, why))?;
    let servers: Vec<String> = servers.iter().map(write).collect();
    Json::parse(format!("[{}]", servers.join(","))).map_err(|why| invalid(path, why))
}

fn read(path: &str) -> Result<Json> {
    let text = file::read(Path::new(path), MAX_FILE_SIZE).map_err(|error| invalid(path, error))?;
    config::parse(&text).map_err(|why| invalid(path, why))
}

/// Adds the variables of the server's `envFile`. A relative path starts at the folder of the configuration file.
fn read_env_file(server: &mut ServerConfig, config: &Path) -> Result<(), String> {
    let ServerAddress::Process { environment, env_file: Some(EnvFile { path, display_path }), .. } =
        &mut server.address
    else {
        return Ok(());
    };
    let wrong = |why: String| format!("{}.envFile: {display_path}{why}", server.key_path);
    let path = config.parent().unwrap_or(Path::new("")).join(path);
    let content = file::read(&path, MAX_ENV_FILE_SIZE).map_err(|error| wrong(format!(": {error}")))?;
    let content = text::utf8_slice(&content).map_err(|_| wrong(": it is not valid UTF-8".into()))?;
    let mut all = parse_env_file(content).map_err(|(line, why)| wrong(format!(", line {line}: {why}")))?;
    all.append(environment);
    *environment = all;
    Ok(())
}

fn invalid(path: &str, why: impl std::fmt::Display) -> Error {
    Error::new(MCP_CONFIG_INVALID, format!("the configuration file {}: {why}", shortened(path, MAX_PATH_IN_MESSAGE)))
}
