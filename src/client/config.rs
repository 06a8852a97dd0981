//! Clients that a configuration file describes.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use super::Client;
use super::settings::Transport;
use crate::error::{Error, Result};
use crate::protocol::config::{self, Server, Way};
use crate::protocol::json::Json;
use crate::protocol::messages::quoted;
use crate::status::MCP_CONFIG_INVALID;
use crate::sys::child::Program;

/// A larger file is none of these.
const LARGEST: u64 = 16 * 1024 * 1024;

/// What a server inherits of the environment, as in the other clients: no secret of the program's.
const INHERITED: [&str; 6] = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

/// In bytes.
const SHORTEST_SECRET: usize = 8;

impl Client {
    /// A client for a server of a file; for the only one, where no name is given.
    pub fn from_config(path: &str, name: Option<&str>) -> Result<Arc<Client>> {
        let file = read(path)?;
        let lookup = |name: &str| std::env::var(name).ok();
        let server = config::server(&file, name, &lookup).map_err(|why| invalid(path, why))?;
        Client::of_server(server).map_err(|why| invalid(path, why))
    }

    /// The client, or which key is wrong and why.
    pub fn of_server(server: Server) -> Result<Arc<Client>, String> {
        let place = server.place;
        let wrong = |key: &str| {
            let key = format!("{place}.{key}");
            move |error: Error| format!("{key}: {error}")
        };
        let client = match server.way {
            Way::Process { argv, environment, directory } => {
                let mut program = program(argv);
                program.environment.retain(|(name, _)| !environment.iter().any(|(own, _)| own == name));
                program.environment.extend(environment);
                program.directory = directory.map(PathBuf::from);
                Client::of_process(program).map_err(wrong("command"))?
            }
            Way::Url { url, transport, headers, bearer } => {
                let client = Client::new(&url).map_err(wrong("url"))?;
                if let Some(transport) = transport {
                    let transport = match transport {
                        config::Transport::StreamableHttp => Transport::StreamableHttp,
                        config::Transport::Sse => Transport::Sse,
                    };
                    client.settings.set_transport(transport).map_err(wrong("transport"))?;
                }
                for (name, value) in &headers {
                    let set = client.credentials.set_header(name, Some(value));
                    set.map_err(wrong(&format!("headers.{name}")))?;
                }
                client.credentials.set_bearer(bearer.as_deref()).map_err(wrong("auth"))?;
                client
            }
        };
        if let Some(timeout) = server.timeout_ms {
            client.settings.set_timeout_ms(timeout);
        }
        Ok(client)
    }
}

/// What is started for a command, with the environment that servers inherit.
pub fn program(argv: Vec<String>) -> Program {
    let inherited = INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    Program { argv, environment: inherited.collect(), directory: None, stderr: None }
}

/// The values that a program gives its server to know: no error and no log line shows them where the server says them. Short ones
/// and paths are no secrets, and it would be hard to read what is wrong without them.
pub fn secrets_of(program: &Program) -> Vec<String> {
    let own = program.environment.iter().filter(|(name, _)| !INHERITED.contains(&name.as_str()));
    let values = own.map(|(_, value)| value).filter(|value| value.len() >= SHORTEST_SECRET && !value.starts_with('/'));
    values.cloned().collect()
}

/// The names of the servers of a file, as an array.
pub fn names(path: &str) -> Result<Json> {
    let names = config::names(&read(path)?).map_err(|why| invalid(path, why))?;
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    Json::parse(format!("[{}]", names.join(","))).map_err(|why| invalid(path, why))
}

fn read(path: &str) -> Result<Json> {
    let unreadable = |error: std::io::Error| invalid(path, error.to_string());
    let mut text = String::new();
    // Not by its size: what is no regular file has none.
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(invalid(path, format!("the file is larger than {LARGEST} bytes")));
    }
    // Editors on other systems put a byte order mark in front.
    Json::parse(text.trim_start_matches('\u{feff}').to_owned())
        .map_err(|why| invalid(path, format!("the file is no JSON: {why}")))
}

fn invalid(path: &str, why: impl std::fmt::Display) -> Error {
    Error::new(MCP_CONFIG_INVALID, format!("the configuration file {path}: {why}"))
}
