//! Configuration files of FastMCP, editors and desktop clients: an object that maps names to servers, under
//! `mcpServers` or another key.

use std::cell::Cell;
use std::collections::HashSet;

use super::entry::{ConfigEntry, members, name_of};
use super::env_file::is_variable_name;
use super::expansion::{MAX_NAME, VariableLookup};
use super::oauth::OAuthConfig;
use crate::protocol::json::{Json, Kind, Value};
use crate::sanitize::shortened;

/// The most servers that an error message lists.
const MAX_LISTED: usize = 10;

/// The keys that lead to the servers in the files of several hosts, and the same as text.
const SERVERS_KEYS: [(&[&str], &str); 4] = [
    (&["mcpServers"], "mcpServers"),
    // VS Code, in mcp.json.
    (&["servers"], "servers"),
    // VS Code, in settings.json and dev containers.
    (&["mcp", "servers"], "mcp.servers"),
    (&["mcp.servers"], "mcp.servers"),
];

/// The keys of a server's URL, in order of precedence: hosts with `httpUrl` prefer it to `url`.
const URL_KEYS: [&str; 3] = ["httpUrl", "url", "serverUrl"];

/// A server in a configuration file.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerConfig {
    pub name: String,
    /// The keys that lead to the server in the file, for error messages: `mcpServers.NAME`.
    pub key_path: String,
    pub address: ServerAddress,
    /// In milliseconds.
    pub timeout_ms: Option<u64>,
}

/// How a server is reached: over HTTP, or as a process that the client starts.
#[derive(Debug, PartialEq, Eq)]
pub enum ServerAddress {
    Url {
        /// The key of the URL.
        key: &'static str,
        url: String,
        transport: Option<ConfiguredTransport>,
        headers: Vec<(String, String)>,
        bearer: Option<String>,
        oauth: Option<OAuthConfig>,
    },
    Process {
        argv: Vec<String>,
        environment: Vec<(String, String)>,
        directory: Option<String>,
        /// A file with more variables; those in `environment` override them.
        env_file: Option<EnvFile>,
    },
}

/// A file with environment variables.
#[derive(Debug, PartialEq, Eq)]
pub struct EnvFile {
    /// A relative path starts at the folder of the configuration file.
    pub path: String,
    /// The path in the configuration file, without expanded variables, for error messages.
    pub display_path: String,
}

/// The HTTP transport of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfiguredTransport {
    StreamableHttp,
    Sse,
}

/// The transport that a server's entry names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TransportHint {
    Http(ConfiguredTransport),
    Stdio,
    /// No known host writes this value.
    Unknown,
}

/// A server in the list of a file's servers.
#[derive(Debug, PartialEq, Eq)]
pub struct ListedServer {
    pub name: String,
    /// The file disables the server.
    pub is_disabled: bool,
}

/// Parses a configuration file: JSON that may have a byte order mark, comments and trailing commas.
pub fn parse(text: &[u8]) -> Result<Json, String> {
    let original = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut text = original.to_vec();
    json_strip_comments::strip_slice(&mut text).map_err(|_| "it is not valid JSON: unexpected \"/\"")?;
    // Keep the line breaks in comments: a parse error names the line.
    text.iter_mut().zip(original).filter(|(_, original)| **original == b'\n').for_each(|(byte, _)| *byte = b'\n');
    let text = String::from_utf8(text).map_err(|_| "it is not valid UTF-8")?;
    Json::parse(text).map_err(|why| format!("it is not valid JSON: {why}"))
}

/// The servers, in the order of the file.
pub fn list(file: &Json) -> Result<Vec<ListedServer>, String> {
    let (servers, _) = servers(file)?;
    let listed = |server: Value| Ok(ListedServer { name: name_of(server)?, is_disabled: is_disabled(server) });
    let known = members(servers).map(listed).collect::<Result<Vec<_>, String>>()?;
    let mut names = HashSet::new();
    // JSON parsers would use one of them, and not all the same.
    if let Some(twice) = known.iter().find(|server| !names.insert(&server.name)) {
        return Err(format!("two servers have the name {:?}; rename one", shortened(&twice.name, MAX_NAME)));
    }
    Ok(known)
}

/// The server `name`; without a name, the only server that is not disabled. An error names the invalid key.
pub fn server(file: &Json, name: Option<&str>, lookup: &VariableLookup) -> Result<ServerConfig, String> {
    let (servers, servers_path) = servers(file)?;
    let known = list(file)?;
    let found = match name {
        Some(name) => servers
            .member(name)
            .filter(|server| server.kind() != Kind::Null)
            .ok_or_else(|| format!("it has no server {:?}; {}", shortened(name, MAX_NAME), listing(&known)))?,
        None => {
            let mut enabled = members(servers).filter(|server| known.len() == 1 || !is_disabled(*server));
            match (enabled.next(), enabled.next()) {
                (Some(only), None) => only,
                _ => return Err(format!("pass the name of a server; {}", listing(&known))),
            }
        }
    };
    let name = name_of(found)?;
    let shown = shortened(&name, MAX_NAME);
    let key_path = if servers_path.is_empty() { shown.into_owned() } else { format!("{servers_path}.{shown}") };
    ConfigEntry { key_path, value: found, lookup, expanded: &Cell::new(0) }.read(name)
}

/// The names of the servers, for an error message.
fn listing(known: &[ListedServer]) -> String {
    let name = |server: &ListedServer| {
        let name = shortened(&server.name, MAX_NAME);
        if server.is_disabled { format!("{name} (disabled)") } else { name.into_owned() }
    };
    let names: Vec<String> = known.iter().take(MAX_LISTED).map(name).collect();
    match known.len() {
        0 => "it has none".into(),
        count if count > MAX_LISTED => format!("it has {} and {} more", names.join(", "), count - MAX_LISTED),
        _ => format!("it has {}", names.join(", ")),
    }
}

/// The object with the servers, and the keys that lead to it. FastMCP also accepts the servers in the root object.
fn servers(file: &Json) -> Result<(Value<'_>, &'static str), String> {
    let root = file.root();
    if root.kind() != Kind::Object {
        return Err("it is not a JSON object".into());
    }
    for (keys, path) in SERVERS_KEYS {
        let found = keys.iter().try_fold(root, |value, key| value.member(key));
        let is_list = |found: &Value| found.kind() != Kind::Null && (path == "mcpServers" || !is_server(*found));
        match found.filter(is_list) {
            Some(servers) if servers.kind() == Kind::Object => return Ok((servers, path)),
            Some(_) => return Err(format!("{path}: it is not an object")),
            None => {}
        }
    }
    if members(root).any(is_server) {
        return Ok((root, ""));
    }
    Err("mcpServers: the key is missing (\"servers\" and \"mcp.servers\" are also accepted)".into())
}

/// Whether a value describes a server, and is not a list of servers: one of those may have the name "url" or "command".
fn is_server(value: Value) -> bool {
    let mut keys = URL_KEYS.into_iter().chain(["command"]);
    keys.any(|key| value.member(key).is_some_and(|value| value.kind() != Kind::Object))
}

fn is_disabled(server: Value) -> bool {
    let is = |key: &str, expected: bool| server.member(key).is_some_and(|value| value.bool() == Ok(expected));
    is("disabled", true) || is("enabled", false)
}

impl<'a> ConfigEntry<'a> {
    fn read(&self, name: String) -> Result<ServerConfig, String> {
        if self.value.kind() != Kind::Object {
            return Err(self.wrong("", "it is not an object"));
        }
        self.check_enabled()?;
        let (transport_key, transport) = self.transport_hint()?;
        let url_key = URL_KEYS.into_iter().find(|key| self.is_given(key));
        let address = match (url_key, self.is_given("command"), transport) {
            (Some(_), true, Some(TransportHint::Stdio))
            | (None, true, None | Some(TransportHint::Stdio | TransportHint::Unknown)) => self.process()?,
            (Some(key), true, Some(TransportHint::Http(transport))) => self.url(key, Some(transport))?,
            (Some(_), true, _) => return Err(self.wrong("", "it has a \"url\" and a \"command\"")),
            (Some(key), false, None) => {
                self.url(key, (key == "httpUrl").then_some(ConfiguredTransport::StreamableHttp))?
            }
            (Some(key), false, Some(TransportHint::Http(transport))) => self.url(key, Some(transport))?,
            (Some(_), false, Some(TransportHint::Stdio)) => {
                return Err(self.wrong(transport_key, "it is \"stdio\", which requires a \"command\""));
            }
            // The value is not shown: it may contain an expanded variable.
            (Some(_), false, Some(TransportHint::Unknown)) => {
                return Err(
                    self.wrong(transport_key, "it is not one of \"http\", \"streamable-http\", \"sse\" and \"stdio\"")
                );
            }
            (None, true, Some(TransportHint::Http(_))) => {
                return Err(self.wrong(transport_key, "it does not fit a \"command\", which requires \"stdio\""));
            }
            (None, false, _) => match URL_KEYS.into_iter().chain(["command"]).find(|key| self.has(key)) {
                Some(key) => return Err(self.wrong(key, "it is empty")),
                None => return Err(self.wrong("", "it has neither a \"url\" nor a \"command\"")),
            },
        };
        Ok(ServerConfig { name, key_path: self.key_path.clone(), address, timeout_ms: self.timeout()? })
    }

    fn check_enabled(&self) -> Result<(), String> {
        for key in ["disabled", "enabled"] {
            if self.member(key).is_some_and(|value| value.kind() != Kind::Bool) {
                return Err(self.wrong(key, "it is not a boolean"));
            }
        }
        if is_disabled(self.value) {
            let key = if self.has("disabled") { "disabled" } else { "enabled" };
            return Err(self.wrong(key, "the server is disabled"));
        }
        Ok(())
    }

    /// The key that names the transport, and the transport. Hosts use several spellings.
    fn transport_hint(&self) -> Result<(&'static str, Option<TransportHint>), String> {
        let key = ["transport", "type", "transportType"].into_iter().find(|key| self.has(key)).unwrap_or("type");
        let Some(text) = self.text(key)? else { return Ok((key, None)) };
        let normalized = text.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).map(|c| c.to_ascii_lowercase());
        Ok((
            key,
            Some(match normalized.collect::<String>().as_str() {
                "http" | "streamablehttp" => TransportHint::Http(ConfiguredTransport::StreamableHttp),
                "sse" => TransportHint::Http(ConfiguredTransport::Sse),
                "stdio" => TransportHint::Stdio,
                _ => TransportHint::Unknown,
            }),
        ))
    }

    fn url(&self, key: &'static str, transport: Option<ConfiguredTransport>) -> Result<ServerAddress, String> {
        let url = self.text(key)?.unwrap_or_default();
        let auth = self.text("auth")?;
        let is_oauth = auth.as_deref() == Some("oauth");
        if self.has("oauth") && auth.is_some() && !is_oauth {
            return Err(self.wrong("oauth", "it does not fit \"auth\", which is a bearer token"));
        }
        let oauth = match self.object("oauth")? {
            Some(entry) => Some(OAuthConfig::read(&entry)?),
            None => is_oauth.then(OAuthConfig::default),
        };
        let bearer = auth.filter(|_| !is_oauth);
        Ok(ServerAddress::Url { key, url, transport, headers: self.string_map("headers")?, bearer, oauth })
    }

    fn process(&self) -> Result<ServerAddress, String> {
        let mut argv = vec![self.path("command")?.unwrap_or_default()];
        if let Some(list) = self.member("args") {
            if list.kind() != Kind::Array {
                return Err(self.wrong("args", "it is not an array"));
            }
            for (index, argument) in list.children().enumerate() {
                argv.push(self.expanded_string(argument, &format!("args.{index}"))?);
            }
        }
        let environment = self.string_map("env")?;
        if let Some((name, _)) = environment.iter().find(|(name, _)| !is_variable_name(name)) {
            let key = format!("env.{}", shortened(name, MAX_NAME));
            return Err(self.wrong(&key, "this is not a valid variable name"));
        }
        let env_file = match self.path("envFile")? {
            Some(path) if path.is_empty() => return Err(self.wrong("envFile", "it is empty")),
            Some(path) => {
                let written = self.member("envFile").and_then(Value::text).unwrap_or_default();
                Some(EnvFile { path, display_path: shortened(&written, 2 * MAX_NAME).into_owned() })
            }
            None => None,
        };
        Ok(ServerAddress::Process { argv, environment, directory: self.path("cwd")?, env_file })
    }

    fn timeout(&self) -> Result<Option<u64>, String> {
        let Some(value) = self.member("timeout") else { return Ok(None) };
        value.uint64().map(Some).map_err(|_| self.wrong("timeout", "it is not an integer number of milliseconds"))
    }
}

#[cfg(test)]
mod tests;
