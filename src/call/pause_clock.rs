//! The time spent in the application's callbacks. It does not count toward any timeout: a person may be filling in a
//! form.

use std::time::{Duration, Instant};

use crate::sys::lock::{Mutex, MutexGuard};

/// Adds up the time spent in callbacks. The thread that runs a callback shares the clock with the threads that wait for
/// it.
#[derive(Debug, Default)]
pub struct PauseClock(Mutex<PauseState>);

#[derive(Debug, Default)]
struct PauseState {
    /// The total of the pauses that have ended.
    past: Duration,
    /// When the current pause began.
    since: Option<Instant>,
}

impl PauseClock {
    /// Runs `callback` and adds the time that it takes.
    pub fn during<T>(&self, callback: impl FnOnce() -> T) -> T {
        self.lock().since = Some(Instant::now());
        // A drop guard, so that the pause ends even if the callback panics.
        let _pause = Pause(self);
        callback()
    }

    /// The total of all pauses so far, and whether a callback is running.
    pub fn total(&self) -> (Duration, bool) {
        let state = self.lock();
        let current = state.since.map_or(Duration::ZERO, |since| since.elapsed());
        (state.past + current, state.since.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, PauseState> {
        self.0.lock()
    }
}

struct Pause<'a>(&'a PauseClock);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if let Some(since) = state.since.take() {
            state.past += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_add_up() {
        let clock = PauseClock::default();
        assert_eq!(clock.total(), (Duration::ZERO, false));
        let seen = clock.during(|| clock.total());
        assert!(seen.1);
        let (first, _) = clock.total();
        clock.during(|| ());
        let (both, running) = clock.total();
        assert!(both >= first && !running);
    }
}
