//! Stream sockets that are non-blocking and close-on-exec, and raise no SIGPIPE.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::waitable::Waitable;

/// The spare capacity that is added to a full vector before bytes are received into it.
const SPARE_CAPACITY: usize = 64 * 1024;

/// Errors instead of SIGPIPE. Apple's systems have an option of the socket for that.
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: libc::c_int = 0;
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;

/// The number of slices that one system call sends: less than IOV_MAX on all systems.
const MAX_SLICES: usize = 16;

/// The maximum length of a Unix domain socket's path, in bytes, without the NUL that the system requires.
pub const MAX_PATH_LENGTH: usize =
    size_of::<libc::sockaddr_un>() - std::mem::offset_of!(libc::sockaddr_un, sun_path) - 1;

/// A TCP or Unix domain socket. No operation blocks: instead, the error is `WouldBlock`.
#[derive(Debug)]
pub struct Socket(OwnedFd);

impl Socket {
    /// Starts to connect. The socket is writable once that has succeeded or failed: see [`Socket::connect_result`].
    pub fn connect(address: &SocketAddr) -> io::Result<Socket> {
        let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let socket = Socket::new(family)?;
        let (storage, length) = raw_address(address);
        // SAFETY: `storage` holds an address of `length` bytes.
        unsafe { socket.start(std::ptr::from_ref(&storage).cast(), length) }?;
        // Requests are written completely: waiting for more bytes would only delay them.
        socket.set_option(libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
        // If this fails, a lost peer is only noticed later.
        let _ = socket.keep_alive();
        Ok(socket)
    }

    /// Enables TCP keep-alive: probes after 30 s of silence, then every 10 s; after three probes without a reply the
    /// connection is closed. An event stream may be silent for hours, and a lost peer is not noticed in another way.
    /// Enabled for all connections, because the server decides which response is a stream.
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

    /// Starts to connect to the Unix domain socket at `path`.
    pub fn connect_unix(path: &Path) -> io::Result<Socket> {
        // SAFETY: an all-zero sockaddr_un is a valid value of the type.
        let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
        let bytes = path.as_os_str().as_bytes();
        // The last byte remains zero.
        if bytes.len() > MAX_PATH_LENGTH {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is too long for a Unix domain socket"));
        }
        address.sun_family = libc::AF_UNIX as libc::sa_family_t;
        for (target, byte) in address.sun_path.iter_mut().zip(bytes) {
            *target = *byte as libc::c_char;
        }
        let socket = Socket::new(libc::AF_UNIX)?;
        let length = size_of::<libc::sockaddr_un>() as libc::socklen_t;
        // SAFETY: `address` is a sockaddr_un of `length` bytes.
        unsafe { socket.start(std::ptr::from_ref(&address).cast(), length) }?;
        Ok(socket)
    }

    /// # Safety
    ///
    /// `address` points to an address of `length` bytes.
    unsafe fn start(&self, address: *const libc::sockaddr, length: libc::socklen_t) -> io::Result<()> {
        // SAFETY: as the caller promises.
        if unsafe { libc::connect(self.fd(), address, length) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        // If interrupted, the connect continues in the background.
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
        // SAFETY: the descriptor is new and has no other owner.
        let socket = Socket(unsafe { OwnedFd::from_raw_fd(fd) });
        #[cfg(not(target_os = "linux"))]
        set_nonblocking_cloexec(socket.fd())?;
        #[cfg(target_vendor = "apple")]
        socket.set_option(libc::SOL_SOCKET, libc::SO_NOSIGPIPE, 1)?;
        Ok(socket)
    }

    /// The result of the connect. Call it once the socket is writable.
    pub fn connect_result(&self) -> io::Result<()> {
        let mut code: libc::c_int = 0;
        let mut length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: `code` and `length` are valid for writing, and `length` is the size of `code`.
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
        retry_interrupted(|| {
            // SAFETY: `bytes` is readable for its length.
            unsafe { libc::send(self.fd(), bytes.as_ptr().cast(), bytes.len(), SEND_FLAGS) }
        })
    }

    /// Sends bytes of the first slices, with one system call. Returns their number.
    pub fn send_slices(&self, slices: &[IoSlice]) -> io::Result<usize> {
        let slices = &slices[..slices.len().min(MAX_SLICES)];
        // SAFETY: an all-zero msghdr is a valid value of the type.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        // The system only reads from them. `IoSlice` has the layout of `iovec` on Unix.
        message.msg_iov = slices.as_ptr().cast_mut().cast();
        message.msg_iovlen = slices.len() as _;
        retry_interrupted(|| {
            // SAFETY: `message` has `slices.len()` slices, each of which is readable for its length.
            unsafe { libc::sendmsg(self.fd(), &raw const message, SEND_FLAGS) }
        })
    }

    /// Receives bytes. Zero means that the peer has closed the connection.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        retry_interrupted(|| {
            // SAFETY: `buffer` is writable for its length.
            unsafe { libc::recv(self.fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) }
        })
    }

    /// Receives at most `max` bytes and appends them to `bytes`. Zero means that the peer has closed the connection.
    pub fn receive_into(&self, bytes: &mut Vec<u8>, max: usize) -> io::Result<usize> {
        if bytes.len() == bytes.capacity() {
            bytes.try_reserve(max.clamp(1, SPARE_CAPACITY)).map_err(|_| io::ErrorKind::OutOfMemory)?;
        }
        let spare = bytes.spare_capacity_mut();
        let size = spare.len().min(max);
        let count = retry_interrupted(|| {
            // SAFETY: `size` bytes of the spare capacity are writable.
            unsafe { libc::recv(self.fd(), spare.as_mut_ptr().cast(), size, 0) }
        })?;
        // SAFETY: the system has initialized `count` bytes after the old end.
        unsafe { bytes.set_len(bytes.len() + count) };
        Ok(count)
    }

    /// Acknowledges received bytes immediately, on Linux. A peer that writes small pieces without TCP_NODELAY waits for
    /// the acknowledgement before it sends the next piece, and the system would delay it by 40 ms.
    pub fn acknowledge_now(&self) {
        #[cfg(target_os = "linux")]
        // If this fails, the response is only slower.
        let _ = self.set_option(libc::IPPROTO_TCP, libc::TCP_QUICKACK, 1);
    }

    /// Shuts down the connection, even if another process has the socket open, too.
    pub fn shut_down(&self) {
        // SAFETY: takes no pointers. The error for a closed connection is ignored.
        unsafe { libc::shutdown(self.fd(), libc::SHUT_RDWR) };
    }

    /// Whether nothing was received since the last read. An idle connection with unread data, or that the peer has
    /// closed, cannot be reused.
    pub fn is_quiet(&self) -> bool {
        let mut byte = 0u8;
        let peeked = retry_interrupted(|| {
            // SAFETY: `byte` is one writable byte.
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
        // SAFETY: `value` is valid for reading, and its size is passed.
        let outcome = unsafe {
            libc::setsockopt(self.fd(), level, name, (&raw const value).cast(), size_of::<i32>() as libc::socklen_t)
        };
        if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Repeats a system call while signals interrupt it.
pub(super) fn retry_interrupted(mut system_call: impl FnMut() -> libc::ssize_t) -> io::Result<usize> {
    loop {
        let count = system_call();
        if count >= 0 {
            return Ok(count as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Converts an address to the system's format.
fn raw_address(address: &SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: an all-zero sockaddr_storage is a valid value of the type.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let length = match address {
        SocketAddr::V4(v4) => {
            // SAFETY: the size and the alignment of sockaddr_storage are at least those of sockaddr_in.
            let raw = unsafe { &mut *(&raw mut storage).cast::<libc::sockaddr_in>() };
            raw.sin_family = libc::AF_INET as libc::sa_family_t;
            raw.sin_port = v4.port().to_be();
            raw.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            size_of::<libc::sockaddr_in>()
        }
        SocketAddr::V6(v6) => {
            // SAFETY: the size and the alignment of sockaddr_storage are at least those of sockaddr_in6.
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
    fn sockets_send_receive_and_notice_the_end() {
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
    fn a_refused_connection_is_reported() {
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
