//! Decides which era a request belongs to, and wraps what that era answers.

use crate::http::Head;
use crate::options::{Era, Scenario};
use crate::reply::{self, Reply};
use crate::rpc::{self, Error, Message};
use crate::state::State;
use crate::{legacy, modern, sse};

/// The key of the version in `_meta`.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The modern version that is implemented.
pub const MODERN: &str = "2026-07-28";
/// The legacy versions, newest first.
pub const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// One request with everything that an answer depends on.
pub struct Request<'a> {
    /// What the server remembers.
    pub state: &'a State,
    /// What the path asks for.
    pub scenario: &'a Scenario,
    /// The head.
    pub head: &'a Head,
    /// The body.
    pub message: &'a Message,
}

impl Request<'_> {
    /// Whether the modern rules apply. A dual server goes by `_meta` first, then by what only one
    /// era has.
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

    /// The session that the request names, in the way of the scenario's transport.
    pub fn session_id(&self) -> Option<&str> {
        if self.scenario.sse { self.head.query("session") } else { self.head.get("Mcp-Session-Id") }
    }

    /// Whether the request asks for the event stream of HTTP+SSE.
    pub fn opens_channel(&self) -> bool {
        self.scenario.sse && self.head.method() == "GET"
    }

    /// Whether the answer belongs on the stream that an earlier GET of HTTP+SSE has opened.
    pub fn session_on_stream(&self) -> bool {
        self.scenario.sse && self.head.method() == "POST"
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

    /// Answers as a server without faults would.
    pub fn answer(&self) -> Reply {
        if let Some(origin) = self.head.get("Origin")
            && !is_local(origin)
        {
            return Reply::text(403, "this origin may not come in\n");
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

    /// An error for this request.
    pub fn refusal(&self, error: Error) -> Reply {
        Reply::json(error.status, error.body(self.message.id()))
    }

    /// An answer in the form that the scenario wants.
    pub fn wrap(&self, outcome: Result<String, Error>, version: &str) -> Reply {
        let message = match &outcome {
            Err(error) if error.status != 200 => return self.refusal(error.clone()),
            Err(error) => error.body(self.message.id()),
            Ok(result) => rpc::result(self.message.id(), result),
        };
        if !self.scenario.stream || self.scenario.sse {
            return Reply::json(200, message);
        }
        let mut pieces = Vec::with_capacity(3);
        if version == "2025-11-25" {
            pieces.push(reply::priming_event(self.state.number()));
        }
        pieces.push(reply::COMMENT.to_vec());
        pieces.push(reply::event(&message));
        Reply::stream(pieces)
    }
}

/// Loopback pages only: anything else is what DNS rebinding looks like.
fn is_local(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| match host.strip_prefix(local) {
        Some(rest) => rest.is_empty() || rest.starts_with(':'),
        None => false,
    })
}
