//! A flag that wakes up threads that are blocked in `poll`. Used for cancel tokens, a closed client, a finished DNS
//! lookup, and non-empty queues.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use super::process;
use super::waitable::Waitable;

/// A flag with a descriptor for `poll`. Any number of threads may wait for it at the same time.
#[derive(Debug)]
pub struct PollableEvent {
    is_set: AtomicBool,
    /// A child process created by `fork` shares the descriptor but not the flag: only this process may write.
    process: u32,
    read: OwnedFd,
    /// The other end of a pipe, on systems without eventfd.
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
        // SAFETY: the descriptor is new and has no other owner.
        let read = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(PollableEvent { is_set: AtomicBool::new(false), process: process::id(), read })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn new() -> io::Result<PollableEvent> {
        let mut ends = [0; 2];
        // SAFETY: `ends` has room for the two descriptors that pipe writes.
        if unsafe { libc::pipe(ends.as_mut_ptr()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: both descriptors are new and have no other owner.
        let (read, write) = unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
        for end in [&read, &write] {
            super::socket::set_nonblocking_cloexec(end.as_raw_fd())?;
        }
        Ok(PollableEvent { is_set: AtomicBool::new(false), process: process::id(), read, write })
    }

    /// Sets the flag and wakes up all waiting threads. May be called from a signal handler: only changes an atomic,
    /// calls getpid and write, and restores errno.
    pub fn set(&self) {
        if self.is_set.swap(true, Ordering::SeqCst) || self.process != process::id() {
            return;
        }
        let value = 1u64.to_ne_bytes();
        let errno = ErrnoGuard::save();
        // SAFETY: the buffer has eight readable bytes, and the descriptor is open as long as `self` exists.
        unsafe { libc::write(self.write_end(), value.as_ptr().cast(), value.len()) };
        errno.restore();
    }

    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    /// Clears the flag, for an event that signals new items in a queue. The caller must check the queue afterwards: a
    /// `set` during the call may be lost, but its item is in the queue then.
    pub fn clear(&self) {
        let mut value = [0; 8];
        // SAFETY: the buffer has eight writable bytes, and the descriptor is open as long as `self` exists.
        unsafe { libc::read(self.fd(), value.as_mut_ptr().cast(), value.len()) };
        self.is_set.store(false, Ordering::SeqCst);
    }

    /// Readable while the flag is set.
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

/// Saves and restores errno, which a signal handler must not change.
struct ErrnoGuard(libc::c_int);

impl ErrnoGuard {
    fn save() -> ErrnoGuard {
        // SAFETY: the pointer is valid in this thread.
        ErrnoGuard(unsafe { *errno_location() })
    }

    fn restore(self) {
        // SAFETY: the pointer is valid in this thread.
        unsafe { *errno_location() = self.0 }
    }
}

#[cfg(target_os = "linux")]
unsafe fn errno_location() -> *mut libc::c_int {
    // SAFETY: has no arguments. The caller uses the pointer only in this thread.
    unsafe { libc::__errno_location() }
}

#[cfg(not(target_os = "linux"))]
unsafe fn errno_location() -> *mut libc::c_int {
    // SAFETY: has no arguments. The caller uses the pointer only in this thread.
    unsafe { libc::__error() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::wait::{Interest, WaitContext};

    #[test]
    fn an_event_stays_readable_until_it_is_cleared() {
        let event = PollableEvent::new().unwrap();
        assert!(!event.is_set());
        event.set();
        event.set();
        assert!(event.is_set());
        for _ in 0..2 {
            assert!(WaitContext::default().wait(event.waitable(), Interest::Read).is_ok());
        }
        event.clear();
        assert!(!event.is_set());
        let brief = WaitContext { idle: Some(std::time::Duration::ZERO), ..WaitContext::default() };
        assert!(brief.wait(event.waitable(), Interest::Read).is_err());
        event.set();
        assert!(WaitContext::default().wait(event.waitable(), Interest::Read).is_ok());
    }
}
