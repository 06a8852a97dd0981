//! Clients that a configuration file describes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroize;

use super::Client;
use crate::config::env_file::variables;
use crate::config::file::{self as config, EnvFile, ListedServer, ServerAddress, ServerConfig};
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::protocol::messages::quoted;
use crate::sanitize::shortened;
use crate::status::MCP_CONFIG_INVALID;
use crate::sys::{file, text};
use crate::transport::interface::TransportKind;
use crate::transport::stdio::environment::program;

/// A larger file is none of these, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The same for a file with environment variables.
const LARGEST_ENV: u64 = 1024 * 1024;

/// The longest name of a header in a message, in bytes.
const LONGEST_KEY: usize = 100;

/// The longest path of a file in a message, in bytes.
const LONGEST_PATH: usize = 600;

impl Client {
    /// A client for a server of a file; for the only one, where no name is given.
    pub fn from_config(path: &str, name: Option<&str>) -> Result<Arc<Client>> {
        let file = read(path)?;
        let lookup = |name: &str| std::env::var(name).ok();
        let server = config::server(&file, name, &lookup);
        // It may hold credentials.
        file.wipe();
        let mut server = server.map_err(|why| invalid(path, why))?;
        read_env_file(&mut server, Path::new(path)).map_err(|why| invalid(path, why))?;
        Client::of_server(server).map_err(|why| invalid(path, why))
    }

    /// The client, or which key is wrong and why.
    pub fn of_server(server: ServerConfig) -> Result<Arc<Client>, String> {
        let place = server.place;
        let wrong = |key: &str| {
            let key = format!("{place}.{key}");
            move |error: Error| format!("{key}: {error}")
        };
        let client = match server.way {
            ServerAddress::Process { argv, environment, directory, env_file: _ } => {
                let mut program = program(argv);
                // Of variables with the same name, the last one counts.
                let all: BTreeMap<_, _> = program.environment.into_iter().chain(environment).collect();
                program.environment = all.into_iter().collect();
                program.directory = directory.map(PathBuf::from);
                Client::of_process(program).map_err(wrong("command"))?
            }
            ServerAddress::Url { key, url, transport, headers, mut bearer } => {
                let client = Client::new(&url).map_err(wrong(key))?;
                if let Some(transport) = transport {
                    let transport = match transport {
                        config::ConfiguredTransport::StreamableHttp => TransportKind::StreamableHttp,
                        config::ConfiguredTransport::Sse => TransportKind::Sse,
                    };
                    client.settings.set_transport(Some(transport)).map_err(wrong("transport"))?;
                }
                for (name, mut value) in headers {
                    let set = client.auth().credentials.set_header(&name, Some(&value));
                    value.zeroize();
                    set.map_err(wrong(&format!("headers.{}", shortened(&name, LONGEST_KEY))))?;
                }
                let set = client.auth().credentials.set_bearer(bearer.as_deref());
                bearer.zeroize();
                set.map_err(wrong("auth"))?;
                client
            }
        };
        if let Some(timeout) = server.timeout_ms {
            client.settings.set_timeout_of_file(timeout);
        }
        Ok(client)
    }
}

/// The names of the servers of a file, as an array.
pub fn names(path: &str) -> Result<Json> {
    list(path, |server| quoted(&server.name))
}

/// The servers of a file, as an array of objects.
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
    let text = file::read(Path::new(path), LARGEST).map_err(|error| invalid(path, error))?;
    config::parse(&text).map_err(|why| invalid(path, why))
}

/// Adds the variables of the `envFile` of a server, which is looked for from the folder of the configuration file.
fn read_env_file(server: &mut ServerConfig, config: &Path) -> Result<(), String> {
    let ServerAddress::Process { environment, env_file: Some(EnvFile { path, shown }), .. } = &mut server.way else {
        return Ok(());
    };
    let wrong = |why: String| format!("{}.envFile: {shown}{why}", server.place);
    let path = config.parent().unwrap_or(Path::new("")).join(path);
    let content = file::read(&path, LARGEST_ENV).map_err(|error| wrong(format!(": {error}")))?;
    let content = text::utf8_slice(&content).map_err(|_| wrong(": it is not valid UTF-8".into()))?;
    let mut all = variables(content).map_err(|(line, why)| wrong(format!(", line {line}: {why}")))?;
    all.append(environment);
    *environment = all;
    Ok(())
}

fn invalid(path: &str, why: impl std::fmt::Display) -> Error {
    Error::new(MCP_CONFIG_INVALID, format!("the configuration file {}: {why}", shortened(path, LONGEST_PATH)))
}
