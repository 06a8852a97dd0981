//! Opens connections: connects to the server, a Unix domain socket or a proxy, then does the handshakes with the proxy
//! and of TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::buffered_socket::{BufferedSocket, ByteStream};
use super::connection_factory::{ConnectionFactory, Route};
use super::dns::addresses;
use super::io_error::{interrupted, io_reason, is_stopped};
use super::origin::{Origin, without_brackets};
use super::progress::{ConnectionProgress, RequestPhase};
use super::proxy::{Proxy, ProxyKind};
use super::proxy_handshake::{self, ProxyHandshakeError, ProxyTarget};
use super::tls::TlsStream;
use crate::error::Error;
use crate::status::*;
use crate::sys::socket::Socket;
use crate::sys::wait::{Interest, Interrupt, WaitContext};

/// The delay before a connection attempt to the next address starts in parallel (RFC 8305, section 5 recommends 250
/// ms).
const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// How long to wait before another attempt if the backlog of a Unix domain socket is full: there is no event for free
/// space.
const BACKLOG_RETRY_DELAY: Duration = Duration::from_millis(10);

/// A new connection.
pub struct NewConnection<'a> {
    pub stream: Box<dyn ByteStream>,
    /// The proxy that forwards requests sent on this connection; `None` if they are sent to the server.
    pub forwarded_by: Option<&'a Proxy>,
}

/// A socket that is connected to the server, or to a proxy that forwards requests.
struct ConnectedSocket<'a> {
    socket: BufferedSocket,
    forwarded_by: Option<&'a Proxy>,
    /// The address of the server, if it is connected to without a proxy.
    address: Option<IpAddr>,
}

/// Opens a connection to `origin` within the limits of `progress`. The connection keeps a reference to `progress`.
pub fn open<'a>(
    factory: &'a ConnectionFactory,
    origin: &Origin,
    progress: &Arc<ConnectionProgress>,
) -> io::Result<NewConnection<'a>> {
    ConnectAttempt { factory, origin, progress, wait_context: progress.wait_context() }.open()
}

struct ConnectAttempt<'a, 'b> {
    factory: &'a ConnectionFactory,
    origin: &'b Origin,
    progress: &'b Arc<ConnectionProgress>,
    wait_context: WaitContext,
}

impl<'a> ConnectAttempt<'a, '_> {
    fn open(&self) -> io::Result<NewConnection<'a>> {
        if let Some(policy) = self.factory.policy() {
            policy.check_origin(self.origin).map_err(refused)?;
        }
        self.progress.set_phase(RequestPhase::Connect);
        let ConnectedSocket { socket, forwarded_by, address } = self.connect().inspect_err(|error| {
            // Keep the addresses if the attempt was interrupted before it tried to connect to them.
            if !is_stopped(error) || self.progress.phase() == RequestPhase::Connect {
                self.factory.dns().clear();
            }
        })?;
        let stream: Box<dyn ByteStream> = if self.origin.https {
            self.progress.set_phase(RequestPhase::Tls);
            let config = self
                .factory
                .tls_config()
                .map_err(|why| interrupted(Error::new(MCP_TLS_FAILED, format!("TLS cannot be set up: {why}"))))?;
            Box::new(TlsStream::open(config, &self.origin.host, socket)?)
        } else {
            Box::new(socket)
        };
        // After the TLS handshake, which shows that this is the server.
        if let Some(address) = address {
            self.factory.record_address(self.origin, address);
        }
        self.progress.set_phase(RequestPhase::Send);
        Ok(NewConnection { stream, forwarded_by })
    }

    /// Connects to the server, through a proxy if there is one; or to a proxy that forwards requests.
    fn connect(&self) -> io::Result<ConnectedSocket<'a>> {
        let origin = self.origin;
        match self.factory.route(origin) {
            Ok(Route::Server) => {
                let (socket, address) = self.connect_any(&self.server_addresses()?)?;
                let socket = self.buffered(socket);
                Ok(ConnectedSocket { socket, forwarded_by: None, address: Some(address.ip()) })
            }
            Ok(Route::Unix(path)) => {
                let socket = self.connect_unix(path).and_then(|socket| self.finish_connect(socket));
                let socket = socket.map_err(|error| {
                    unless_stopped(error, MCP_CONNECT_FAILED, |error| {
                        let reason = io_reason(error);
                        format!("cannot connect to the Unix domain socket {}: {reason}", path.display())
                    })
                })?;
                Ok(ConnectedSocket { socket: self.buffered(socket), forwarded_by: None, address: None })
            }
            Ok(Route::Proxy(proxy)) => {
                let addresses = self.addresses(&proxy.host, proxy.port).map_err(|error| {
                    unless_stopped(error, MCP_PROXY_FAILED, |error| {
                        format!("cannot resolve the host name of the proxy {}: {error}", proxy.shown_with_source())
                    })
                })?;
                let (socket, _) = self.connect_any(&addresses).map_err(|error| {
                    unless_stopped(error, MCP_PROXY_FAILED, |error| {
                        format!("cannot connect to the proxy {}: {}", proxy.shown_with_source(), io_reason(error))
                    })
                })?;
                let socket = self.buffered(socket);
                if proxy.forwards(origin) {
                    return Ok(ConnectedSocket { socket, forwarded_by: Some(proxy), address: None });
                }
                let socket = self.connect_through(proxy, socket)?;
                Ok(ConnectedSocket { socket, forwarded_by: None, address: None })
            }
            Err(why) => Err(interrupted(Error::new(MCP_PROXY_FAILED, why))),
        }
    }

    /// Requests a connection to the server from `proxy`.
    fn connect_through(&self, proxy: &Proxy, mut socket: BufferedSocket) -> io::Result<BufferedSocket> {
        let (host, port) = (self.origin.host.as_str(), self.origin.port);
        self.progress.set_phase(RequestPhase::Proxy);
        let outcome = match proxy.kind {
            ProxyKind::Http => proxy_handshake::connect(&mut socket, proxy, host, port),
            ProxyKind::Socks5h => proxy_handshake::socks5(&mut socket, proxy, &target(host, port)),
            ProxyKind::Socks5 => {
                let found = self.server_addresses()?;
                self.progress.set_phase(RequestPhase::Proxy);
                let address = found.first().ok_or(io::ErrorKind::AddrNotAvailable)?;
                proxy_handshake::socks5(&mut socket, proxy, &ProxyTarget::Address(*address))
            }
        };
        outcome.map_err(|error| match error {
            ProxyHandshakeError::Failed(error) => interrupted(error),
            ProxyHandshakeError::Io(error) => unless_stopped(error, MCP_PROXY_FAILED, |error| {
                let reason = io_reason(error);
                format!("the connection to the proxy {} ended before it responded: {reason}", proxy.shown_with_source())
            }),
        })?;
        Ok(socket)
    }

    /// The addresses of the server that may be connected to.
    fn server_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let found = self.addresses(&self.origin.host, self.origin.port)?;
        match self.factory.policy() {
            Some(policy) => policy.permitted(&self.origin.host, found).map_err(refused),
            None => Ok(found),
        }
    }

    fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.progress.set_phase(RequestPhase::DnsLookup);
        let found = addresses(self.factory.dns(), host, port, &self.wait_context)?;
        self.progress.set_phase(RequestPhase::Connect);
        Ok(found)
    }

    /// Connects to the first of `addresses` that accepts. Attempts run in parallel, so that an unreachable address does
    /// not use up the whole timeout (RFC 8305, "Happy Eyeballs").
    fn connect_any(&self, addresses: &[SocketAddr]) -> io::Result<(Socket, SocketAddr)> {
        let mut untried = addresses.iter();
        let mut attempts: Vec<(Socket, SocketAddr)> = Vec::new();
        let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
        loop {
            match untried.next().map(|address| Ok((Socket::connect(address)?, *address))) {
                Some(Ok(attempt)) => attempts.push(attempt),
                Some(Err(error)) if is_exhausted(&error) => return Err(interrupted(Interrupt::System(error))),
                // Try the next address immediately. Keep an earlier error: this one may only mean that this machine
                // does not have the address family.
                Some(Err(error)) => {
                    if last_error.kind() == io::ErrorKind::AddrNotAvailable {
                        last_error = error;
                    }
                    continue;
                }
                None if attempts.is_empty() => return Err(last_error),
                None => {}
            }
            let pause = (untried.len() > 0).then_some(CONNECTION_ATTEMPT_DELAY);
            let waitables: Vec<_> = attempts.iter().map(|(s, _)| (s.waitable(), Interest::Write)).collect();
            let ready = self.wait_context.wait_any(&waitables, pause).map_err(interrupted)?;
            if let Some(ready) = ready {
                let attempt = attempts.swap_remove(ready);
                match attempt.0.connect_result() {
                    Ok(()) => return Ok(attempt),
                    // The server accepted the connection and has reset it since: sending the request will report that.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(attempt),
                    Err(error) => last_error = error,
                }
            }
        }
    }

    /// Connects to a Unix domain socket; tries again as long as the server's backlog is full.
    fn connect_unix(&self, path: &Path) -> io::Result<Socket> {
        loop {
            match Socket::connect_unix(path) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait_context.wait_any(&[], Some(BACKLOG_RETRY_DELAY)).map_err(interrupted)?;
                }
                outcome => return outcome,
            }
        }
    }

    fn finish_connect(&self, socket: Socket) -> io::Result<Socket> {
        self.wait_context.wait(socket.waitable(), Interest::Write).map_err(interrupted)?;
        socket.connect_result()?;
        Ok(socket)
    }

    fn buffered(&self, socket: Socket) -> BufferedSocket {
        BufferedSocket::new(socket, Arc::clone(self.progress))
    }
}

/// Adds a status and a message to `error`, unless it is an interrupted wait.
fn unless_stopped(error: io::Error, status: Status, message: impl FnOnce(&io::Error) -> String) -> io::Error {
    if is_stopped(&error) {
        return error;
    }
    interrupted(Error::new(status, message(&error)))
}

/// The error for a server that the policy for foreign servers does not permit. Nothing was sent to it.
fn refused(why: String) -> io::Error {
    interrupted(Error::new(MCP_INSECURE, why))
}

/// The target for a proxy that does the DNS lookup. If `host` is an IP address, the target is one too.
fn target(host: &str, port: u16) -> ProxyTarget<'_> {
    match without_brackets(host).parse() {
        Ok(ip) => ProxyTarget::Address(SocketAddr::new(ip, port)),
        Err(_) => ProxyTarget::Name(host, port),
    }
}

/// Whether no file descriptor is left: trying another address would not help.
fn is_exhausted(error: &io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}
