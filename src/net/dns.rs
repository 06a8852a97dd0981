//! Addresses of names, kept for a while.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::io_error::interrupted;
use super::origin::{is_localhost, without_brackets};
use crate::sys::dns_lookup::{DnsLookup, LookupError};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::{Interrupt, WaitContext};

/// How long an answer is used again. The system's resolver does not tell the record's own lifetime.
const KEEP: Duration = Duration::from_secs(60);

/// The names of one client.
#[derive(Debug, Default)]
pub struct DnsCache(Mutex<HashMap<(String, u16), DnsEntry>>);

#[derive(Debug)]
enum DnsEntry {
    Known {
        at: Instant,
        addresses: Vec<SocketAddr>,
    },
    /// The resolver cannot be interrupted: who gives up leaves the lookup to the next one who asks, so that a name costs one thread
    /// however often it is asked for.
    ServerRequest(Arc<DnsLookup>),
}

impl DnsCache {
    fn find(&self, host: &str, port: u16, wait_context: &WaitContext) -> Result<Vec<SocketAddr>, LookupError> {
        let key = (host.to_owned(), port);
        let lookup = match self.look(&key)? {
            DnsEntry::Known { addresses, .. } => return Ok(addresses),
            DnsEntry::ServerRequest(lookup) => lookup,
        };
        let found = lookup.wait(wait_context);
        match &found {
            Ok(addresses) => {
                let entry = DnsEntry::Known { at: Instant::now(), addresses: addresses.clone() };
                self.lock().insert(key, entry);
            }
            Err(LookupError::Stopped(_)) => {}
            Err(_) => {
                self.lock().remove(&key);
            }
        }
        found
    }

    /// What is known, or under way; else the lookup begins.
    fn look(&self, key: &(String, u16)) -> Result<DnsEntry, LookupError> {
        let mut entries = self.lock();
        match entries.get(key) {
            Some(DnsEntry::Known { at, addresses }) if at.elapsed() < KEEP => {
                return Ok(DnsEntry::Known { at: *at, addresses: addresses.clone() });
            }
            Some(DnsEntry::ServerRequest(lookup)) if is_of_use(lookup) => {
                return Ok(DnsEntry::ServerRequest(Arc::clone(lookup)));
            }
            _ => {}
        }
        let lookup = DnsLookup::begin(&key.0, key.1)?;
        entries.insert(key.clone(), DnsEntry::ServerRequest(Arc::clone(&lookup)));
        Ok(DnsEntry::ServerRequest(lookup))
    }

    /// After a connect that failed: the name may have moved.
    pub fn forget(&self) {
        self.lock().retain(|_, entry| matches!(entry, DnsEntry::ServerRequest(_)));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, u16), DnsEntry>> {
        self.0.lock()
    }
}

/// Whoever began it may have left before the answer came: a failure is not handed on then.
fn is_of_use(lookup: &DnsLookup) -> bool {
    match lookup.finished() {
        None => true,
        Some(Ok(at)) => at.elapsed() < KEEP,
        Some(Err(())) => false,
    }
}

/// The addresses of `host`, in the order in which to try them: the cache's, or else the system's.
pub fn addresses(names: &DnsCache, host: &str, port: u16, wait_context: &WaitContext) -> io::Result<Vec<SocketAddr>> {
    let bare = without_brackets(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if is_localhost(bare) {
        // First the one that most servers on this machine listen at.
        return Ok([IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]
            .map(|ip| (ip, port).into())
            .to_vec());
    }
    let found = names.find(host, port, wait_context).map_err(|error| match error {
        LookupError::Stopped(stop) => interrupted(stop),
        LookupError::System(error) => interrupted(Interrupt::System(error)),
        LookupError::Failed(error) => error,
    })?;
    Ok(in_turns(found))
}

/// The two families in turns, beginning with the one that the system likes better (RFC 8305, section 4): if one of them leads
/// nowhere, the second attempt is one with the other.
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (liked, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut liked, mut other) = (liked.into_iter(), other.into_iter());
    let mut turns = Vec::new();
    loop {
        let pair = [liked.next(), other.next()];
        if pair == [None, None] {
            return turns;
        }
        turns.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let given = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(in_turns(given), parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        assert_eq!(in_turns(parse(&["1.1.1.1:1", "[::1]:1"])), parse(&["1.1.1.1:1", "[::1]:1"]));
        assert_eq!(in_turns(Vec::new()), Vec::new());
    }
}
