//! What comes for one call on a shared stream beside its answer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::call::backlog::{Backlog, Weighed};
use crate::call::new_signal;
use crate::error::Result;
use crate::protocol::ids;
use crate::protocol::incoming::{Asked, Notice};
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::signal::Signal;

/// So much waits for one call.
const MOST: usize = 256;

/// What comes for a call beside its answer.
pub enum Letter {
    Notice(Notice),
    Asked(Asked),
}

/// Those of one call.
pub struct Letters {
    pub bell: Signal,
    waiting: Mutex<Backlog<Letter>>,
    /// The call has something to deal with, and takes nothing else meanwhile. Changed with the state of the line locked.
    is_busy: AtomicBool,
    /// How many notifications had to go.
    dropped: AtomicU64,
}

impl Letters {
    /// Those of a call that is still being sent: it takes nothing before it waits.
    pub fn new() -> Result<Letters> {
        Ok(Letters {
            bell: new_signal()?,
            waiting: Mutex::new(Backlog::new(MOST)),
            is_busy: AtomicBool::new(true),
            dropped: AtomicU64::new(0),
        })
    }

    pub fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    pub fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// How many notifications had to go because others came faster than the call took them.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Adds a notification. Where too many wait, the oldest go.
    pub fn put_notice(&self, notice: Notice) {
        let is_same = |new: &Letter, kept: &Letter| {
            new.notice().zip(kept.notice()).is_some_and(|(new, kept)| new.says_the_same(kept))
        };
        let worth = |kept: &Letter| kept.notice().map(Notice::worth);
        let gone = self.lock().push_instead(Letter::Notice(notice), is_same, worth);
        self.bell.raise();
        self.dropped.fetch_add(gone, Ordering::Relaxed);
    }

    /// Adds what the server asks: one at a time, which is dealt with before there is another.
    pub fn put_asked(&self, asked: Asked) {
        self.lock().push_instead(Letter::Asked(asked), |_, _| false, |_| None);
        self.bell.raise();
    }

    /// The one that has waited longest.
    pub fn take_first(&self) -> Option<Letter> {
        self.bell.lower();
        let mut waiting = self.lock();
        let first = waiting.pop();
        if !waiting.is_empty() {
            self.bell.raise();
        }
        first
    }

    /// What the server has asked, where no call deals with it yet.
    pub fn take_asked(&self) -> Vec<Asked> {
        self.lock().take().into_iter().filter_map(Letter::into_asked).collect()
    }

    /// Drops what the server has asked under an id.
    pub fn forget_asked(&self, id: &str) {
        self.lock().retain(|letter| !matches!(letter, Letter::Asked(asked) if ids::is_same_id(&asked.id, id)));
    }

    fn lock(&self) -> MutexGuard<'_, Backlog<Letter>> {
        self.waiting.lock()
    }
}

impl Letter {
    fn notice(&self) -> Option<&Notice> {
        match self {
            Letter::Notice(notice) => Some(notice),
            Letter::Asked(_) => None,
        }
    }

    fn into_asked(self) -> Option<Asked> {
        match self {
            Letter::Notice(_) => None,
            Letter::Asked(asked) => Some(asked),
        }
    }
}

impl Weighed for Letter {
    fn weight(&self) -> usize {
        match self {
            Letter::Notice(notice) => notice.weight(),
            Letter::Asked(asked) => asked.weight(),
        }
    }

    fn alone(self) -> Letter {
        match self {
            Letter::Notice(notice) => Letter::Notice(notice.alone()),
            Letter::Asked(asked) => Letter::Asked(asked.alone()),
        }
    }
}
