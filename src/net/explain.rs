//! Error messages for failed connections.

use std::io;

use super::origin::Origin;
use super::progress::RequestPhase;
use super::tls;
use crate::error::Error;
use crate::status::*;

/// The error for a connection to `origin` that failed in `phase` because of `reason`; `None` if the connection was
/// already established. `error` is the error of the socket or of TLS, if there is one.
pub fn explain(phase: RequestPhase, origin: &Origin, reason: &str, error: Option<&io::Error>) -> Option<Error> {
    let (status, message) = match phase {
        RequestPhase::DnsLookup => {
            let host = &origin.host;
            (MCP_RESOLVE_FAILED, format!("cannot resolve the host name {host}: {reason}; check the host in the URL"))
        }
        RequestPhase::Connect | RequestPhase::Proxy => (
            MCP_CONNECT_FAILED,
            format!("cannot connect: {reason}; is the server running, and does it listen on port {}?", origin.port),
        ),
        RequestPhase::Tls => {
            let why = error.and_then(tls::explain);
            (MCP_TLS_FAILED, format!("TLS connection failed: {}", why.as_deref().unwrap_or(reason)))
        }
        RequestPhase::Send | RequestPhase::Head | RequestPhase::Body => return None,
    };
    Some(Error::new(status, message))
}
