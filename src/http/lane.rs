//! A lane: one ureq agent that holds at most one connection, and the notes that the parts under ureq and the code above it
//! leave for each other. A call takes a lane, uses it alone, and puts it back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::config::Config;
use ureq::http::{Response, StatusCode, Version, header};

use super::connector::SocketConnector;
use super::names::NoResolver;
use super::network::Network;
use super::wire::Rest;
use crate::error::Error;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::{Budget, Stop};

/// How long an unused connection is kept where the server does not say: common servers close theirs after 5 s, and a request
/// must not meet that moment.
const KEEP_IDLE: Duration = Duration::from_secs(4);

/// How far a request has come; for messages, and to know what a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    Lookup,
    Connect,
    Proxy,
    Tls,
    Send,
    Head,
    Body,
}

impl Phase {
    /// For messages.
    pub fn doing(self) -> &'static str {
        match self {
            Phase::Lookup => "while looking up the server's name",
            Phase::Connect => "while connecting",
            Phase::Proxy => "while waiting for the proxy",
            Phase::Tls => "during the TLS handshake",
            Phase::Send => "while sending the request",
            Phase::Head => "while waiting for the server's answer",
            Phase::Body => "while reading the server's answer",
        }
    }
}

const PHASES: [Phase; 7] =
    [Phase::Lookup, Phase::Connect, Phase::Proxy, Phase::Tls, Phase::Send, Phase::Head, Phase::Body];

/// What the socket layer must know of the call that uses it now, and what it reports back. ureq has no place for either.
#[derive(Debug)]
pub struct LaneState {
    budget: Mutex<Budget>,
    stop: Mutex<Option<Stop>>,
    /// A failure whose message is complete already.
    failure: Mutex<Option<Error>>,
    phase: AtomicU8,
    /// A connection is held.
    connected: AtomicBool,
    /// The request went out on a connection that had served another one.
    reused: AtomicBool,
    /// A byte of the answer has come.
    received: AtomicBool,
    /// Send, and do not wait for an answer.
    send_only: AtomicBool,
    /// How the connection ended, if it did.
    end: Mutex<Option<io::Error>>,
}

impl LaneState {
    fn new() -> LaneState {
        LaneState {
            budget: Mutex::default(),
            stop: Mutex::default(),
            failure: Mutex::default(),
            phase: AtomicU8::new(0),
            connected: AtomicBool::new(false),
            reused: AtomicBool::new(false),
            received: AtomicBool::new(false),
            send_only: AtomicBool::new(false),
            end: Mutex::default(),
        }
    }

    /// Opens the notes for a request.
    pub fn begin(&self, budget: &Budget, send_only: bool) {
        *lock(&self.budget) = budget.clone();
        *lock(&self.stop) = None;
        *lock(&self.failure) = None;
        self.set_phase(Phase::Lookup);
        self.reused.store(self.is_connected(), Ordering::Relaxed);
        self.received.store(false, Ordering::Relaxed);
        *lock(&self.end) = None;
        self.send_only.store(send_only, Ordering::Relaxed);
    }

    /// What the rest of the answer may spend, when somebody else than the call reads it.
    pub fn set_budget(&self, budget: Budget) {
        *lock(&self.budget) = budget;
    }

    pub fn budget(&self) -> Budget {
        lock(&self.budget).clone()
    }

    /// Notes why a wait ended. The error that is given back stands for that note: ureq has no place for the reason.
    pub fn stopped(&self, stop: Stop) -> io::Error {
        *lock(&self.stop) = Some(stop);
        interrupted()
    }

    /// Notes a failure that needs no more words, likewise.
    pub fn failed(&self, error: Error) -> io::Error {
        *lock(&self.failure) = Some(error);
        interrupted()
    }

    /// The request is sent, and nobody waits for its answer.
    pub fn left(&self) -> ureq::Error {
        ureq::Error::Io(interrupted())
    }

    /// Fails where a wait would fail at once: reading what has come already waits for nothing.
    pub fn check(&self) -> Result<(), Stop> {
        lock(&self.budget).check()
    }

    /// Leaves the rest of the request less time.
    pub fn hurry(&self, limit: Duration) {
        let mut budget = lock(&self.budget);
        *budget = budget.within(limit);
    }

    pub fn is_stopped(&self) -> bool {
        lock(&self.stop).is_some()
    }

    pub fn take_stop(&self) -> Option<Stop> {
        lock(&self.stop).take()
    }

    pub fn take_failure(&self) -> Option<Error> {
        lock(&self.failure).take()
    }

    pub fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Relaxed))]
    }

    pub fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    pub fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Relaxed);
        if connected {
            self.reused.store(false, Ordering::Relaxed);
        }
    }

    pub fn note_received(&self) {
        self.received.store(true, Ordering::Relaxed);
    }

    /// Notes how the connection ended. ureq keeps that to itself, and where a body ends with its connection it asks no further; but a reset is
    /// no such end. TLS without its last word is one in practice: what it carries is checked by itself.
    pub fn note_end(&self, error: &io::Error) {
        *lock(&self.end) = Some(io::Error::new(error.kind(), error.to_string()));
    }

    /// Whether the connection ended, and not in order.
    pub fn is_broken(&self) -> bool {
        lock(&self.end).as_ref().is_some_and(|error| error.kind() != io::ErrorKind::UnexpectedEof)
    }

    pub fn take_end(&self) -> Option<io::Error> {
        lock(&self.end).take()
    }

    pub fn is_send_only(&self) -> bool {
        self.send_only.load(Ordering::Relaxed)
    }

    /// Whether a failure only means that the server had closed a kept connection: the request was not looked at.
    pub fn died_unanswered(&self) -> bool {
        self.reused.load(Ordering::Relaxed) && !self.received.load(Ordering::Relaxed)
    }
}

/// The error that stands for "see the lane's notes".
fn interrupted() -> io::Error {
    io::Error::other("interrupted")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

/// See the module.
#[derive(Debug)]
pub struct Lane {
    pub agent: Agent,
    pub state: Arc<LaneState>,
    /// The connection, while no answer comes on it.
    pub rest: Rest,
    idle_since: Instant,
    keep: Duration,
}

impl Lane {
    pub fn new(config: &Config, network: &Arc<Network>) -> Lane {
        let state = Arc::new(LaneState::new());
        let rest = Rest::default();
        let connector = SocketConnector::new(Arc::clone(&state), Arc::clone(network), rest.clone());
        let agent = Agent::with_parts(config.clone(), connector, NoResolver);
        Lane { agent, state, rest, idle_since: Instant::now(), keep: KEEP_IDLE }
    }

    /// Notes how long the server keeps the connection, by the head of its answer.
    pub fn note_keep_alive<T>(&mut self, answer: &Response<T>) {
        let headers = answer.headers();
        let timeout = headers.get("keep-alive").and_then(|value| keep_alive_timeout(value.to_str().ok()?));
        self.keep = match timeout {
            _ if !persists(answer) => Duration::ZERO,
            // A second less than the server says: the request has a way to go.
            Some(seconds) => Duration::from_secs(seconds.saturating_sub(1)),
            None => KEEP_IDLE,
        };
    }

    pub fn start_idling(&mut self) {
        self.state.set_budget(Budget::default());
        self.idle_since = Instant::now();
    }

    /// Whether the connection may still be open.
    pub fn is_fresh(&self) -> bool {
        self.idle_since.elapsed() < self.keep
    }
}

/// Whether the connection is one for another request (RFC 9112, section 9.3).
fn persists<T>(answer: &Response<T>) -> bool {
    let says = |word: &[u8]| {
        let values = answer.headers().get_all(header::CONNECTION).into_iter();
        let mut options = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        options.any(|option| option.trim_ascii().eq_ignore_ascii_case(word))
    };
    match answer.version() {
        // It speaks another protocol now.
        _ if answer.status() == StatusCode::SWITCHING_PROTOCOLS || says(b"close") => false,
        Version::HTTP_11 => true,
        _ => says(b"keep-alive"),
    }
}

/// The `timeout` parameter of a `Keep-Alive` header, in seconds.
pub fn keep_alive_timeout(value: &str) -> Option<u64> {
    value.split(',').find_map(|part| {
        let (name, seconds) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| seconds.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keep_alive_header() {
        assert_eq!(keep_alive_timeout("timeout=5"), Some(5));
        assert_eq!(keep_alive_timeout("max=100, Timeout = 15"), Some(15));
        assert_eq!(keep_alive_timeout("max=100"), None);
        assert_eq!(keep_alive_timeout("timeout=x"), None);
    }

    #[test]
    fn phases_survive_their_number() {
        let state = LaneState::new();
        for phase in PHASES {
            state.set_phase(phase);
            assert_eq!(state.phase(), phase);
        }
    }
}
