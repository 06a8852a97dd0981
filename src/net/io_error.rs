//! Errors of connections: their causes and their texts.

use std::fmt;
use std::io;

use crate::error::Error;
use crate::sys::wait::Interrupt;

/// A failure that is not an error of the socket. It is wrapped in an `io::Error`, which rustls and ureq return
/// unchanged.
#[derive(Debug)]
pub enum IoInterrupt {
    /// A wait was interrupted. The error for the caller is created later, when the phase of the request is known.
    Stopped(Interrupt),
    /// An error for the caller, with its final message.
    Failed(Error),
}

impl fmt::Display for IoInterrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for IoInterrupt {}

impl From<Interrupt> for IoInterrupt {
    fn from(interrupt: Interrupt) -> IoInterrupt {
        IoInterrupt::Stopped(interrupt)
    }
}

impl From<Error> for IoInterrupt {
    fn from(error: Error) -> IoInterrupt {
        IoInterrupt::Failed(error)
    }
}

/// Wraps `reason` in an `io::Error`. [`io::Error::downcast`] returns it.
pub fn interrupted(reason: impl Into<IoInterrupt>) -> io::Error {
    io::Error::other(reason.into())
}

/// Whether an error means that a wait was interrupted.
pub fn is_stopped(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(IoInterrupt::Stopped(_)))
}

/// The text for an error of a connection.
pub fn io_reason(error: &io::Error) -> String {
    let words = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset by the server",
        io::ErrorKind::UnexpectedEof => "the server closed the connection",
        io::ErrorKind::BrokenPipe => "the server closed the connection while the request was sent",
        // Reported by TCP's keep-alive probes, or by a connect without a response.
        io::ErrorKind::TimedOut => "the host does not respond (the TCP connection timed out)",
        io::ErrorKind::HostUnreachable => "no route to the host",
        io::ErrorKind::NetworkUnreachable => "the network is unreachable",
        _ => return error.to_string(),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::MCP_PROXY_FAILED;

    #[test]
    fn the_reason_can_be_taken_from_the_io_error() {
        let idle = interrupted(Interrupt::Idle);
        assert!(is_stopped(&idle));
        assert!(matches!(idle.downcast(), Ok(IoInterrupt::Stopped(Interrupt::Idle))));
        let failed = interrupted(Error::new(MCP_PROXY_FAILED, "x"));
        assert!(!is_stopped(&failed));
        assert!(matches!(failed.downcast(), Ok(IoInterrupt::Failed(error)) if error.status() == MCP_PROXY_FAILED));
        assert!(!is_stopped(&io::ErrorKind::Other.into()));
    }
}
