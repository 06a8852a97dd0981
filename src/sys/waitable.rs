//! What can be waited for.

use std::marker::PhantomData;
use std::os::fd::{AsRawFd, RawFd};

/// A socket, a pipe, a signal, a process. It lives as long as that.
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
