//! What the parts under ureq (its connector and its transport) and the code above ureq have to tell each other about a request.
//! ureq calls the former with parameters of its own only, and passes on what they return, but nothing else.

use std::io;
use std::sync::Arc;

use super::http_connection::HttpConnection;
use crate::net::progress::ConnectionProgress;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::wait::WaitContext;

/// The notes of a lane, which one request at a time uses: the lock is there because ureq wants transports to be `Sync`.
#[derive(Debug, Default)]
pub struct ConnectionNotes {
    /// What the connection needs to know; it keeps a reference.
    pub progress: Arc<ConnectionProgress>,
    noted: Mutex<ConnectionNotesState>,
}

#[derive(Debug, Default)]
struct ConnectionNotesState {
    /// The connection, while ureq does not have it.
    connection: Option<Box<HttpConnection>>,
    request: RequestNotes,
}

#[derive(Debug, Default)]
struct RequestNotes {
    /// Send, and do not wait for an answer.
    send_only: bool,
    /// It went out on a connection that had served another one.
    reused: bool,
    /// A byte of the answer has come.
    received: bool,
    /// How the connection ended, if it did.
    end: Option<io::Error>,
}

impl ConnectionNotes {
    /// Begins a request.
    pub fn begin(&self, wait_context: &WaitContext, send_only: bool) {
        self.progress.begin(wait_context);
        self.noted().request = RequestNotes { send_only, ..RequestNotes::default() };
    }

    pub fn take_connection(&self) -> Option<Box<HttpConnection>> {
        self.noted().connection.take()
    }

    pub fn put_connection(&self, connection: Box<HttpConnection>) {
        self.noted().connection = Some(connection);
    }

    pub fn record_reused(&self) {
        self.noted().request.reused = true;
    }

    pub fn record_received(&self) {
        self.noted().request.received = true;
    }

    /// Notes how the connection ended. ureq keeps that to itself, and where a body ends with its connection it asks no further; but a
    /// reset is no such end. TLS without its last word is one in practice: what it carries is checked by itself.
    pub fn record_end(&self, error: &io::Error) {
        self.noted().request.end = Some(io::Error::new(error.kind(), error.to_string()));
    }

    /// Whether the connection ended, and not in order.
    pub fn is_broken(&self) -> bool {
        self.noted().request.end.as_ref().is_some_and(|error| error.kind() != io::ErrorKind::UnexpectedEof)
    }

    pub fn take_end(&self) -> Option<io::Error> {
        self.noted().request.end.take()
    }

    pub fn is_send_only(&self) -> bool {
        self.noted().request.send_only
    }

    /// Whether a failure only means that the server had closed a kept connection: the request was not looked at.
    pub fn died_unanswered(&self) -> bool {
        let noted = self.noted();
        noted.request.reused && !noted.request.received
    }

    fn noted(&self) -> MutexGuard<'_, ConnectionNotesState> {
        self.noted.lock()
    }
}
