//! The transports of one client: over the URL that it was given, or to the process that it starts.

use std::sync::Arc;

use super::context::TransportContext;
use super::http_peer::HttpPeer;
use super::interface::{Connector, Transport, TransportKind};
use super::legacy_sse::LegacySse;
use super::stdio::Stdio;
use super::streamable_http::StreamableHttp;
use crate::call::context::CallContext;
use crate::error::Result;
use crate::sys::child_process::ProcessCommand;

/// A server behind a URL.
pub struct UrlConnector {
    pub host: Arc<TransportContext>,
    pub peer: Arc<HttpPeer>,
    /// The one that the program wants; else it is found out.
    pub wanted: Option<TransportKind>,
}

impl Connector for UrlConnector {
    /// A URL that ends in `sse`, as the other clients read it, is one of HTTP+SSE until its GET is no event stream; any other is one of
    /// Streamable HTTP, until `initialize` is refused in the way that tells older servers.
    fn order(&self, found: Option<TransportKind>, is_modern: bool) -> Vec<TransportKind> {
        let is_sse = found.map_or(self.is_named(TransportKind::Sse), |found| found == TransportKind::Sse);
        match self.wanted {
            Some(wanted) => vec![wanted],
            None if is_modern => vec![TransportKind::StreamableHttp],
            None if is_sse => vec![TransportKind::Sse, TransportKind::StreamableHttp],
            None => vec![TransportKind::StreamableHttp, TransportKind::Sse],
        }
    }

    fn is_named(&self, transport_kind: TransportKind) -> bool {
        transport_kind == TransportKind::Sse && self.peer.endpoint.ends_with_segment("sse")
    }

    fn connect(&self, call: &CallContext, transport_kind: TransportKind) -> Result<Arc<dyn Transport>> {
        match transport_kind {
            TransportKind::Sse => Ok(LegacySse::open(&self.host, &self.peer, call)?),
            _ => Ok(StreamableHttp::new(Arc::clone(&self.host), Arc::clone(&self.peer))),
        }
    }
}

/// A server that is started as a process.
pub struct ProcessConnector {
    pub host: Arc<TransportContext>,
    pub program: ProcessCommand,
}

impl Connector for ProcessConnector {
    fn order(&self, _: Option<TransportKind>, _: bool) -> Vec<TransportKind> {
        vec![TransportKind::Stdio]
    }

    fn is_named(&self, transport_kind: TransportKind) -> bool {
        transport_kind == TransportKind::Stdio
    }

    fn connect(&self, call: &CallContext, _: TransportKind) -> Result<Arc<dyn Transport>> {
        Ok(Stdio::start(&self.host, &self.program, call)?)
    }
}
