//! The state of the server: sessions, counts, records, and responses to its pings.

use crate::log::Log;
use crate::oauth::Issued;
use crate::resume::Streams;
use crate::sse_streams::SseStreams;
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

/// The state that all connections share.
#[derive(Default)]
pub struct State {
    /// The recorded requests.
    pub log: Log,
    /// The open streams of HTTP+SSE.
    pub sse_streams: SseStreams,
    /// The streams that can be resumed.
    pub streams: Streams,
    /// The tokens of the token service.
    pub tokens: Tokens,
    /// The codes and tokens of the authorization servers.
    pub issued: Issued,
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

    /// A unique number for event ids.
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

    /// Returns a session, if it exists.
    pub fn session(&self, id: &str) -> Option<Session> {
        lock(&self.sessions).get(id).cloned()
    }

    /// Sets the negotiated version of a session that was opened before the negotiation.
    pub fn negotiated(&self, id: &str, version: &str) {
        if let Some(session) = lock(&self.sessions).get_mut(id) {
            session.version = version.into();
        }
    }

    /// Records that `notifications/initialized` of a session has arrived.
    pub fn initialized(&self, id: &str) {
        if let Some(session) = lock(&self.sessions).get_mut(id) {
            session.initialized = true;
        }
    }

    /// Removes a session. Returns whether it existed.
    pub fn end_session(&self, id: &str) -> bool {
        lock(&self.sessions).remove(id).is_some()
    }

    /// Counts a request under a key. Returns how many came before.
    pub fn count(&self, key: &str) -> u64 {
        let mut counts = lock(&self.counts);
        let count = counts.entry(key.into()).or_default();
        *count += 1;
        *count - 1
    }

    /// Resets the counts of all paths with a tag.
    pub fn reset_counts(&self, tag: &str) {
        let option = format!("tag={tag}");
        lock(&self.counts).retain(|key, _| !key.split(['+', '/']).any(|part| part == option));
    }

    /// How many responses to the server's pings arrived under a key.
    pub fn pongs(&self, key: &str) -> u64 {
        lock(&self.pongs).get(key).copied().unwrap_or(0)
    }

    /// Counts a response to the server's ping.
    pub fn pong(&self, key: &str) {
        *lock(&self.pongs).entry(key.into()).or_default() += 1;
        self.pong_arrived.notify_all();
    }

    /// Waits until more than `before` responses have arrived. Returns false after the limit.
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

/// Locks a mutex even if another connection's thread has panicked: one failed test must not fail the others.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A random number for ids and tokens of tests, from the hash seeds of the standard library.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
