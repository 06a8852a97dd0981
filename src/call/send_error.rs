//! Why a request failed, and whether it may be sent again.

use super::issued_credentials::CredentialRefusal;
use crate::error::Error;
use crate::status::MCP_SYSTEM_ERROR;

/// The failure of a request: it has no usable response.
#[derive(Debug)]
pub struct SendError {
    pub error: Error,
    /// The request was sent on an idle connection, which ended before the first byte of a response: the server had
    /// probably closed it already. The request is sent again if it may be executed twice.
    pub stale: bool,
    pub sent: Sent,
    /// The server refused the credentials from the auth callback; the callback may have better ones.
    pub refusal: Option<CredentialRefusal>,
}

/// Whether the server may have executed a request. If so, the request is sent again only if it is safe to execute
/// twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// No part of it was sent.
    No,
    /// The server responded that it did not execute it.
    Refused,
    /// At least a part of it was sent.
    Yes,
}

impl SendError {
    /// The request failed before any part of it was sent.
    pub fn before_sending(error: Error) -> SendError {
        SendError { error, stale: false, sent: Sent::No, refusal: None }
    }

    /// Nothing was sent, because the session's event stream or process has ended. A new session helps, unless the
    /// failure is one of this system, such as a lack of file descriptors.
    pub fn gone_before_sending(mut error: Error) -> SendError {
        error.report_mut().session_is_gone = error.status() != MCP_SYSTEM_ERROR;
        SendError::before_sending(error)
    }

    /// The request failed after it was sent, at least in part.
    pub fn after_sending(error: Error) -> SendError {
        SendError { error, stale: false, sent: Sent::Yes, refusal: None }
    }

    /// The server responded that it did not execute the request.
    pub fn refused(error: Error) -> SendError {
        SendError { sent: Sent::Refused, ..SendError::after_sending(error) }
    }
}
