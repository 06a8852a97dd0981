//! Waiting: the one place where this library blocks. Whatever a call waits for, it also waits for its deadline, its cancel
//! token and the closing of its client.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pollable_event::PollableEvent;
pub use super::waitable::Waitable;

/// Why a wait ended without what it waited for.
#[derive(Debug)]
pub enum Interrupt {
    /// The deadline of the whole call.
    TimedOut,
    /// No byte for as long as the idle limit.
    Idle,
    Cancelled,
    Closed,
    /// See [`WaitContext::done`].
    Done,
    /// `poll` itself failed.
    System(io::Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    Read,
    Write,
}

/// What one call may spend, and what may end it early.
#[derive(Clone, Debug, Default)]
pub struct WaitContext {
    pub deadline: Option<Instant>,
    /// What the deadline was made of; for messages.
    pub allowed: Option<Duration>,
    pub idle: Option<Duration>,
    pub cancel: Option<Arc<PollableEvent>>,
    pub closed: Option<Arc<PollableEvent>>,
    /// What is waited for has come by another way: the wait may last a moment longer, and no more.
    pub done: Option<Arc<PollableEvent>>,
}

/// That moment.
const AFTER_DONE: Duration = Duration::from_millis(50);

impl WaitContext {
    /// Only a deadline: nobody can interrupt it.
    pub fn until(deadline: Instant) -> WaitContext {
        WaitContext { deadline: Some(deadline), ..WaitContext::default() }
    }

    /// The same budget with a deadline that is `limit` from now, or sooner where it was sooner already.
    pub fn within(&self, limit: Duration) -> WaitContext {
        let sooner = Instant::now() + limit;
        if self.deadline.is_some_and(|mine| mine <= sooner) {
            return self.clone();
        }
        WaitContext { deadline: Some(sooner), allowed: Some(limit), ..self.clone() }
    }

    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Fails where a wait would fail at once.
    pub fn check(&self) -> Result<(), Interrupt> {
        self.interrupted()?;
        match self.remaining() {
            Some(left) if left.is_zero() => Err(Interrupt::TimedOut),
            _ => Ok(()),
        }
    }

    /// Blocks until `what` is ready.
    pub fn wait(&self, what: Waitable, interest: Interest) -> Result<(), Interrupt> {
        let ready = self.wait_any(&[(what, interest)], self.idle)?;
        if ready.is_some() { Ok(()) } else { Err(Interrupt::Idle) }
    }

    /// Blocks until one of `all` is ready and says which, or `None` once `pause` has passed. A passed deadline ends it also where
    /// something is ready: a server that never stops sending would else keep the call for ever.
    pub fn wait_any(&self, all: &[(Waitable, Interest)], pause: Option<Duration>) -> Result<Option<usize>, Interrupt> {
        let mut polled = PollSet::default();
        all.iter().for_each(|&(what, interest)| polled.push(what, interest));
        for signal in [&self.cancel, &self.closed].into_iter().flatten() {
            polled.push(signal.waitable(), Interest::Read);
        }
        // A pause beyond what the clock can say has no end.
        let pause_ends = pause.and_then(|pause| Instant::now().checked_add(pause));
        if let Some(done) = &self.done {
            polled.push(done.waitable(), Interest::Read);
        }
        let mut last_moment = None;
        loop {
            self.check()?;
            if last_moment.is_none() && self.done.as_ref().is_some_and(|done| done.is_set()) {
                last_moment = Some(Instant::now() + AFTER_DONE);
                // It has said what it has to say: poll leaves negative descriptors alone.
                polled.all().last_mut().into_iter().for_each(|p| p.fd = -1);
            }
            let until = earliest(earliest(self.deadline, pause_ends), last_moment);
            poll(polled.all(), until).map_err(Interrupt::System)?;
            self.interrupted()?;
            if let Some(ready) = polled.all()[..all.len()].iter().position(|p| p.revents != 0) {
                return Ok(Some(ready));
            }
            if last_moment.is_some_and(|at| at <= Instant::now()) {
                return Err(Interrupt::Done);
            }
            if pause_ends.is_some_and(|at| at <= Instant::now()) {
                return Ok(None);
            }
        }
    }

    fn interrupted(&self) -> Result<(), Interrupt> {
        // A close is the stronger word: the caller who closed its client wants to read MCP_CLOSED everywhere.
        if self.closed.as_ref().is_some_and(|s| s.is_set()) {
            return Err(Interrupt::Closed);
        }
        if self.cancel.as_ref().is_some_and(|s| s.is_set()) {
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

/// What is waited for. Nearly always few things, for which nothing is allocated.
#[derive(Default)]
enum PollSet {
    #[default]
    None,
    Few([libc::pollfd; FEW], usize),
    Many(Vec<libc::pollfd>),
}

const FEW: usize = 6;

impl PollSet {
    fn push(&mut self, what: Waitable, interest: Interest) {
        let new = pollfd(what, interest);
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

fn pollfd(what: Waitable, interest: Interest) -> libc::pollfd {
    let events = match interest {
        Interest::Read => libc::POLLIN,
        Interest::Write => libc::POLLOUT,
    };
    libc::pollfd { fd: what.descriptor(), events, revents: 0 }
}

/// One poll; an interrupting signal counts as "nothing yet".
fn poll(fds: &mut [libc::pollfd], until: Option<Instant>) -> io::Result<i32> {
    let timeout = until.map_or(-1, |at| {
        let left = at.saturating_duration_since(Instant::now());
        // Rounded up: waking a moment early would only mean to poll again with zero, in a busy loop.
        i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
    });
    // SAFETY: the slice is valid for its length for the whole call.
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
    fn a_passed_deadline_beats_readiness() {
        let ready = PollableEvent::new().unwrap();
        ready.set();
        let wait_context = WaitContext::until(Instant::now());
        assert!(matches!(wait_context.wait(ready.waitable(), Interest::Read), Err(Interrupt::TimedOut)));
    }

    #[test]
    fn close_beats_cancel_beats_readiness() {
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
    fn the_idle_limit_ends_a_silent_wait() {
        let never = PollableEvent::new().unwrap();
        let wait_context = WaitContext { idle: Some(Duration::from_millis(1)), ..WaitContext::default() };
        assert!(matches!(wait_context.wait(never.waitable(), Interest::Read), Err(Interrupt::Idle)));
    }

    #[test]
    fn another_thread_ends_a_wait() {
        let never = PollableEvent::new().unwrap();
        let cancel = Arc::new(PollableEvent::new().unwrap());
        let wait_context = WaitContext { cancel: Some(cancel.clone()), ..WaitContext::default() };
        let waiter = std::thread::spawn(move || wait_context.wait(never.waitable(), Interest::Read));
        cancel.set();
        assert!(matches!(waiter.join().unwrap(), Err(Interrupt::Cancelled)));
    }
}
