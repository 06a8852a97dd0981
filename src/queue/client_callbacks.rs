//! The callbacks of a client that belong to no call, in the client's queue: its log, the server's log, and requests of
//! the server.

use std::collections::VecDeque;
use std::sync::Arc;

use super::core::QueueCore;
use super::inbox::DueItem;
use crate::call::callback_runner::CallbackRunner;
use crate::error::Result;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::thread_pool::Work;

/// The most lines that wait. A program that dispatches too rarely loses the oldest.
const MAX_LINES: usize = 256;

/// Reports how many lines were lost.
type ReportLost = dyn Fn(usize) + Send + Sync;

/// Passes the callbacks of one client to its queue.
pub struct ClientCallbacks {
    core: Arc<QueueCore>,
    report_lost: Box<ReportLost>,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    waiting: VecDeque<Work>,
    lost: usize,
    /// The client was closed: nothing of it is delivered any more.
    is_closed: bool,
}

impl ClientCallbacks {
    pub(super) fn new(core: &Arc<QueueCore>, report_lost: Box<ReportLost>) -> Arc<ClientCallbacks> {
        Arc::new(ClientCallbacks { core: Arc::clone(core), report_lost, lines: Mutex::default() })
    }

    /// Delivers a line of a log.
    pub fn add_line(self: &Arc<Self>, line: Work) {
        let mut lines = self.lock();
        if lines.is_closed {
            drop(lines);
            // Without the lock: dropping a callback may run code of the application.
            drop(line);
            return;
        }
        let is_first = lines.waiting.is_empty();
        lines.waiting.push_back(line);
        let oldest = if lines.waiting.len() > MAX_LINES { lines.waiting.pop_front() } else { None };
        lines.lost += usize::from(oldest.is_some());
        drop(lines);
        drop(oldest);
        if is_first {
            let own = Arc::clone(self);
            self.core.inbox.push(DueItem::Callback(Box::new(move || own.deliver())));
        }
    }

    /// Delivers nothing more.
    pub fn close(&self) {
        let mut lines = self.lock();
        lines.is_closed = true;
        let waiting = std::mem::take(&mut lines.waiting);
        drop(lines);
        drop(waiting);
    }

    fn deliver(&self) {
        let (waiting, lost) = {
            let mut lines = self.lock();
            (std::mem::take(&mut lines.waiting), std::mem::take(&mut lines.lost))
        };
        if lost > 0 {
            (self.report_lost)(lost);
        }
        waiting.into_iter().for_each(|line| line());
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock()
    }
}

impl CallbackRunner for ClientCallbacks {
    fn run(&self, callback: Work) -> Result<()> {
        self.notify(callback);
        Ok(())
    }

    fn notify(&self, callback: Work) {
        if self.lock().is_closed {
            drop(callback);
            return;
        }
        self.core.inbox.push(DueItem::Callback(callback));
    }

    fn start_waiting(&self, work: Work) -> Result<()> {
        self.core.run_uncounted(work)
    }

    fn while_waiting(&self, wait: &mut dyn FnMut()) {
        self.core.threads.uncounted(wait);
    }
}
