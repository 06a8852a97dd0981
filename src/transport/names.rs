//! Addresses of names, kept for a while: ureq asks for them on every request, also where the connection is open.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::lane::{LaneState, Phase, interrupted};
use crate::sys::lookup::{LookupError, lookup};
use crate::sys::wait::Stop;

/// How long an answer is used again. The system's resolver does not tell the record's own lifetime.
const KEEP: Duration = Duration::from_secs(60);

/// ureq's list of addresses has this many places.
const MOST: usize = 16;

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

/// ureq's view of the cache, for one lane.
#[derive(Debug)]
pub struct CachedResolver {
    lane: Arc<LaneState>,
    names: Arc<NameCache>,
}

impl CachedResolver {
    pub fn new(lane: Arc<LaneState>, names: Arc<NameCache>) -> CachedResolver {
        CachedResolver { lane, names }
    }

    fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ureq::Error> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        if let Some(entry) = self.names.get(host, port) {
            // An open connection needs no address, so none is looked up for it, however old the last one is.
            if self.lane.is_connected() || entry.at.elapsed() < KEEP {
                return Ok(entry.addresses);
            }
        }
        let found = lookup(host, port, &self.lane.budget()).map_err(|error| match error {
            LookupError::Stopped(stop) => self.lane.stopped(stop),
            LookupError::System(error) => self.lane.stopped(Stop::System(error)),
            LookupError::Failed(error) => ureq::Error::Io(error),
        })?;
        self.names.put(host, port, &found);
        Ok(found)
    }
}

impl Resolver for CachedResolver {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.lane.set_phase(Phase::Lookup);
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let https = uri.scheme_str().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let mut list = self.empty();
        for address in self.addresses(host, port)?.into_iter().take(MOST) {
            list.push(address);
        }
        if list.is_empty() { Err(interrupted()) } else { Ok(list) }
    }
}
