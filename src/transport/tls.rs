//! TLS by rustls, trusting what the system trusts.

use std::sync::Arc;

use once_cell::sync::Lazy;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::{ConnectionDetails, Connector, RustlsConnector, Transport};

use super::wire::Wire;

/// Shared by every client of the process: reading the system's trust store takes milliseconds.
static SHARED: Lazy<Arc<RustlsConnector>> = Lazy::new(Arc::default);

pub fn config() -> TlsConfig {
    TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build()
}

/// The handshake over `wire`.
pub fn wrap(details: &ConnectionDetails, wire: Wire) -> Result<Box<dyn Transport>, ureq::Error> {
    let stream = SHARED.connect(details, Some(wire))?.ok_or(ureq::Error::TlsRequired)?;
    Ok(Box::new(stream))
}
