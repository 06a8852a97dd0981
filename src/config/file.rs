//! Configuration files as FastMCP, editors and desktop clients write them: a name for each server, under `mcpServers` or what else a
//! host calls it.

use std::cell::Cell;

use super::env_file::is_variable;
use super::expansion::{LONGEST_NAME, VariableLookup, expand};
use crate::protocol::json::{Json, Kind, Value};
use crate::sanitize::shortened;

/// So many servers are listed in a message.
const MAX_LISTED: usize = 10;

/// Where hosts put the servers: under a key, or under a key of an object.
const PLACES: [(&[&str], &str); 4] = [
    (&["mcpServers"], "mcpServers"),
    // VS Code, in mcp.json.
    (&["servers"], "servers"),
    // VS Code, in settings.json and dev containers.
    (&["mcp", "servers"], "mcp.servers"),
    (&["mcp.servers"], "mcp.servers"),
];

/// What hosts call the URL of a server. Where there are two, a host that knows `httpUrl` prefers it.
const URLS: [&str; 3] = ["httpUrl", "url", "serverUrl"];

/// A server, as a file describes it.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Where in the file it is described.
    pub place: String,
    pub way: ServerAddress,
    /// In milliseconds.
    pub timeout_ms: Option<u64>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum ServerAddress {
    Url {
        /// The key that the URL stands under.
        key: &'static str,
        url: String,
        transport: Option<ConfiguredTransport>,
        headers: Vec<(String, String)>,
        bearer: Option<String>,
    },
    Process {
        argv: Vec<String>,
        environment: Vec<(String, String)>,
        directory: Option<String>,
        /// A file with more variables, over which `environment` wins.
        env_file: Option<EnvFile>,
    },
}

/// A file with environment variables.
#[derive(Debug, PartialEq, Eq)]
pub struct EnvFile {
    /// From the folder of the configuration file.
    pub path: String,
    /// As it is written there: what an environment variable fills in is not shown.
    pub shown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfiguredTransport {
    StreamableHttp,
    Sse,
}

/// What a file says of how messages travel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TransportHint {
    Http(ConfiguredTransport),
    Stdio,
    /// No host that is known writes this.
    Unknown,
}

/// A server in a list.
#[derive(Debug, PartialEq, Eq)]
pub struct ListedServer {
    pub name: String,
    /// The file says that it is not to be used.
    pub is_disabled: bool,
}

/// A file's text as JSON. It may have what editors add to that: a byte order mark, comments, and commas behind a last member.
pub fn parse(text: &[u8]) -> Result<Json, String> {
    let original = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut text = original.to_vec();
    json_strip_comments::strip_slice(&mut text).map_err(|_| "the file is not valid JSON: unexpected \"/\"")?;
    // What is said of an error names its line.
    text.iter_mut().zip(original).filter(|(_, original)| **original == b'\n').for_each(|(byte, _)| *byte = b'\n');
    let text = String::from_utf8(text).map_err(|_| "the file is not valid JSON: it is not valid UTF-8")?;
    Json::parse(text).map_err(|why| format!("the file is not valid JSON: {why}"))
}

/// The servers, in the order of the file.
pub fn list(file: &Json) -> Result<Vec<ListedServer>, String> {
    let (servers, _) = servers(file)?;
    let listed = |server: Value| Ok(ListedServer { name: name_of(server)?, is_disabled: is_disabled(server) });
    members(servers).map(listed).collect()
}

/// The server of a name; the only one that is not disabled, where none is given. An error names the key that is wrong.
pub fn server(file: &Json, name: Option<&str>, lookup: &VariableLookup) -> Result<ServerConfig, String> {
    let (servers, place) = servers(file)?;
    let known = list(file)?;
    let found = match name {
        Some(name) => servers.member(name).filter(|server| server.kind() != Kind::Null).ok_or_else(|| {
            format!("the file has no server {:?}; {}", shortened(name, LONGEST_NAME), listing(&known))
        })?,
        None => {
            let mut enabled = members(servers).filter(|server| known.len() == 1 || !is_disabled(*server));
            match (enabled.next(), enabled.next()) {
                (Some(only), None) => only,
                _ => return Err(format!("name a server; {}", listing(&known))),
            }
        }
    };
    let name = name_of(found)?;
    let name = shortened(&name, LONGEST_NAME);
    let place = if place.is_empty() { name.into_owned() } else { format!("{place}.{name}") };
    ConfigEntry { place, value: found, lookup, filled_in: Cell::new(0) }.read()
}

fn listing(known: &[ListedServer]) -> String {
    let name = |server: &ListedServer| {
        let name = shortened(&server.name, LONGEST_NAME);
        if server.is_disabled { format!("{name} (disabled)") } else { name.into_owned() }
    };
    let names: Vec<String> = known.iter().take(MAX_LISTED).map(name).collect();
    match known.len() {
        0 => "it has none".into(),
        count if count > MAX_LISTED => format!("it has {} and {} more", names.join(", "), count - MAX_LISTED),
        _ => format!("it has {}", names.join(", ")),
    }
}

/// The object with the servers, and the keys that lead to it. FastMCP takes the root itself as well.
fn servers(file: &Json) -> Result<(Value<'_>, &'static str), String> {
    let root = file.root();
    if root.kind() != Kind::Object {
        return Err("the file is not a JSON object".into());
    }
    for (keys, place) in PLACES {
        let found = keys.iter().try_fold(root, |value, key| value.member(key));
        let is_list = |found: &Value| found.kind() != Kind::Null && (place == "mcpServers" || !is_server(*found));
        match found.filter(is_list) {
            Some(servers) if servers.kind() == Kind::Object => return Ok((servers, place)),
            Some(_) => return Err(format!("{place}: it is not an object")),
            None => {}
        }
    }
    if members(root).any(is_server) {
        return Ok((root, ""));
    }
    Err("mcpServers: it is missing (\"servers\" and \"mcp\", \"servers\" would do as well)".into())
}

/// Whether a value describes a server. Where it is itself a list of servers, one of them may have such a name.
fn is_server(value: Value) -> bool {
    let mut keys = URLS.into_iter().chain(["command"]);
    keys.any(|key| value.member(key).is_some_and(|value| value.kind() != Kind::Object))
}

/// The members that are set.
fn members(object: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    object.children().filter(|member| member.kind() != Kind::Null)
}

fn name_of(member: Value) -> Result<String, String> {
    let name = member.key();
    name.map(|name| name.into_owned()).ok_or_else(|| "a server has no name".into())
}

fn is_disabled(server: Value) -> bool {
    let says = |key: &str, said: bool| server.member(key).is_some_and(|value| value.bool() == Ok(said));
    says("disabled", true) || says("enabled", false)
}

/// A part of the file, and where it is.
struct ConfigEntry<'a> {
    place: String,
    value: Value<'a>,
    lookup: &'a VariableLookup<'a>,
    /// What variables have filled in so far, in bytes.
    filled_in: Cell<usize>,
}

impl<'a> ConfigEntry<'a> {
    fn read(&self) -> Result<ServerConfig, String> {
        if self.value.kind() != Kind::Object {
            return Err(self.wrong("", "it is not an object"));
        }
        self.check_enabled()?;
        let (transport_key, kindred) = self.kindred()?;
        let url = URLS.into_iter().find(|key| self.is_given(key));
        let way = match (url, self.is_given("command"), kindred) {
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
            // Not shown: an environment variable may have been filled in.
            (Some(_), false, Some(TransportHint::Unknown)) => {
                return Err(
                    self.wrong(transport_key, "it is not one of \"http\", \"streamable-http\", \"sse\" and \"stdio\"")
                );
            }
            (None, true, Some(TransportHint::Http(_))) => {
                return Err(self.wrong(transport_key, "it does not fit a \"command\", which requires \"stdio\""));
            }
            (None, false, _) => match URLS.into_iter().chain(["command"]).find(|key| self.has(key)) {
                Some(key) => return Err(self.wrong(key, "it is empty")),
                None => return Err(self.wrong("", "it has neither a \"url\" nor a \"command\"")),
            },
        };
        Ok(ServerConfig { place: self.place.clone(), way, timeout_ms: self.timeout()? })
    }

    fn check_enabled(&self) -> Result<(), String> {
        for key in ["disabled", "enabled"] {
            if self.member(key).is_some_and(|value| value.kind() != Kind::Bool) {
                return Err(self.wrong(key, "it is neither true nor false"));
            }
        }
        if is_disabled(self.value) {
            let key = if self.has("disabled") { "disabled" } else { "enabled" };
            return Err(self.wrong(key, "the server is disabled in this file"));
        }
        Ok(())
    }

    /// How messages travel, and the key that says it. Hosts spell it in many ways.
    fn kindred(&self) -> Result<(&'static str, Option<TransportHint>), String> {
        let key = ["transport", "type", "transportType"].into_iter().find(|key| self.has(key)).unwrap_or("type");
        let Some(text) = self.text(key)? else { return Ok((key, None)) };
        let mailbox = text.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).map(|c| c.to_ascii_lowercase());
        Ok((
            key,
            Some(match mailbox.collect::<String>().as_str() {
                "http" | "streamablehttp" => TransportHint::Http(ConfiguredTransport::StreamableHttp),
                "sse" => TransportHint::Http(ConfiguredTransport::Sse),
                "stdio" => TransportHint::Stdio,
                _ => TransportHint::Unknown,
            }),
        ))
    }

    fn url(&self, key: &'static str, transport: Option<ConfiguredTransport>) -> Result<ServerAddress, String> {
        let url = self.text(key)?.unwrap_or_default();
        let bearer = self.text("auth")?;
        if bearer.as_deref() == Some("oauth") {
            return Err(self.wrong("auth", "OAuth is not supported yet; set a bearer token"));
        }
        Ok(ServerAddress::Url { key, url, transport, headers: self.texts_by_name("headers")?, bearer })
    }

    fn process(&self) -> Result<ServerAddress, String> {
        let mut argv = vec![self.path("command")?.unwrap_or_default()];
        if let Some(list) = self.member("args") {
            if list.kind() != Kind::Array {
                return Err(self.wrong("args", "it is not an array"));
            }
            for (index, argument) in list.children().enumerate() {
                argv.push(self.expanded(argument, &format!("args.{index}"))?);
            }
        }
        let environment = self.texts_by_name("env")?;
        if let Some((name, _)) = environment.iter().find(|(name, _)| !is_variable(name)) {
            let key = format!("env.{}", shortened(name, LONGEST_NAME));
            return Err(self.wrong(&key, "this is not a valid variable name"));
        }
        let env_file = match self.path("envFile")? {
            Some(path) if path.is_empty() => return Err(self.wrong("envFile", "it is empty")),
            Some(path) => {
                let written = self.member("envFile").and_then(Value::text).unwrap_or_default();
                Some(EnvFile { path, shown: shortened(&written, 2 * LONGEST_NAME).into_owned() })
            }
            None => None,
        };
        Ok(ServerAddress::Process { argv, environment, directory: self.path("cwd")?, env_file })
    }

    fn timeout(&self) -> Result<Option<u64>, String> {
        let Some(value) = self.member("timeout") else { return Ok(None) };
        value.uint64().map(Some).map_err(|_| self.wrong("timeout", "it is not an integer number of milliseconds"))
    }

    fn member(&self, name: &str) -> Option<Value<'a>> {
        self.value.member(name).filter(|value| value.kind() != Kind::Null)
    }

    fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// Whether there is more than an empty text, which some hosts write for what is not used.
    fn is_given(&self, name: &str) -> bool {
        self.member(name).is_some_and(|value| value.raw() != "\"\"")
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.member(name) else { return Ok(None) };
        if value.kind() != Kind::String {
            return Err(self.wrong(name, "it is not a string"));
        }
        self.expanded(value, name).map(Some)
    }

    /// A path, which may begin at the user's home.
    fn path(&self, name: &str) -> Result<Option<String>, String> {
        let Some(mut path) = self.text(name)? else { return Ok(None) };
        // Only where the file itself says it: what a variable holds is taken as it is.
        let written = self.member(name).and_then(Value::text).unwrap_or_default();
        if written == "~" || written.starts_with("~/") {
            let home = (self.lookup)("HOME")
                .ok_or_else(|| self.wrong(name, "\"~\" stands for the environment variable HOME, which is not set"))?;
            path.replace_range(..1, &home);
            if path.contains('\0') {
                return Err(self.wrong(name, "it contains a NUL byte"));
            }
        }
        Ok(Some(path))
    }

    fn texts_by_name(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        let Some(object) = self.member(name) else { return Ok(Vec::new()) };
        if object.kind() != Kind::Object {
            return Err(self.wrong(name, "it is not an object"));
        }
        let pair = |member: Value<'a>| {
            let key = name_of(member)?;
            let value = self.expanded(member, &format!("{name}.{}", shortened(&key, LONGEST_NAME)))?;
            Ok((key, value))
        };
        members(object).map(pair).collect()
    }

    /// A text with its variables filled in; among arguments, variables and headers, numbers and booleans stand for their text.
    fn expanded(&self, value: Value, key: &str) -> Result<String, String> {
        let text = match value.kind() {
            Kind::String => value.text().ok_or_else(|| self.wrong(key, "it is not valid Unicode"))?,
            Kind::Number | Kind::Bool => value.raw().into(),
            _ => return Err(self.wrong(key, "it is not a string")),
        };
        let text = expand(&text, self.lookup, &self.filled_in).map_err(|why| self.wrong(key, &why))?;
        if text.contains('\0') {
            return Err(self.wrong(key, "it contains a NUL byte"));
        }
        Ok(text)
    }

    fn wrong(&self, key: &str, why: &str) -> String {
        let dot = if key.is_empty() { "" } else { "." };
        format!("{}{dot}{key}: {why}", self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        [("TOKEN", "s3cr3t"), ("EMPTY", "")].into_iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_owned())
    }

    fn read(file: &str, name: Option<&str>) -> Result<ServerConfig, String> {
        server(&Json::parse(file.into()).unwrap(), name, &lookup)
    }

    #[test]
    fn a_url_and_a_process() {
        let file = r#"{"mcpServers":{
            "web":{"url":"https://h/mcp","transport":"sse","headers":{"X-Key":"k-${TOKEN}"},"auth":"${TOKEN}","timeout":5000},
            "local":{"command":"node","args":["a.js",8],"env":{"A":"${EMPTY:-x}$1"},"cwd":"/tmp","type":"stdio"}}}"#;
        let names: Vec<String> =
            list(&Json::parse(file.into()).unwrap()).unwrap().into_iter().map(|server| server.name).collect();
        assert_eq!(names, ["web", "local"]);
        let web = ServerAddress::Url {
            key: "url",
            url: "https://h/mcp".into(),
            transport: Some(ConfiguredTransport::Sse),
            headers: vec![("X-Key".into(), "k-s3cr3t".into())],
            bearer: Some("s3cr3t".into()),
        };
        assert_eq!(
            read(file, Some("web")).unwrap(),
            ServerConfig { place: "mcpServers.web".into(), way: web, timeout_ms: Some(5000) }
        );
        let local = ServerAddress::Process {
            argv: ["node", "a.js", "8"].map(String::from).to_vec(),
            environment: vec![("A".into(), "x$1".into())],
            directory: Some("/tmp".into()),
            env_file: None,
        };
        assert_eq!(
            read(file, Some("local")).unwrap(),
            ServerConfig { place: "mcpServers.local".into(), way: local, timeout_ms: None }
        );
    }

    #[test]
    fn the_root_may_hold_the_servers_and_one_needs_no_name() {
        let one = r#"{"only":{"url":"http://h/"}}"#;
        assert!(matches!(read(one, None).unwrap().way, ServerAddress::Url { url, .. } if url == "http://h/"));
    }

    #[test]
    fn errors_name_the_key() {
        let one = |server: &str| format!(r#"{{"mcpServers":{{"s":{server}}}}}"#);
        let cases = [
            ("[]".to_owned(), "is not a JSON object"),
            ("{}".into(), "mcpServers: it is missing"),
            (r#"{"mcpServers":[]}"#.into(), "mcpServers: "),
            (r#"{"mcpServers":{}}"#.into(), "it has none"),
            (one("1"), "mcpServers.s: it is not an object"),
            (one("{}"), "neither"),
            (one(r#"{"url":"http://h/","command":"x"}"#), "mcpServers.s: it has a \"url\" and a \"command\""),
            (one(r#"{"url":"u","headers":[]}"#), "mcpServers.s.headers: "),
            (one(r#"{"url":1.5}"#), "mcpServers.s.url: it is not a string"),
            (one(r#"{"url":"u","headers":{"A":"${NONE}"}}"#), "mcpServers.s.headers.A: the environment variable NONE"),
            (one(r#"{"url":"u","transport":"stdio"}"#), "mcpServers.s.transport: "),
            (one(r#"{"url":"u","auth":"oauth"}"#), "mcpServers.s.auth: "),
            (one(r#"{"url":"u","auth":{}}"#), "mcpServers.s.auth: it is not a string"),
            (one(r#"{"command":"c","args":"x"}"#), "mcpServers.s.args: "),
            (one(r#"{"command":"c","args":[[]]}"#), "mcpServers.s.args.0: "),
            (one(r#"{"command":"${"}"#), "mcpServers.s.command: "),
            (one(r#"{"command":"c","timeout":-1}"#), "mcpServers.s.timeout: "),
        ];
        for (file, wanted) in cases {
            let why = read(&file, None).unwrap_err();
            assert!(why.contains(wanted), "{file}: {why}");
        }
        assert!(read(r#"{"a":{"url":"u"},"b":{"url":"u"}}"#, None).unwrap_err().contains("it has a, b"));
        assert!(read(r#"{"a":{"url":"u"}}"#, Some("c")).unwrap_err().contains("it has a"));
    }

    #[test]
    fn files_of_other_hosts() {
        let url = |file: &str| match read(file, None).unwrap() {
            ServerConfig { way: ServerAddress::Url { url, transport, .. }, place, .. } => (place, url, transport),
            server => panic!("{server:?}"),
        };
        let web = |place: &str, transport| (place.to_owned(), "http://h/".to_owned(), transport);
        let http = Some(ConfiguredTransport::StreamableHttp);
        assert_eq!(url(r#"{"servers":{"s":{"type":"http","url":"http://h/"}},"inputs":[]}"#), web("servers.s", http));
        assert_eq!(url(r#"{"mcp":{"servers":{"s":{"url":"http://h/"}}}}"#), web("mcp.servers.s", None));
        assert_eq!(url(r#"{"mcp.servers":{"s":{"url":"http://h/"}}}"#), web("mcp.servers.s", None));
        assert_eq!(url(r#"{"servers":{"url":"http://h/"}}"#), web("servers", None));
        assert_eq!(url(r#"{"mcpServers":{"s":{"url":"http://h/","command":""}}}"#), web("mcpServers.s", None));
        assert_eq!(url(r#"{"mcpServers":{"s":{"serverUrl":"http://h/","url":null}}}"#), web("mcpServers.s", None));
        assert_eq!(url(r#"{"mcpServers":{"s":{"httpUrl":"http://h/","url":"http://x/"}}}"#), web("mcpServers.s", http));
        let spellings = ["http", "HTTP", "streamable-http", "streamableHttp", "streamable_http", "Streamable HTTP"];
        for (spelling, transport) in
            spellings.map(|s| (s, http)).into_iter().chain([("SSE", Some(ConfiguredTransport::Sse))])
        {
            for key in ["type", "transport"] {
                let file = format!(r#"{{"mcpServers":{{"s":{{"{key}":"{spelling}","url":"http://h/"}}}}}}"#);
                assert_eq!(url(&file), web("mcpServers.s", transport), "{spelling}");
            }
        }
        let both = r#"{"mcpServers":{"s":{"url":"http://h/","command":"x","type":"stdio"}}}"#;
        assert!(matches!(read(both, None).unwrap().way, ServerAddress::Process { .. }));
    }

    #[test]
    fn comments_and_trailing_commas() {
        let text = "\u{feff}// one\n{\"a\": [1, /* two\n\n */ \"//\",],/* three */}";
        assert_eq!(parse(text.as_bytes()).unwrap().root().member("a").unwrap().size(), 2);
        assert!(parse(b"/* \n\n */ {x}").unwrap_err().contains("line 3"));
        for bad in ["{} /", "{/x}", "/*", "{,}}", "[1,,]"] {
            let _ = parse(bad.as_bytes());
        }
    }

    #[test]
    fn what_variables_fill_in_is_bounded() {
        let lookup = |_: &str| Some("x".repeat(100_000));
        let arguments = ["\"${A}\""; 11].join(",");
        let file = format!(r#"{{"s":{{"command":"x","args":[{arguments}]}}}}"#);
        assert!(server(&Json::parse(file).unwrap(), None, &lookup).unwrap_err().contains("s.args.10: the variables"));
    }
}
