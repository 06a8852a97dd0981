//! Non-blocking stream sockets that never raise SIGPIPE and never survive an exec.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::waitable::Waitable;

/// How much room there is for what is received at the end of a vector that is full.
const LEAST_ROOM: usize = 64 * 1024;

/// The longest path of a Unix domain socket, in bytes: the system wants a NUL behind it.
pub const LONGEST_PATH: usize = size_of::<libc::sockaddr_un>() - std::mem::offset_of!(libc::sockaddr_un, sun_path) - 1;

/// A TCP or Unix domain socket; every operation returns at once (`WouldBlock` where it would have to wait).
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// Starts to connect; the socket becomes writable once it is connected or has failed (see [`Socket::connect_result`]).
    pub fn connect(address: &SocketAddr) -> io::Result<Socket> {
        let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let socket = Socket::new(family)?;
        let (storage, length) = raw_address(address);
        // SAFETY: `storage` holds an address of `length` bytes.
        unsafe { socket.start(std::ptr::from_ref(&storage).cast(), length) }?;
        // A request is written whole: waiting for more bytes to send along could only delay it.
        socket.set_option(libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        // Without effect, a peer that is gone is noticed later.
        let _ = socket.keep_alive();
        Ok(socket)
    }

    /// Has the system ask a silent peer whether it is still there: after 30 s, then every 10 s, and for the third time without an
    /// answer the connection ends. A stream may be silent for hours, and nothing else tells that the peer is gone. Every connection
    /// is asked for it: whether its answer is a stream, and when that begins, is the server's choice.
    fn keep_alive(&self) -> io::Result<()> {
        #[cfg(target_vendor = "apple")]
        const IDLE: libc::c_int = libc::TCP_KEEPALIVE;
        #[cfg(not(target_vendor = "apple"))]
        const IDLE: libc::c_int = libc::TCP_KEEPIDLE;
        self.set_option(libc::IPPROTO_TCP, IDLE, 30)?;
        self.set_option(libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 10)?;
        self.set_option(libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 3)?;
        self.set_option(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)
    }

    /// Starts to connect to the socket in the file system at `path`.
    pub fn connect_unix(path: &Path) -> io::Result<Socket> {
        // SAFETY: an all-zero sockaddr_un is a valid value of the type.
        let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
        let bytes = path.as_os_str().as_bytes();
        // The last byte stays zero.
        if bytes.len() > LONGEST_PATH {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is too long for a Unix domain socket"));
        }
        address.sun_family = libc::AF_UNIX as libc::sa_family_t;
        for (place, byte) in address.sun_path.iter_mut().zip(bytes) {
            *place = *byte as libc::c_char;
        }
        let socket = Socket::new(libc::AF_UNIX)?;
        let length = size_of::<libc::sockaddr_un>() as libc::socklen_t;
        // SAFETY: `address` is a whole sockaddr_un.
        unsafe { socket.start(std::ptr::from_ref(&address).cast(), length) }?;
        Ok(socket)
    }

    /// # Safety `address` points to an address of `length` bytes.
    unsafe fn start(&self, address: *const libc::sockaddr, length: libc::socklen_t) -> io::Result<()> {
        // SAFETY: as the caller promises.
        if unsafe { libc::connect(self.fd(), address, length) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        // Interrupted: the connect goes on in the background all the same.
        let pending = matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR));
        if pending { Ok(()) } else { Err(error) }
    }

    fn new(family: libc::c_int) -> io::Result<Socket> {
        #[cfg(target_os = "linux")]
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        #[cfg(not(target_os = "linux"))]
        let kind = libc::SOCK_STREAM;
        // SAFETY: socket takes no pointers.
        let fd = unsafe { libc::socket(family, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and belongs to nobody else.
        let socket = Socket(unsafe { OwnedFd::from_raw_fd(fd) });
        #[cfg(not(target_os = "linux"))]
        set_nonblocking_cloexec(socket.fd())?;
        #[cfg(target_vendor = "apple")]
        socket.set_option(libc::SOL_SOCKET, libc::SO_NOSIGPIPE, 1)?;
        Ok(socket)
    }

    /// How the connect ended; to be asked once the socket is writable.
    pub fn connect_result(&self) -> io::Result<()> {
        let mut code: libc::c_int = 0;
        let mut length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: `code` and `length` are valid for writing, and `length` says how large `code` is.
        let outcome = unsafe {
            libc::getsockopt(self.fd(), libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut code).cast(), &raw mut length)
        };
        match (outcome, code) {
            (0, 0) => Ok(()),
            (0, code) => Err(io::Error::from_raw_os_error(code)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(target_vendor = "apple")]
        let flags = 0;
        #[cfg(not(target_vendor = "apple"))]
        let flags = libc::MSG_NOSIGNAL;
        retry_interrupted(|| {
            // SAFETY: `bytes` is readable for its length.
            unsafe { libc::send(self.fd(), bytes.as_ptr().cast(), bytes.len(), flags) }
        })
    }

    /// Zero means that the peer has closed.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        retry_interrupted(|| {
            // SAFETY: `buffer` is writable for its length.
            unsafe { libc::recv(self.fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) }
        })
    }

    /// The same, appended to `bytes`: at most `most` of them.
    pub fn receive_into(&self, bytes: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        if bytes.len() == bytes.capacity() {
            bytes.try_reserve(most.clamp(1, LEAST_ROOM)).map_err(|_| io::ErrorKind::OutOfMemory)?;
        }
        let spare = bytes.spare_capacity_mut();
        let size = spare.len().min(most);
        let count = retry_interrupted(|| {
            // SAFETY: that much of the spare capacity is writable.
            unsafe { libc::recv(self.fd(), spare.as_mut_ptr().cast(), size, 0) }
        })?;
        // SAFETY: the system has written that many bytes behind the old end.
        unsafe { bytes.set_len(bytes.len() + count) };
        Ok(count)
    }

    /// Acknowledges what has come right away. A peer that writes in small pieces without TCP_NODELAY waits for that before it
    /// sends the next piece, and the system would let it wait for 40 ms. Only Linux has a word for it.
    pub fn acknowledge_now(&self) {
        #[cfg(target_os = "linux")]
        // Without effect, nothing is lost but time.
        let _ = self.set_option(libc::IPPROTO_TCP, libc::TCP_QUICKACK, 1);
    }

    /// Ends the connection for everybody who holds the socket, be it in another process.
    pub fn shut_down(&self) {
        // SAFETY: takes no pointers. That it has ended already is no failure.
        unsafe { libc::shutdown(self.fd(), libc::SHUT_RDWR) };
    }

    /// Whether nothing has come since the last read: an idle connection on which something waits, be it data or the end,
    /// cannot be used again.
    pub fn is_quiet(&self) -> bool {
        let mut byte = 0u8;
        let peeked = retry_interrupted(|| {
            // SAFETY: one writable byte.
            unsafe { libc::recv(self.fd(), (&raw mut byte).cast(), 1, libc::MSG_PEEK | libc::MSG_DONTWAIT) }
        });
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    pub fn waitable(&self) -> Waitable<'_> {
        Waitable::of(&self.0)
    }

    fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn set_option(&self, level: libc::c_int, name: libc::c_int, value: i32) -> io::Result<()> {
        // SAFETY: the value is an int, and its size says so.
        let outcome = unsafe {
            libc::setsockopt(self.fd(), level, name, (&raw const value).cast(), size_of::<i32>() as libc::socklen_t)
        };
        if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

pub(super) fn retry_interrupted(mut request: impl FnMut() -> libc::ssize_t) -> io::Result<usize> {
    loop {
        let count = request();
        if count >= 0 {
            return Ok(count as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// The form that the system wants an address in.
fn raw_address(address: &SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: an all-zero sockaddr_storage is a valid value of the type.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let length = match address {
        SocketAddr::V4(v4) => {
            // SAFETY: sockaddr_storage is at least as large and as aligned as sockaddr_in.
            let raw = unsafe { &mut *(&raw mut storage).cast::<libc::sockaddr_in>() };
            raw.sin_family = libc::AF_INET as libc::sa_family_t;
            raw.sin_port = v4.port().to_be();
            raw.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            size_of::<libc::sockaddr_in>()
        }
        SocketAddr::V6(v6) => {
            // SAFETY: sockaddr_storage is at least as large and as aligned as sockaddr_in6.
            let raw = unsafe { &mut *(&raw mut storage).cast::<libc::sockaddr_in6>() };
            raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            raw.sin6_port = v6.port().to_be();
            raw.sin6_addr.s6_addr = v6.ip().octets();
            raw.sin6_scope_id = v6.scope_id();
            raw.sin6_flowinfo = v6.flowinfo();
            size_of::<libc::sockaddr_in6>()
        }
    };
    (storage, length as libc::socklen_t)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn set_nonblocking_cloexec(fd: RawFd) -> io::Result<()> {
    // SAFETY: fcntl with these commands takes no pointers.
    let failed = unsafe {
        libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) < 0 || libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) < 0
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::wait::{Interest, WaitContext};
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[test]
    fn bytes_go_both_ways_and_the_end_is_seen() {
        for local in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(local) else { continue };
            let socket = Socket::connect(&listener.local_addr().unwrap()).unwrap();
            let (mut peer, _) = listener.accept().unwrap();
            let wait = |interest| WaitContext::default().wait(socket.waitable(), interest).unwrap();
            wait(Interest::Write);
            socket.connect_result().unwrap();
            assert_eq!(socket.send(b"hello").unwrap(), 5);
            let mut got = [0; 5];
            peer.read_exact(&mut got).unwrap();
            assert_eq!(&got, b"hello");
            assert!(socket.is_quiet());
            peer.write_all(b"x").unwrap();
            wait(Interest::Read);
            assert!(!socket.is_quiet());
            assert_eq!(socket.receive(&mut got).unwrap(), 1);
            drop(peer);
            wait(Interest::Read);
            assert!(!socket.is_quiet());
            assert_eq!(socket.receive(&mut got).unwrap(), 0);
        }
    }

    #[test]
    fn a_refused_connect_says_so() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let refused = Socket::connect(&address).and_then(|socket| {
            WaitContext::default().wait(socket.waitable(), Interest::Write).unwrap();
            socket.connect_result()
        });
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}
