//! DNS lookups and their cache.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::io_error::interrupted;
use super::origin::{is_localhost, without_brackets};
use crate::sys::dns_lookup::{DnsLookup, LookupError};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::{Interrupt, WaitContext};

/// How long an answer is cached. The system's resolver does not return the TTL of the DNS records.
const CACHE_TIME: Duration = Duration::from_secs(60);

/// The DNS cache of one client. A list, because few hosts are looked up within the time that an answer is cached.
#[derive(Debug, Default)]
pub struct DnsCache(Mutex<DnsEntries>);

type DnsEntries = Vec<((String, u16), DnsEntry)>;

#[derive(Debug)]
enum DnsEntry {
    Cached {
        at: Instant,
        addresses: Vec<SocketAddr>,
    },
    /// The resolver cannot be interrupted. If a call gives up, the next call for the same name waits for the same
    /// lookup, so that there is at most one thread for each name.
    InProgress(Arc<DnsLookup>),
}

impl DnsCache {
    fn find(&self, host: &str, port: u16, wait_context: &WaitContext) -> Result<Vec<SocketAddr>, LookupError> {
        let key = (host.to_owned(), port);
        let lookup = match self.find_or_start(&key)? {
            DnsEntry::Cached { addresses, .. } => return Ok(addresses),
            DnsEntry::InProgress(lookup) => lookup,
        };
        let found = lookup.wait(wait_context);
        match &found {
            Ok(addresses) => {
                self.insert(key, addresses.clone());
            }
            Err(LookupError::Stopped(_)) => {}
            Err(_) => {
                self.lock().retain(|(known, _)| *known != key);
            }
        }
        found
    }

    /// The cached entry or the lookup in progress. Starts a lookup if there is neither.
    fn find_or_start(&self, key: &(String, u16)) -> Result<DnsEntry, LookupError> {
        let mut entries = self.lock();
        match entries.iter().find(|(known, _)| known == key).map(|(_, entry)| entry) {
            Some(DnsEntry::Cached { at, addresses }) if at.elapsed() < CACHE_TIME => {
                return Ok(DnsEntry::Cached { at: *at, addresses: addresses.clone() });
            }
            Some(DnsEntry::InProgress(lookup)) if is_usable(lookup) => {
                return Ok(DnsEntry::InProgress(Arc::clone(lookup)));
            }
            _ => {}
        }
        let lookup = DnsLookup::begin(&key.0, key.1)?;
        entries.retain(|(known, _)| known != key);
        entries.push((key.clone(), DnsEntry::InProgress(Arc::clone(&lookup))));
        Ok(DnsEntry::InProgress(lookup))
    }

    /// Caches an answer. Removes old ones, because an MCP server may name any number of authorization servers.
    fn insert(&self, key: (String, u16), addresses: Vec<SocketAddr>) {
        let mut entries = self.lock();
        entries.retain(|(known, entry)| {
            let is_recent = match entry {
                DnsEntry::Cached { at, .. } => at.elapsed() < CACHE_TIME,
                DnsEntry::InProgress(lookup) => is_usable(lookup),
            };
            is_recent && *known != key
        });
        entries.push((key, DnsEntry::Cached { at: Instant::now(), addresses }));
    }

    /// Makes a name known in a test.
    #[cfg(test)]
    pub fn add(&self, host: &str, addresses: &[SocketAddr]) {
        self.insert((host.to_owned(), addresses[0].port()), addresses.to_vec());
    }

    /// Removes all cached answers, after a failed connect: the addresses may have changed.
    pub fn clear(&self) {
        self.lock().retain(|(_, entry)| matches!(entry, DnsEntry::InProgress(_)));
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, DnsEntries> {
        self.0.lock()
    }
}

/// Whether to use a lookup that another call has started. That call may have given up before the answer, so the answer
/// may be old, or a failure, which is not reused.
fn is_usable(lookup: &DnsLookup) -> bool {
    match lookup.finished() {
        None => true,
        Some(Ok(at)) => at.elapsed() < CACHE_TIME,
        Some(Err(())) => false,
    }
}

/// The addresses of `host` from the cache or the system's resolver, in the order in which to try them.
pub fn addresses(dns: &DnsCache, host: &str, port: u16, wait_context: &WaitContext) -> io::Result<Vec<SocketAddr>> {
    let bare = without_brackets(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if is_localhost(bare) {
        // IPv4 first: most servers on this machine listen there.
        return Ok([IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]
            .map(|ip| (ip, port).into())
            .to_vec());
    }
    let found = dns.find(host, port, wait_context).map_err(|error| match error {
        LookupError::Stopped(interrupt) => interrupted(interrupt),
        LookupError::System(error) => interrupted(Interrupt::System(error)),
        LookupError::Failed(error) => error,
    })?;
    Ok(interleave_families(found))
}

/// Alternates between IPv6 and IPv4, beginning with the family that the system prefers (RFC 8305, section 4). If one
/// family is unreachable, the second attempt is with the other.
fn interleave_families(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut interleaved = Vec::new();
    loop {
        let pair = [preferred.next(), other.next()];
        if pair == [None, None] {
            return interleaved;
        }
        interleaved.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_families_alternate() {
        let parse = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(interleave_families(found), parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        assert_eq!(interleave_families(parse(&["1.1.1.1:1", "[::1]:1"])), parse(&["1.1.1.1:1", "[::1]:1"]));
        assert_eq!(interleave_families(Vec::new()), Vec::new());
    }
}
