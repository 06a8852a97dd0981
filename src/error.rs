//! The error that every floor reports with: what failed, where, why, and what to do about it.

use std::any::Any;
use std::sync::Arc;

use crate::sanitize::shortened;
use crate::status::Status;

/// The longest place in a message, in bytes.
const LONGEST_PLACE: usize = 400;

/// A failed call. Cheap to pass on (one pointer), and never holding a secret.
#[derive(Clone, Debug)]
pub struct Error(Box<ErrorReport>);

/// What an error knows besides its message.
#[derive(Clone, Debug)]
pub struct ErrorReport {
    pub status: Status,
    pub message: String,
    /// Zero where no HTTP answer is behind the error.
    pub http_status: u16,
    pub rpc: Option<RpcError>,
    pub www_authenticate: Option<String>,
    pub retry_after_ms: Option<u64>,
    pub cause: Option<ErrorCause>,
    /// It says something about the call that met it, and nothing about the others that wait for the same outcome.
    pub of_this_call: bool,
    /// The stream that carried the session had ended before anything was sent: another session will do.
    pub session_is_gone: bool,
}

/// The `error` member of a JSON-RPC answer (JSON-RPC 2.0, section 5.1).
#[derive(Clone, Debug)]
pub struct RpcError {
    pub code: i64,
    pub message: String,
    /// JSON text, which was checked as a part of the answer.
    pub data: Option<String>,
}

/// What the program itself gave as the reason, for the program to find again; shared by all errors that it led to.
pub type ErrorCause = Arc<dyn Any + Send + Sync>;

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(status: Status, message: impl Into<String>) -> Error {
        Error(Box::new(ErrorReport {
            status,
            message: message.into(),
            http_status: 0,
            rpc: None,
            www_authenticate: None,
            retry_after_ms: None,
            cause: None,
            of_this_call: false,
            session_is_gone: false,
        }))
    }

    pub fn status(&self) -> Status {
        self.0.status
    }

    pub fn report(&self) -> &ErrorReport {
        &self.0
    }

    /// The report, to add to.
    pub fn report_mut(&mut self) -> &mut ErrorReport {
        &mut self.0
    }

    pub fn with_http_status(mut self, http_status: u16) -> Error {
        self.0.http_status = http_status;
        self
    }

    pub fn with_rpc(mut self, rpc: RpcError) -> Error {
        self.0.rpc = Some(rpc);
        self
    }

    /// Puts the operation and the place in front of the message: `ping http://host/mcp: <message>`.
    pub fn during(mut self, request: &str, place: &str) -> Error {
        // What went wrong has to fit behind it.
        self.0.message = format!("{request} {}: {}", shortened(place, LONGEST_PLACE), self.0.message);
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}
