//! Addresses of names, kept for a while.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::lane::LaneState;
use crate::sys::lookup::{LookupError, lookup};
use crate::sys::wait::Stop;

/// How long an answer is used again. The system's resolver does not tell the record's own lifetime.
const KEEP: Duration = Duration::from_secs(60);

/// The names of one client.
#[derive(Debug, Default)]
pub struct NameCache(Mutex<HashMap<(String, u16), Entry>>);

#[derive(Clone, Debug)]
struct Entry {
    at: Instant,
    addresses: Vec<SocketAddr>,
}

impl NameCache {
    fn get(&self, host: &str, port: u16) -> Option<Entry> {
        self.lock().get(&(host.to_owned(), port)).cloned()
    }

    fn put(&self, host: &str, port: u16, addresses: &[SocketAddr]) {
        let entry = Entry { at: Instant::now(), addresses: addresses.to_vec() };
        self.lock().insert((host.to_owned(), port), entry);
    }

    /// After a connect that failed: the name may have moved.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, u16), Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The addresses of `host`, in the order in which to try them: the cache's, or else the system's.
pub fn addresses(names: &NameCache, lane: &LaneState, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if let Some(entry) = names.get(host, port)
        && entry.at.elapsed() < KEEP
    {
        return Ok(in_turns(entry.addresses));
    }
    let found = lookup(host, port, &lane.budget()).map_err(|error| match error {
        LookupError::Stopped(stop) => lane.stopped(stop),
        LookupError::System(error) => lane.stopped(Stop::System(error)),
        LookupError::Failed(error) => error,
    })?;
    names.put(host, port, &found);
    Ok(in_turns(found))
}

/// Stands where ureq wants to know addresses before every request: the connector looks them up, and only where it needs them.
#[derive(Debug)]
pub struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        // ureq wants to see one; nobody uses it.
        let mut list = self.empty();
        list.push(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Ok(list)
    }
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
