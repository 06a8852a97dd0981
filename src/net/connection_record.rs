//! What opening one connection did, and how long it took: for a diagnosis.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::certificate::CertificateSummary;
use super::io_error::io_reason;
use super::progress::RequestPhase;

/// The steps of one connection, filled by the connector.
#[derive(Default)]
pub struct ConnectionRecord {
    times: RefCell<Vec<(RequestPhase, Duration)>>,
    current: Cell<Option<(RequestPhase, Instant)>>,
    pub lookups: RefCell<Vec<RecordedLookup>>,
    /// The addresses that did not accept the connection, and why.
    pub refused: RefCell<Vec<(SocketAddr, String)>>,
    /// The address of the socket's peer: the server or a proxy.
    pub connected: Cell<Option<SocketAddr>>,
    pub tls: RefCell<RecordedTls>,
}

/// The addresses of a host.
pub struct RecordedLookup {
    pub host: String,
    pub addresses: Vec<SocketAddr>,
}

/// What is known of a TLS handshake. A part that was not reached is empty.
#[derive(Default)]
pub struct RecordedTls {
    pub version: Option<&'static str>,
    pub cipher: Option<&'static str>,
    pub alpn: Option<String>,
    /// The number of certificates that the server sent.
    pub chain_length: usize,
    pub certificate: Option<CertificateSummary>,
    pub remedy: Option<&'static str>,
}

impl ConnectionRecord {
    /// Begins a phase, and ends the one before.
    pub fn enter(&self, phase: RequestPhase) {
        self.end_phase();
        self.current.set(Some((phase, Instant::now())));
    }

    /// Ends the last phase.
    pub fn end_phase(&self) {
        if let Some((phase, since)) = self.current.take() {
            self.times.borrow_mut().push((phase, since.elapsed()));
        }
    }

    /// The time in a phase.
    pub fn time(&self, phase: RequestPhase) -> Duration {
        self.times.borrow().iter().filter(|(known, _)| *known == phase).map(|(_, time)| *time).sum()
    }

    pub fn add_lookup(&self, host: &str, addresses: &[SocketAddr]) {
        self.lookups.borrow_mut().push(RecordedLookup { host: host.to_owned(), addresses: addresses.to_vec() });
    }

    pub fn add_refused(&self, address: SocketAddr, error: &io::Error) {
        self.refused.borrow_mut().push((address, io_reason(error)));
    }
}
