//! A lane: one ureq agent that holds at most one connection. A request takes a lane, uses it alone, and puts it back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header};
use ureq::config::Config;
use ureq::{Agent, SendBody};

use super::connection_notes::ConnectionNotes;
use super::ureq_adapter::{NoResolver, PooledConnector};
use crate::net::connection_factory::ConnectionFactory;
use crate::protocol::message_text::MessageText;
use crate::sys::wait::WaitContext;

/// How long an unused connection is kept where the server does not say: common servers close theirs after 5 s, and a request
/// must not meet that moment.
const KEEP_IDLE: Duration = Duration::from_secs(4);

/// A ureq agent with the connection that it may use.
#[derive(Debug)]
pub struct PooledConnection {
    agent: Agent,
    pub notes: Arc<ConnectionNotes>,
    idle_since: Instant,
    keep: Duration,
}

impl PooledConnection {
    pub fn new(config: &Config, network: &Arc<ConnectionFactory>) -> PooledConnection {
        let notes = Arc::new(ConnectionNotes::default());
        let connector = PooledConnector { notes: Arc::clone(&notes), network: Arc::clone(network) };
        let agent = Agent::with_parts(config.clone(), connector, NoResolver);
        PooledConnection { agent, notes, idle_since: Instant::now(), keep: KEEP_IDLE }
    }

    /// Sends a request and waits for the head of its answer. The body is empty for methods that have none.
    pub fn send(
        &self,
        method: Method,
        uri: &Uri,
        headers: HeaderMap,
        body: &MessageText,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        let mut request = Request::builder().method(method).uri(uri.clone());
        if let Some(place) = request.headers_mut() {
            *place = headers;
        }
        match body.one_piece() {
            Some("") => self.agent.run(request.body(()).map_err(ureq::Error::Http)?),
            Some(text) => self.agent.run(request.body(text).map_err(ureq::Error::Http)?),
            None => {
                // ureq would send chunks, which not every server takes.
                let request = request.header(header::CONTENT_LENGTH, body.len());
                let mut reader = body.reader();
                self.agent.run(request.body(SendBody::from_reader(&mut reader)).map_err(ureq::Error::Http)?)
            }
        }
    }

    /// Notes how long the server keeps the connection, by the head of its answer.
    pub fn record_keep_alive<T>(&mut self, answer: &Response<T>) {
        let headers = answer.headers();
        let timeout = headers.get("keep-alive").and_then(|value| keep_alive_timeout(value.to_str().ok()?));
        self.keep = match timeout {
            _ if !persists(answer) => Duration::ZERO,
            // A second less than the server says: the request has a way to go.
            Some(seconds) => Duration::from_secs(seconds.saturating_sub(1)),
            None => KEEP_IDLE,
        };
    }

    pub fn start_idling(&mut self) {
        self.notes.progress.set_wait_context(WaitContext::default());
        self.idle_since = Instant::now();
    }

    /// Whether the connection may still be open.
    pub fn is_fresh(&self) -> bool {
        self.idle_since.elapsed() < self.keep
    }
}

/// Whether the connection is one for another request (RFC 9112, section 9.3).
fn persists<T>(answer: &Response<T>) -> bool {
    let says = |word: &[u8]| {
        let values = answer.headers().get_all(header::CONNECTION).into_iter();
        let mut options = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(word))
    };
    match answer.version() {
        // It speaks another protocol now.
        _ if answer.status() == StatusCode::SWITCHING_PROTOCOLS || says(b"close") => false,
        Version::HTTP_11 => true,
        _ => says(b"keep-alive"),
    }
}

/// The `timeout` parameter of a `Keep-Alive` header, in seconds.
pub fn keep_alive_timeout(value: &str) -> Option<u64> {
    value.split(',').find_map(|part| {
        let (name, seconds) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| seconds.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keep_alive_header() {
        assert_eq!(keep_alive_timeout("timeout=5"), Some(5));
        assert_eq!(keep_alive_timeout("max=100, Timeout = 15"), Some(15));
        assert_eq!(keep_alive_timeout("max=100"), None);
        assert_eq!(keep_alive_timeout("timeout=x"), None);
    }
}
