//! Connectors for a server at a URL, and for a server that runs as a child process.

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

/// Connects to the server at a URL.
pub struct UrlConnector {
    pub context: Arc<TransportContext>,
    pub peer: Arc<HttpPeer>,
    /// The transport that the application set; `None` to detect it.
    pub wanted: Option<TransportKind>,
}

impl Connector for UrlConnector {
    /// As in other clients, a URL whose path ends in `sse` is tried with HTTP+SSE first, then with Streamable HTTP if
    /// the response to the GET is not an event stream. Any other URL is tried with Streamable HTTP first, then with
    /// HTTP+SSE if `initialize` is refused as older servers do it.
    fn candidates(&self, last: Option<TransportKind>, requires_modern: bool) -> Vec<TransportKind> {
        let is_sse = last.map_or(self.address_indicates(TransportKind::Sse), |last| last == TransportKind::Sse);
        match self.wanted {
            Some(wanted) => vec![wanted],
            None if requires_modern => vec![TransportKind::StreamableHttp],
            None if is_sse => vec![TransportKind::Sse, TransportKind::StreamableHttp],
            None => vec![TransportKind::StreamableHttp, TransportKind::Sse],
        }
    }

    fn address_indicates(&self, transport_kind: TransportKind) -> bool {
        transport_kind == TransportKind::Sse && self.peer.endpoint.ends_with_segment("sse")
    }

    fn connect(&self, call: &CallContext, transport_kind: TransportKind) -> Result<Arc<dyn Transport>> {
        match transport_kind {
            TransportKind::Sse => Ok(LegacySse::open(&self.context, &self.peer, call)?),
            _ => Ok(StreamableHttp::new(Arc::clone(&self.context), Arc::clone(&self.peer))),
        }
    }
}

/// Starts the server as a child process.
pub struct ProcessConnector {
    pub context: Arc<TransportContext>,
    pub command: ProcessCommand,
}

impl Connector for ProcessConnector {
    fn candidates(&self, _: Option<TransportKind>, _: bool) -> Vec<TransportKind> {
        vec![TransportKind::Stdio]
    }

    fn address_indicates(&self, transport_kind: TransportKind) -> bool {
        transport_kind == TransportKind::Stdio
    }

    fn connect(&self, call: &CallContext, _: TransportKind) -> Result<Arc<dyn Transport>> {
        Ok(Stdio::start(&self.context, &self.command, call)?)
    }
}
