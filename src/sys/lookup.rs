//! Name lookup that can be given up: `getaddrinfo` has no timeout, so it runs on a thread of its own, which is left to itself
//! when the caller cannot wait any longer.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use super::signal::Signal;
use super::thread;
use super::wait::{Budget, Interest, Stop};

/// Why a lookup brought no address.
#[derive(Debug)]
pub enum LookupError {
    Stopped(Stop),
    /// The resolver's own answer.
    Failed(io::Error),
    /// No thread or no descriptor could be had.
    System(io::Error),
}

#[derive(Debug)]
struct Lookup {
    done: Signal,
    answer: Mutex<Option<io::Result<Vec<SocketAddr>>>>,
}

/// Asks the system's resolver for the addresses of `host`.
pub fn lookup(host: &str, port: u16, budget: &Budget) -> Result<Vec<SocketAddr>, LookupError> {
    let done = Signal::new().map_err(LookupError::System)?;
    let lookup = Arc::new(Lookup { done, answer: Mutex::new(None) });
    let (theirs, host) = (Arc::clone(&lookup), host.to_owned());
    let spawned = thread::spawn("mcp-lookup", move || {
        let answer = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        *theirs.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        theirs.done.raise();
    });
    spawned.map_err(LookupError::System)?;
    budget.wait(lookup.done.fd(), Interest::Read).map_err(LookupError::Stopped)?;
    let answer = lookup.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    answer.unwrap_or_else(|| Err(io::ErrorKind::NotFound.into())).map_err(LookupError::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn localhost_has_an_address() {
        let found = lookup("localhost", 80, &Budget::default()).unwrap();
        assert!(found.iter().any(|address| address.ip().is_loopback()));
    }

    #[test]
    fn a_lookup_without_time_is_given_up() {
        let late = Budget::until(Instant::now());
        match lookup("localhost", 80, &late) {
            // The thread may have been faster than the look at the clock.
            Ok(_) | Err(LookupError::Stopped(Stop::TimedOut)) => {}
            other => panic!("{other:?}"),
        }
    }
}
