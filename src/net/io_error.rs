//! Why a connection fails, as an error for the caller of the library.

use std::fmt;
use std::io;

use crate::error::Error;
use crate::sys::wait::Interrupt;

/// A reason other than the socket's own. It travels inside an `io::Error`, because that is what rustls and ureq pass on unchanged.
#[derive(Debug)]
pub enum IoInterrupt {
    /// A wait was ended; what was going on then is in the message that is made of it.
    Stopped(Interrupt),
    /// An error whose message is complete.
    Failed(Error),
}

impl fmt::Display for IoInterrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for IoInterrupt {}

impl From<Interrupt> for IoInterrupt {
    fn from(stop: Interrupt) -> IoInterrupt {
        IoInterrupt::Stopped(stop)
    }
}

impl From<Error> for IoInterrupt {
    fn from(error: Error) -> IoInterrupt {
        IoInterrupt::Failed(error)
    }
}

/// The `io::Error` that carries `reason`, which [`io::Error::downcast`] gives back.
pub fn interrupted(reason: impl Into<IoInterrupt>) -> io::Error {
    io::Error::other(reason.into())
}

/// Whether an error stands for a wait that was ended.
pub fn is_stopped(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(IoInterrupt::Stopped(_)))
}

/// What went wrong on a connection, in words.
pub fn io_reason(error: &io::Error) -> String {
    let words = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset by the server",
        io::ErrorKind::UnexpectedEof => "the server closed the connection",
        io::ErrorKind::BrokenPipe => "the server closed the connection while the request was sent",
        // By the keep-alive probes of TCP, or by a connect that was not answered.
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
    fn the_reason_survives_as_an_io_error() {
        let stop = interrupted(Interrupt::Idle);
        assert!(is_stopped(&stop));
        assert!(matches!(stop.downcast(), Ok(IoInterrupt::Stopped(Interrupt::Idle))));
        let failed = interrupted(Error::new(MCP_PROXY_FAILED, "x"));
        assert!(!is_stopped(&failed));
        assert!(matches!(failed.downcast(), Ok(IoInterrupt::Failed(error)) if error.status() == MCP_PROXY_FAILED));
        assert!(!is_stopped(&io::ErrorKind::Other.into()));
    }
}
