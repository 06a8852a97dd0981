//! How a request failed, and what may be done about it.

use super::issued_credentials::CredentialRefusal;
use crate::error::Error;
use crate::status::MCP_SYSTEM_ERROR;

/// A request that returned no response that can be used.
#[derive(Debug)]
pub struct SendError {
    pub error: Error,
    /// The request went out on a kept connection that turned out dead before the first byte of an answer: sending it again is what the
    /// server expects.
    pub stale: bool,
    pub sent: Sent,
    /// The server refused what the auth callback gave; it may have something better.
    pub refusal: Option<CredentialRefusal>,
}

/// Whether the server may have executed a request. What may have been executed is not sent again, unless that does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing of it has left.
    No,
    /// The server has answered that it did not execute it.
    Refused,
    /// At least a part of it has left.
    Yes,
}

impl SendError {
    /// Nothing was sent.
    pub fn before_sending(error: Error) -> SendError {
        SendError { error, stale: false, sent: Sent::No, refusal: None }
    }

    /// Nothing was sent, for the stream that carried the session had ended by itself: the session is gone.
    pub fn gone_before_sending(mut error: Error) -> SendError {
        error.report_mut().session_is_gone = error.status() != MCP_SYSTEM_ERROR;
        SendError::before_sending(error)
    }

    /// The request was sent, and what followed went wrong.
    pub fn after_sending(error: Error) -> SendError {
        SendError { error, stale: false, sent: Sent::Yes, refusal: None }
    }

    /// The server has answered that it did not execute the request.
    pub fn refused(error: Error) -> SendError {
        SendError { sent: Sent::Refused, ..SendError::after_sending(error) }
    }
}
