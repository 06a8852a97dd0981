//! Data about a request that the connector and the transport below ureq exchange with the code above ureq. ureq has no
//! parameters for it.

use std::io;
use std::sync::Arc;

use ::http::{HeaderName, HeaderValue};

use super::body_handover::BodyHandover;
use super::header_lines::HeaderLines;
use super::http_connection::HttpConnection;
use crate::call::request_headers::RequestHeaders;
use crate::net::progress::ConnectionProgress;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::WaitContext;

/// The notes of one pooled connection. Only one request at a time uses them; the lock exists because ureq requires
/// transports to be `Sync`.
#[derive(Debug, Default)]
pub struct ConnectionNotes {
    /// The limits and the phase of the current request. The connection keeps a reference to them.
    pub progress: Arc<ConnectionProgress>,
    /// Sends a large body of the current request.
    pub handover: BodyHandover,
    state: Mutex<ConnectionNotesState>,
}

#[derive(Debug, Default)]
struct ConnectionNotesState {
    /// The connection, unless ureq or a body uses it.
    connection: Option<Box<HttpConnection>>,
    /// The header lines of the next request that ureq does not write.
    lines: HeaderLines,
    request: RequestNotes,
}

#[derive(Debug, Default)]
struct RequestNotes {
    /// Do not wait for a response.
    send_only: bool,
    /// The connection was used for another request before.
    reused: bool,
    /// A byte of the response was received.
    received: bool,
    /// How the connection ended, if it did.
    end: Option<io::Error>,
}

impl ConnectionNotes {
    /// Resets the notes for a new request.
    pub fn begin(&self, wait_context: &WaitContext, send_only: bool) {
        self.progress.begin(wait_context);
        self.lock().request = RequestNotes { send_only, ..RequestNotes::default() };
    }

    /// Sets the header lines of the next request.
    pub fn set_lines(&self, headers: &RequestHeaders, defaults: &[(HeaderName, HeaderValue)]) {
        self.lock().lines.set(headers, defaults);
    }

    /// Exchanges the header lines of the next request for those of the last one.
    pub fn swap_lines(&self, lines: &mut HeaderLines) {
        std::mem::swap(&mut self.lock().lines, lines);
    }

    pub fn take_connection(&self) -> Option<Box<HttpConnection>> {
        self.lock().connection.take()
    }

    pub fn put_connection(&self, connection: Box<HttpConnection>) {
        self.lock().connection = Some(connection);
    }

    pub fn record_reused(&self) {
        self.lock().request.reused = true;
    }

    pub fn record_received(&self) {
        self.lock().request.received = true;
    }

    /// Records how the connection ended, because ureq does not report it: to ureq, any end of the connection completes
    /// a body without a length, but a reset must be an error. A TLS connection that ends without close_notify counts as
    /// complete in practice, because the content is validated separately.
    pub fn record_end(&self, error: &io::Error) {
        self.lock().request.end = Some(io::Error::new(error.kind(), error.to_string()));
    }

    /// Whether the connection failed, and did not end regularly.
    pub fn is_broken(&self) -> bool {
        self.lock().request.end.as_ref().is_some_and(|error| error.kind() != io::ErrorKind::UnexpectedEof)
    }

    pub fn take_end(&self) -> Option<io::Error> {
        self.lock().request.end.take()
    }

    pub fn is_send_only(&self) -> bool {
        self.lock().request.send_only
    }

    /// Whether a failure probably means that the server had closed the idle connection before it received the request.
    pub fn is_stale(&self) -> bool {
        let state = self.lock();
        state.request.reused && !state.request.received
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, ConnectionNotesState> {
        self.state.lock()
    }
}
