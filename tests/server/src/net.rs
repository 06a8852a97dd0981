//! One accepted connection, with or without TLS.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

/// A connection with or without TLS.
pub enum Stream {
    /// A TCP connection.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Stream {
    /// Creates the connection of an accepted socket.
    pub fn new(socket: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(match tls {
            None => Self::Plain(socket),
            Some(config) => {
                let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
                Self::Tls(Box::new(StreamOwned::new(session, socket)))
            }
        })
    }

    /// The TCP socket.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Closes the connection, with close_notify on TLS. If the connection is only dropped, a TLS peer detects a
    /// truncation.
    pub fn close(mut self) {
        if let Self::Tls(stream) = &mut self {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        let _ = self.socket().shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        crate::sys::reset_on_close(self.socket());
    }

    /// Whether the peer has disconnected. Other received data is discarded.
    pub fn has_ended(&mut self) -> io::Result<bool> {
        self.socket().set_nonblocking(true)?;
        let read = self.read(&mut [0; 4096]);
        self.socket().set_nonblocking(false)?;
        Ok(match read {
            Ok(count) => count == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        })
    }

    /// Waits until the peer disconnects.
    pub fn wait_for_end(&mut self) {
        let mut sink = [0; 4096];
        while matches!(self.read(&mut sink), Ok(count) if count > 0) {}
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
