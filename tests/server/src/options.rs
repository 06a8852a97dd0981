//! The scenario in the path of a request: `/s/<option>+<option>+.../mcp`.
//!
//! Options are part of the path so that a test needs only a URL, and many tests can use different scenarios of one
//! server at the same time. An unknown option is an error: a test with a misspelled option would test nothing.

use crate::faults::{Kind, Moment, NAMED};
use crate::resume::Resume;
use crate::sse_streams::End;

/// The protocol eras that the server supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Era {
    /// Stateless versions only.
    Modern,
    /// Versions with `initialize` only.
    Legacy,
    /// Both on one path.
    #[default]
    Dual,
}

/// The line end of an event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Eol {
    #[default]
    Lf,
    Cr,
    CrLf,
}

/// One fault and the requests that it applies to.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The kind of fault.
    pub kind: Kind,
    /// JSON-RPC or HTTP methods; empty for every request.
    pub when: Vec<String>,
    /// To how many matching requests it applies.
    pub times: Option<u64>,
    /// How many matching requests are skipped first.
    pub after: u64,
}

/// All options of a path.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// The supported eras.
    pub era: Era,
    /// Whether responses are event streams.
    pub stream: bool,
    /// Legacy without session ids.
    pub stateless: bool,
    /// The offered versions, if not all.
    pub versions: Option<Vec<String>>,
    /// The version forced into an InitializeResult.
    pub version: Option<String>,
    /// The list in the error for every modern request.
    pub supported: Option<Vec<String>>,
    /// The required bearer token.
    pub bearer: Option<String>,
    /// Whether a token of the path's own authorization server is required.
    pub oauth: bool,
    /// The required API key.
    pub api_key: Option<String>,
    /// HTTP+SSE instead of Streamable HTTP.
    pub sse: bool,
    /// Milliseconds between comments on an idle stream of HTTP+SSE.
    pub keepalive: Option<u64>,
    /// The endpoint of HTTP+SSE, if not the scenario's path.
    pub endpoint: Option<String>,
    /// An event with an id and no data before each event of HTTP+SSE.
    pub priming: bool,
    /// The line end of event streams.
    pub eol: Eol,
    /// A byte order mark before event streams.
    pub bom: bool,
    /// An id with a NUL in each event.
    pub nul_id: bool,
    /// Responses come on a resumed stream.
    pub resume: Option<Resume>,
    /// The reconnection time of such streams, sent unchanged.
    pub retry: Option<String>,
    /// The slot whose current token is required.
    pub rotating: Option<String>,
    /// For how many requests a token of the slot or of `oauth` is valid.
    pub uses: Option<u64>,
    /// Cookies that are set and then required, with their attributes.
    pub cookies: Vec<String>,
    /// Responses are compressed for clients that accept gzip.
    pub gzip: bool,
    /// The tag of the recorded requests.
    pub tag: Option<String>,
    /// The Retry-After header of `status=`.
    pub retry_after: Option<String>,
    /// The JSON-RPC code of `rpc-error`, if not -32603.
    pub rpc_code: Option<i64>,
    /// The HTTP status of `rpc-error`, if not 200.
    pub rpc_status: Option<u16>,
    /// The faults; the first one that matches a request is applied.
    pub faults: Vec<Fault>,
}

impl Scenario {
    /// The scenario of a path, or `None` if the path does not have this form.
    pub fn of_path(path: &str) -> Option<Result<Self, String>> {
        if path == "/mcp" || path == "/mcp/" {
            return Some(Ok(Self::default()));
        }
        // Only the last segment is the name: options may contain slashes (methods, redirect targets).
        let path = path.strip_suffix('/').unwrap_or(path);
        let (options, _name) = path.strip_prefix("/s/")?.rsplit_once('/')?;
        Some(Self::parse(options))
    }

    /// Parses the options between `/s/` and the next slash.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut scenario = Self::default();
        // `when`, `times` and `after` belong to the fault before them. If there is none, they belong to the first
        // fault, so that the options of a single fault may have any order.
        let mut early = Limits::default();
        for option in text.split('+').filter(|option| !option.is_empty()) {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(decode(value)?)),
                None => (option, None),
            };
            if let Some(kind) = fault_kind(name, value.as_deref())? {
                let limits = std::mem::take(&mut early);
                scenario.faults.push(Fault { kind, when: limits.when, times: limits.times, after: limits.after });
            } else if !early.set(name, value.as_deref(), scenario.faults.last_mut())? {
                scenario.set(name, value)?;
            }
        }
        if early != Limits::default() {
            return Err("when, times and after need a fault".into());
        }
        Ok(scenario)
    }

    fn set(&mut self, name: &str, value: Option<String>) -> Result<(), String> {
        match (name, value) {
            ("modern", None) => self.era = Era::Modern,
            ("legacy", None) => self.era = Era::Legacy,
            ("dual", None) => self.era = Era::Dual,
            ("stream", None) => self.stream = true,
            ("stateless", None) => self.stateless = true,
            ("versions", Some(value)) => self.versions = Some(list(&value)),
            ("version", Some(value)) => self.version = Some(value),
            ("supported", Some(value)) => self.supported = Some(list(&value)),
            ("bearer", Some(value)) => self.bearer = Some(value),
            ("oauth", None) => self.oauth = true,
            ("api-key", Some(value)) => self.api_key = Some(value),
            ("sse", None) => self.sse = true,
            ("keepalive", Some(value)) => self.keepalive = Some(number(name, &value)?),
            ("endpoint", Some(value)) => self.endpoint = Some(value),
            ("priming", None) => self.priming = true,
            ("eol", Some(value)) => self.eol = eol(&value)?,
            ("bom", None) => self.bom = true,
            ("nul-id", None) => self.nul_id = true,
            ("resume", value) => {
                self.resume = Some(Resume::parse(value.as_deref().unwrap_or("1"))?);
                self.stream = true;
            }
            ("retry", Some(value)) => self.retry = Some(value),
            ("rotating", Some(value)) => self.rotating = Some(value),
            ("uses", Some(value)) => self.uses = Some(number(name, &value)?),
            ("cookie", Some(value)) if value.contains('=') => self.cookies.push(value),
            ("gzip", None) => self.gzip = true,
            ("tag", Some(value)) => self.tag = Some(value),
            ("retry-after", Some(value)) => self.retry_after = Some(value),
            ("rpc-code", Some(value)) => self.rpc_code = Some(number(name, &value)?),
            ("rpc-status", Some(value)) => self.rpc_status = Some(number(name, &value)?),
            (name, None) => return Err(format!("unknown option: {name}")),
            (name, Some(value)) => return Err(format!("unknown option: {name}={value}")),
        }
        Ok(())
    }
}

#[derive(Debug, Default, PartialEq)]
struct Limits {
    when: Vec<String>,
    times: Option<u64>,
    after: u64,
}

impl Limits {
    fn set(&mut self, name: &str, value: Option<&str>, fault: Option<&mut Fault>) -> Result<bool, String> {
        let (when, times, after) = match fault {
            Some(fault) => (&mut fault.when, &mut fault.times, &mut fault.after),
            None => (&mut self.when, &mut self.times, &mut self.after),
        };
        match (name, value) {
            ("when", Some(value)) => *when = list(value),
            ("times", Some(value)) => *times = Some(number(name, value)?),
            ("after", Some(value)) => *after = number(name, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn fault_kind(name: &str, value: Option<&str>) -> Result<Option<Kind>, String> {
    let kind = match (name, value) {
        ("scope-missing", None) => Kind::ScopeMissing,
        ("scope", Some(value)) => Kind::Scope(value.into()),
        ("ends", Some(value)) => {
            let (end, moment) = value.split_once(':').unwrap_or((value, "before"));
            Kind::Ends(end_of(end)?, moment_of(moment)?)
        }
        ("head-size", Some(value)) => Kind::HeadSize(number(name, value)?),
        ("event-size", Some(value)) => Kind::EventSize(number(name, value)?),
        ("body-size", Some(value)) => Kind::BodySize(number(name, value)?),
        ("status", Some(value)) => Kind::Status(number(name, value)?),
        ("redirect", Some(value)) => {
            let (status, target) = value.split_once(':').ok_or("redirect must be STATUS:TARGET")?;
            Kind::Redirect(number(name, status)?, target.into())
        }
        ("fault", Some(value)) => {
            let found = NAMED.iter().find(|(known, _)| *known == value);
            found.map(|(_, kind)| kind.clone()).ok_or(format!("unknown option: fault={value}"))?
        }
        _ => return Ok(None),
    };
    Ok(Some(kind))
}

fn end_of(value: &str) -> Result<End, String> {
    match value {
        "clean" => Ok(End::Clean),
        "cut" => Ok(End::Cut),
        "reset" => Ok(End::Reset),
        _ => Err(format!("ends must be clean, cut or reset, not {value:?}")),
    }
}

fn moment_of(value: &str) -> Result<Moment, String> {
    match value {
        "before" => Ok(Moment::Before),
        "half" => Ok(Moment::Half),
        "after" => Ok(Moment::After),
        _ => Err(format!("ends must be followed by before, half or after, not {value:?}")),
    }
}

fn eol(value: &str) -> Result<Eol, String> {
    match value {
        "lf" => Ok(Eol::Lf),
        "cr" => Ok(Eol::Cr),
        "crlf" => Ok(Eol::CrLf),
        _ => Err(format!("eol must be lf, cr or crlf, not {value:?}")),
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} must be a number, not {value:?}"))
}

/// Decodes percent-encoding, so that values may contain slashes and plus signs.
pub fn decode(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let hex = text.get(at + 1..at + 3).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let hex = hex.ok_or_else(|| format!("bad percent-encoding in {text:?}"))?;
            out.push(u8::from_str_radix(hex, 16).map_err(|error| error.to_string())?);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).map_err(|_| format!("not UTF-8 after decoding: {text:?}"))
}

/// The fields of a form, in which a plus sign is a space.
pub fn fields(body: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let read = |text: &str| decode(&text.replace('+', " "));
    let field = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((read(name)?, read(value)?))
    };
    text.split('&').filter(|pair| !pair.is_empty()).map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> Scenario {
        Scenario::of_path(path).unwrap().unwrap()
    }

    #[test]
    fn a_path_without_options_is_a_dual_server() {
        for text in ["/mcp", "/s//mcp", "/s/dual/mcp", "/s/dual/other/"] {
            assert_eq!(path(text), Scenario::default(), "{text}");
        }
        assert!(Scenario::of_path("/").is_none() && Scenario::of_path("/s/dual").is_none());
        assert!(Scenario::of_path("/s/dual/a/mcp").unwrap().is_err());
    }

    #[test]
    fn values_are_parsed_as_lists_numbers_and_decoded_text() {
        let scenario = path("/s/legacy+stream+versions=2025-06-18,2025-03-26+bearer=a%2Bb%2Fc+rpc-code=-32021/mcp");
        assert_eq!(scenario.era, Era::Legacy);
        assert!(scenario.stream && !scenario.stateless);
        assert_eq!(scenario.versions.unwrap(), ["2025-06-18", "2025-03-26"]);
        assert_eq!(scenario.bearer.as_deref(), Some("a+b/c"));
        assert_eq!(scenario.rpc_code, Some(-32021));
    }

    #[test]
    fn limits_belong_to_the_fault_before_them() {
        let scenario = path("/s/fault=silent+when=ping+times=2+status=503+after=1/mcp");
        let first = Fault { kind: Kind::Silent, when: vec!["ping".into()], times: Some(2), after: 0 };
        let second = Fault { kind: Kind::Status(503), when: vec![], times: None, after: 1 };
        assert_eq!(scenario.faults, [first, second]);
        assert_eq!(path("/s/when=ping+fault=eof/mcp"), path("/s/fault=eof+when=ping/mcp"));
    }

    #[test]
    fn values_may_contain_slashes() {
        let scenario = path("/s/fault=eof+when=tools/call,GET/mcp");
        assert_eq!(scenario.faults[0].when, ["tools/call", "GET"]);
        let scenario = path("/s/redirect=308:/s/dual/mcp/mcp");
        assert_eq!(scenario.faults[0].kind, Kind::Redirect(308, "/s/dual/mcp".into()));
    }

    #[test]
    fn a_redirect_target_may_contain_colons() {
        let scenario = path("/s/redirect=307:http%3A%2F%2F127.0.0.1%3A1%2Fmcp/mcp");
        assert_eq!(scenario.faults[0].kind, Kind::Redirect(307, "http://127.0.0.1:1/mcp".into()));
    }

    #[test]
    fn ends_has_a_way_and_a_moment() {
        let kind = |text: &str| Scenario::parse(text).unwrap().faults[0].kind.clone();
        assert_eq!(kind("ends=clean"), Kind::Ends(End::Clean, Moment::Before));
        assert_eq!(kind("ends=reset:half"), Kind::Ends(End::Reset, Moment::Half));
        assert_eq!(kind("ends=cut:after"), Kind::Ends(End::Cut, Moment::After));
    }

    #[test]
    fn cookies_keep_their_attributes() {
        let scenario = Scenario::parse("cookie=a=b;%20Path=/+cookie=c=d").unwrap();
        assert_eq!(scenario.cookies, ["a=b; Path=/", "c=d"]);
    }

    #[test]
    fn resume_implies_stream() {
        let scenario = Scenario::parse("resume+retry=5").unwrap();
        assert!(scenario.stream && scenario.resume == Some(Resume::After(1)));
        assert_eq!(scenario.retry.as_deref(), Some("5"));
    }

    #[test]
    fn errors_name_the_unknown_option() {
        for text in ["ends=x", "ends=cut:x", "eol=x", "resume=x", "cookie=x", "sse=1", "head-size=x"] {
            assert!(Scenario::parse(text).is_err(), "{text}");
        }
        for text in ["modren", "fault=silnet", "stream=1", "status=x", "redirect=307", "tag", "times=2", "bearer=%zz"] {
            let error = Scenario::parse(text).unwrap_err();
            assert!(!error.is_empty(), "{text}");
        }
        assert_eq!(Scenario::parse("dual+modren").unwrap_err(), "unknown option: modren");
        assert_eq!(Scenario::parse("fault=x").unwrap_err(), "unknown option: fault=x");
    }

    #[test]
    fn every_named_fault_is_parsed() {
        for (name, kind) in NAMED {
            assert_eq!(&Scenario::parse(&format!("fault={name}")).unwrap().faults[0].kind, kind);
        }
    }
}
