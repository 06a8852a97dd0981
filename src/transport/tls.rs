//! TLS by rustls, trusting what the system trusts.

use std::sync::Arc;

use once_cell::sync::Lazy;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, RustlsConnector, Transport};

use super::lane::LaneState;
use super::wire::Wire;

/// Shared by every client of the process: reading the system's trust store takes milliseconds.
static SHARED: Lazy<Arc<RustlsConnector>> = Lazy::new(Arc::default);

pub fn config() -> TlsConfig {
    TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build()
}

/// The handshake over `wire`.
pub fn wrap(details: &ConnectionDetails, wire: Wire, lane: &Arc<LaneState>) -> Result<Box<dyn Transport>, ureq::Error> {
    let inner = SHARED.connect(details, Some(wire))?.ok_or(ureq::Error::TlsRequired)?;
    Ok(Box::new(Decrypted { inner, lane: Arc::clone(lane) }))
}

/// Notes the first byte of an answer where it can be seen: a server that closes a kept connection sends an alert first, which on
/// the wire looks like one.
#[derive(Debug)]
struct Decrypted<T> {
    inner: T,
    lane: Arc<LaneState>,
}

impl<T: Transport> Transport for Decrypted<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let more = self.inner.await_input(timeout)?;
        if more {
            self.lane.note_received();
        }
        Ok(more)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
