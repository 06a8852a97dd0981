//! Opening connections: to the server, a Unix domain socket or a proxy; then through the proxy; then TLS.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::unversioned::transport::{ConnectionDetails, Connector};

use super::client::io_reason;
use super::endpoint::Origin;
use super::lane::{LaneState, Phase};
use super::link::Link;
use super::names::addresses;
use super::network::{Hop, Network};
use super::proxy::{Proxy, ProxyKind};
use super::tls::TlsStream;
use super::tunnel::{self, Refusal, Target};
use super::wire::{Forwarding, Handle, Rest, Stream, Wire};
use crate::error::Error;
use crate::status::*;
use crate::sys::socket::Socket;
use crate::sys::wait::{Interest, Stop};

/// RFC 8305, section 5 recommends 250 ms before the next address is tried beside the ones under way.
const STAGGER: Duration = Duration::from_millis(250);

/// How long to wait before a full queue is tried again: nothing tells when there is room.
const QUEUE_PAUSE: Duration = Duration::from_millis(10);

/// Makes the connection of a lane.
#[derive(Debug)]
pub struct SocketConnector {
    lane: Arc<LaneState>,
    network: Arc<Network>,
    rest: Rest,
}

impl SocketConnector {
    pub fn new(lane: Arc<LaneState>, network: Arc<Network>, rest: Rest) -> SocketConnector {
        SocketConnector { lane, network, rest }
    }

    fn open(&self, details: &ConnectionDetails) -> Result<Box<Wire>, ureq::Error> {
        self.lane.set_phase(Phase::Connect);
        self.lane.set_connected(false);
        let origin = Origin::of(details.uri).ok_or(ureq::Error::HostNotFound)?;
        let (link, forwarding) = self.reach(&origin).inspect_err(|_| {
            // Who was stopped before it tried them has learnt nothing about the addresses.
            if !self.lane.is_stopped() || self.lane.phase() == Phase::Connect {
                self.network.names.forget();
            }
        })?;
        let stream: Box<dyn Stream> = if details.needs_tls() {
            self.lane.set_phase(Phase::Tls);
            let config = self
                .network
                .tls_config()
                .map_err(|why| self.lane.failed(Error::new(MCP_TLS_FAILED, format!("TLS cannot be set up: {why}"))))?;
            Box::new(TlsStream::open(config, &origin.host, link)?)
        } else {
            Box::new(link)
        };
        self.lane.set_phase(Phase::Send);
        let lane = Arc::clone(&self.lane);
        Ok(Wire::new(stream, details.uri, lane, details.config.input_buffer_size(), forwarding))
    }

    /// The connection up to where the server's own bytes begin; and how to speak to a proxy that passes requests on.
    fn reach(&self, origin: &Origin) -> io::Result<(Link, Option<Forwarding>)> {
        match self.network.hop(origin) {
            Ok(Hop::Server) => {
                let addresses = self.addresses(&origin.host, origin.port)?;
                Ok((self.link(self.connect_any(&addresses)?), None))
            }
            Ok(Hop::Unix(path)) => {
                let socket = self.connect_unix(path).and_then(|socket| self.finish_connect(socket));
                let socket = socket.map_err(|error| {
                    let why =
                        format!("cannot connect to the Unix domain socket {}: {}", path.display(), io_reason(&error));
                    self.unless_stopped(error, || Error::new(MCP_CONNECT_FAILED, why))
                })?;
                Ok((self.link(socket), None))
            }
            Ok(Hop::Proxy(proxy)) => {
                let addresses = self.addresses(&proxy.host, proxy.port).map_err(|error| {
                    let why = format!("the name of the proxy {} has no address: {error}", proxy.named());
                    self.unless_stopped(error, || Error::new(MCP_PROXY_FAILED, why))
                })?;
                let socket = self.connect_any(&addresses).map_err(|error| {
                    let why = format!("cannot connect to the proxy {}: {}", proxy.named(), io_reason(&error));
                    self.unless_stopped(error, || Error::new(MCP_PROXY_FAILED, why))
                })?;
                self.through(proxy, origin, self.link(socket))
            }
            Err(why) => Err(self.lane.failed(Error::new(MCP_PROXY_FAILED, why))),
        }
    }

    fn through(&self, proxy: &Proxy, origin: &Origin, mut link: Link) -> io::Result<(Link, Option<Forwarding>)> {
        let (host, port) = (origin.host.as_str(), origin.port);
        if proxy.forwards(origin) {
            let forwarding = Forwarding { origin: origin.shown(), authorization: proxy.authorization() };
            return Ok((link, Some(forwarding)));
        }
        self.lane.set_phase(Phase::Proxy);
        let asked = match proxy.kind {
            ProxyKind::Http => tunnel::connect(&mut link, proxy, host, port),
            ProxyKind::Socks5h => tunnel::socks5(&mut link, proxy, &named(host, port)),
            ProxyKind::Socks5 => {
                let found = self.addresses(host, port)?;
                self.lane.set_phase(Phase::Proxy);
                let address = found.first().ok_or(io::ErrorKind::AddrNotAvailable)?;
                tunnel::socks5(&mut link, proxy, &Target::Address(*address))
            }
        };
        asked.map_err(|refusal| match refusal {
            Refusal::Said(error) => self.lane.failed(error),
            Refusal::Io(error) => {
                let why = format!(
                    "the connection to the proxy {} ended before it answered: {}",
                    proxy.named(),
                    io_reason(&error)
                );
                self.unless_stopped(error, || Error::new(MCP_PROXY_FAILED, why))
            }
        })?;
        Ok((link, None))
    }

    fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.lane.set_phase(Phase::Lookup);
        let found = addresses(&self.network.names, &self.lane, host, port)?;
        self.lane.set_phase(Phase::Connect);
        Ok(found)
    }

    /// The first of `addresses` that lets us in. One that leads nowhere does not cost the whole timeout (RFC 8305, "Happy
    /// Eyeballs").
    fn connect_any(&self, addresses: &[SocketAddr]) -> io::Result<Socket> {
        let budget = self.lane.budget();
        let mut waiting = addresses.iter();
        let mut attempts: Vec<Socket> = Vec::new();
        let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
        loop {
            match waiting.next().map(Socket::connect) {
                Some(Ok(socket)) => attempts.push(socket),
                Some(Err(error)) if is_exhausted(&error) => return Err(self.lane.stopped(Stop::System(error))),
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
            let fds: Vec<_> = attempts.iter().map(|s| (s.fd(), Interest::Write)).collect();
            let ready = budget.wait_any(&fds, pause).map_err(|stop| self.lane.stopped(stop))?;
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
                    self.lane.budget().wait_any(&[], Some(QUEUE_PAUSE)).map_err(|stop| self.lane.stopped(stop))?;
                }
                outcome => return outcome,
            }
        }
    }

    fn finish_connect(&self, socket: Socket) -> io::Result<Socket> {
        self.lane.budget().wait(socket.fd(), Interest::Write).map_err(|stop| self.lane.stopped(stop))?;
        socket.connect_result()?;
        Ok(socket)
    }

    fn link(&self, socket: Socket) -> Link {
        Link::new(socket, Arc::clone(&self.lane))
    }

    /// `error` itself where it stands for a wait that was ended; else the failure that it means.
    fn unless_stopped(&self, error: io::Error, failure: impl FnOnce() -> Error) -> io::Error {
        if self.lane.is_stopped() { error } else { self.lane.failed(failure()) }
    }
}

impl Connector<()> for SocketConnector {
    type Out = Handle;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>, ureq::Error> {
        let wire = match self.rest.take_for(details.uri) {
            Some(wire) => wire,
            None => self.open(details)?,
        };
        Ok(Some(Handle::new(wire, self.rest.clone())))
    }
}

/// For a proxy that looks names up by itself. An address is given as one.
fn named(host: &str, port: u16) -> Target<'_> {
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(ip) => Target::Address(SocketAddr::new(ip, port)),
        Err(_) => Target::Name(host, port),
    }
}

/// No descriptors left: another address would not help.
fn is_exhausted(error: &io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}
