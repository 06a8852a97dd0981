//! The connector, transport and resolver with which ureq uses this library's connections. The transport's buffers are
//! in [`super::buffers`].

use std::io;
use std::sync::Arc;

use ::http::Uri;
use ureq::config::{AutoHeaderValue, Config};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use super::buffers::LARGE_BUFFER;
use super::connection_notes::ConnectionNotes;
use super::endpoint::origin_of;
use super::http_connection::{HttpConnection, ProxyForwarding};
use crate::net::connection_factory::ConnectionFactory;
use crate::net::connector;
use crate::net::progress::RequestPhase;

/// The configuration of ureq: it sends one request and reads the head of the response, on a connection that it is
/// given.
pub fn config(max_head: usize) -> Config {
    Config::builder()
        .http_status_as_error(false)
        // These headers are among the lines in `ConnectionNotes`.
        .user_agent(AutoHeaderValue::None)
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(max_head)
        // ureq parses a head only when all of it is in the buffer.
        .input_buffer_size(LARGE_BUFFER.max(max_head.saturating_add(1)))
        // Idle connections are kept by `ConnectionPool`.
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        // Proxies are chosen by `ConnectionFactory`.
        .proxy(None)
        .build()
}

/// Gives ureq the connection of a [`super::pooled_connection::PooledConnection`], and opens a new one if necessary.
#[derive(Debug)]
pub struct PooledConnector {
    pub notes: Arc<ConnectionNotes>,
    pub factory: Arc<ConnectionFactory>,
}

impl PooledConnector {
    fn open(&self, details: &ConnectionDetails) -> Result<Box<HttpConnection>, ureq::Error> {
        let origin = origin_of(details.uri).ok_or(ureq::Error::HostNotFound)?;
        let opened = connector::open(&self.factory, &origin, &self.notes.progress)?;
        let forwarding = opened.forwarded_by.map(|proxy| ProxyForwarding::new(&origin, proxy));
        Ok(HttpConnection::new(opened.stream, details.uri, details.config.input_buffer_size(), forwarding))
    }
}

impl Connector<()> for PooledConnector {
    type Out = LeasedConnection;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>, ureq::Error> {
        let idle = self.notes.take_connection().filter(|connection| connection.can_serve(details.uri));
        let connection = match idle {
            Some(connection) => {
                self.notes.record_reused();
                connection
            }
            None => self.open(details)?,
        };
        Ok(Some(LeasedConnection::new(connection, Arc::clone(&self.notes))))
    }
}

/// A connection that ureq uses. When ureq drops it, the connection is put back into the notes.
#[derive(Debug)]
pub struct LeasedConnection {
    /// Always present, except during the drop.
    connection: Option<Box<HttpConnection>>,
    notes: Arc<ConnectionNotes>,
    /// The bytes of the body that its reader has sent, and that ureq has not passed to [`LeasedConnection::transmit`]
    /// yet.
    sent_body: u64,
}

impl LeasedConnection {
    fn new(mut connection: Box<HttpConnection>, notes: Arc<ConnectionNotes>) -> LeasedConnection {
        connection.begin_request(|lines| notes.swap_lines(lines));
        LeasedConnection { connection: Some(connection), notes, sent_body: 0 }
    }

    fn transmit(&mut self, amount: usize) -> io::Result<()> {
        // A reused connection has not passed the phases before this one.
        if self.notes.progress.phase() < RequestPhase::Send {
            self.notes.progress.set_phase(RequestPhase::Send);
        }
        let connection = self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        if !connection.has_stream() {
            self.sent_body = self.notes.handover.take_back(connection)?;
        }
        if self.sent_body > 0 {
            // The output contains nothing: the reader of the body has only reported its length.
            let rest = self.sent_body.checked_sub(amount as u64);
            self.sent_body = rest.ok_or_else(|| io::Error::other("the HTTP library has changed the request's body"))?;
            return Ok(());
        }
        connection.transmit(amount)?;
        self.notes.handover.hand_over(connection);
        Ok(())
    }

    fn receive(&mut self) -> io::Result<bool> {
        let (notes, connection) = (&self.notes, self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?);
        if !connection.has_stream() {
            notes.handover.take_back(connection)?;
        }
        if notes.progress.phase() == RequestPhase::Send {
            connection.send_all()?;
            notes.progress.set_phase(RequestPhase::Head);
            if notes.is_send_only() {
                return Err(io::Error::other("no response is awaited"));
            }
        }
        if !connection.has_room() {
            // The head is larger than the buffer: ureq reports that.
            return Ok(false);
        }
        let count = connection.fill().inspect_err(|error| notes.record_end(error))?;
        match count {
            0 => notes.record_end(&io::ErrorKind::UnexpectedEof.into()),
            _ => notes.record_received(),
        }
        Ok(count > 0)
    }
}

impl Transport for LeasedConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        // This method cannot return an error.
        self.connection.as_mut().expect("only a drop takes it").buffers()
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        Ok(self.transmit(amount)?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        Ok(self.receive()?)
    }

    /// False, because ureq's own pool must not keep connections.
    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.is_tls())
    }
}

impl Drop for LeasedConnection {
    fn drop(&mut self) {
        self.connection.take().into_iter().for_each(|connection| self.notes.put_connection(connection));
    }
}

/// A resolver without results. ureq resolves the host before every request, but `net` does that, and only for new
/// connections.
#[derive(Debug)]
pub struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
