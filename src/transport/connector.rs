//! Opening connections: the addresses of a name are tried one after another with a short stagger, so that one that leads
//! nowhere does not cost the whole timeout (RFC 8305, "Happy Eyeballs").

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ureq::unversioned::transport::{ConnectionDetails, Connector, Transport};

use super::lane::{LaneState, Phase};
use super::names::NameCache;
use super::tls;
use super::wire::Wire;
use crate::sys::socket::Socket;
use crate::sys::wait::{Interest, Stop};

/// RFC 8305, section 5 recommends 250 ms before the next address is tried beside the ones under way.
const STAGGER: Duration = Duration::from_millis(250);

/// Makes the connection of a lane.
#[derive(Debug)]
pub struct SocketConnector {
    lane: Arc<LaneState>,
    names: Arc<NameCache>,
}

impl SocketConnector {
    pub fn new(lane: Arc<LaneState>, names: Arc<NameCache>) -> SocketConnector {
        SocketConnector { lane, names }
    }

    /// The first of `addresses` that lets us in.
    fn connect_any(&self, addresses: &[SocketAddr]) -> Result<Socket, ureq::Error> {
        let budget = self.lane.budget();
        let mut waiting = addresses.iter();
        let mut attempts: Vec<Socket> = Vec::new();
        let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
        loop {
            match waiting.next().map(Socket::connect) {
                Some(Ok(socket)) => attempts.push(socket),
                Some(Err(error)) if is_exhausted(&error) => {
                    return Err(self.lane.stopped(Stop::System(error)));
                }
                Some(Err(error)) => last_error = error,
                None if attempts.is_empty() => return Err(ureq::Error::Io(last_error)),
                None => {}
            }
            let pause = (waiting.len() > 0).then_some(STAGGER);
            while !attempts.is_empty() {
                let fds: Vec<_> = attempts.iter().map(|s| (s.fd(), Interest::Write)).collect();
                let ready = budget.wait_any(&fds, pause).map_err(|stop| self.lane.stopped(stop))?;
                let Some(ready) = ready else { break };
                let socket = attempts.swap_remove(ready);
                match socket.connect_result() {
                    Ok(()) => return Ok(socket),
                    Err(error) => last_error = error,
                }
            }
        }
    }
}

impl Connector<()> for SocketConnector {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Self::Out>, ureq::Error> {
        self.lane.set_phase(Phase::Connect);
        self.lane.set_connected(false);
        let socket = self.connect_any(&details.addrs).inspect_err(|_| {
            // Who was stopped has learnt nothing about the addresses.
            if !self.lane.is_stopped() {
                self.names.forget();
            }
        })?;
        let wire = Wire::new(socket, Arc::clone(&self.lane), details.config, !details.needs_tls());
        let stream: Box<dyn Transport> = if details.needs_tls() {
            self.lane.set_phase(Phase::Tls);
            tls::wrap(details, wire, &self.lane)?
        } else {
            Box::new(wire)
        };
        self.lane.set_phase(Phase::Send);
        Ok(Some(stream))
    }
}

/// No descriptors left: another address would not help.
fn is_exhausted(error: &io::Error) -> bool {
    const EMFILE: i32 = 24;
    const ENFILE: i32 = 23;
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE))
}
