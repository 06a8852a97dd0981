//! A flag that wakes up threads that are blocked in `poll`. Used for cancel tokens, a closed client, a finished DNS
//! lookup, and non-empty queues.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering, fence};

use once_cell::race::OnceBox;

use super::process;
use super::waitable::Waitable;

/// A flag that `poll` can wait for. Any number of threads may wait for it at the same time. The default value has no
/// descriptor until the first wait: many events are never waited for.
#[derive(Debug, Default)]
pub struct PollableEvent {
    is_set: AtomicBool,
    /// Without a lock, because a signal handler reads it.
    descriptors: OnceBox<EventDescriptors>,
}

#[derive(Debug)]
struct EventDescriptors {
    /// A child process created by `fork` shares the descriptors but not the flag: only this process may write.
    process: u32,
    read: ClosableDescriptor,
    /// The other end of a pipe, on systems without eventfd.
    #[cfg(not(target_os = "linux"))]
    write: OwnedFd,
}

/// Sets an event when it is dropped: as the last field of a type, after the other fields are dropped.
#[must_use]
#[derive(Default)]
pub struct SetOnDrop(pub Option<Arc<PollableEvent>>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        if let Some(event) = self.0.take() {
            event.set();
        }
    }
}

impl PollableEvent {
    /// An event that has its descriptor already, so that no wait fails for lack of one.
    pub fn new() -> io::Result<PollableEvent> {
        let event = PollableEvent::default();
        event.descriptors()?;
        Ok(event)
    }

    /// Sets the flag and wakes up all waiting threads. May be called from a signal handler: only changes an atomic,
    /// calls getpid and write, and restores errno.
    pub fn set(&self) {
        if self.is_set.swap(true, Ordering::SeqCst) {
            return;
        }
        // `descriptors` stores in the other order: at least one of the two threads sees what the other one stored.
        fence(Ordering::SeqCst);
        if let Some(descriptors) = self.descriptors.get() {
            descriptors.make_readable();
        }
    }

    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    /// Clears the flag, for an event that signals new items in a queue. The caller must check the queue afterwards: a
    /// `set` during the call may be lost, but its item is in the queue then.
    pub fn clear(&self) {
        if let Some(descriptors) = self.descriptors.get() {
            descriptors.make_unreadable();
        }
        self.is_set.store(false, Ordering::SeqCst);
    }

    /// Clears the flag, so that the event can be set again. If another thread sets it meanwhile, the event may stay
    /// readable without the flag, until a thread that it wakes calls [`PollableEvent::settle`].
    pub fn reset(&self) {
        self.is_set.store(false, Ordering::SeqCst);
        self.settle();
    }

    /// Makes the event unreadable if the flag is not set.
    pub fn settle(&self) {
        let Some(descriptors) = self.descriptors.get() else { return };
        descriptors.make_unreadable();
        // A `set` during this call: what it has written may just have been read, and other threads wait for it.
        if self.is_set() {
            descriptors.make_readable();
        }
    }

    /// Readable while the flag is set. Waiting for it fails if the descriptor cannot be created.
    pub fn waitable(&self) -> Waitable<'_> {
        match self.descriptors() {
            Ok(descriptors) => Waitable::of(&descriptors.read),
            Err(error) => Waitable::failed(&error),
        }
    }

    /// The descriptor that is readable while the flag is set, for a program that polls it.
    pub fn raw_descriptor(&self) -> Option<RawFd> {
        self.descriptors().ok().map(|descriptors| descriptors.read.as_raw_fd())
    }

    /// Closes the descriptors in a child process, where objects that share the event are never dropped. Nothing may
    /// wait for it any more.
    pub fn close_in_child(&self) {
        if let Some(descriptors) = self.descriptors.get()
            && descriptors.process != process::id()
        {
            descriptors.read.close();
        }
    }

    #[cfg(test)]
    pub fn has_descriptor(&self) -> bool {
        self.descriptors.get().is_some()
    }

    fn descriptors(&self) -> io::Result<&EventDescriptors> {
        if let Some(descriptors) = self.descriptors.get() {
            return Ok(descriptors);
        }
        let descriptors = self.descriptors.get_or_try_init(|| EventDescriptors::new().map(Box::new))?;
        fence(Ordering::SeqCst);
        if self.is_set() {
            // The `set` may not have seen the descriptors.
            descriptors.make_readable();
        }
        Ok(descriptors)
    }
}

impl EventDescriptors {
    #[cfg(target_os = "linux")]
    fn new() -> io::Result<EventDescriptors> {
        // SAFETY: eventfd takes no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and has no other owner.
        let read = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(EventDescriptors { process: process::id(), read: ClosableDescriptor::new(read) })
    }

    #[cfg(not(target_os = "linux"))]
    fn new() -> io::Result<EventDescriptors> {
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
        Ok(EventDescriptors { process: process::id(), read: ClosableDescriptor::new(read), write })
    }

    fn make_readable(&self) {
        if self.process != process::id() {
            return;
        }
        let value = 1u64.to_ne_bytes();
        let errno = ErrnoGuard::save();
        // SAFETY: the buffer has eight readable bytes, and the descriptor is open as long as `self` exists.
        unsafe { libc::write(self.write_end(), value.as_ptr().cast(), value.len()) };
        errno.restore();
    }

    fn make_unreadable(&self) {
        if self.process != process::id() {
            return;
        }
        // Room for the bytes of several writes to a pipe: two threads may write for the same `set`.
        let mut values = [0; 64];
        // SAFETY: the buffer has as many writable bytes, and the descriptor is open as long as `self` exists.
        unsafe { libc::read(self.read.as_raw_fd(), values.as_mut_ptr().cast(), values.len()) };
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

/// A descriptor that can be closed while it is shared.
#[derive(Debug)]
struct ClosableDescriptor(AtomicI32);

impl ClosableDescriptor {
    fn new(descriptor: OwnedFd) -> ClosableDescriptor {
        ClosableDescriptor(AtomicI32::new(descriptor.into_raw_fd()))
    }

    fn close(&self) {
        let descriptor = self.0.swap(-1, Ordering::Relaxed);
        if descriptor >= 0 {
            // SAFETY: taken from an `OwnedFd`, and from the field only once.
            drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
        }
    }
}

impl AsRawFd for ClosableDescriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for ClosableDescriptor {
    fn drop(&mut self) {
        self.close();
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
    use std::sync::{Arc, Barrier};
    use std::time::Duration;

    use super::*;
    use crate::sys::wait::{Interest, Interrupt, WaitContext};

    fn is_readable(event: &PollableEvent) -> bool {
        let brief = WaitContext { idle: Some(Duration::ZERO), ..WaitContext::default() };
        brief.wait(event.waitable(), Interest::Read).is_ok()
    }

    #[test]
    fn an_event_has_no_descriptor_until_the_first_wait() {
        let event = PollableEvent::default();
        event.set();
        event.clear();
        event.set();
        assert!(event.is_set() && !event.has_descriptor());
        assert!(is_readable(&event) && event.has_descriptor());
        event.clear();
        assert!(!event.is_set() && !is_readable(&event));
        assert!(PollableEvent::new().unwrap().has_descriptor());
    }

    #[test]
    fn an_event_that_is_set_while_a_wait_begins_wakes_the_thread() {
        for _ in 0..100 {
            let (event, start) = (PollableEvent::default(), Barrier::new(3));
            std::thread::scope(|scope| {
                let begin = || {
                    start.wait();
                    assert!(WaitContext::default().wait(event.waitable(), Interest::Read).is_ok());
                };
                scope.spawn(begin);
                scope.spawn(begin);
                start.wait();
                event.set();
            });
            event.clear();
            assert!(!is_readable(&event));
        }
    }

    #[test]
    fn an_event_can_be_set_again_after_a_reset() {
        let event = PollableEvent::default();
        event.reset();
        assert!(!event.is_set() && !event.has_descriptor());
        for _ in 0..2 {
            event.set();
            assert!(event.is_set() && is_readable(&event));
            event.reset();
            assert!(!event.is_set() && !is_readable(&event));
        }
        event.set();
        event.settle();
        assert!(event.is_set() && is_readable(&event));
    }

    #[test]
    fn a_set_during_a_reset_wakes_all_threads() {
        for _ in 0..200 {
            let (event, start) = (Arc::new(PollableEvent::new().unwrap()), Barrier::new(4));
            std::thread::scope(|scope| {
                let wait = || {
                    let wait_context = WaitContext { cancel: Some(Arc::clone(&event)), ..WaitContext::default() };
                    start.wait();
                    assert!(matches!(wait_context.wait_any(&[], None), Err(Interrupt::Cancelled)));
                };
                scope.spawn(wait);
                scope.spawn(wait);
                let resetting = scope.spawn(|| {
                    start.wait();
                    event.reset();
                });
                start.wait();
                event.set();
                resetting.join().unwrap();
                // The reset may have come last.
                event.set();
            });
        }
    }

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
        assert!(!is_readable(&event));
        event.set();
        assert!(WaitContext::default().wait(event.waitable(), Interest::Read).is_ok());
    }
}
