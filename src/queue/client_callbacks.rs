//! The callbacks of a client that belong to no call, in the client's queue: its log, the server's log, and requests of
//! the server.

use std::collections::VecDeque;
use std::sync::Arc;

use super::core::QueueCore;
use super::inbox::DueItem;
use crate::call::callback_runner::{CallbackRunner, CallbackThreads};
use crate::error::{Error, Result};
use crate::status::MCP_CLOSED;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::thread_pool::Work;

/// The most lines that wait. A program that dispatches too rarely loses the oldest.
const MAX_LINES: usize = 256;

/// Reports how many lines were lost.
type ReportLost = dyn Fn(usize) + Send + Sync;

/// Passes the callbacks of one client to its queue.
pub struct ClientCallbacks {
    core: Arc<QueueCore>,
    /// The threads of the client: what waits on them ends with the client, and not with the queue.
    threads: Arc<CallbackThreads>,
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
    pub(super) fn new(
        core: &Arc<QueueCore>,
        threads: Arc<CallbackThreads>,
        report_lost: Box<ReportLost>,
    ) -> Arc<ClientCallbacks> {
        Arc::new(ClientCallbacks { core: Arc::clone(core), threads, report_lost, lines: Mutex::default() })
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
            self.schedule();
        }
    }

    /// Delivers the lines that wait, in the next turn.
    fn schedule(self: &Arc<Self>) {
        let own = Arc::clone(self);
        self.core.inbox.push(DueItem::Callback(Box::new(move || own.deliver())));
    }

    /// Delivers nothing more.
    pub fn close(&self) {
        let mut lines = self.lock();
        lines.is_closed = true;
        let waiting = std::mem::take(&mut lines.waiting);
        drop(lines);
        drop(waiting);
    }

    fn deliver(self: &Arc<Self>) {
        let (count, lost) = {
            let mut lines = self.lock();
            (lines.waiting.len(), std::mem::take(&mut lines.lost))
        };
        if lost > 0 {
            (self.report_lost)(lost);
        }
        // One at a time: a line may free the queue, or close the client.
        for _ in 0..count {
            let next = if self.core.is_freed() { None } else { self.lock().waiting.pop_front() };
            let Some(line) = next else { return };
            line();
        }
        if !self.lock().waiting.is_empty() {
            self.schedule();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock()
    }
}

impl CallbackRunner for ClientCallbacks {
    fn run(&self, callback: Work) -> Result<()> {
        if self.lock().is_closed || !self.core.inbox.push(DueItem::Callback(callback)) {
            return Err(Error::new(MCP_CLOSED, "the queue of the client was freed, or the client was closed"));
        }
        Ok(())
    }

    fn notify(&self, callback: Work) {
        if !self.lock().is_closed {
            self.core.inbox.push(DueItem::Callback(callback));
        }
    }

    fn start_waiting(&self, work: Work) -> Result<()> {
        self.threads.start_waiting(work)
    }

    fn while_waiting(&self, wait: &mut dyn FnMut()) {
        self.threads.while_waiting(wait);
    }
}
