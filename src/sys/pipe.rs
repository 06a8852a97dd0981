//! Pipes to and from a child process: our end does not block, does not survive an exec, and raises no SIGPIPE.
//!
//! They are pipes and not sockets so that the child can open `/dev/stdin`, `/dev/stdout` and `/dev/stderr`, which Linux refuses for
//! sockets.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::socket::retry_interrupted;
use super::waitable::Waitable;

/// Our end of a pipe that a child writes to.
#[derive(Debug)]
pub struct ReadEnd(OwnedFd);

/// Our end of a pipe that a child reads from.
#[derive(Debug)]
pub struct WriteEnd(OwnedFd);

/// A pipe for what a child writes: our end, and the child's, which blocks as programs expect.
pub fn from_child() -> io::Result<(ReadEnd, OwnedFd)> {
    let (read, write) = new()?;
    set_nonblocking(&read)?;
    Ok((ReadEnd(read), write))
}

/// A pipe for what a child reads: our end, and the child's, which blocks as programs expect.
pub fn to_child() -> io::Result<(WriteEnd, OwnedFd)> {
    let (read, write) = new()?;
    set_nonblocking(&write)?;
    #[cfg(target_vendor = "apple")]
    // SAFETY: takes no pointers.
    if unsafe { libc::fcntl(write.as_raw_fd(), libc::F_SETNOSIGPIPE, 1) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((WriteEnd(write), read))
}

impl ReadEnd {
    /// Reads what is there (`WouldBlock` for nothing). Zero means that no process can write any more.
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
    /// Writes what fits (`WouldBlock` for nothing). `BrokenPipe` means that no process can read any more.
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

/// The pipe was told to raise none.
#[cfg(target_vendor = "apple")]
fn without_sigpipe(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    write()
}

/// Runs `write` with SIGPIPE blocked on this thread, which is where a broken pipe raises it, and takes back the one that it has
/// raised. The disposition of the signal belongs to the host and stays as it is.
#[cfg(not(target_vendor = "apple"))]
fn without_sigpipe(write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
    use std::mem::MaybeUninit;

    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: all sets are ours. Each is written by the first call that gets it and read only by later ones; a failure, which
    // cannot happen with these arguments, is looked at.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        let failed = libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr());
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        let was_blocked = libc::sigismember(before.as_ptr(), libc::SIGPIPE) == 1;
        // One that the host waits for is not ours to take.
        let was_pending = was_blocked && is_pending();
        let outcome = write();
        if matches!(&outcome, Err(error) if error.kind() == io::ErrorKind::BrokenPipe) && !was_pending {
            let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            while libc::sigtimedwait(set.as_ptr(), std::ptr::null_mut(), &raw const at_once) < 0
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
    // SAFETY: the set is ours, and read only where it was written.
    unsafe { libc::sigpending(pending.as_mut_ptr()) == 0 && libc::sigismember(pending.as_ptr(), libc::SIGPIPE) == 1 }
}

#[cfg(target_os = "linux")]
fn new() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    // SAFETY: two descriptors are written to `fds`.
    if unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both were just made and belong to nobody else.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

#[cfg(not(target_os = "linux"))]
fn new() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [-1; 2];
    // SAFETY: two descriptors are written to `fds`.
    if unsafe { libc::pipe(fds.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both were just made and belong to nobody else.
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
    // SAFETY: takes no pointers. A new pipe has no other flags.
    if unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_pipe_is_an_error_and_no_signal() {
        let (ours, theirs) = to_child().unwrap();
        assert_eq!(ours.send(b"hello").unwrap(), 5);
        drop(theirs);
        // The test harness ignores SIGPIPE; what would be pending is told apart all the same.
        assert_eq!(ours.send(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn only_our_end_does_not_block() {
        let (ours, theirs) = from_child().unwrap();
        assert_eq!(ours.receive(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // SAFETY: takes no pointers.
        assert_eq!(unsafe { libc::fcntl(theirs.as_raw_fd(), libc::F_GETFL) } & libc::O_NONBLOCK, 0);
        drop(theirs);
        assert_eq!(ours.receive(&mut [0; 8]).unwrap(), 0);
    }
}
