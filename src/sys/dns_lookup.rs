//! Name lookup that can be given up: `getaddrinfo` has no timeout, so it runs on a thread of its own, which is left to itself
//! when the caller cannot wait any longer.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::pollable_event::PollableEvent;
use super::thread;
use super::wait::{Interest, Interrupt, WaitContext};

/// Why a lookup brought no address.
#[derive(Debug)]
pub enum LookupError {
    Stopped(Interrupt),
    /// The resolver's own answer.
    Failed(io::Error),
    /// No thread or no descriptor could be had.
    System(io::Error),
}

/// A lookup under way, or its answer. Any number of threads may wait for it.
#[derive(Debug)]
pub struct DnsLookup {
    done: PollableEvent,
    answer: OnceLock<LookupAddresses>,
}

#[derive(Debug)]
struct LookupAddresses {
    at: Instant,
    addresses: io::Result<Vec<SocketAddr>>,
}

impl DnsLookup {
    /// Begins to ask the system's resolver for the addresses of `host`.
    pub fn begin(host: &str, port: u16) -> Result<Arc<DnsLookup>, LookupError> {
        let done = PollableEvent::new().map_err(LookupError::System)?;
        let lookup = Arc::new(DnsLookup { done, answer: OnceLock::new() });
        let (theirs, host) = (Arc::clone(&lookup), host.to_owned());
        let spawned = thread::spawn("mcp-lookup", move || {
            let addresses = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            // Nobody else sets it.
            let _ = theirs.answer.set(LookupAddresses { at: Instant::now(), addresses });
            theirs.done.set();
        });
        spawned.map_err(LookupError::System)?;
        Ok(lookup)
    }

    pub fn wait(&self, wait_context: &WaitContext) -> Result<Vec<SocketAddr>, LookupError> {
        wait_context.wait(self.done.waitable(), Interest::Read).map_err(LookupError::Stopped)?;
        match self.answer.get().map(|answer| &answer.addresses) {
            Some(Ok(addresses)) => Ok(addresses.clone()),
            Some(Err(error)) => Err(match error.raw_os_error() {
                // It is not about the name.
                Some(code @ (libc::EMFILE | libc::ENFILE | libc::ENOMEM)) => {
                    LookupError::System(io::Error::from_raw_os_error(code))
                }
                _ => LookupError::Failed(io::Error::new(error.kind(), error.to_string())),
            }),
            None => Err(LookupError::Failed(io::ErrorKind::NotFound.into())),
        }
    }

    /// When the resolver gave addresses; an error where it gave none, and `None` as long as it is asked.
    pub fn answered(&self) -> Option<Result<Instant, ()>> {
        let answer = self.answer.get()?;
        Some(answer.addresses.as_ref().map(|_| answer.at).map_err(|_| ()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_has_an_address() {
        let found = DnsLookup::begin("localhost", 80).unwrap().wait(&WaitContext::default()).unwrap();
        assert!(found.iter().any(|address| address.ip().is_loopback()));
    }

    #[test]
    fn a_lookup_without_time_is_given_up() {
        let late = WaitContext::until(Instant::now());
        match DnsLookup::begin("localhost", 80).unwrap().wait(&late) {
            // The thread may have been faster than the look at the clock.
            Ok(_) | Err(LookupError::Stopped(Interrupt::TimedOut)) => {}
            other => panic!("{other:?}"),
        }
    }
}
