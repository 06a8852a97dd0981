//! The time that is spent in a caller's callbacks, which counts against no timeout: a person may be filling in a form.

use std::time::{Duration, Instant};

use crate::sys::lock::{Mutex, MutexGuard};

/// Adds up pauses; shared by all who wait for the one who makes them.
#[derive(Debug, Default)]
pub struct PauseClock(Mutex<PauseState>);

#[derive(Debug, Default)]
struct PauseState {
    past: Duration,
    /// Since when the pause under way lasts.
    since: Option<Instant>,
}

impl PauseClock {
    /// Runs `callback`, and counts its time.
    pub fn during<T>(&self, callback: impl FnOnce() -> T) -> T {
        self.lock().since = Some(Instant::now());
        // Ends the pause also when the callback panics.
        let _pause = Pause(self);
        callback()
    }

    /// All pauses so far, and whether one is under way.
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
