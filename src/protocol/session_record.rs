//! The text of a saved session: what another client needs to continue it, or to skip a part of the negotiation.

use super::json::{Json, Kind};
use super::json_scanner;
use super::messages::quoted;
use super::negotiation::initialized_version;
use super::raw_value::RawValue;
use super::version::{self, Era};

/// The version of the format that is written and read.
const FORMAT: u64 = 1;

/// The longest text that is read, in bytes.
const MAX_RECORD: usize = 1024 * 1024;

/// The longest result of a handshake that is written, in bytes: it is left out if it is longer.
const MAX_RESULT: usize = MAX_RECORD / 2;

/// What a saved session contains.
pub struct SessionRecord {
    /// The server, without secrets.
    pub server: String,
    /// A salt, and a hash of all that distinguishes the server.
    pub server_hash: String,
    /// The name of the transport.
    pub transport: String,
    pub version: &'static str,
    pub era: Era,
    /// Whether a handshake may assume this era.
    pub era_is_certain: bool,
    /// The session id, if a legacy server assigned one.
    pub session_id: Option<String>,
    /// The capabilities that the client declared to a legacy server, as the text of an object.
    pub client_capabilities: Option<String>,
    /// The result of `server/discover` or `initialize`.
    pub result: Option<Json>,
    /// Calls of the tools of a modern server repeat no arguments in headers: the tools need not be listed before.
    pub has_plain_tools: bool,
}

impl SessionRecord {
    /// Reads a text. Unknown members are ignored. The error quotes nothing that may be secret.
    pub fn parse(text: &str) -> Result<SessionRecord, String> {
        if text.len() > MAX_RECORD {
            return Err(format!("it is larger than {MAX_RECORD} bytes"));
        }
        let root = RawValue::from_validated(json_scanner::object(text)?);
        match root.member("v").map(RawValue::uint64) {
            Some(Some(FORMAT)) => {}
            Some(_) => return Err("another version of libmcp wrote it".into()),
            None => return Err(missing("v")),
        }
        let version = required_text(root, "protocolVersion")?;
        let (version, era) = version::known(&version).ok_or("this client does not support its protocol version")?;
        if required_text(root, "era")? != era.name() {
            return Err("\"era\" does not match \"protocolVersion\"".into());
        }
        let session_id = optional_text(root, "sessionId")?;
        if let Some(id) = &session_id {
            // 2025-11-25, "Transports": Session Management: visible ASCII. Some servers put spaces in it, which a
            // header can have, except at its ends.
            let may_be_sent = |byte: u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t');
            if id.is_empty() || id.trim_ascii() != id || !id.bytes().all(may_be_sent) {
                return Err("\"sessionId\" is empty, or has a character that is not permitted".into());
            }
            if era == Era::Modern {
                return Err("it has a \"sessionId\", which its protocol version does not have".into());
            }
        }
        let result = optional_object(root, "result")?;
        let result = result.map(|object| Json::from_validated(object.raw().to_owned()));
        if result.as_ref().is_some_and(|result| !is_result_of(result, version, era)) {
            return Err("\"result\" does not match \"protocolVersion\"".into());
        }
        Ok(SessionRecord {
            server: required_text(root, "server")?,
            server_hash: required_text(root, "serverHash")?,
            transport: required_text(root, "transport")?,
            version,
            era,
            era_is_certain: optional_flag(root, "eraIsCertain")?.unwrap_or(true),
            session_id,
            client_capabilities: optional_object(root, "clientCapabilities")?.map(|object| object.raw().to_owned()),
            result,
            has_plain_tools: optional_flag(root, "plainTools")?.unwrap_or(false),
        })
    }

    /// The text to save. `saved_at` is in seconds since 1970.
    pub fn to_json(&self, saved_at: u64) -> String {
        let text = |text: &str| Some(quoted(text));
        let result = self.result.as_ref().map(Json::text).filter(|result| result.len() <= MAX_RESULT);
        let members = [
            ("v", Some(FORMAT.to_string())),
            ("server", text(&self.server)),
            ("serverHash", text(&self.server_hash)),
            ("protocolVersion", text(self.version)),
            ("era", text(self.era.name())),
            ("eraIsCertain", (!self.era_is_certain).then(|| "false".to_owned())),
            ("transport", text(&self.transport)),
            ("sessionId", self.session_id.as_deref().and_then(text)),
            ("savedAt", Some(saved_at.to_string())),
            ("clientCapabilities", self.client_capabilities.clone()),
            ("plainTools", self.has_plain_tools.then(|| "true".to_owned())),
            ("result", result.map(str::to_owned)),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some(format!("\"{name}\":{}", value?)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

/// Whether a handshake with this result selects this version.
fn is_result_of(result: &Json, version: &str, era: Era) -> bool {
    match era {
        Era::Legacy => initialized_version(result, Some(version)).is_ok(),
        Era::Modern => {
            let theirs = json_scanner::member(result.text(), "supportedVersions").map(json_scanner::string_elements);
            theirs.is_some_and(|theirs| theirs.iter().any(|their| their == version))
        }
    }
}

fn required_text(root: RawValue, name: &str) -> Result<String, String> {
    optional_text(root, name)?.ok_or_else(|| missing(name))
}

fn optional_text(root: RawValue, name: &str) -> Result<Option<String>, String> {
    let Some(value) = root.member(name) else { return Ok(None) };
    let text = value.text().ok_or_else(|| wrong_kind(name, "a string"))?;
    Ok(Some(text.into_owned()))
}

fn optional_flag(root: RawValue, name: &str) -> Result<Option<bool>, String> {
    match root.member(name).map(RawValue::raw) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(wrong_kind(name, "true or false")),
    }
}

fn optional_object<'a>(root: RawValue<'a>, name: &str) -> Result<Option<RawValue<'a>>, String> {
    match root.member(name) {
        Some(value) if value.kind() != Kind::Object => Err(wrong_kind(name, "an object")),
        value => Ok(value),
    }
}

fn missing(name: &str) -> String {
    format!("it has no \"{name}\"")
}

fn wrong_kind(name: &str, kind: &str) -> String {
    format!("\"{name}\" is not {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#;

    fn record() -> SessionRecord {
        SessionRecord {
            server: "https://example.com/mcp".into(),
            server_hash: "salt:hash".into(),
            transport: "streamable-http".into(),
            version: "2025-11-25",
            era: Era::Legacy,
            era_is_certain: true,
            session_id: Some("s-\"1".into()),
            client_capabilities: Some("{}".into()),
            result: Some(Json::parse(RESULT.into()).unwrap()),
            has_plain_tools: false,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let text = record().to_json(7);
        let expected = concat!(
            r#"{"v":1,"server":"https://example.com/mcp","serverHash":"salt:hash","protocolVersion":"2025-11-25","#,
            r#""era":"legacy","#,
            r#""transport":"streamable-http","sessionId":"s-\"1","savedAt":7,"clientCapabilities":{},"#,
            r#""result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#
        );
        assert_eq!(text, expected);
        assert_eq!(SessionRecord::parse(&text).unwrap().to_json(7), text);
        let minimal = SessionRecord {
            version: "2026-07-28",
            era: Era::Modern,
            era_is_certain: false,
            session_id: None,
            client_capabilities: None,
            result: None,
            has_plain_tools: true,
            ..record()
        };
        let text = minimal.to_json(0);
        assert!(text.contains(r#""eraIsCertain":false"#) && !text.contains("result"), "{text}");
        assert!(text.contains(r#""plainTools":true"#), "{text}");
        assert_eq!(SessionRecord::parse(&text).unwrap().to_json(0), text);
    }

    #[test]
    fn a_long_result_is_left_out() {
        let long = format!(r#"{{"protocolVersion":"2025-11-25","instructions":"{}"}}"#, "x".repeat(MAX_RESULT));
        let text = SessionRecord { result: Some(Json::parse(long).unwrap()), ..record() }.to_json(7);
        assert!(SessionRecord::parse(&text).unwrap().result.is_none());
    }

    #[test]
    fn wrong_texts_are_rejected() {
        let text = record().to_json(7);
        let replaced = |old: &str, new: &str| {
            assert!(text.contains(old), "{old}");
            text.replacen(old, new, 1)
        };
        for (text, why) in [
            (String::new(), "it is not valid JSON: "),
            ("[]".into(), "it is not a JSON object"),
            ("{}".into(), "it has no \"v\""),
            (" ".repeat(MAX_RECORD + 1), "it is larger than 1048576 bytes"),
            (text[..text.len() - 1].into(), "it is not valid JSON: "),
            (replaced(r#""v":1"#, r#""v":2"#), "another version of libmcp wrote it"),
            (replaced(r#""v":1"#, r#""v":"1""#), "another version of libmcp wrote it"),
            (replaced("\"server\"", "\"saver\""), "it has no \"server\""),
            (replaced("\"serverHash\"", "\"hash\""), "it has no \"serverHash\""),
            (replaced("\"https://example.com/mcp\"", "5"), "\"server\" is not a string"),
            (replaced("2025-11-25", "2099-01-01"), "this client does not support its protocol version"),
            (replaced("2025-11-25", "2025-06-18"), "\"result\" does not match \"protocolVersion\""),
            (replaced("2025-11-25", "2026-07-28"), "\"era\" does not match \"protocolVersion\""),
            (replaced("\"legacy\"", "\"modern\""), "\"era\" does not match \"protocolVersion\""),
            (replaced("\"transport\"", "\"t\""), "it has no \"transport\""),
            (replaced(r#"s-\"1"#, ""), "\"sessionId\" is empty, or has"),
            (replaced(r#"s-\"1"#, r"a\r\nX: y"), "\"sessionId\" is empty, or has"),
            (replaced(r#"s-\"1"#, " s"), "\"sessionId\" is empty, or has"),
            (replaced(r#"s-\"1"#, r"s\t"), "\"sessionId\" is empty, or has"),
            (replaced(r#"s-\"1"#, "ä"), "\"sessionId\" is empty, or has"),
            (replaced(r#""s-\"1""#, "null"), "\"sessionId\" is not a string"),
            (replaced(":{},", ":[],"), "\"clientCapabilities\" is not an object"),
            (replaced(RESULT, "true"), "\"result\" is not an object"),
            (replaced(RESULT, "{}"), "\"result\" does not match \"protocolVersion\""),
            (replaced(r#""v":1"#, r#""v":1,"eraIsCertain":0"#), "\"eraIsCertain\" is not true or false"),
        ] {
            let error = SessionRecord::parse(&text).err().unwrap_or_else(|| panic!("accepted: {text}"));
            assert!(error.starts_with(why), "{error}: {text}");
        }
        let modern = concat!(
            r#"{"v":1,"server":"s","serverHash":"h","transport":"stdio","era":"modern","protocolVersion":"2026-07-28","#,
            r#""result":{"supportedVersions":["2026-07-28"]}}"#
        );
        assert!(SessionRecord::parse(modern).is_ok());
        let with_spaces = record().to_json(7).replace(r#"s-\"1"#, r"s \t1");
        assert_eq!(SessionRecord::parse(&with_spaces).unwrap().session_id.as_deref(), Some("s \t1"));
        let with_id = modern.replacen("{", r#"{"sessionId":"x","#, 1);
        assert!(SessionRecord::parse(&with_id).is_err());
        assert!(SessionRecord::parse(&modern.replacen("[\"2026-07-28\"]", "[\"2025-11-25\"]", 1)).is_err());
    }
}
