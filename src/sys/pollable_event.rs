//! A flag that a blocked `poll` can see: cancel tokens, a closing client, a finished lookup; or a bell at an inbox.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use super::process;
use super::waitable::Waitable;

/// Any number of threads may wait for it at the same time.
#[derive(Debug)]
pub struct PollableEvent {
    raised: AtomicBool,
    /// The descriptor is shared with the children of a fork, the flag is not: only this process may write.
    process: u32,
    read: OwnedFd,
    /// The other end of a pipe, where the system has no eventfd.
    #[cfg(not(target_os = "linux"))]
    write: OwnedFd,
}

impl PollableEvent {
    #[cfg(target_os = "linux")]
    pub fn new() -> io::Result<PollableEvent> {
        // SAFETY: eventfd takes no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and belongs to nobody else.
        let read = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(PollableEvent { raised: AtomicBool::new(false), process: process::id(), read })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn new() -> io::Result<PollableEvent> {
        let mut ends = [0; 2];
        // SAFETY: `ends` has room for the two descriptors that pipe writes.
        if unsafe { libc::pipe(ends.as_mut_ptr()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: both descriptors were just made and belong to nobody else.
        let (read, write) = unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
        for end in [&read, &write] {
            super::socket::set_nonblocking_cloexec(end.as_raw_fd())?;
        }
        Ok(PollableEvent { raised: AtomicBool::new(false), process: process::id(), read, write })
    }

    /// Raises the flag and wakes every waiter. May be called from a signal handler: an atomic store, getpid and a
    /// write, errno kept.
    pub fn set(&self) {
        if self.raised.swap(true, Ordering::SeqCst) || self.process != process::id() {
            return;
        }
        let value = 1u64.to_ne_bytes();
        let errno = ErrnoGuard::save();
        // SAFETY: the buffer is eight readable bytes and the descriptor is open as long as `self` is.
        unsafe { libc::write(self.write_end(), value.as_ptr().cast(), value.len()) };
        errno.restore();
    }

    pub fn is_set(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Lowers the flag, for a bell that rings more than once. Who lowers it looks into the inbox afterwards: a ring that comes in
    /// between may be lost, and what it rang for is there then.
    pub fn clear(&self) {
        let mut value = [0; 8];
        // SAFETY: the buffer is eight writable bytes and the descriptor is open as long as `self` is.
        unsafe { libc::read(self.fd(), value.as_mut_ptr().cast(), value.len()) };
        self.raised.store(false, Ordering::SeqCst);
    }

    /// Readable from the moment the flag is raised.
    pub fn waitable(&self) -> Waitable<'_> {
        Waitable::of(&self.read)
    }

    fn fd(&self) -> RawFd {
        self.read.as_raw_fd()
    }

    #[cfg(target_os = "linux")]
    fn write_end(&self) -> RawFd {
        self.read.as_raw_fd()
    }

    #[cfg(not(target_os = "linux"))]
    fn write_end(&self) -> RawFd {
        self.write.as_raw_fd()
    }
}

/// A signal handler must leave errno as it found it.
struct ErrnoGuard(libc::c_int);

impl ErrnoGuard {
    fn save() -> ErrnoGuard {
        // SAFETY: the location belongs to this thread.
        ErrnoGuard(unsafe { *errno_location() })
    }

    fn restore(self) {
        // SAFETY: as above.
        unsafe { *errno_location() = self.0 }
    }
}

#[cfg(target_os = "linux")]
unsafe fn errno_location() -> *mut libc::c_int {
    // SAFETY: no arguments; the caller only uses the result on this thread.
    unsafe { libc::__errno_location() }
}

#[cfg(not(target_os = "linux"))]
unsafe fn errno_location() -> *mut libc::c_int {
    // SAFETY: no arguments; the caller only uses the result on this thread.
    unsafe { libc::__error() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::wait::{Interest, WaitContext};

    #[test]
    fn a_raised_signal_stays_readable() {
        let signal = PollableEvent::new().unwrap();
        assert!(!signal.is_set());
        signal.set();
        signal.set();
        assert!(signal.is_set());
        for _ in 0..2 {
            assert!(WaitContext::default().wait(signal.waitable(), Interest::Read).is_ok());
        }
        signal.clear();
        assert!(!signal.is_set());
        let brief = WaitContext { idle: Some(std::time::Duration::ZERO), ..WaitContext::default() };
        assert!(brief.wait(signal.waitable(), Interest::Read).is_err());
        signal.set();
        assert!(WaitContext::default().wait(signal.waitable(), Interest::Read).is_ok());
    }
}
