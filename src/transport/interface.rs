//! The interface that every transport is behind.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use ::http::HeaderValue;

use crate::call::context::Call;
use crate::call::request::{Ask, Speaking};
use crate::call::setback::Setback;
use crate::error::{Error, Result};
use crate::protocol::incoming::Notice;
use crate::protocol::jsonrpc::Answered;
use crate::protocol::lost_session::Carried;
use crate::protocol::text::Text;
use crate::status::MCP_INTERNAL;
use crate::sys::signal::Signal;

/// A cancelled call returns within 50 ms; half of that is for telling the server.
pub const FAREWELL: Duration = Duration::from_millis(25);

pub const LISTENING: &str = "while listening for changes";

/// One way to a server. Used from any number of threads at once.
pub trait Transport: Send + Sync {
    fn travels(&self) -> Travels;

    /// One request and its answer. `asked` gets the id that the request had last.
    fn request(&self, call: &Call, speaking: &Speaking, ask: &Ask, asked: &Cell<u64>) -> Result<Answer, Setback>;

    /// A message that has no answer: a notification, or the answer to a server's own request. Where it is `repeatable`, it does no harm
    /// when it comes twice.
    fn post(&self, call: &Call, speaking: &Speaking, message: &Text, repeatable: bool) -> Result<()>;

    /// Sends a message in the time of the call, and waits for no answer; fails where that is over, or nothing is read at the other end.
    fn post_and_leave(&self, call: &Call, speaking: &Speaking, message: &Text) -> Result<()>;

    /// A subscription of a modern server: opened by a request whose answer ends it.
    fn subscribe(&self, _: &Call, _: &Speaking, _: &Ask, _: &mut Hear) -> Result<(), Unsubscribed> {
        let error = Error::new(MCP_INTERNAL, "this transport has no subscriptions");
        Err(Unsubscribed { error, heard: false })
    }

    /// What a request says of the session, which the server may have lost.
    fn carried<'a>(&self, speaking: &'a Speaking) -> Carried<'a>;

    /// Opens the stream for what belongs to no call, where the transport has one of its own, and waits a moment for it; where
    /// `again`, also one that was given up.
    fn open_server_stream(&self, _call: &Call, _speaking: &Speaking, _again: bool) -> Result<()> {
        Ok(())
    }

    /// The handshake has settled on a version.
    fn bind(&self, _version: &'static str) {}

    /// Raised when nothing that belongs to no call will come any more.
    fn over(&self) -> Option<Arc<Signal>>;

    /// Why that is so.
    fn why_over(&self) -> Option<Error>;

    /// Whether new calls need another session.
    fn is_closed_to_calls(&self) -> bool {
        false
    }

    /// Tells the server that the session has ended, where that is told.
    fn end_session(&self, _call: &Call, _speaking: &Speaking) -> Result<()> {
        Ok(())
    }

    /// The same, as far as that goes in a moment, and without waiting for an answer.
    fn abandon_session(&self, _speaking: &Speaking) {}

    /// The client is closed: a stream that belongs to no call is not read any more.
    fn stop_server_stream(&self) {}
}

/// Opens transports to one server.
pub trait Connector: Send + Sync {
    /// Those that may lead to the server, in the order in which they are to be tried: one, or two. `found` was the right one the last
    /// time; where `is_modern`, a modern version has to be spoken.
    fn order(&self, found: Option<Travels>, is_modern: bool) -> Vec<Travels>;

    /// Whether the server's address says that it is this one.
    fn is_named(&self, travels: Travels) -> bool;

    fn connect(&self, call: &Call, travels: Travels) -> Result<Arc<dyn Transport>>;
}

/// Receives the notifications of a subscription.
pub type Hear<'a> = dyn FnMut(&Notice) + 'a;

/// How a subscription ended without the server's answer, and whether something had come on it.
pub struct Unsubscribed {
    pub error: Error,
    pub heard: bool,
}

/// What the server has answered, and the session id that came with it.
pub struct Answer {
    pub answered: Answered,
    pub session_id: Option<HeaderValue>,
}

/// Which transport it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Travels {
    StreamableHttp,
    Sse,
    Stdio,
}

impl Travels {
    /// As `mcp_server_info` names it.
    pub fn name(self) -> &'static str {
        match self {
            Travels::StreamableHttp => "streamable-http",
            Travels::Sse => "sse",
            Travels::Stdio => "stdio",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Travels::StreamableHttp => "Streamable HTTP",
            Travels::Sse => "HTTP+SSE",
            Travels::Stdio => "stdio",
        }
    }

    /// Whether modern versions are spoken over it: HTTP+SSE is older.
    pub fn speaks_modern(self) -> bool {
        self != Travels::Sse
    }

    /// Whether an old server may end at a request that comes before `initialize`.
    pub fn may_end_by_probe(self) -> bool {
        self == Travels::Stdio
    }

    /// Whether requests have headers.
    pub fn has_headers(self) -> bool {
        self != Travels::Stdio
    }

    /// Whether a modern server sees by the closed stream that an answer is not awaited any more.
    pub fn cancels_by_closing(self) -> bool {
        self != Travels::Stdio
    }
}
