//! Descriptors that `poll` can wait for.

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

    pub(super) fn descriptor(self) -> RawFd {
        self.0
    }
}
