//! A TCP listener on the loopback interface, to which a browser delivers an authorization response (RFC 8252, section
//! 7.3). It has no thread: it accepts, reads and writes only while a call waits in it. Any program and any web page on
//! this machine can connect: browsers open spare connections, and malicious pages send requests.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use zeroize::Zeroizing;

use super::wait::{Interest, Interrupt, WaitContext};
use super::waitable::Waitable;

/// The maximum number of open connections. If there are more, the oldest is closed: a silent client must not keep the
/// browser from connecting. A browser repeats a request if its spare connection was closed.
const MAX_CONNECTIONS: usize = 8;

/// How many connections are accepted before those that are open are read again: otherwise a client that connects all
/// the time could displace a connection before its request is read.
const MAX_ACCEPTS: usize = MAX_CONNECTIONS / 2;

/// The maximum size of the head of a request, in bytes.
const MAX_HEAD: usize = 8 * 1024;

/// The maximum number of bytes that are read after a request.
const MAX_DISCARDED: usize = 256 * 1024;

/// How often another port is tried, if the port that the system chose for one address is taken for the other.
const MAX_PORT_ATTEMPTS: usize = 16;

/// How long [`RedirectListener::finish`] waits for clients that do not read their response.
const MAX_FINISH_TIME: Duration = Duration::from_secs(1);

const TOO_LARGE_RESPONSE: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A listener that is bound to one port of the loopback interface.
#[derive(Debug)]
pub struct RedirectListener {
    /// One for each address, all on the same port.
    listeners: Vec<TcpListener>,
    port: u16,
    /// The oldest first.
    connections: Vec<LoopbackConnection>,
    next_id: u64,
}

/// The head of a request that waits for its response.
pub struct RedirectRequest {
    connection: u64,
    /// From the request line to the empty line. It may contain an authorization code. Not checked further.
    pub head: Zeroizing<Vec<u8>>,
}

#[derive(Debug)]
struct LoopbackConnection {
    id: u64,
    stream: TcpStream,
    stage: ConnectionStage,
}

enum ConnectionStage {
    /// The buffer has the size of the largest head; the bytes after `received` are unused. It does not grow, because
    /// that would leave copies of the head in freed memory.
    Reading {
        buffer: Zeroizing<Vec<u8>>,
        received: usize,
    },
    Received(Zeroizing<Vec<u8>>),
    /// The request was passed to the caller.
    Pending,
    Writing {
        response: Vec<u8>,
        sent: usize,
    },
    /// The response was sent, and the client has not closed the connection yet. If it were closed with unread data,
    /// the system would reset it, and the client could lose the response.
    Draining {
        discarded: usize,
    },
    Closed,
}

impl std::fmt::Debug for ConnectionStage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ConnectionStage::Reading { .. } => "Reading",
            ConnectionStage::Received(_) => "Received",
            ConnectionStage::Pending => "Pending",
            ConnectionStage::Writing { .. } => "Writing",
            ConnectionStage::Draining { .. } => "Draining",
            ConnectionStage::Closed => "Closed",
        })
    }
}

impl RedirectListener {
    /// Listens on `host` as a redirect URI has it: a loopback address (an IPv6 address in brackets), or `localhost`
    /// for both 127.0.0.1 and ::1, as browsers may use either. For port 0 the system chooses a free port.
    pub fn bind(host: &str, port: u16) -> io::Result<RedirectListener> {
        let addresses = loopback_addresses(host)?;
        let mut attempts = if port == 0 { MAX_PORT_ATTEMPTS } else { 1 };
        loop {
            attempts -= 1;
            match RedirectListener::bind_all(&addresses, port) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
                outcome => return outcome,
            }
        }
    }

    fn bind_all(addresses: &[IpAddr], port: u16) -> io::Result<RedirectListener> {
        let mut listener = RedirectListener { listeners: Vec::new(), port, connections: Vec::new(), next_id: 0 };
        let mut missing_family = None;
        for &address in addresses {
            // The standard library sets SO_REUSEADDR: a fixed port can be bound again at once, although connections of
            // the last login are in the state TIME_WAIT. On Linux and macOS it does not allow two listeners on one
            // address and port.
            match TcpListener::bind((address, listener.port)) {
                Ok(bound) => {
                    bound.set_nonblocking(true)?;
                    listener.port = bound.local_addr()?.port();
                    listener.listeners.push(bound);
                }
                Err(error) if is_missing_family(&error) => missing_family = Some((error, address)),
                Err(error) => return Err(bind_error(&error, address, listener.port)),
            }
        }
        match missing_family {
            Some((error, address)) if listener.listeners.is_empty() => Err(bind_error(&error, address, listener.port)),
            _ => Ok(listener),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Blocks until a client has sent the head of a request, or `wakeup` is readable: then it returns `None`. The idle
    /// limit does not apply. [`RedirectListener::respond`] must be called for each request.
    pub fn next_request(
        &mut self,
        wakeup: Option<Waitable>,
        wait_context: &WaitContext,
    ) -> Result<Option<RedirectRequest>, Interrupt> {
        loop {
            // A client that sends requests all the time must not keep the call from ending.
            wait_context.check()?;
            if let Some(request) = self.take_request() {
                return Ok(Some(request));
            }
            if self.wait(wakeup, wait_context)? {
                return Ok(None);
            }
            self.advance_connections();
            self.accept()?;
        }
    }

    /// Starts to send a complete HTTP response, which must have `Connection: close`. The rest is sent by the following
    /// calls of `next_request` and by `finish`. If the client has gone, nothing happens.
    pub fn respond(&mut self, request: &RedirectRequest, response: &[u8]) {
        if let Some(connection) = self.connections.iter_mut().find(|each| each.id == request.connection) {
            connection.stage = ConnectionStage::Writing { response: response.to_vec(), sent: 0 };
        }
        self.advance_connections();
    }

    /// Sends the rest of the responses, at most for a second, and closes everything.
    pub fn finish(mut self, wait_context: &WaitContext) {
        // Best effort: the caller has the request already.
        let _ = self.send_rest(&wait_context.within(MAX_FINISH_TIME));
    }

    fn send_rest(&mut self, wait_context: &WaitContext) -> Result<(), Interrupt> {
        self.listeners.clear();
        loop {
            self.connections.retain(LoopbackConnection::is_writing);
            if self.connections.is_empty() {
                return Ok(());
            }
            self.wait(None, wait_context)?;
            self.advance_connections();
        }
    }

    fn take_request(&mut self) -> Option<RedirectRequest> {
        self.connections.iter_mut().find_map(LoopbackConnection::take_request)
    }

    /// Blocks until a client has connected or a connection is ready. Returns whether `wakeup` was readable.
    fn wait(&self, wakeup: Option<Waitable>, wait_context: &WaitContext) -> Result<bool, Interrupt> {
        let mut polled: Vec<_> = wakeup.map(|waitable| (waitable, Interest::Read)).into_iter().collect();
        polled.extend(self.listeners.iter().map(|listener| (Waitable::of(listener), Interest::Read)));
        polled.extend(self.connections.iter().filter_map(LoopbackConnection::interest));
        let ready = wait_context.wait_any(&polled, None)?;
        Ok(wakeup.is_some() && ready == Some(0))
    }

    fn accept(&mut self) -> Result<(), Interrupt> {
        for at in 0..self.listeners.len() {
            for _ in 0..MAX_ACCEPTS {
                match self.listeners[at].accept() {
                    Ok((stream, _)) => self.add(stream),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if is_exhausted(&error) => {
                        if self.connections.is_empty() {
                            return Err(Interrupt::System(error));
                        }
                        self.connections.remove(0);
                    }
                    // The client has already closed its connection.
                    Err(_) => {}
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, stream: TcpStream) {
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        if self.connections.len() == MAX_CONNECTIONS {
            self.connections.remove(0);
        }
        let stage = ConnectionStage::Reading { buffer: Zeroizing::new(vec![0; MAX_HEAD]), received: 0 };
        self.connections.push(LoopbackConnection { id: self.next_id, stream, stage });
        self.next_id += 1;
        self.advance_connections();
    }

    /// Reads and writes as much as is possible without waiting, on all connections: none must wait for another.
    fn advance_connections(&mut self) {
        self.connections.iter_mut().for_each(LoopbackConnection::advance);
        self.connections.retain(|connection| !matches!(connection.stage, ConnectionStage::Closed));
    }
}

impl LoopbackConnection {
    fn is_writing(&self) -> bool {
        matches!(self.stage, ConnectionStage::Writing { .. })
    }

    fn interest(&self) -> Option<(Waitable<'_>, Interest)> {
        let interest = match self.stage {
            ConnectionStage::Reading { .. } | ConnectionStage::Draining { .. } => Interest::Read,
            ConnectionStage::Writing { .. } => Interest::Write,
            ConnectionStage::Received(_) | ConnectionStage::Pending | ConnectionStage::Closed => return None,
        };
        Some((Waitable::of(&self.stream), interest))
    }

    fn take_request(&mut self) -> Option<RedirectRequest> {
        if !matches!(self.stage, ConnectionStage::Received(_)) {
            return None;
        }
        match std::mem::replace(&mut self.stage, ConnectionStage::Pending) {
            ConnectionStage::Received(head) => Some(RedirectRequest { connection: self.id, head }),
            _ => None,
        }
    }

    fn advance(&mut self) {
        loop {
            let outcome = match &mut self.stage {
                ConnectionStage::Reading { buffer, received } => read_head(&mut self.stream, buffer, received),
                ConnectionStage::Writing { response, sent } => write_response(&mut self.stream, response, sent),
                ConnectionStage::Draining { discarded } => discard(&mut self.stream, discarded),
                ConnectionStage::Received(_) | ConnectionStage::Pending | ConnectionStage::Closed => return,
            };
            match outcome {
                Ok(Some(stage)) => self.stage = stage,
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.stage = ConnectionStage::Closed,
            }
        }
    }
}

/// Reads once. Returns the next stage, or `None` if the head is not complete.
fn read_head(stream: &mut TcpStream, buffer: &mut [u8], received: &mut usize) -> io::Result<Option<ConnectionStage>> {
    let count = stream.read(&mut buffer[*received..])?;
    // Each method is a word of capital letters. Anything else is not HTTP, such as the TLS handshake of a browser that
    // tries https first, which would wait for an answer.
    if count == 0 || !buffer[0].is_ascii_uppercase() {
        return Ok(Some(ConnectionStage::Closed));
    }
    // The empty line may have begun in the bytes that were received before.
    let searched = received.saturating_sub(2);
    *received += count;
    Ok(match head_end(&buffer[..*received], searched) {
        Some(end) => Some(ConnectionStage::Received(Zeroizing::new(buffer[..end].to_vec()))),
        None if *received == buffer.len() => {
            Some(ConnectionStage::Writing { response: TOO_LARGE_RESPONSE.to_vec(), sent: 0 })
        }
        None => None,
    })
}

/// The index after the first empty line, searched from the index `from`. A line may end without a carriage return (RFC
/// 9112, section 2.2).
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).filter(|&at| bytes[at] == b'\n').find_map(|at| match bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

fn write_response(stream: &mut TcpStream, response: &[u8], sent: &mut usize) -> io::Result<Option<ConnectionStage>> {
    *sent += stream.write(&response[*sent..])?;
    if *sent < response.len() {
        return Ok(None);
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(Some(ConnectionStage::Draining { discarded: 0 }))
}

fn discard(stream: &mut TcpStream, discarded: &mut usize) -> io::Result<Option<ConnectionStage>> {
    let count = stream.read(&mut [0; 4096])?;
    *discarded += count;
    let is_done = count == 0 || *discarded > MAX_DISCARDED;
    Ok(is_done.then_some(ConnectionStage::Closed))
}

fn loopback_addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let address = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse().map(IpAddr::V6),
        None => host.parse().map(IpAddr::V4),
    };
    match address {
        Ok(address) if address.is_loopback() => Ok(vec![address]),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{host:?} is not a loopback address; use 127.0.0.1, [::1] or localhost"),
        )),
    }
}

/// Whether the system has no IPv4, or no IPv6.
fn is_missing_family(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL | libc::EPROTONOSUPPORT))
}

/// Whether the process or the system has no descriptor or memory for another connection.
fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS))
}

fn bind_error(error: &io::Error, address: IpAddr, port: u16) -> io::Error {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "another program uses it".to_owned(),
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege".to_owned(),
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot listen on port {port} of {address}: {why}"))
}

#[cfg(test)]
mod tests;
