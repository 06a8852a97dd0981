//! What the server remembers across requests: sessions, counts, records, answers to its pings.

use crate::channels::Channels;
use crate::log::Log;
use crate::resume::Streams;
use crate::tokens::Tokens;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A legacy session.
#[derive(Debug, Clone)]
pub struct Session {
    /// The negotiated version.
    pub version: String,
    /// Whether `notifications/initialized` has arrived.
    pub initialized: bool,
}

/// Everything that connections share.
#[derive(Default)]
pub struct State {
    /// The recorded requests.
    pub log: Log,
    /// The open streams of HTTP+SSE.
    pub channels: Channels,
    /// The streams that wait to be resumed.
    pub streams: Streams,
    /// The tokens that were minted.
    pub tokens: Tokens,
    sessions: Mutex<HashMap<String, Session>>,
    counts: Mutex<HashMap<String, u64>>,
    pongs: Mutex<HashMap<String, u64>>,
    pong_arrived: Condvar,
    numbers: AtomicU64,
    connections: AtomicU64,
}

impl State {
    /// The number of a new connection.
    pub fn connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A number that was not given out before, for event ids.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Opens a session.
    pub fn open_session(&self, version: &str) -> String {
        let id = format!("{:016x}{:016x}", random(), random());
        let session = Session { version: version.into(), initialized: false };
        lock(&self.sessions).insert(id.clone(), session);
        id
    }

    /// Looks a session up.
    pub fn session(&self, id: &str) -> Option<Session> {
        lock(&self.sessions).get(id).cloned()
    }

    /// Notes the version of a session that was opened before it was known.
    pub fn negotiated(&self, id: &str, version: &str) {
        if let Some(session) = lock(&self.sessions).get_mut(id) {
            session.version = version.into();
        }
    }

    /// Notes that a session's client is ready.
    pub fn initialized(&self, id: &str) {
        if let Some(session) = lock(&self.sessions).get_mut(id) {
            session.initialized = true;
        }
    }

    /// Forgets a session and says whether there was one.
    pub fn end_session(&self, id: &str) -> bool {
        lock(&self.sessions).remove(id).is_some()
    }

    /// Counts one more request under a key and says how many came before.
    pub fn count(&self, key: &str) -> u64 {
        let mut counts = lock(&self.counts);
        let count = counts.entry(key.into()).or_default();
        *count += 1;
        *count - 1
    }

    /// Starts the counts of all paths that carry a tag anew.
    pub fn reset_counts(&self, tag: &str) {
        let option = format!("tag={tag}");
        lock(&self.counts).retain(|key, _| !key.split(['+', '/']).any(|part| part == option));
    }

    /// How many answers to the server's own pings came under a key.
    pub fn pongs(&self, key: &str) -> u64 {
        lock(&self.pongs).get(key).copied().unwrap_or(0)
    }

    /// Notes an answer to the server's own ping.
    pub fn pong(&self, key: &str) {
        *lock(&self.pongs).entry(key.into()).or_default() += 1;
        self.pong_arrived.notify_all();
    }

    /// Waits until more than `before` answers came, and says whether they did.
    pub fn wait_for_pong(&self, key: &str, before: u64, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut pongs = lock(&self.pongs);
        while pongs.get(key).copied().unwrap_or(0) <= before {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (pongs, _) = self.pong_arrived.wait_timeout(pongs, left).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}

/// A lock that outlives a panic of another connection: one broken test must not fail the others.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that nobody guesses by accident; the standard library's hash seeds are enough here.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
