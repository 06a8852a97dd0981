//! Pipes to and from a child process, and other streams that the application has opened. This process's end is
//! non-blocking and close-on-exec, and raises no SIGPIPE.
//!
//! Pipes and not sockets, so that the child can open `/dev/stdin`, `/dev/stdout` and `/dev/stderr`: Linux does not
//! allow that for sockets.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::socket::retry_interrupted;
use super::waitable::Waitable;

/// This process's end of a pipe that a child writes to, or another stream to read from.
#[derive(Debug)]
pub struct ReadEnd(OwnedFd);

/// This process's end of a pipe that a child reads from, or another stream to write to.
#[derive(Debug)]
pub struct WriteEnd(OwnedFd);

/// Creates a pipe that a child writes to. The child's end, the second one, is blocking, as programs expect.
pub fn from_child() -> io::Result<(ReadEnd, OwnedFd)> {
    let (read, write) = new()?;
    set_nonblocking(&read)?;
    Ok((ReadEnd(read), write))
}

/// Creates a pipe that a child reads from. The child's end, the second one, is blocking, as programs expect.
pub fn to_child() -> io::Result<(WriteEnd, OwnedFd)> {
    let (read, write) = new()?;
    set_nonblocking(&write)?;
    without_sigpipe_of(&write)?;
    Ok((WriteEnd(write), read))
}

/// Takes over two descriptors of the application, one to read from and one to write to; they may be the same. They are
/// closed also on failure.
pub fn adopt(input: RawFd, output: RawFd) -> io::Result<(ReadEnd, WriteEnd)> {
    let owned = |fd: RawFd| {
        // SAFETY: takes no pointers; fails if the descriptor is not open.
        if fd < 0 || unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        // SAFETY: it is open, and the application has given it away.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    };
    let read = owned(input);
    let write =
        if input == output { read.as_ref().map_or_else(|_| owned(-1), OwnedFd::try_clone) } else { owned(output) };
    let (read, write) = (read?, write?);
    for end in [&read, &write] {
        set_nonblocking(end)?;
        // SAFETY: takes no pointers.
        if unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    without_sigpipe_of(&write)?;
    Ok((ReadEnd(read), WriteEnd(write)))
}

/// Whether a descriptor was not open.
pub fn is_bad_descriptor(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBADF)
}

impl ReadEnd {
    /// Reads the available bytes; `WouldBlock` if there are none. Zero means that no process has the other end open.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        retry_interrupted(|| {
            // SAFETY: `buffer` is writable for its length.
            unsafe { libc::read(self.fd(), buffer.as_mut_ptr().cast(), buffer.len()) }
        })
    }

    pub fn waitable(&self) -> Waitable<'_> {
        Waitable::of(&self.0)
    }

    fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl WriteEnd {
    /// Writes as many bytes as fit; `WouldBlock` if none do. `BrokenPipe` means that no process has the other end open.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        without_sigpipe(|| {
            retry_interrupted(|| {
                // SAFETY: `bytes` is readable for its length.
                unsafe { libc::write(self.fd(), bytes.as_ptr().cast(), bytes.len()) }
            })
        })
    }

    pub fn waitable(&self) -> Waitable<'_> {
        Waitable::of(&self.0)
    }

    fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Lets writing to the descriptor raise no SIGPIPE.
#[cfg(target_vendor = "apple")]
fn without_sigpipe_of(write: &OwnedFd) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let failed = unsafe { libc::fcntl(write.as_raw_fd(), libc::F_SETNOSIGPIPE, 1) } < 0;
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Each write prevents the signal.
#[cfg(not(target_vendor = "apple"))]
fn without_sigpipe_of(_: &OwnedFd) -> io::Result<()> {
    Ok(())
}

/// F_SETNOSIGPIPE was set for the pipe.
#[cfg(target_vendor = "apple")]
fn without_sigpipe(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    write()
}

/// Runs `write` with SIGPIPE blocked in this thread, where a broken pipe raises it, and consumes the signal if `write`
/// raised it. The signal's disposition belongs to the host process and is not changed.
#[cfg(not(target_vendor = "apple"))]
fn without_sigpipe(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    use std::mem::MaybeUninit;

    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the sets are local variables. The first call that gets a set initializes it, and later calls read it; the
    // result of pthread_sigmask is checked.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        let failed = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr());
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        let was_blocked = libc::sigismember(before.as_ptr(), libc::SIGPIPE) == 1;
        // A signal that was pending before belongs to the host process.
        let was_pending = was_blocked && is_pending();
        let outcome = write();
        if matches!(&outcome, Err(error) if error.kind() == io::ErrorKind::BrokenPipe) && !was_pending {
            let no_wait = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            while libc::sigtimedwait(set.as_ptr(), std::ptr::null_mut(), &raw const no_wait) < 0
                && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
            {}
        }
        if !was_blocked {
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        }
        outcome
    }
}

#[cfg(not(target_vendor = "apple"))]
fn is_pending() -> bool {
    let mut pending = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is a local variable, and is read only after sigpending initialized it.
    unsafe { libc::sigpending(pending.as_mut_ptr()) == 0 && libc::sigismember(pending.as_ptr(), libc::SIGPIPE) == 1 }
}

#[cfg(target_os = "linux")]
fn new() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    // SAFETY: `fds` has room for the two descriptors.
    if unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both are new and have no other owner.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

#[cfg(not(target_os = "linux"))]
fn new() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    // SAFETY: `fds` has room for the two descriptors.
    if unsafe { libc::pipe(fds.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both are new and have no other owner.
    let ends = unsafe { [OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])] };
    for end in &ends {
        // SAFETY: takes no pointers.
        if unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(ends.into())
}

fn set_nonblocking(end: &OwnedFd) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let flags = unsafe { libc::fcntl(end.as_raw_fd(), libc::F_GETFL) };
    // SAFETY: takes no pointers.
    if flags < 0 || unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pipe_is_an_error_and_raises_no_signal() {
        let (ours, theirs) = to_child().unwrap();
        assert_eq!(ours.send(b"hello").unwrap(), 5);
        drop(theirs);
        // The test harness ignores SIGPIPE. The code for a pending signal runs anyway.
        assert_eq!(ours.send(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn only_the_own_end_is_non_blocking() {
        let (ours, theirs) = from_child().unwrap();
        assert_eq!(ours.receive(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // SAFETY: takes no pointers.
        assert_eq!(unsafe { libc::fcntl(theirs.as_raw_fd(), libc::F_GETFL) } & libc::O_NONBLOCK, 0);
        drop(theirs);
        assert_eq!(ours.receive(&mut [0; 8]).unwrap(), 0);
    }
}
