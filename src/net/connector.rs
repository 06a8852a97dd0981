//! Opening connections: to the server, a Unix domain socket or a proxy; then through the proxy; then TLS.

use std::io;
use std::net::SocketAddr;
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

/// RFC 8305, section 5 recommends 250 ms before the next address is tried beside the ones under way.
const STAGGER: Duration = Duration::from_millis(250);

/// How long to wait before a full queue is tried again: nothing tells when there is room.
const QUEUE_PAUSE: Duration = Duration::from_millis(10);

/// A new connection.
pub struct NewConnection<'a> {
    pub stream: Box<dyn ByteStream>,
    /// The proxy that is at its other end and passes requests on; else the server is.
    pub forwarded_by: Option<&'a Proxy>,
}

/// Opens a connection to `origin`, within the budget of `progress`, which the connection keeps.
pub fn open<'a>(
    network: &'a ConnectionFactory,
    origin: &Origin,
    progress: &Arc<ConnectionProgress>,
) -> io::Result<NewConnection<'a>> {
    ConnectAttempt { network, origin, progress, wait_context: progress.wait_context() }.open()
}

struct ConnectAttempt<'a, 'b> {
    network: &'a ConnectionFactory,
    origin: &'b Origin,
    progress: &'b Arc<ConnectionProgress>,
    wait_context: WaitContext,
}

impl<'a> ConnectAttempt<'a, '_> {
    fn open(&self) -> io::Result<NewConnection<'a>> {
        self.progress.set_phase(RequestPhase::Connect);
        let (link, forwarded_by) = self.reach().inspect_err(|error| {
            // Who was stopped before it tried them has learnt nothing about the addresses.
            if !is_stopped(error) || self.progress.phase() == RequestPhase::Connect {
                self.network.names.forget();
            }
        })?;
        let stream: Box<dyn ByteStream> = if self.origin.https {
            self.progress.set_phase(RequestPhase::Tls);
            let config = self
                .network
                .tls_config()
                .map_err(|why| interrupted(Error::new(MCP_TLS_FAILED, format!("TLS cannot be set up: {why}"))))?;
            Box::new(TlsStream::open(config, &self.origin.host, link)?)
        } else {
            Box::new(link)
        };
        self.progress.set_phase(RequestPhase::Send);
        Ok(NewConnection { stream, forwarded_by })
    }

    /// The connection up to where the server's own bytes begin, or those of a proxy that passes requests on.
    fn reach(&self) -> io::Result<(BufferedSocket, Option<&'a Proxy>)> {
        let origin = self.origin;
        match self.network.route(origin) {
            Ok(Route::Server) => {
                let addresses = self.addresses(&origin.host, origin.port)?;
                Ok((self.link(self.connect_any(&addresses)?), None))
            }
            Ok(Route::Unix(path)) => {
                let socket = self.connect_unix(path).and_then(|socket| self.finish_connect(socket));
                let socket = socket.map_err(|error| {
                    unless_stopped(error, MCP_CONNECT_FAILED, |error| {
                        let reason = io_reason(error);
                        format!("cannot connect to the Unix domain socket {}: {reason}", path.display())
                    })
                })?;
                Ok((self.link(socket), None))
            }
            Ok(Route::Proxy(proxy)) => {
                let addresses = self.addresses(&proxy.host, proxy.port).map_err(|error| {
                    unless_stopped(error, MCP_PROXY_FAILED, |error| {
                        format!("cannot resolve the host name of the proxy {}: {error}", proxy.named())
                    })
                })?;
                let socket = self.connect_any(&addresses).map_err(|error| {
                    unless_stopped(error, MCP_PROXY_FAILED, |error| {
                        format!("cannot connect to the proxy {}: {}", proxy.named(), io_reason(error))
                    })
                })?;
                let link = self.link(socket);
                if proxy.forwards(origin) {
                    return Ok((link, Some(proxy)));
                }
                Ok((self.through(proxy, link)?, None))
            }
            Err(why) => Err(interrupted(Error::new(MCP_PROXY_FAILED, why))),
        }
    }

    /// Asks `proxy` for a connection to the server.
    fn through(&self, proxy: &Proxy, mut link: BufferedSocket) -> io::Result<BufferedSocket> {
        let (host, port) = (self.origin.host.as_str(), self.origin.port);
        self.progress.set_phase(RequestPhase::Proxy);
        let asked = match proxy.kind {
            ProxyKind::Http => proxy_handshake::connect(&mut link, proxy, host, port),
            ProxyKind::Socks5h => proxy_handshake::socks5(&mut link, proxy, &named(host, port)),
            ProxyKind::Socks5 => {
                let found = self.addresses(host, port)?;
                self.progress.set_phase(RequestPhase::Proxy);
                let address = found.first().ok_or(io::ErrorKind::AddrNotAvailable)?;
                proxy_handshake::socks5(&mut link, proxy, &ProxyTarget::Address(*address))
            }
        };
        asked.map_err(|refusal| match refusal {
            ProxyHandshakeError::Said(error) => interrupted(error),
            ProxyHandshakeError::Io(error) => unless_stopped(error, MCP_PROXY_FAILED, |error| {
                let reason = io_reason(error);
                format!("the connection to the proxy {} ended before it answered: {reason}", proxy.named())
            }),
        })?;
        Ok(link)
    }

    fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.progress.set_phase(RequestPhase::DnsLookup);
        let found = addresses(&self.network.names, host, port, &self.wait_context)?;
        self.progress.set_phase(RequestPhase::Connect);
        Ok(found)
    }

    /// The first of `addresses` that lets us in. One that leads nowhere does not cost the whole timeout (RFC 8305, "Happy
    /// Eyeballs").
    fn connect_any(&self, addresses: &[SocketAddr]) -> io::Result<Socket> {
        let mut waiting = addresses.iter();
        let mut attempts: Vec<Socket> = Vec::new();
        let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
        loop {
            match waiting.next().map(Socket::connect) {
                Some(Ok(socket)) => attempts.push(socket),
                Some(Err(error)) if is_exhausted(&error) => return Err(interrupted(Interrupt::System(error))),
                // The next one at once. A family that this machine does not have says nothing about the server.
                Some(Err(error)) => {
                    if last_error.kind() == io::ErrorKind::AddrNotAvailable {
                        last_error = error;
                    }
                    continue;
                }
                None if attempts.is_empty() => return Err(last_error),
                None => {}
            }
            let pause = (waiting.len() > 0).then_some(STAGGER);
            let fds: Vec<_> = attempts.iter().map(|s| (s.waitable(), Interest::Write)).collect();
            let ready = self.wait_context.wait_any(&fds, pause).map_err(interrupted)?;
            if let Some(ready) = ready {
                let socket = attempts.swap_remove(ready);
                match socket.connect_result() {
                    Ok(()) => return Ok(socket),
                    // Somebody has accepted, and left: that is seen when the request is sent.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(socket),
                    Err(error) => last_error = error,
                }
            }
        }
    }

    /// A server that has more to do than it can queue refuses for a moment.
    fn connect_unix(&self, path: &Path) -> io::Result<Socket> {
        loop {
            match Socket::connect_unix(path) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait_context.wait_any(&[], Some(QUEUE_PAUSE)).map_err(interrupted)?;
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

    fn link(&self, socket: Socket) -> BufferedSocket {
        BufferedSocket::new(socket, Arc::clone(self.progress))
    }
}

/// `error` itself where it stands for a wait that was ended; else the failure that it means.
fn unless_stopped(error: io::Error, status: Status, message: impl FnOnce(&io::Error) -> String) -> io::Error {
    if is_stopped(&error) {
        return error;
    }
    interrupted(Error::new(status, message(&error)))
}

/// For a proxy that looks names up by itself. An address is given as one.
fn named(host: &str, port: u16) -> ProxyTarget<'_> {
    match without_brackets(host).parse() {
        Ok(ip) => ProxyTarget::Address(SocketAddr::new(ip, port)),
        Err(_) => ProxyTarget::Name(host, port),
    }
}

/// No descriptors left: another address would not help.
fn is_exhausted(error: &io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}
