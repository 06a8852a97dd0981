//! An entry of the connection pool: one ureq agent with at most one connection. A request takes it from the pool and
//! returns it afterwards; no other request uses it meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use bytes::BytesMut;
use ureq::config::Config;
use ureq::{Agent, SendBody};

use super::body_handover::BodySender;
use super::connection_notes::ConnectionNotes;
use super::endpoint::Endpoint;
use super::ureq_adapter::{NoResolver, PooledConnector};
use crate::net::connection_factory::ConnectionFactory;
use crate::protocol::message_text::MessageText;
use crate::sys::wait::WaitContext;

/// How long an idle connection is kept if the server does not state its timeout. Many servers close idle connections
/// after 5 s, and a request should not be sent at that moment.
const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(4);

/// A body of at least this many bytes is sent from the caller's memory. For shorter ones, a copy is cheaper.
const LARGE_BODY: usize = 16 * 1024;

/// A ureq agent with its connection.
#[derive(Debug)]
pub struct PooledConnection {
    agent: Agent,
    pub notes: Arc<ConnectionNotes>,
    idle_since: Instant,
    keep_alive: Duration,
    /// Memory for the values of `Content-Length`, which is used again when the last value was dropped.
    lengths: BytesMut,
}

impl PooledConnection {
    pub fn new(config: &Config, factory: &Arc<ConnectionFactory>) -> PooledConnection {
        let notes = Arc::new(ConnectionNotes::default());
        let connector = PooledConnector { notes: Arc::clone(&notes), factory: Arc::clone(factory) };
        let agent = Agent::with_parts(config.clone(), connector, NoResolver);
        let (idle_since, keep_alive, lengths) = (Instant::now(), DEFAULT_KEEP_ALIVE, BytesMut::new());
        PooledConnection { agent, notes, idle_since, keep_alive, lengths }
    }

    /// Sends a request and waits for the head of the response. The body is empty for methods without a body. The
    /// headers were written into the notes.
    pub fn send(
        &mut self,
        method: Method,
        to: &Endpoint,
        body: &MessageText,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        match body.one_piece() {
            Some("") => self.agent.run(request(method, to, (), None)),
            Some(text) if text.len() < LARGE_BODY => {
                let length = self.length_value(text.len());
                self.agent.run(request(method, to, text, length))
            }
            _ => {
                // Without a length, ureq would send chunks, which some servers do not accept.
                let length = self.length_value(body.len());
                let mut sender = BodySender::new(&self.notes.handover, body, body.reader());
                self.agent.run(request(method, to, SendBody::from_reader(&mut sender), length))
            }
        }
    }

    /// The value of `Content-Length`.
    fn length_value(&mut self, length: usize) -> Option<HeaderValue> {
        // Not with `write!`, which takes 400 bytes of code for this type.
        let (mut digits, mut start, mut rest) = ([0; 20], 20, length);
        while start == 20 || rest > 0 {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.lengths.extend_from_slice(&digits[start..]);
        // Digits are always a valid value.
        HeaderValue::from_maybe_shared(self.lengths.split().freeze()).ok()
    }

    /// Sets how long the connection may stay idle, from the head of the server's response.
    pub fn record_keep_alive<T>(&mut self, response: &Response<T>) {
        let headers = response.headers();
        let timeout = headers.get("keep-alive").and_then(|value| keep_alive_timeout(value.to_str().ok()?));
        self.keep_alive = match timeout {
            _ if !is_reusable(response) => Duration::ZERO,
            // A second less than the server's timeout, because a request needs time to reach the server.
            Some(seconds) => Duration::from_secs(seconds.saturating_sub(1)),
            None => DEFAULT_KEEP_ALIVE,
        };
    }

    pub fn start_idling(&mut self) {
        self.notes.progress.set_wait_context(WaitContext::default());
        self.idle_since = Instant::now();
    }

    /// Whether the server has probably not closed the connection yet.
    pub fn is_fresh(&self) -> bool {
        self.idle_since.elapsed() < self.keep_alive
    }
}

/// A request for ureq. `Host` and `Content-Length` are set because ureq would add the same values at a higher cost.
fn request<Body>(method: Method, to: &Endpoint, body: Body, length: Option<HeaderValue>) -> Request<Body> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = to.uri().clone();
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(header::HOST, to.host_header().clone());
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length);
    }
    *request.headers_mut() = headers;
    request
}

/// Whether the connection may be used for another request (RFC 9112, section 9.3).
fn is_reusable<T>(response: &Response<T>) -> bool {
    let has_option = |name: &[u8]| {
        let values = response.headers().get_all(header::CONNECTION).into_iter();
        let mut options = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(name))
    };
    match response.version() {
        // After 101, the connection uses another protocol.
        _ if response.status() == StatusCode::SWITCHING_PROTOCOLS || has_option(b"close") => false,
        Version::HTTP_11 => true,
        _ => has_option(b"keep-alive"),
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
    use crate::net::connection_factory::ConnectionOptions;

    #[test]
    fn lengths_are_written_as_digits() {
        let factory = Arc::new(ConnectionFactory::new(ConnectionOptions::default()));
        let mut pooled = PooledConnection::new(&Config::default(), &factory);
        for length in [0, 9, 10, 1234567890, usize::MAX] {
            assert_eq!(pooled.length_value(length).unwrap(), length.to_string());
        }
    }

    #[test]
    fn the_timeout_of_keep_alive_headers_is_found() {
        assert_eq!(keep_alive_timeout("timeout=5"), Some(5));
        assert_eq!(keep_alive_timeout("max=100, Timeout = 15"), Some(15));
        assert_eq!(keep_alive_timeout("max=100"), None);
        assert_eq!(keep_alive_timeout("timeout=x"), None);
    }
}
