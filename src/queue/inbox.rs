//! What is due in a queue, and the signals that tell the program.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::call::new_event;
use crate::error::Result;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::PollableEvent;
use crate::sys::thread_pool::Work;

/// Wakes the program's loop.
pub type Wakeup = dyn Fn() + Send + Sync;

/// Identifies a call of the queue: its userdata, and a number.
pub type CallKey = (usize, u64);

/// Something that is due.
pub enum DueItem {
    Callback(Work),
    /// The end of a call.
    Done(CallKey),
}

/// The items that are due, in their order.
pub struct Inbox {
    state: Mutex<InboxState>,
    /// Set while there are items.
    pub ready: PollableEvent,
    wakeup: Mutex<Option<Arc<Wakeup>>>,
}

#[derive(Default)]
struct InboxState {
    items: VecDeque<DueItem>,
    is_closed: bool,
}

impl Inbox {
    pub fn new() -> Result<Inbox> {
        Ok(Inbox { state: Mutex::default(), ready: new_event()?, wakeup: Mutex::default() })
    }

    /// Replaces the function that wakes the loop. Returns the old one, so that it is dropped without a lock.
    pub fn set_wakeup(&self, wakeup: Option<Arc<Wakeup>>) -> Option<Arc<Wakeup>> {
        let old = std::mem::replace(&mut *self.wakeup.lock(), wakeup);
        if self.len() > 0 {
            self.wake();
        }
        old
    }

    /// Adds an item and wakes the loop. Returns false if the inbox takes no more.
    pub fn push(&self, item: DueItem) -> bool {
        let added = self.add(item);
        if added == Some(true) {
            self.wake();
        }
        added.is_some()
    }

    /// Adds an item. Returns whether the loop has to be woken, by a caller without locks; `None` if the inbox takes no
    /// more.
    pub fn add(&self, item: DueItem) -> Option<bool> {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            // Without the lock: dropping a callback may run code of the application.
            drop(item);
            return None;
        }
        state.items.push_back(item);
        let is_first = state.items.len() == 1;
        if is_first {
            // With the lock, so that no thread clears the event meanwhile.
            self.ready.set();
        }
        Some(is_first)
    }

    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    pub fn pop(&self) -> Option<DueItem> {
        self.lock().items.pop_front()
    }

    /// The loop has taken what was due: signals what is due since then.
    pub fn end_turn(&self) {
        let state = self.lock();
        self.ready.clear();
        if !state.items.is_empty() {
            // A new signal, for loops that notice only changes (EPOLLET).
            self.ready.set();
            drop(state);
            self.wake();
        }
    }

    /// Takes no more items. Returns those that were not taken.
    pub fn close(&self) -> VecDeque<DueItem> {
        let mut state = self.lock();
        state.is_closed = true;
        self.ready.clear();
        std::mem::take(&mut state.items)
    }

    /// Runs the application's function that wakes its loop.
    pub fn wake(&self) {
        let wakeup = self.wakeup.lock().clone();
        wakeup.iter().for_each(|wakeup| wakeup());
    }

    fn lock(&self) -> MutexGuard<'_, InboxState> {
        self.state.lock()
    }
}
