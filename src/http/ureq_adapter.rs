//! What ureq asks for to use connections that it did not make: a connector, a transport and a resolver. The transport's buffers are
//! in [`super::buffers`].

use std::io;
use std::sync::Arc;

use ::http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use super::connection_notes::ConnectionNotes;
use super::endpoint::origin_of;
use super::http_connection::{HttpConnection, ProxyForwarding};
use crate::net::connection_factory::ConnectionFactory;
use crate::net::connector;
use crate::net::progress::RequestPhase;

/// The size of the buffer that answers are read into, where no larger head is allowed.
const INPUT_BUFFER: usize = 128 * 1024;

/// How ureq is used: for one request and the head of its answer, on a connection that it is given.
pub fn config(max_head: usize) -> Config {
    Config::builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(max_head)
        // A head is read whole before it is looked at.
        .input_buffer_size(INPUT_BUFFER.max(max_head.saturating_add(1)))
        // Idle connections are kept by `ConnectionPool`.
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        // Proxies are chosen by `ConnectionFactory`.
        .proxy(None)
        .build()
}

/// Gives ureq the connection of a lane, a new one if need be.
#[derive(Debug)]
pub struct PooledConnector {
    pub notes: Arc<ConnectionNotes>,
    pub network: Arc<ConnectionFactory>,
}

impl PooledConnector {
    fn open(&self, details: &ConnectionDetails) -> Result<Box<HttpConnection>, ureq::Error> {
        let origin = origin_of(details.uri).ok_or(ureq::Error::HostNotFound)?;
        let opened = connector::open(&self.network, &origin, &self.notes.progress)?;
        let forwarding = opened.forwarded_by.map(|proxy| ProxyForwarding::new(&origin, proxy));
        Ok(HttpConnection::new(opened.stream, details.uri, details.config.input_buffer_size(), forwarding))
    }
}

impl Connector<()> for PooledConnector {
    type Out = LeasedConnection;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>, ureq::Error> {
        let kept = self.notes.take_connection().filter(|connection| connection.can_serve(details.uri));
        let connection = match kept {
            Some(connection) => {
                self.notes.record_reused();
                connection
            }
            None => self.open(details)?,
        };
        Ok(Some(LeasedConnection::new(connection, Arc::clone(&self.notes))))
    }
}

/// A connection in ureq's hands; when it lets go, the lane has it again.
#[derive(Debug)]
pub struct LeasedConnection {
    /// Only a drop takes it.
    connection: Option<Box<HttpConnection>>,
    notes: Arc<ConnectionNotes>,
}

impl LeasedConnection {
    fn new(mut connection: Box<HttpConnection>, notes: Arc<ConnectionNotes>) -> LeasedConnection {
        connection.begin_request();
        LeasedConnection { connection: Some(connection), notes }
    }

    fn transmit(&mut self, amount: usize) -> io::Result<()> {
        // On a kept connection there was nothing to connect.
        if self.notes.progress.phase() < RequestPhase::Send {
            self.notes.progress.set_phase(RequestPhase::Send);
        }
        self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?.transmit(amount)
    }

    fn receive(&mut self) -> io::Result<bool> {
        let (notes, connection) = (&self.notes, self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?);
        if notes.progress.phase() == RequestPhase::Send {
            connection.send_all()?;
            notes.progress.set_phase(RequestPhase::Head);
            if notes.is_send_only() {
                return Err(io::Error::other("no response is awaited"));
            }
        }
        if !connection.has_room() {
            // ureq can make nothing of so much: it says so.
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
        // There is no error to return here.
        self.connection.as_mut().expect("only a drop takes it").buffers()
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        Ok(self.transmit(amount)?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        Ok(self.receive()?)
    }

    /// Connections are not kept by ureq's own pool.
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

/// ureq asks for addresses before every request; names are looked up by `net`, and only for a new connection.
#[derive(Debug)]
pub struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
