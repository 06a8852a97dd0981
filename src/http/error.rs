//! Why a request returned no response.

use std::io;

use super::connection_notes::ConnectionNotes;
use super::endpoint::Endpoint;
use crate::call::interrupt::stopped;
use crate::call::send_error::{SendError, Sent};
use crate::error::Error;
use crate::net;
use crate::net::io_error::{IoInterrupt, io_reason};
use crate::net::progress::RequestPhase;
use crate::status::*;
use crate::sys::wait::WaitContext;

/// A request that returned no response.
#[derive(Debug)]
pub struct HttpError {
    pub error: Error,
    /// The request went out on a kept connection that turned out dead before the first byte of an answer: sending it again is
    /// what the server expects.
    pub stale: bool,
    /// At least a part of the request may have reached the server.
    pub sent: bool,
}

impl From<HttpError> for SendError {
    fn from(failure: HttpError) -> SendError {
        let sent = if failure.sent { Sent::Yes } else { Sent::No };
        SendError { error: failure.error, stale: failure.stale, sent, refusal: None }
    }
}

impl HttpError {
    /// Nothing has reached the server.
    pub fn before_sending(error: Error) -> HttpError {
        HttpError { error, stale: false, sent: false }
    }

    /// The answer has come, and cannot be used.
    pub fn after_head(error: Error) -> HttpError {
        HttpError { error, stale: false, sent: true }
    }

    /// Of a request to `target`: puts what ureq says and what was noted together.
    pub fn of(error: ureq::Error, notes: &ConnectionNotes, target: &Endpoint, wait_context: &WaitContext) -> HttpError {
        let phase = notes.progress.phase();
        let sent = phase >= RequestPhase::Send;
        let error = match error {
            ureq::Error::Io(error) => match error.downcast() {
                Ok(IoInterrupt::Stopped(stop)) => {
                    return HttpError { error: stopped(&stop, phase.doing(), wait_context), stale: false, sent };
                }
                Ok(IoInterrupt::Failed(error)) => return HttpError { error, stale: false, sent },
                Err(error) => ureq::Error::Io(error),
            },
            other => other,
        };
        let (reason, socket) = match &error {
            // Without ureq's own preface.
            ureq::Error::Io(error) => (io_reason(error), Some(error)),
            other => (other.to_string(), None),
        };
        let stale = socket.is_some() && sent && notes.died_unanswered();
        let explained = net::explain(phase, target.origin(), &reason, socket);
        HttpError { error: explained.unwrap_or_else(|| without_head(&error, &reason)), stale, sent }
    }
}

/// The error for a request that was sent, at least in part, and brought no head of an answer.
fn without_head(error: &ureq::Error, reason: &str) -> Error {
    let (status, message) = match error {
        ureq::Error::LargeResponseHeader(_, limit) => {
            (MCP_TOO_LARGE, format!("the head of the server's response is larger than {limit} bytes"))
        }
        // A server that does not like the client's certificate says so when the handshake is over (TLS 1.3).
        ureq::Error::Io(error) if is_tls(error) => {
            (MCP_TLS_FAILED, format!("the server ended the TLS connection: {reason}"))
        }
        // The type of this error is not among those that ureq exports.
        ureq::Error::Protocol(_) if reason.contains("too many headers") => {
            (MCP_TOO_LARGE, "the head of the server's response has too many headers".into())
        }
        ureq::Error::Io(_) => (MCP_DISCONNECTED, format!("the connection ended before the server answered: {reason}")),
        _ => return no_http(reason),
    };
    Error::new(status, message)
}

/// The error for what is no HTTP.
pub fn no_http(why: &str) -> Error {
    Error::new(MCP_HTTP_ERROR, format!("the server's response is not valid HTTP: {why}"))
}

fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}
