//! The error type of all layers: what failed, where, why, and what to do.

use std::any::Any;
use std::sync::Arc;

use crate::sanitize::shortened;
use crate::status::{MCP_INTERNAL, Status};

/// The longest name of a server in a message, in bytes.
const MAX_SERVER: usize = 400;

/// Describes a failed call. One pointer in size, and never contains a secret.
#[derive(Clone, Debug)]
pub struct Error(Box<ErrorReport>);

/// The content of an error.
#[derive(Clone, Debug)]
pub struct ErrorReport {
    pub status: Status,
    pub message: String,
    /// 0 if no HTTP response caused the error.
    pub http_status: u16,
    pub rpc: Option<RpcError>,
    pub www_authenticate: Option<String>,
    pub retry_after_ms: Option<u64>,
    pub cause: Option<ErrorCause>,
    /// The error code of an authorization server (RFC 6749, sections 4.1.2.1 and 5.2).
    pub oauth_code: Option<String>,
    /// The error concerns only this call, and not other calls that wait for the same result.
    pub of_this_call: bool,
    /// The event stream or the process of the session had ended before the request was sent: a new session helps.
    pub session_is_gone: bool,
}

/// The `error` member of a JSON-RPC response (JSON-RPC 2.0, section 5.1).
#[derive(Clone, Debug)]
pub struct RpcError {
    pub code: i64,
    pub message: String,
    /// JSON text, already validated as part of the response.
    pub data: Option<String>,
}

/// An object that the application attached to a failure; all errors of that failure share it.
pub type ErrorCause = Arc<dyn Any + Send + Sync>;

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Not inlined: hundreds of places create an error, and few of them at run time.
    #[cold]
    #[inline(never)]
    pub fn new(status: Status, message: impl Into<String>) -> Error {
        Error(Box::new(ErrorReport {
            status,
            message: message.into(),
            http_status: 0,
            rpc: None,
            www_authenticate: None,
            retry_after_ms: None,
            cause: None,
            oauth_code: None,
            of_this_call: false,
            session_is_gone: false,
        }))
    }

    /// The error for a panic, which happened at `place`.
    pub fn of_panic(place: &str) -> Error {
        let why = format!("internal error in libmcp (at {place}); the call was stopped; please report this bug");
        Error::new(MCP_INTERNAL, why)
    }

    pub fn status(&self) -> Status {
        self.0.status
    }

    pub fn report(&self) -> &ErrorReport {
        &self.0
    }

    /// The report, for changes.
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

    /// Prepends the request and the server to the message: `ping http://host/mcp: <message>`.
    pub fn with_context(mut self, request: &str, server: &str) -> Error {
        // The limit leaves room for the message itself.
        self.0.message = format!("{request} {}: {}", shortened(server, MAX_SERVER), self.0.message);
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}
