//! Clients for the servers of a configuration file.

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

/// Where a configuration comes from.
#[derive(Clone, Copy)]
pub enum ConfigSource<'a> {
    /// The path of a file.
    File(&'a str),
    /// The content that a file would have.
    Text(&'a str),
}

impl ConfigSource<'_> {
    fn read(self) -> Result<Json> {
        let parsed = match self {
            ConfigSource::File(path) => {
                let text = file::read(Path::new(path), MAX_FILE_SIZE).map_err(|error| self.invalid(error))?;
                config::parse(&text)
            }
            ConfigSource::Text(text) if text.len() as u64 > MAX_FILE_SIZE => {
                Err(format!("it is larger than {MAX_FILE_SIZE} bytes"))
            }
            ConfigSource::Text(text) => config::parse(text.as_bytes()),
        };
        parsed.map_err(|why| self.invalid(why))
    }

    /// The folder at which the relative path of an `envFile` starts; empty for the working directory.
    fn folder(&self) -> &Path {
        match self {
            ConfigSource::File(path) => Path::new(path).parent().unwrap_or(Path::new("")),
            ConfigSource::Text(_) => Path::new(""),
        }
    }

    fn invalid(self, why: impl std::fmt::Display) -> Error {
        let message = match self {
            ConfigSource::File(path) => {
                format!("the configuration file {}: {why}", shortened(path, MAX_PATH_IN_MESSAGE))
            }
            ConfigSource::Text(_) => format!("the configuration: {why}"),
        };
        Error::new(MCP_CONFIG_INVALID, message)
    }
}

impl Client {
    /// A client for the server `name` of a configuration; without a name, for its only server.
    pub fn from_config(source: ConfigSource, name: Option<&str>) -> Result<Arc<Client>> {
        let file = source.read()?;
        let lookup = |name: &str| std::env::var(name).ok();
        let server = config::server(&file, name, &lookup);
        // The file may contain credentials.
        file.wipe();
        let mut server = server.map_err(|why| source.invalid(why))?;
        read_env_file(&mut server, source.folder()).map_err(|why| source.invalid(why))?;
        Client::from_server_config(server).map_err(|why| source.invalid(why))
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
                command.environment.extend(environment);
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
        client.set_name(Some(&server.name));
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

/// The names of the servers of a configuration, as a JSON array.
pub fn names(source: ConfigSource) -> Result<Json> {
    list(source, |server| quoted(&server.name))
}

/// The servers of a configuration, as a JSON array of objects.
pub fn servers(source: ConfigSource) -> Result<Json> {
    list(source, |ListedServer { name, is_disabled }| {
        format!(r#"{{"name":{},"disabled":{is_disabled}}}"#, quoted(name))
    })
}

fn list(source: ConfigSource, write: impl Fn(&ListedServer) -> String) -> Result<Json> {
    let file = source.read()?;
    let servers = config::list(&file);
    file.wipe();
    let servers = servers.map_err(|why| source.invalid(why))?;
    let servers: Vec<String> = servers.iter().map(write).collect();
    Json::parse(format!("[{}]", servers.join(","))).map_err(|why| source.invalid(why))
}

/// Adds the variables of the server's `envFile`. A relative path starts at `folder`.
fn read_env_file(server: &mut ServerConfig, folder: &Path) -> Result<(), String> {
    let ServerAddress::Process { environment, env_file: Some(EnvFile { path, display_path }), .. } =
        &mut server.address
    else {
        return Ok(());
    };
    let wrong = |why: String| format!("{}.envFile: {display_path}{why}", server.key_path);
    let path = folder.join(path);
    let content = file::read(&path, MAX_ENV_FILE_SIZE).map_err(|error| wrong(format!(": {error}")))?;
    let content = text::utf8_slice(&content).map_err(|_| wrong(": it is not valid UTF-8".into()))?;
    let mut all = parse_env_file(content).map_err(|(line, why)| wrong(format!(", line {line}: {why}")))?;
    all.append(environment);
    *environment = all;
    Ok(())
}
