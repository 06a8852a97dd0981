//! Configuration files as FastMCP, editors and desktop clients share them: `mcpServers`, with a name for each server.

use super::json::{Json, Kind, Value};

/// A server, as a file describes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Server {
    /// Where in the file it is described.
    pub place: String,
    pub way: Way,
    /// In milliseconds.
    pub timeout_ms: Option<u64>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Way {
    Url { url: String, transport: Option<Transport>, headers: Vec<(String, String)>, bearer: Option<String> },
    Process { argv: Vec<String>, environment: Vec<(String, String)>, directory: Option<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    StreamableHttp,
    Sse,
}

/// Tells the value of an environment variable.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The names of the servers, in the order of the file.
pub fn names(file: &Json) -> Result<Vec<String>, String> {
    servers(file)?.children().map(name_of).collect()
}

/// The server of a name; the only one, where none is given. An error names the key that is wrong.
pub fn server(file: &Json, name: Option<&str>, lookup: &Lookup) -> Result<Server, String> {
    let servers = servers(file)?;
    let known = names(file)?;
    let listed = if known.is_empty() { "it has none".into() } else { format!("it has {}", known.join(", ")) };
    let (name, found) = match name {
        Some(name) => {
            (name.to_owned(), servers.member(name).ok_or_else(|| format!("there is no server {name:?}; {listed}"))?)
        }
        None => match (servers.first(), known.as_slice()) {
            (Some(only), [name]) => (name.clone(), only),
            _ => return Err(format!("name a server; {listed}")),
        },
    };
    Entry { place: format!("mcpServers.{name}"), value: found, lookup }.read()
}

/// The object with the servers; FastMCP takes the root itself as well.
fn servers(file: &Json) -> Result<Value<'_>, String> {
    let root = file.root();
    if root.kind() != Kind::Object {
        return Err("the file is no JSON object".into());
    }
    if let Some(servers) = root.member("mcpServers") {
        return match servers.kind() {
            Kind::Object => Ok(servers),
            _ => Err("mcpServers: it is no object".into()),
        };
    }
    let is_server = |value: Value| value.member("url").is_some() || value.member("command").is_some();
    if root.children().any(is_server) { Ok(root) } else { Err("mcpServers: it is missing".into()) }
}

fn name_of(member: Value) -> Result<String, String> {
    let name = member.key();
    name.map(|name| name.into_owned()).ok_or_else(|| "a server has no name".into())
}

/// A part of the file, and where it is.
struct Entry<'a> {
    place: String,
    value: Value<'a>,
    lookup: &'a Lookup<'a>,
}

impl<'a> Entry<'a> {
    fn read(&self) -> Result<Server, String> {
        if self.value.kind() != Kind::Object {
            return Err(self.wrong("", "it is no object"));
        }
        let way = match (self.has("url"), self.has("command")) {
            (true, false) => self.url()?,
            (false, true) => self.process()?,
            (true, true) => return Err(self.wrong("", "it has a \"url\" and a \"command\"")),
            (false, false) => return Err(self.wrong("", "it has neither a \"url\" nor a \"command\"")),
        };
        Ok(Server { place: self.place.clone(), way, timeout_ms: self.timeout()? })
    }

    fn url(&self) -> Result<Way, String> {
        let url = self.text("url")?.unwrap_or_default();
        let key = if self.has("transport") { "transport" } else { "type" };
        let transport = match self.text(key)?.as_deref() {
            None => None,
            Some("http" | "streamable-http" | "streamableHttp") => Some(Transport::StreamableHttp),
            Some("sse") => Some(Transport::Sse),
            // Not shown: an environment variable may have been filled in.
            Some(_) => return Err(self.wrong(key, "it is neither \"http\" nor \"sse\"")),
        };
        let bearer = self.text("auth")?;
        if bearer.as_deref() == Some("oauth") {
            return Err(self.wrong("auth", "OAuth is not there yet; give a bearer token"));
        }
        Ok(Way::Url { url, transport, headers: self.texts_by_name("headers")?, bearer })
    }

    fn process(&self) -> Result<Way, String> {
        let mut argv = vec![self.text("command")?.unwrap_or_default()];
        if let Some(list) = self.member("args") {
            if list.kind() != Kind::Array {
                return Err(self.wrong("args", "it is no array"));
            }
            for (index, argument) in list.children().enumerate() {
                argv.push(self.expanded(argument, &format!("args.{index}"))?);
            }
        }
        let environment = self.texts_by_name("env")?;
        if let Some((name, _)) = environment.iter().find(|(name, _)| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(self.wrong(&format!("env.{name}"), "this cannot be the name of a variable"));
        }
        Ok(Way::Process { argv, environment, directory: self.text("cwd")? })
    }

    fn timeout(&self) -> Result<Option<u64>, String> {
        let Some(value) = self.member("timeout") else { return Ok(None) };
        value.uint64().map(Some).map_err(|_| self.wrong("timeout", "it is no whole number of milliseconds"))
    }

    fn member(&self, name: &str) -> Option<Value<'a>> {
        self.value.member(name).filter(|value| value.kind() != Kind::Null)
    }

    fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.member(name) else { return Ok(None) };
        if value.kind() != Kind::String {
            return Err(self.wrong(name, "it is no text"));
        }
        self.expanded(value, name).map(Some)
    }

    fn texts_by_name(&self, name: &str) -> Result<Vec<(String, String)>, String> {
        let Some(object) = self.member(name) else { return Ok(Vec::new()) };
        if object.kind() != Kind::Object {
            return Err(self.wrong(name, "it is no object"));
        }
        let pair = |member: Value<'a>| {
            let key = name_of(member)?;
            let value = self.expanded(member, &format!("{name}.{key}"))?;
            Ok((key, value))
        };
        object.children().map(pair).collect()
    }

    /// A text with its variables filled in; among arguments, variables and headers, numbers and booleans stand for their text.
    fn expanded(&self, value: Value, key: &str) -> Result<String, String> {
        let text = match value.kind() {
            Kind::String => value.text().ok_or_else(|| self.wrong(key, "it is no valid Unicode"))?,
            Kind::Number | Kind::Bool => value.raw().into(),
            _ => return Err(self.wrong(key, "it is no text")),
        };
        let text = expand(&text, self.lookup).map_err(|why| self.wrong(key, &why))?;
        if text.contains('\0') {
            return Err(self.wrong(key, "it holds a NUL"));
        }
        Ok(text)
    }

    fn wrong(&self, key: &str, why: &str) -> String {
        let dot = if key.is_empty() { "" } else { "." };
        format!("{}{dot}{key}: {why}", self.place)
    }
}

/// Fills in `${NAME}`, and `${NAME:-default}` where the variable is unset or empty. A dollar sign without a brace stands for
/// itself.
fn expand(text: &str, lookup: &Lookup) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end = inside.find('}').ok_or("a \"${\" has no \"}\"")?;
        let (name, default) = match inside[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inside[..end], None),
        };
        // As editors write it.
        let name = name.strip_prefix("env:").unwrap_or(name);
        match (lookup(name), default) {
            (Some(value), None) => out.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
            (_, Some(default)) => out.push_str(default),
            (None, None) => return Err(format!("the environment variable {name} is not set")),
        }
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        [("TOKEN", "s3cr3t"), ("EMPTY", "")].into_iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_owned())
    }

    fn read(file: &str, name: Option<&str>) -> Result<Server, String> {
        server(&Json::parse(file.into()).unwrap(), name, &lookup)
    }

    #[test]
    fn a_url_and_a_process() {
        let file = r#"{"mcpServers":{
            "web":{"url":"https://h/mcp","transport":"sse","headers":{"X-Key":"k-${TOKEN}"},"auth":"${TOKEN}","timeout":5000},
            "local":{"command":"node","args":["a.js",8],"env":{"A":"${EMPTY:-x}$1"},"cwd":"/tmp","type":"stdio"}}}"#;
        assert_eq!(names(&Json::parse(file.into()).unwrap()).unwrap(), ["web", "local"]);
        let web = Way::Url {
            url: "https://h/mcp".into(),
            transport: Some(Transport::Sse),
            headers: vec![("X-Key".into(), "k-s3cr3t".into())],
            bearer: Some("s3cr3t".into()),
        };
        assert_eq!(
            read(file, Some("web")).unwrap(),
            Server { place: "mcpServers.web".into(), way: web, timeout_ms: Some(5000) }
        );
        let local = Way::Process {
            argv: ["node", "a.js", "8"].map(String::from).to_vec(),
            environment: vec![("A".into(), "x$1".into())],
            directory: Some("/tmp".into()),
        };
        assert_eq!(
            read(file, Some("local")).unwrap(),
            Server { place: "mcpServers.local".into(), way: local, timeout_ms: None }
        );
    }

    #[test]
    fn the_root_may_hold_the_servers_and_one_needs_no_name() {
        let one = r#"{"only":{"url":"http://h/"}}"#;
        assert!(matches!(read(one, None).unwrap().way, Way::Url { url, .. } if url == "http://h/"));
    }

    #[test]
    fn errors_name_the_key() {
        let one = |server: &str| format!(r#"{{"mcpServers":{{"s":{server}}}}}"#);
        let cases = [
            ("[]".to_owned(), "no JSON object"),
            ("{}".into(), "mcpServers: it is missing"),
            (r#"{"mcpServers":[]}"#.into(), "mcpServers: "),
            (r#"{"mcpServers":{}}"#.into(), "it has none"),
            (one("1"), "mcpServers.s: it is no object"),
            (one("{}"), "neither"),
            (one(r#"{"url":"http://h/","command":"x"}"#), "mcpServers.s: it has a \"url\" and a \"command\""),
            (one(r#"{"url":"u","headers":[]}"#), "mcpServers.s.headers: "),
            (one(r#"{"url":1.5}"#), "mcpServers.s.url: it is no text"),
            (one(r#"{"url":"u","headers":{"A":"${NONE}"}}"#), "mcpServers.s.headers.A: the environment variable NONE"),
            (one(r#"{"url":"u","transport":"stdio"}"#), "mcpServers.s.transport: "),
            (one(r#"{"url":"u","auth":"oauth"}"#), "mcpServers.s.auth: "),
            (one(r#"{"url":"u","auth":{}}"#), "mcpServers.s.auth: it is no text"),
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
}
