//! Connectors for a server at a URL, for a server that runs as a child process, and for a server at the other end of
//! streams that the application has opened.

use std::sync::Arc;

use super::context::TransportContext;
use super::http_peer::HttpPeer;
use super::interface::{Connector, Transport, TransportKind};
use super::legacy_sse::LegacySse;
use super::stdio::Stdio;
use super::streamable_http::StreamableHttp;
use crate::call::context::CallContext;
use crate::error::{Error, Result};
use crate::status::MCP_DISCONNECTED;
use crate::sys::child_process::ProcessCommand;
use crate::sys::lock::Mutex;
use crate::sys::pipe::{ReadEnd, WriteEnd};

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

/// Uses streams that the application has opened. They are closed with the client, and not when a session ends: they
/// cannot be opened again.
pub struct StreamConnector {
    context: Arc<TransportContext>,
    state: Mutex<StreamPairState>,
}

enum StreamPairState {
    Unused(ReadEnd, WriteEnd),
    Open(Arc<Stdio>),
    Closed,
}

impl StreamConnector {
    /// Without streams, the client was closed before.
    pub fn new(context: Arc<TransportContext>, streams: Option<(ReadEnd, WriteEnd)>) -> StreamConnector {
        let state = streams.map_or(StreamPairState::Closed, |(read, write)| StreamPairState::Unused(read, write));
        StreamConnector { context, state: Mutex::new(state) }
    }
}

impl Connector for StreamConnector {
    fn candidates(&self, _: Option<TransportKind>, _: bool) -> Vec<TransportKind> {
        vec![TransportKind::Stdio]
    }

    fn address_indicates(&self, transport_kind: TransportKind) -> bool {
        transport_kind == TransportKind::Stdio
    }

    fn connect(&self, _: &CallContext, _: TransportKind) -> Result<Arc<dyn Transport>> {
        let mut state = self.state.lock();
        let transport = match std::mem::replace(&mut *state, StreamPairState::Closed) {
            StreamPairState::Unused(read, write) => Stdio::on_streams(&self.context, (read, write))?,
            StreamPairState::Open(transport) if !transport.needs_new_session() => transport,
            StreamPairState::Open(_) | StreamPairState::Closed => {
                let why = "the server's streams have ended, and cannot be opened again; make a new client";
                return Err(Error::new(MCP_DISCONNECTED, why));
            }
        };
        *state = StreamPairState::Open(Arc::clone(&transport));
        Ok(transport)
    }

    fn close(&self) {
        let state = std::mem::replace(&mut *self.state.lock(), StreamPairState::Closed);
        drop(state);
    }
}
