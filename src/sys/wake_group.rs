//! Wakes the threads of many calls through one descriptor: a program with a thousand calls in flight must not need a
//! descriptor for the end of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::lock::Mutex;
use super::pollable_event::PollableEvent;

/// The threads that wait for the end of their calls. A wake-up wakes all of them; those whose call goes on wait again.
#[derive(Debug, Default)]
pub struct WakeGroup(Mutex<Arc<PollableEvent>>);

impl WakeGroup {
    /// The event that the next wake-up sets. Get it first, then check whether the call has ended, then wait: a wake-up
    /// in between is noticed.
    pub fn event(&self) -> Arc<PollableEvent> {
        Arc::clone(&self.0.lock())
    }

    pub fn wake(&self) {
        // Each wake-up has its own event, so that none needs to be cleared while a thread has not seen it.
        let event = std::mem::take(&mut *self.0.lock());
        event.set();
    }
}

/// Whether one call of a group has ended, and why.
#[derive(Debug)]
pub struct EndFlag {
    end: AtomicU8,
    group: Arc<WakeGroup>,
}

// The values of `EndFlag::end`.
const NOT_ENDED: u8 = 0;
const CANCELLED: u8 = 1;
const CLOSED: u8 = 2;

impl EndFlag {
    pub fn new(group: &Arc<WakeGroup>) -> EndFlag {
        EndFlag { end: AtomicU8::new(NOT_ENDED), group: Arc::clone(group) }
    }

    /// Ends the call: it was cancelled, or its client was closed. The thread notices it after the next
    /// [`WakeGroup::wake`]: one for many flags is enough.
    pub fn set(&self, is_closed: bool) {
        self.end.store(if is_closed { CLOSED } else { CANCELLED }, Ordering::SeqCst);
    }

    pub fn is_set(&self) -> bool {
        self.end.load(Ordering::SeqCst) != NOT_ENDED
    }

    pub fn is_closed(&self) -> bool {
        self.end.load(Ordering::SeqCst) == CLOSED
    }

    pub fn group(&self) -> &WakeGroup {
        &self.group
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::sys::wait::{Interrupt, WaitContext};

    fn waiting(flag: &Arc<EndFlag>) -> WaitContext {
        WaitContext { ended: Some(Arc::clone(flag)), ..WaitContext::until(Instant::now() + Duration::from_secs(60)) }
    }

    #[test]
    fn a_flag_that_is_set_before_the_wait_ends_it() {
        let flag = Arc::new(EndFlag::new(&Arc::default()));
        flag.set(false);
        assert!(matches!(waiting(&flag).wait_any(&[], None), Err(Interrupt::Cancelled)));
    }

    #[test]
    fn a_flag_says_why_the_call_ended() {
        let flag = Arc::new(EndFlag::new(&Arc::default()));
        flag.set(true);
        assert!(matches!(waiting(&flag).wait_any(&[], None), Err(Interrupt::Closed)));
    }

    #[test]
    fn a_wake_up_ends_only_the_waits_whose_flag_is_set() {
        let group = Arc::<WakeGroup>::default();
        let flags: Vec<_> = (0..8).map(|_| Arc::new(EndFlag::new(&group))).collect();
        std::thread::scope(|scope| {
            let waits: Vec<_> = flags.iter().map(|flag| scope.spawn(|| waiting(flag).wait_any(&[], None))).collect();
            for (flag, wait) in flags.iter().zip(waits) {
                flag.set(false);
                group.wake();
                assert!(matches!(wait.join().unwrap(), Err(Interrupt::Cancelled)));
            }
        });
    }
}
