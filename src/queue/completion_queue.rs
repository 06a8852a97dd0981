//! The queue: submits calls to its threads, and delivers their ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::client_callbacks::ClientCallbacks;
use super::core::QueueCore;
use super::deadlines::Deadlines;
use super::inbox::{CallKey, DueItem, Wakeup};
use super::queued_call::{DoneCallback, Outcome, QueuedCall};
use crate::call::call_options::QueuedOptions;
use crate::call::context::{CallContext, CallOptions};
use crate::client::Client;
use crate::client::call_enders::CallEnder;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::progress::Progress;
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::panics::caught;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::process::{self, ThreadId};
use crate::sys::thread_pool::Work;
use crate::sys::wait::{Interest, WaitContext};

/// Where a call's end is delivered.
#[derive(Clone)]
pub struct QueueTarget {
    pub queue: Arc<CompletionQueue>,
    /// Identifies the calls for a cancellation.
    pub userdata: usize,
    pub done: Arc<DoneCallback>,
}

/// What a call does on a thread of the queue.
pub type Run = dyn FnOnce(&Client, &CallContext) -> Outcome + Send;

/// A queue of calls.
pub struct CompletionQueue {
    /// The process that created it: it cannot be used after a fork.
    process: u32,
    core: Arc<QueueCore>,
    state: Mutex<QueueState>,
    next_id: AtomicU64,
    deadlines: Arc<Deadlines>,
}

#[derive(Default)]
struct QueueState {
    /// The calls that were not delivered yet.
    calls: BTreeMap<CallKey, Arc<QueuedCall>>,
    lifecycle: Lifecycle,
    /// The thread that dispatches, and how often it does: a callback may dispatch.
    dispatching: Option<(ThreadId, usize)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd)]
enum Lifecycle {
    #[default]
    Open,
    /// Takes no more calls.
    Stopped,
    /// Delivers nothing more.
    Freed,
}

impl CompletionQueue {
    pub fn new() -> Result<Arc<CompletionQueue>> {
        Ok(Arc::new(CompletionQueue {
            process: process::id(),
            core: Arc::new(QueueCore::new()?),
            state: Mutex::default(),
            next_id: AtomicU64::new(0),
            deadlines: Arc::default(),
        }))
    }

    /// Fails in a process other than the one that created the queue. Called before any lock is taken: in a child, a
    /// lock may be held by a thread that does not exist.
    pub fn check_process(&self) -> Result<()> {
        if self.process == process::id() {
            return Ok(());
        }
        let why = "the queue was made before a fork and belongs to the parent process; make a new one in the child";
        Err(Error::new(MCP_MISUSE, why))
    }

    pub fn is_of_this_process(&self) -> bool {
        self.process == process::id()
    }

    /// The event that is set while something is due.
    pub fn ready(&self) -> &PollableEvent {
        &self.core.inbox.ready
    }

    pub fn set_wakeup(&self, wakeup: Option<Arc<Wakeup>>) -> Result<()> {
        self.check_process()?;
        drop(self.core.inbox.set_wakeup(wakeup));
        Ok(())
    }

    pub fn set_threads(&self, threads: usize) -> Result<()> {
        self.check_process()?;
        if threads == 0 {
            return Err(Error::new(MCP_INVALID_ARGUMENT, "a queue needs at least one thread"));
        }
        self.core.threads.set_max_running(threads);
        Ok(())
    }

    /// How many calls were not delivered yet.
    pub fn pending(&self) -> usize {
        self.lock().calls.len()
    }

    // --- Submission --------------------------------------------------------------------------------------------------

    /// Submits a call. It fails only if the call's end cannot be delivered; every other failure is delivered.
    /// `is_counted` says whether the call counts towards the number of threads.
    pub fn submit(
        target: &QueueTarget,
        (client, request): (Option<&Arc<Client>>, &'static str),
        options: &CallOptions,
        is_counted: bool,
        run: Result<Box<Run>>,
    ) -> Result<()> {
        let queue = &target.queue;
        let (call, options) = queue.begin(target, (client, request), options)?;
        let started = queue.start(&call, client, request, &options, is_counted, run);
        if let Err(error) = started {
            call.interrupt(&error);
        }
        Ok(())
    }

    /// Submits the close of a client: all its calls end at once, and a thread tells the server.
    pub fn submit_close(target: &QueueTarget, client: Option<&Arc<Client>>, options: &CallOptions) -> Result<()> {
        let queue = &target.queue;
        let (call, options) = queue.begin(target, (client, "close"), options)?;
        let started = Self::required(client).and_then(|client| {
            client.begin_close()?;
            let (client, own_call) = (Arc::clone(client), Arc::clone(&call));
            queue.core.run_uncounted(Box::new(move || {
                let outcome = caught(|| client.finish_close(&options));
                // The end of the close is the last that is delivered.
                client.end_callbacks();
                own_call.end(outcome.unwrap_or_else(|place| Err(Error::of_panic(&place))).map(|()| None));
            }))
        });
        if let Err(error) = started {
            call.interrupt(&error);
        }
        Ok(())
    }

    /// Registers a call, and makes its options those of a queued call.
    fn begin(
        self: &Arc<Self>,
        target: &QueueTarget,
        (client, request): (Option<&Arc<Client>>, &'static str),
        options: &CallOptions,
    ) -> Result<(Arc<QueuedCall>, CallOptions)> {
        self.check_process()?;
        let key = (target.userdata, self.next_id.fetch_add(1, Ordering::Relaxed));
        let address = client.map_or(0, |client| Arc::as_ptr(client).addr());
        // Not in a child of the client's process, where a lock may be held by a thread that does not exist.
        let usable = client.filter(|client| client.check_process().is_ok());
        let server = usable.map_or_else(String::new, |client| client.server_in_messages().into_owned());
        let progress_callback = options.extras.progress.clone();
        let description = (address, request, server);
        let call = QueuedCall::new(&self.core, key, description, progress_callback, Arc::clone(&target.done));
        let mut options = options.clone();
        options.queued =
            Some(QueuedOptions { ended: Arc::clone(&call.ended), callbacks: Arc::<QueuedCall>::clone(&call) });
        if options.extras.progress.is_some() {
            let reporting = Arc::clone(&call);
            options.extras.progress = Some(Arc::new(move |progress, total, message: Option<&str>| {
                reporting.add_progress(Progress { progress, total, message: message.map(str::to_owned) });
                true
            }));
        }
        let mut state = self.lock();
        if state.lifecycle >= Lifecycle::Stopped {
            return Err(Error::new(MCP_CLOSED, "the queue was stopped; make a new one"));
        }
        state.calls.insert(key, Arc::clone(&call));
        Ok((call, options))
    }

    fn start(
        self: &Arc<Self>,
        call: &Arc<QueuedCall>,
        client: Option<&Arc<Client>>,
        request: &'static str,
        options: &CallOptions,
        is_counted: bool,
        run: Result<Box<Run>>,
    ) -> Result<()> {
        let client = Self::required(client)?;
        let run = run?;
        client.check_process()?;
        let ender: Arc<dyn CallEnder> = Arc::<CompletionQueue>::clone(self);
        client.add_call_ender(&ender);
        let begun = client.begin_call(options)?;
        let ends = {
            let wait_context = begun.context.wait_context();
            (wait_context.deadline, wait_context.cancel.clone())
        };
        let (client, own_call) = (Arc::clone(client), Arc::clone(call));
        let work: Work = Box::new(move || {
            if own_call.begin() {
                let outcome = caught(|| client.run_begun(request, &begun, |context| run(&client, context)));
                drop((client, begun));
                own_call.end_work(outcome.unwrap_or_else(|place| Err(Error::of_panic(&place))));
            }
        });
        if !is_counted {
            return self.core.run_uncounted(work);
        }
        let waits = self.core.run_counted(work)?;
        if waits {
            self.deadlines.add(ends, call, |watch| self.core.run_uncounted(watch))?;
        }
        Ok(())
    }

    fn required(client: Option<&Arc<Client>>) -> Result<&Arc<Client>> {
        client.ok_or_else(|| Error::new(MCP_INVALID_ARGUMENT, "client is NULL"))
    }

    /// Delivers the callbacks of a client that belong to no call in this queue.
    pub fn adopt(&self, client: &Client) -> Result<Arc<ClientCallbacks>> {
        self.check_process()?;
        // Weak, because the log refers to the callbacks.
        let log = Arc::downgrade(&client.shared_log());
        let report_lost = move |count| {
            if let Some(log) = log.upgrade() {
                log.line_here(
                    LogLevel::Warning,
                    &format!("{count} log messages or notifications were dropped: the queue is dispatched too rarely"),
                );
            }
        };
        Ok(ClientCallbacks::new(&self.core, client.callback_threads(), Box::new(report_lost)))
    }

    // --- Ends --------------------------------------------------------------------------------------------------------

    /// Ends the calls with this userdata. Returns their number.
    pub fn cancel(&self, userdata: usize) -> usize {
        let calls: Vec<_> =
            self.lock().calls.range((userdata, 0)..=(userdata, u64::MAX)).map(|(_, call)| Arc::clone(call)).collect();
        self.interrupt(calls, &Error::new(MCP_CANCELLED, "cancelled through the queue"))
    }

    /// Takes no more calls, and ends all. Returns how many are to be delivered.
    pub fn stop(&self) -> usize {
        let calls: Vec<_> = {
            let mut state = self.lock();
            if state.lifecycle == Lifecycle::Open {
                state.lifecycle = Lifecycle::Stopped;
            }
            state.calls.values().map(Arc::clone).collect()
        };
        self.interrupt(calls, &Error::new(MCP_CANCELLED, "cancelled: the queue was stopped"));
        self.pending()
    }

    fn interrupt(&self, calls: Vec<Arc<QueuedCall>>, reason: &Error) -> usize {
        let count = calls.iter().filter(|call| call.interrupt(reason)).count();
        if count > 0 {
            // The calls that have ended are in flight until they are delivered.
            self.core.wake_threads(self.pending());
        }
        count
    }

    /// Frees the queue: no call is delivered any more. In a callback, this happens when the dispatch ends. In a child
    /// process, only the descriptor is closed.
    pub fn free(self: &Arc<Self>) {
        if !self.is_of_this_process() {
            self.core.inbox.ready.close_in_child();
            // Nothing of it is dropped: that would take locks which threads of the parent may have held.
            std::mem::forget(Arc::clone(self));
            return;
        }
        let is_dispatching = {
            let mut state = self.lock();
            state.lifecycle = Lifecycle::Freed;
            state.dispatching.is_some()
        };
        self.core.set_freed();
        if !is_dispatching {
            self.release();
        }
    }

    /// Ends the threads, and drops what was not delivered.
    fn release(&self) {
        let calls = std::mem::take(&mut self.lock().calls);
        calls.values().for_each(|call| call.abandon());
        self.core.wake_group.wake();
        self.core.threads.stop();
        self.deadlines.stop();
        // Without a lock, here and below: code of the application runs. Before the threads are joined, because some of
        // them wait for these callbacks.
        drop(self.core.inbox.close());
        self.core.threads.join();
        drop(self.core.inbox.set_wakeup(None));
    }

    // --- Dispatch ----------------------------------------------------------------------------------------------------

    /// Runs what is due. If nothing is, waits for the first, at most for `wait`; `None` waits without limit.
    pub fn dispatch(self: &Arc<Self>, wait: Option<Duration>) -> Result<()> {
        self.check_process()?;
        let turn = self.begin_turn()?;
        let inbox = &self.core.inbox;
        let mut due = inbox.len();
        if due == 0 && wait != Some(Duration::ZERO) {
            let ready = [(inbox.ready.waitable(), Interest::Read)];
            let waited = WaitContext::default().wait_any(&ready, wait);
            waited.map_err(|_| Error::new(MCP_SYSTEM_ERROR, "cannot wait for the queue's descriptor"))?;
            due = inbox.len();
        }
        // What callbacks add waits for the next turn.
        for _ in 0..due {
            if self.lock().lifecycle == Lifecycle::Freed {
                break;
            }
            match inbox.pop() {
                Some(DueItem::Callback(callback)) => callback(),
                Some(DueItem::Done(key)) => {
                    // Removed first: in its callback, a call is not pending any more.
                    let call = self.lock().calls.remove(&key);
                    call.iter().for_each(|call| call.run_done());
                }
                // A nested dispatch has run the rest.
                None => break,
            }
            if !self.is_of_this_process() {
                // The callback has forked, and this is the child: the rest is the parent's.
                std::mem::forget(turn);
                return self.check_process();
            }
        }
        inbox.end_turn();
        drop(turn);
        Ok(())
    }

    fn begin_turn(self: &Arc<Self>) -> Result<Turn> {
        let this_thread = process::thread();
        let mut state = self.lock();
        if state.lifecycle == Lifecycle::Freed {
            return Err(Error::new(MCP_CLOSED, "the queue was freed"));
        }
        let depth = match state.dispatching {
            Some((thread, _)) if thread != this_thread => {
                return Err(Error::new(MCP_MISUSE, "another thread dispatches the queue"));
            }
            Some((_, depth)) => depth + 1,
            None => 1,
        };
        state.dispatching = Some((this_thread, depth));
        Ok(Turn(Arc::clone(self)))
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock()
    }
}

/// A thread dispatches the queue until this is dropped.
struct Turn(Arc<CompletionQueue>);

impl Drop for Turn {
    fn drop(&mut self) {
        let is_freed = {
            let mut state = self.0.lock();
            state.dispatching =
                state.dispatching.map(|(thread, depth)| (thread, depth - 1)).filter(|(_, depth)| *depth > 0);
            state.dispatching.is_none() && state.lifecycle == Lifecycle::Freed
        };
        if is_freed {
            self.0.release();
        }
    }
}

/// Ends the calls of a client that is closed.
impl CallEnder for CompletionQueue {
    fn end_calls(&self, client: usize) {
        let calls: Vec<_> = {
            let state = self.lock();
            state.calls.values().filter(|call| call.client == client && !call.is_close()).map(Arc::clone).collect()
        };
        self.interrupt(calls, &Error::new(MCP_CLOSED, "the client was closed"));
    }
}
