//! Descriptors that `poll` can wait for.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, RawFd};

/// The descriptor of a socket, a pipe, a [`PollableEvent`](super::pollable_event::PollableEvent) or a process. Borrows
/// its owner, so that it is not closed.
#[derive(Clone, Copy, Debug)]
pub struct Waitable<'a>(RawFd, PhantomData<&'a ()>);

impl<'a> Waitable<'a> {
    pub fn of(owner: &'a impl AsRawFd) -> Waitable<'a> {
        Waitable(owner.as_raw_fd(), PhantomData)
    }

    /// A descriptor that could not be created. A wait for it fails with this error.
    pub(super) fn failed(error: &io::Error) -> Waitable<'static> {
        Waitable(-error.raw_os_error().unwrap_or(libc::EMFILE), PhantomData)
    }

    pub(super) fn descriptor(self) -> io::Result<RawFd> {
        if self.0 < 0 { Err(io::Error::from_raw_os_error(-self.0)) } else { Ok(self.0) }
    }
}
