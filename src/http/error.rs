//! The failure of an HTTP request.

use std::io;

use super::connection_notes::ConnectionNotes;
use super::endpoint::Endpoint;
use crate::call::interrupt::interrupt_error;
use crate::call::send_error::{SendError, Sent};
use crate::error::Error;
use crate::net;
use crate::net::io_error::{IoInterrupt, io_reason};
use crate::net::progress::RequestPhase;
use crate::status::*;
use crate::sys::wait::WaitContext;

/// The failure of an HTTP request: it has no usable response.
#[derive(Debug)]
pub struct HttpError {
    pub error: Error,
    /// The request was sent on an idle connection, which ended before the first byte of a response: the server had
    /// probably closed it already. The request is sent again if it may be executed twice.
    pub stale: bool,
    /// At least a part of the request may have reached the server.
    pub sent: bool,
}

impl From<HttpError> for SendError {
    fn from(failed: HttpError) -> SendError {
        let sent = if failed.sent { Sent::Yes } else { Sent::No };
        SendError { error: failed.error, stale: failed.stale, sent, refusal: None }
    }
}

impl HttpError {
    /// Nothing was sent to the server.
    pub fn before_sending(error: Error) -> HttpError {
        HttpError { error, stale: false, sent: false }
    }

    /// The head of a response was received, but the response cannot be used.
    pub fn after_head(error: Error) -> HttpError {
        HttpError { error, stale: false, sent: true }
    }

    /// A redirect that is not followed. `http_status` is the status of the redirect.
    pub fn redirect_refused(message: String, http_status: u16) -> HttpError {
        HttpError::before_sending(Error::new(MCP_REDIRECT_REFUSED, message).with_http_status(http_status))
    }

    /// The failure of a request to `target`, from ureq's error and from what was recorded about the connection.
    pub fn of(error: ureq::Error, notes: &ConnectionNotes, target: &Endpoint, wait_context: &WaitContext) -> HttpError {
        let phase = notes.progress.phase();
        let sent = phase >= RequestPhase::Send;
        let error = match error {
            ureq::Error::Io(error) => match error.downcast() {
                Ok(IoInterrupt::Stopped(interrupt)) => {
                    return HttpError {
                        error: interrupt_error(&interrupt, phase.doing(), wait_context),
                        stale: false,
                        sent,
                    };
                }
                Ok(IoInterrupt::Failed(error)) => return HttpError { error, stale: false, sent },
                Err(error) => ureq::Error::Io(error),
            },
            other => other,
        };
        let (reason, socket) = match &error {
            // Not ureq's text of the error, which has a prefix.
            ureq::Error::Io(error) => (io_reason(error), Some(error)),
            other => (other.to_string(), None),
        };
        let stale = socket.is_some() && sent && notes.is_stale();
        let explained = net::explain(phase, target.origin(), &reason, socket);
        HttpError { error: explained.unwrap_or_else(|| without_head(&error, &reason)), stale, sent }
    }
}

/// The error for a request that was sent, at least in part, and whose response has no complete, valid head.
fn without_head(error: &ureq::Error, reason: &str) -> Error {
    let (status, message) = match error {
        ureq::Error::LargeResponseHeader(_, limit) => (
            MCP_TOO_LARGE,
            format!("the head of the server's response is larger than {limit} bytes; mcp_set_limit raises this limit"),
        ),
        // With TLS 1.3, a server rejects the client's certificate after the handshake.
        ureq::Error::Io(error) if is_tls(error) => {
            (MCP_TLS_FAILED, format!("the server ended the TLS connection: {reason}"))
        }
        // ureq does not export the type of this error.
        ureq::Error::Protocol(_) if reason.contains("too many headers") => {
            (MCP_TOO_LARGE, "the head of the server's response has too many headers".into())
        }
        ureq::Error::Io(_) => (MCP_DISCONNECTED, format!("the connection ended before the server responded: {reason}")),
        _ => return invalid_http(reason),
    };
    Error::new(status, message)
}

/// The error for a response that is not valid HTTP.
pub fn invalid_http(why: &str) -> Error {
    Error::new(MCP_HTTP_ERROR, format!("the server's response is not valid HTTP: {why}"))
}

fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}
