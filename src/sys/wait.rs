//! The only place where calls block. A wait for a descriptor also ends at the call's deadline, when its cancel token is
//! set, and when its client is closed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::pollable_event::PollableEvent;
pub use super::waitable::Waitable;
use super::wake_group::EndFlag;

/// Why a wait was interrupted.
#[derive(Debug)]
pub enum Interrupt {
    /// The deadline of the whole call.
    TimedOut,
    /// Nothing was received for as long as the idle timeout.
    Idle,
    Cancelled,
    Closed,
    /// [`WaitContext::done`] was set.
    Done,
    /// `poll` itself failed.
    System(io::Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    Read,
    Write,
}

/// The time limits of a call, and the events that interrupt its waits.
#[derive(Clone, Debug, Default)]
pub struct WaitContext {
    pub deadline: Option<Instant>,
    /// The timeout from which the deadline was calculated, for error messages.
    pub timeout: Option<Duration>,
    /// The maximum time without received data.
    pub idle: Option<Duration>,
    pub cancel: Option<Arc<PollableEvent>>,
    pub closed: Option<Arc<PollableEvent>>,
    /// Set when the call has ended in its queue: its result is not needed any more.
    pub ended: Option<Arc<EndFlag>>,
    /// The call ends itself with this flag, as if it was cancelled. It wakes no thread: the thread that sets it is the
    /// one that waits next.
    pub stopped: Option<Arc<AtomicBool>>,
    /// Set when the response has arrived on another connection: the wait then ends after a short grace period.
    pub done: Option<Arc<PollableEvent>>,
}

/// How long a wait continues after [`WaitContext::done`] was set.
const DONE_GRACE_PERIOD: Duration = Duration::from_millis(50);

impl WaitContext {
    /// A context that has a deadline and cannot be interrupted.
    pub fn until(deadline: Instant) -> WaitContext {
        WaitContext { deadline: Some(deadline), ..WaitContext::default() }
    }

    /// A copy whose deadline is at most `limit` from now.
    pub fn within(&self, limit: Duration) -> WaitContext {
        let new_deadline = Instant::now() + limit;
        if self.deadline.is_some_and(|deadline| deadline <= new_deadline) {
            return self.clone();
        }
        WaitContext { deadline: Some(new_deadline), timeout: Some(limit), ..self.clone() }
    }

    #[inline]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Fails if a wait would be interrupted immediately.
    #[inline]
    pub fn check(&self) -> Result<(), Interrupt> {
        self.interrupted()?;
        match self.remaining() {
            Some(left) if left.is_zero() => Err(Interrupt::TimedOut),
            _ => Ok(()),
        }
    }

    /// Blocks until `waitable` is ready, at most for the idle timeout.
    pub fn wait(&self, waitable: Waitable, interest: Interest) -> Result<(), Interrupt> {
        let ready = self.wait_any(&[(waitable, interest)], self.idle)?;
        if ready.is_some() { Ok(()) } else { Err(Interrupt::Idle) }
    }

    /// Blocks until one of `all` is ready, and returns its index, or `None` after `pause`. A passed deadline is an
    /// error even if one is ready: otherwise a server that never stops sending could keep the call from ending.
    pub fn wait_any(&self, all: &[(Waitable, Interest)], pause: Option<Duration>) -> Result<Option<usize>, Interrupt> {
        let missing = |error| self.check().err().unwrap_or(Interrupt::System(error));
        // `done` is the last one: see below.
        let events = [&self.cancel, &self.closed, &self.done].into_iter().flatten();
        let events = events.map(|event| (event.waitable(), Interest::Read));
        let mut polled = PollSet::default();
        for &(waitable, interest) in all {
            polled.push(pollfd(waitable, interest).map_err(missing)?);
        }
        if self.ended.is_some() {
            polled.push(NO_DESCRIPTOR);
        }
        for (waitable, interest) in events {
            polled.push(pollfd(waitable, interest).map_err(missing)?);
        }
        // A pause that ends beyond the range of the clock never ends.
        let pause_end = pause.and_then(|pause| Instant::now().checked_add(pause));
        let mut grace_end = None;
        loop {
            let wake_up = self.ended.as_ref().map(|ended| ended.group().event());
            if let Some(event) = &wake_up {
                polled.all()[all.len()] = pollfd(event.waitable(), Interest::Read).map_err(missing)?;
            }
            self.check()?;
            if grace_end.is_none() && self.done.as_ref().is_some_and(|done| done.is_set()) {
                grace_end = Some(Instant::now() + DONE_GRACE_PERIOD);
                // It would end every poll from now on. poll ignores negative descriptors.
                polled.all().last_mut().into_iter().for_each(|p| p.fd = -1);
            }
            let until = earliest(earliest(self.deadline, pause_end), grace_end);
            poll(polled.all(), until).map_err(Interrupt::System)?;
            self.interrupted()?;
            // A token that was reset while it was triggered may be readable, and would end every poll.
            let cancel_at = all.len() + usize::from(self.ended.is_some());
            if let Some(cancel) = self.cancel.as_ref().filter(|_| polled.all()[cancel_at].revents != 0) {
                cancel.settle();
            }
            if let Some(ready) = polled.all()[..all.len()].iter().position(|p| p.revents != 0) {
                return Ok(Some(ready));
            }
            if grace_end.is_some_and(|at| at <= Instant::now()) {
                return Err(Interrupt::Done);
            }
            if pause_end.is_some_and(|at| at <= Instant::now()) {
                return Ok(None);
            }
        }
    }

    /// Makes all later waits fail, if the context has the flag for it.
    pub fn stop(&self) {
        self.stopped.iter().for_each(|stopped| stopped.store(true, Ordering::Relaxed));
    }

    /// Fails if the call was cancelled or its client closed.
    pub fn interrupted(&self) -> Result<(), Interrupt> {
        // Closing takes precedence: all calls of a closed client fail with MCP_CLOSED.
        let is_closed = self.closed.as_ref().is_some_and(|closed| closed.is_set());
        if is_closed || self.ended.as_ref().is_some_and(|ended| ended.is_closed()) {
            return Err(Interrupt::Closed);
        }
        let is_cancelled = self.cancel.as_ref().is_some_and(|cancel| cancel.is_set());
        let is_stopped = self.stopped.as_ref().is_some_and(|stopped| stopped.load(Ordering::Relaxed));
        if is_cancelled || is_stopped || self.ended.as_ref().is_some_and(|ended| ended.is_set()) {
            return Err(Interrupt::Cancelled);
        }
        Ok(())
    }
}

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The descriptors for `poll`. The usual small number needs no allocation.
#[derive(Default)]
enum PollSet {
    #[default]
    None,
    Few([libc::pollfd; FEW], usize),
    Many(Vec<libc::pollfd>),
}

const FEW: usize = 6;

impl PollSet {
    fn push(&mut self, new: libc::pollfd) {
        match self {
            PollSet::None => *self = PollSet::Few([new; FEW], 1),
            PollSet::Few(few, count) if *count < FEW => {
                few[*count] = new;
                *count += 1;
            }
            PollSet::Few(few, _) => *self = PollSet::Many(few.iter().copied().chain([new]).collect()),
            PollSet::Many(many) => many.push(new),
        }
    }

    fn all(&mut self) -> &mut [libc::pollfd] {
        match self {
            PollSet::None => &mut [],
            PollSet::Few(few, count) => &mut few[..*count],
            PollSet::Many(many) => many,
        }
    }
}

/// `poll` ignores it.
const NO_DESCRIPTOR: libc::pollfd = libc::pollfd { fd: -1, events: 0, revents: 0 };

fn pollfd(waitable: Waitable, interest: Interest) -> io::Result<libc::pollfd> {
    let events = match interest {
        Interest::Read => libc::POLLIN,
        Interest::Write => libc::POLLOUT,
    };
    Ok(libc::pollfd { fd: waitable.descriptor()?, events, revents: 0 })
}

/// Calls `poll` once. If a signal interrupts it, nothing is ready.
fn poll(fds: &mut [libc::pollfd], until: Option<Instant>) -> io::Result<i32> {
    let timeout = until.map_or(-1, |at| {
        let left = at.saturating_duration_since(Instant::now());
        // Rounded up: after waking too early, a timeout of zero would poll in a busy loop.
        i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
    });
    // SAFETY: the slice is valid for its length during the call.
    let count = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout) };
    if count >= 0 {
        return Ok(count);
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::Interrupted {
        fds.iter_mut().for_each(|p| p.revents = 0);
        return Ok(0);
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passed_deadline_ends_a_wait() {
        let never = PollableEvent::new().unwrap();
        let wait_context = WaitContext::until(Instant::now());
        assert!(matches!(wait_context.wait(never.waitable(), Interest::Read), Err(Interrupt::TimedOut)));
        assert!(matches!(wait_context.check(), Err(Interrupt::TimedOut)));
    }

    #[test]
    fn a_passed_deadline_takes_precedence_over_readiness() {
        let ready = PollableEvent::new().unwrap();
        ready.set();
        let wait_context = WaitContext::until(Instant::now());
        assert!(matches!(wait_context.wait(ready.waitable(), Interest::Read), Err(Interrupt::TimedOut)));
    }

    #[test]
    fn closing_takes_precedence_over_cancelling_and_readiness() {
        let [ready, cancel, closed] = [(); 3].map(|()| Arc::new(PollableEvent::new().unwrap()));
        ready.set();
        cancel.set();
        let mut wait_context = WaitContext { cancel: Some(cancel), ..WaitContext::default() };
        assert!(matches!(wait_context.wait(ready.waitable(), Interest::Read), Err(Interrupt::Cancelled)));
        closed.set();
        wait_context.closed = Some(closed);
        assert!(matches!(wait_context.wait(ready.waitable(), Interest::Read), Err(Interrupt::Closed)));
    }

    #[test]
    fn a_stopped_context_ends_waits_of_its_copies() {
        let ready = PollableEvent::new().unwrap();
        ready.set();
        let wait_context = WaitContext { stopped: Some(Arc::default()), ..WaitContext::default() };
        let copy = wait_context.within(Duration::from_secs(9));
        assert!(copy.wait(ready.waitable(), Interest::Read).is_ok());
        wait_context.stop();
        assert!(matches!(copy.wait(ready.waitable(), Interest::Read), Err(Interrupt::Cancelled)));
        assert!(matches!(copy.check(), Err(Interrupt::Cancelled)));
    }

    #[test]
    fn the_idle_limit_ends_a_silent_wait() {
        let never = PollableEvent::new().unwrap();
        let wait_context = WaitContext { idle: Some(Duration::from_millis(1)), ..WaitContext::default() };
        assert!(matches!(wait_context.wait(never.waitable(), Interest::Read), Err(Interrupt::Idle)));
    }

    #[test]
    fn a_wait_for_a_missing_descriptor_fails_unless_it_is_interrupted() {
        let missing = Waitable::failed(&io::Error::from_raw_os_error(libc::EMFILE));
        let code = match WaitContext::default().wait(missing, Interest::Read) {
            Err(Interrupt::System(error)) => error.raw_os_error(),
            other => panic!("{other:?}"),
        };
        assert_eq!(code, Some(libc::EMFILE));
        let expired = WaitContext::until(Instant::now());
        assert!(matches!(expired.wait(missing, Interest::Read), Err(Interrupt::TimedOut)));
    }

    #[test]
    fn another_thread_can_cancel_a_wait() {
        let never = PollableEvent::new().unwrap();
        let cancel = Arc::new(PollableEvent::new().unwrap());
        let wait_context = WaitContext { cancel: Some(cancel.clone()), ..WaitContext::default() };
        let waiter = std::thread::spawn(move || wait_context.wait(never.waitable(), Interest::Read));
        cancel.set();
        assert!(matches!(waiter.join().unwrap(), Err(Interrupt::Cancelled)));
    }
}
