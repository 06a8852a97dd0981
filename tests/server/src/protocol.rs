//! Determines the era of a request, and encodes the response.

use crate::http::Head;
use crate::oauth::{self, Endpoint};
use crate::options::{Era, Scenario};
use crate::reply::{self, Reply};
use crate::rpc::{self, Error, Message};
use crate::state::State;
use crate::{legacy, modern, sse};

/// The key of the version in `_meta`.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The implemented modern version.
pub const MODERN: &str = "2026-07-28";
/// The legacy versions, newest first.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// One request, with everything that determines its response.
pub struct Request<'a> {
    /// The state of the server.
    pub state: &'a State,
    /// The scenario of the path.
    pub scenario: &'a Scenario,
    /// The head.
    pub head: &'a Head,
    /// The parsed body.
    pub message: &'a Message,
    /// The body.
    pub body: &'a [u8],
    /// The endpoint of the authorization server, if the request is not for the MCP server.
    pub endpoint: Option<Endpoint>,
}

impl Request<'_> {
    /// Whether the modern rules apply. A dual server checks `_meta` first, then properties that only one era has.
    pub fn is_modern(&self) -> bool {
        match self.scenario.era {
            _ if self.scenario.sse => false,
            Era::Modern => true,
            Era::Legacy => false,
            Era::Dual => self.looks_modern(),
        }
    }

    fn looks_modern(&self) -> bool {
        if self.head.method() != "POST" {
            return false;
        }
        if self.message.params().get("_meta").is_some_and(|meta| meta.get(META_VERSION).is_some()) {
            return true;
        }
        match self.message.method() {
            Some("initialize") => return false,
            Some("server/discover") => return true,
            _ => {}
        }
        let version = self.head.get("MCP-Protocol-Version");
        self.head.get("Mcp-Session-Id").is_none() && version.is_some_and(|version| !LEGACY.contains(&version))
    }

    /// The session id in the request: in the query on HTTP+SSE, otherwise in the header.
    pub fn session_id(&self) -> Option<&str> {
        if self.scenario.sse { self.head.query("session") } else { self.head.get("Mcp-Session-Id") }
    }

    /// Whether the request opens the event stream of HTTP+SSE.
    pub fn opens_sse_stream(&self) -> bool {
        self.scenario.sse && self.head.method() == "GET" && self.endpoint.is_none()
    }

    /// Whether the JSON-RPC response is sent on the event stream of HTTP+SSE, which an earlier GET has opened.
    pub fn responds_on_sse_stream(&self) -> bool {
        self.scenario.sse && self.head.method() == "POST" && self.endpoint.is_none()
    }

    /// The versions of one era that the scenario offers.
    pub fn offered(&self, modern: bool) -> Vec<&str> {
        match &self.scenario.versions {
            Some(versions) => {
                versions.iter().map(String::as_str).filter(|version| (*version >= MODERN) == modern).collect()
            }
            None if modern => vec![MODERN],
            None => LEGACY.to_vec(),
        }
    }

    /// Responds like a server without faults.
    pub fn answer(&self) -> Reply {
        if let Some(endpoint) = self.endpoint {
            return oauth::answer(self, endpoint);
        }
        if let Some(origin) = self.head.get("Origin")
            && !is_local(origin)
        {
            return Reply::text(403, "this origin is not allowed\n");
        }
        match self.head.method() {
            "POST" if self.scenario.sse => sse::post(self),
            _ if self.scenario.sse => Reply::text(405, "method not allowed\n").header("Allow", "GET, POST"),
            "POST" => self.post(),
            "DELETE" if !self.is_modern() => legacy::delete(self),
            "GET" if self.scenario.resume.is_some() && !self.is_modern() => legacy::resume(self),
            _ => {
                let allowed = if self.is_modern() { "POST" } else { "POST, DELETE" };
                Reply::text(405, "method not allowed\n").header("Allow", allowed)
            }
        }
    }

    fn post(&self) -> Reply {
        if !self.head.lists("Content-Type", "application/json") {
            return self.refusal(Error::new(-32600, "Content-Type must be application/json").status(415));
        }
        let accepts = |kind| self.head.lists("Accept", kind);
        if !accepts("application/json") || !accepts("text/event-stream") {
            let message = "Not Acceptable: Accept must list application/json and text/event-stream";
            return self.refusal(Error::new(-32600, message).status(406));
        }
        match self.message {
            Message::Invalid(error) => self.refusal(error.clone()),
            _ if self.scenario.supported.is_some() && self.looks_modern() => self.refusal(modern::unsupported(self)),
            _ if self.is_modern() => modern::answer(self),
            _ => legacy::answer(self),
        }
    }

    /// An error response to this request.
    pub fn refusal(&self, error: Error) -> Reply {
        Reply::json(error.status, error.body(self.message.id()))
    }

    /// A response in the form that the scenario requires.
    pub fn wrap(&self, outcome: Result<String, Error>, version: &str) -> Reply {
        let message = match &outcome {
            Err(error) if error.status != 200 => return self.refusal(error.clone()),
            Err(error) => error.body(self.message.id()),
            Ok(result) => rpc::result(self.message.id(), result),
        };
        if !self.scenario.stream || self.scenario.sse {
            return Reply::json(200, message);
        }
        let mut parts = Vec::with_capacity(3);
        if version == "2025-11-25" {
            parts.push(reply::priming_event(self.state.number()));
        }
        parts.push(reply::COMMENT.to_vec());
        parts.push(reply::event(&message));
        Reply::stream(parts)
    }
}

/// Whether the origin is on loopback: any other origin may be a DNS rebinding attack.
fn is_local(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| match host.strip_prefix(local) {
        Some(rest) => rest.is_empty() || rest.starts_with(':'),
        None => false,
    })
}
