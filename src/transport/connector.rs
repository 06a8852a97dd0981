//! The transports of one client: over the URL that it was given, or to the process that it starts.

use std::sync::Arc;

use super::host::Host;
use super::http_peer::HttpPeer;
use super::interface::{Connector, Transport, Travels};
use super::legacy_sse::LegacySse;
use super::stdio::Stdio;
use super::streamable_http::StreamableHttp;
use crate::call::context::Call;
use crate::error::Result;
use crate::sys::child::Program;

/// A server behind a URL.
pub struct UrlConnector {
    pub host: Arc<Host>,
    pub peer: Arc<HttpPeer>,
    /// The one that the program wants; else it is found out.
    pub wanted: Option<Travels>,
}

impl Connector for UrlConnector {
    /// A URL that ends in `sse`, as the other clients read it, is one of HTTP+SSE until its GET is no event stream; any other is one of
    /// Streamable HTTP, until `initialize` is refused in the way that tells older servers.
    fn order(&self, found: Option<Travels>, is_modern: bool) -> Vec<Travels> {
        let is_sse = found.map_or(self.is_named(Travels::Sse), |found| found == Travels::Sse);
        match self.wanted {
            Some(wanted) => vec![wanted],
            None if is_modern => vec![Travels::StreamableHttp],
            None if is_sse => vec![Travels::Sse, Travels::StreamableHttp],
            None => vec![Travels::StreamableHttp, Travels::Sse],
        }
    }

    fn is_named(&self, travels: Travels) -> bool {
        travels == Travels::Sse && self.peer.endpoint.ends_with_segment("sse")
    }

    fn connect(&self, call: &Call, travels: Travels) -> Result<Arc<dyn Transport>> {
        match travels {
            Travels::Sse => Ok(LegacySse::open(&self.host, &self.peer, call)?),
            _ => Ok(StreamableHttp::new(Arc::clone(&self.host), Arc::clone(&self.peer))),
        }
    }
}

/// A server that is started as a process.
pub struct ProcessConnector {
    pub host: Arc<Host>,
    pub program: Program,
}

impl Connector for ProcessConnector {
    fn order(&self, _: Option<Travels>, _: bool) -> Vec<Travels> {
        vec![Travels::Stdio]
    }

    fn is_named(&self, travels: Travels) -> bool {
        travels == Travels::Stdio
    }

    fn connect(&self, call: &Call, _: Travels) -> Result<Arc<dyn Transport>> {
        Ok(Stdio::start(&self.host, &self.program, call)?)
    }
}
