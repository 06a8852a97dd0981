//! DNS lookups that can be interrupted. `getaddrinfo` has no timeout, so it runs in a separate thread, which continues
//! when the caller stops waiting.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::pollable_event::PollableEvent;
use super::thread;
use super::wait::{Interest, Interrupt, WaitContext};

/// Why a lookup returned no address.
#[derive(Debug)]
pub enum LookupError {
    /// The wait was interrupted.
    Stopped(Interrupt),
    /// The resolver returned an error.
    Failed(io::Error),
    /// No thread, descriptor or memory was available.
    System(io::Error),
}

/// A running or finished lookup. Any number of threads may wait for it.
#[derive(Debug)]
pub struct DnsLookup {
    done: PollableEvent,
    outcome: OnceLock<LookupOutcome>,
}

#[derive(Debug)]
struct LookupOutcome {
    finished_at: Instant,
    addresses: io::Result<Vec<SocketAddr>>,
}

impl DnsLookup {
    /// Starts a lookup of `host` with the system's resolver.
    pub fn begin(host: &str, port: u16) -> Result<Arc<DnsLookup>, LookupError> {
        let done = PollableEvent::new().map_err(LookupError::System)?;
        let lookup = Arc::new(DnsLookup { done, outcome: OnceLock::new() });
        let (shared, host) = (Arc::clone(&lookup), host.to_owned());
        let spawned = thread::spawn("mcp-lookup", move || {
            let addresses = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            // Only this thread sets it.
            let _ = shared.outcome.set(LookupOutcome { finished_at: Instant::now(), addresses });
            shared.done.set();
        });
        spawned.map_err(LookupError::System)?;
        Ok(lookup)
    }

    pub fn wait(&self, wait_context: &WaitContext) -> Result<Vec<SocketAddr>, LookupError> {
        wait_context.wait(self.done.waitable(), Interest::Read).map_err(LookupError::Stopped)?;
        match self.outcome.get().map(|outcome| &outcome.addresses) {
            Some(Ok(addresses)) => Ok(addresses.clone()),
            Some(Err(error)) => Err(match error.raw_os_error() {
                // The error is about this process, not about the name.
                Some(code @ (libc::EMFILE | libc::ENFILE | libc::ENOMEM)) => {
                    LookupError::System(io::Error::from_raw_os_error(code))
                }
                _ => LookupError::Failed(io::Error::new(error.kind(), error.to_string())),
            }),
            None => Err(LookupError::Failed(io::ErrorKind::NotFound.into())),
        }
    }

    /// When the resolver returned addresses, or an error if it returned none. `None` while the lookup is running.
    pub fn finished(&self) -> Option<Result<Instant, ()>> {
        let outcome = self.outcome.get()?;
        Some(outcome.addresses.as_ref().map(|_| outcome.finished_at).map_err(|_| ()))
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
    fn a_passed_deadline_ends_the_wait_for_a_lookup() {
        let expired = WaitContext::until(Instant::now());
        match DnsLookup::begin("localhost", 80).unwrap().wait(&expired) {
            // The thread may finish before the clock is read.
            Ok(_) | Err(LookupError::Stopped(Interrupt::TimedOut)) => {}
            other => panic!("{other:?}"),
        }
    }
}
