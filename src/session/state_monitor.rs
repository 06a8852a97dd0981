//! The state of a client's connection, and the hook that the application set for its changes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::auth::call_factory::CallFactory;
use crate::sys::lock::{Mutex, MutexGuard};

/// The most changes that wait for the hook. An application that is slower than that loses the oldest.
const MAX_WAITING: usize = 64;

/// Whether a client is connected to its server. The numbers are those of `mcp_state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// No call has connected yet.
    #[default]
    NotConnected = 0,
    Connected = 1,
    /// The session or the connection was lost.
    Lost = 2,
    /// The process of the server has ended.
    ProcessEnded = 3,
    /// The client was closed.
    Closed = 4,
}

impl ConnectionState {
    const ALL: [ConnectionState; 5] = [
        ConnectionState::NotConnected,
        ConnectionState::Connected,
        ConnectionState::Lost,
        ConnectionState::ProcessEnded,
        ConnectionState::Closed,
    ];

    fn of_number(number: u8) -> ConnectionState {
        ConnectionState::ALL.into_iter().find(|state| *state as u8 == number).unwrap_or_default()
    }
}

/// Receives the new state.
pub type StateHook = dyn Fn(ConnectionState) + Send + Sync;

/// The state of one client. Changes are recorded under the lock of the session, and passed to the hook without a lock,
/// one at a time and in their order.
pub struct StateMonitor {
    calls: Arc<CallFactory>,
    /// A copy of `MonitoredState::current` that is read without a lock, also in the child of a fork.
    current: AtomicU8,
    state: Mutex<MonitoredState>,
}

#[derive(Default)]
struct MonitoredState {
    current: ConnectionState,
    /// The number of the current session: the end of an earlier one is no change.
    session: u64,
    hook: Option<Arc<StateHook>>,
    waiting: VecDeque<ConnectionState>,
    /// How many of the waiting changes the queue of the client is going to deliver.
    scheduled: usize,
    /// A delivery is running on a thread that has noticed a change.
    runs_on_thread: bool,
    /// How many deliveries are running in the queue: more than one if the hook dispatches it.
    running_in_queue: usize,
}

impl StateMonitor {
    pub fn new(calls: Arc<CallFactory>) -> Arc<StateMonitor> {
        Arc::new(StateMonitor { calls, current: AtomicU8::default(), state: Mutex::default() })
    }

    pub fn current(&self) -> ConnectionState {
        ConnectionState::of_number(self.current.load(Ordering::Acquire))
    }

    /// Replaces the hook, which receives only later changes. Returns the old one, so that the caller drops it without a
    /// lock.
    pub fn set_hook(&self, hook: Option<Arc<StateHook>>) -> Option<Arc<StateHook>> {
        let mut state = self.lock();
        state.waiting.clear();
        std::mem::replace(&mut state.hook, hook)
    }

    /// A session was opened. Returns its number.
    pub fn record_session(&self) -> u64 {
        let mut state = self.lock();
        state.session += 1;
        self.record(&mut state, ConnectionState::Connected);
        state.session
    }

    /// The current session has ended, in this state.
    pub fn record_end(&self, end: ConnectionState) {
        let mut state = self.lock();
        if state.current == ConnectionState::Connected {
            self.record(&mut state, end);
        }
    }

    /// The connection of the session with this number has ended, in this state.
    pub fn record_end_of(&self, session: u64, end: ConnectionState) {
        let mut state = self.lock();
        if state.session == session && state.current == ConnectionState::Connected {
            self.record(&mut state, end);
        }
    }

    /// The client was closed.
    pub fn record_close(&self) {
        self.record(&mut self.lock(), ConnectionState::Closed);
    }

    /// The session is released: that its connection ends is no change.
    pub fn release_session(&self) {
        self.lock().session += 1;
    }

    fn record(&self, state: &mut MonitoredState, new: ConnectionState) {
        // After a close, a handshake may still end.
        if state.current == new || state.current == ConnectionState::Closed {
            return;
        }
        state.current = new;
        self.current.store(new as u8, Ordering::Release);
        if state.hook.is_some() {
            if state.waiting.len() == MAX_WAITING {
                state.waiting.pop_front();
            }
            state.waiting.push_back(new);
        }
    }

    /// Passes the recorded changes to the hook: in the queue of the client, or else on this thread, unless another
    /// thread does so already. Called without a lock.
    pub fn deliver(self: &Arc<StateMonitor>) {
        loop {
            let runner = self.calls.own_callbacks.read().clone();
            match runner {
                None => match self.begin_delivery() {
                    Some(delivery) => delivery.run(),
                    None => return,
                },
                // At once, because the queue delivers nothing more after the end of the client's close.
                Some(runner) => return self.schedule().for_each(|delivery| runner.notify(Box::new(|| delivery.run()))),
            }
        }
    }

    /// A delivery in the queue for each change that has none.
    fn schedule(self: &Arc<StateMonitor>) -> impl Iterator<Item = ScheduledDelivery> {
        let mut state = self.lock();
        let missing = state.waiting.len().saturating_sub(state.scheduled);
        state.scheduled += missing;
        let deliveries: Vec<_> = (0..missing).map(|_| ScheduledDelivery(Some(Arc::clone(self)))).collect();
        deliveries.into_iter()
    }

    /// Begins to deliver the oldest change on this thread. `None` if there is none, or if a delivery is running.
    fn begin_delivery(self: &Arc<StateMonitor>) -> Option<Delivery> {
        let mut state = self.lock();
        if state.runs_on_thread || state.running_in_queue > 0 {
            return None;
        }
        let (change, hook) = state.take_oldest()?;
        state.runs_on_thread = true;
        Some(Delivery { monitor: Arc::clone(self), change, hook, is_in_queue: false })
    }

    /// Begins to deliver the oldest change in the queue. `None` if a thread that began before the client had a queue is
    /// delivering: it continues.
    fn begin_scheduled(self: &Arc<StateMonitor>) -> Option<Delivery> {
        let mut state = self.lock();
        state.scheduled -= 1;
        if state.runs_on_thread {
            return None;
        }
        let (change, hook) = state.take_oldest()?;
        state.running_in_queue += 1;
        Some(Delivery { monitor: Arc::clone(self), change, hook, is_in_queue: true })
    }

    fn lock(&self) -> MutexGuard<'_, MonitoredState> {
        self.state.lock()
    }
}

impl MonitoredState {
    fn take_oldest(&mut self) -> Option<(ConnectionState, Arc<StateHook>)> {
        self.waiting.pop_front().zip(self.hook.clone())
    }
}

/// A delivery that is running, until this is dropped.
struct Delivery {
    monitor: Arc<StateMonitor>,
    change: ConnectionState,
    hook: Arc<StateHook>,
    is_in_queue: bool,
}

impl Delivery {
    fn run(self) {
        (self.hook)(self.change);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let mut state = self.monitor.lock();
        if self.is_in_queue {
            state.running_in_queue -= 1;
        } else {
            state.runs_on_thread = false;
        }
    }
}

/// A delivery in the queue of the client. It is dropped without running if the queue is freed.
struct ScheduledDelivery(Option<Arc<StateMonitor>>);

impl ScheduledDelivery {
    fn run(mut self) {
        let Some(monitor) = self.0.take() else { return };
        if let Some(delivery) = monitor.begin_scheduled() {
            delivery.run();
            monitor.deliver();
        }
    }
}

impl Drop for ScheduledDelivery {
    fn drop(&mut self) {
        if let Some(monitor) = &self.0 {
            monitor.lock().scheduled -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::callback_runner::CallbackRunner;
    use crate::error::Result;
    use crate::sys::thread_pool::Work;
    use crate::transport::fake::recording_context;

    /// A monitor, and the changes that its hook has received.
    fn monitored() -> (Arc<StateMonitor>, Arc<Mutex<Vec<ConnectionState>>>) {
        let monitor = StateMonitor::new(Arc::clone(&recording_context().0.calls));
        let seen = Arc::<Mutex<Vec<ConnectionState>>>::default();
        let recorded = Arc::clone(&seen);
        monitor.set_hook(Some(Arc::new(move |state| recorded.lock().push(state))));
        (monitor, seen)
    }

    #[test]
    fn each_change_is_reported_once() {
        let (monitor, seen) = monitored();
        assert_eq!(monitor.current(), ConnectionState::NotConnected);
        let first = monitor.record_session();
        monitor.record_end_of(first, ConnectionState::ProcessEnded);
        monitor.record_end(ConnectionState::Lost);
        let second = monitor.record_session();
        monitor.record_end_of(first, ConnectionState::ProcessEnded);
        assert_eq!(monitor.current(), ConnectionState::Connected);
        monitor.record_end(ConnectionState::Lost);
        monitor.record_end_of(second, ConnectionState::ProcessEnded);
        monitor.record_session();
        monitor.record_close();
        monitor.record_session();
        monitor.record_close();
        monitor.deliver();
        assert_eq!(monitor.current(), ConnectionState::Closed);
        let expected = [
            ConnectionState::Connected,
            ConnectionState::ProcessEnded,
            ConnectionState::Connected,
            ConnectionState::Lost,
            ConnectionState::Connected,
            ConnectionState::Closed,
        ];
        assert_eq!(*seen.lock(), expected);
    }

    #[test]
    fn the_end_of_a_released_session_is_no_change() {
        let (monitor, seen) = monitored();
        let session = monitor.record_session();
        monitor.release_session();
        monitor.record_end_of(session, ConnectionState::Lost);
        monitor.deliver();
        assert_eq!(*seen.lock(), [ConnectionState::Connected]);
    }

    #[test]
    fn changes_that_a_hook_causes_are_delivered_after_it() {
        let (monitor, seen) = monitored();
        let (recorded, weak) = (Arc::clone(&seen), Arc::downgrade(&monitor));
        monitor.set_hook(Some(Arc::new(move |state| {
            recorded.lock().push(state);
            if state == ConnectionState::Connected {
                let monitor = weak.upgrade().unwrap();
                monitor.record_close();
                monitor.deliver();
                assert_eq!(recorded.lock().len(), 1, "delivered inside the hook");
            }
        })));
        monitor.record_session();
        monitor.deliver();
        assert_eq!(*seen.lock(), [ConnectionState::Connected, ConnectionState::Closed]);
    }

    #[test]
    fn only_the_newest_changes_wait_and_none_without_a_hook() {
        let (monitor, seen) = monitored();
        for _ in 0..MAX_WAITING {
            monitor.record_session();
            monitor.record_end(ConnectionState::Lost);
        }
        monitor.deliver();
        assert_eq!(seen.lock().len(), MAX_WAITING);
        assert_eq!(seen.lock().last(), Some(&ConnectionState::Lost));
        monitor.record_session();
        monitor.set_hook(None);
        monitor.record_end(ConnectionState::Lost);
        monitor.set_hook(Some(Arc::new(|state| panic!("{state:?}"))));
        monitor.deliver();
    }

    /// A queue that is dispatched by hand.
    #[derive(Default)]
    struct ManualQueue(Mutex<VecDeque<Work>>);

    impl CallbackRunner for ManualQueue {
        fn run(&self, callback: Work) -> Result<()> {
            self.notify(callback);
            Ok(())
        }

        fn notify(&self, callback: Work) {
            self.0.lock().push_back(callback);
        }

        fn start_waiting(&self, work: Work) -> Result<()> {
            self.run(work)
        }

        fn while_waiting(&self, wait: &mut dyn FnMut()) {
            wait();
        }
    }

    #[test]
    fn a_queue_delivers_each_change_in_its_own_turn() {
        let (monitor, seen) = monitored();
        let queue = Arc::<ManualQueue>::default();
        *monitor.calls.own_callbacks.write() = Some(Arc::<ManualQueue>::clone(&queue));
        monitor.record_session();
        monitor.deliver();
        monitor.record_close();
        monitor.deliver();
        assert!(seen.lock().is_empty());
        // Scheduled at once: after the end of a close, the queue takes nothing more.
        assert_eq!(queue.0.lock().len(), 2);
        for count in 1..=2 {
            let work = queue.0.lock().pop_front().unwrap();
            work();
            assert_eq!(seen.lock().len(), count);
        }
        assert!(queue.0.lock().is_empty());
        assert_eq!(*seen.lock(), [ConnectionState::Connected, ConnectionState::Closed]);
    }

    #[test]
    fn changes_that_a_freed_queue_has_not_delivered_are_delivered_later() {
        let (monitor, seen) = monitored();
        let queue = Arc::<ManualQueue>::default();
        *monitor.calls.own_callbacks.write() = Some(Arc::<ManualQueue>::clone(&queue));
        monitor.record_session();
        monitor.deliver();
        queue.0.lock().clear();
        *monitor.calls.own_callbacks.write() = None;
        monitor.record_close();
        monitor.deliver();
        assert_eq!(*seen.lock(), [ConnectionState::Connected, ConnectionState::Closed]);
    }

    #[test]
    fn a_hook_receives_no_change_from_before_it() {
        let (monitor, seen) = monitored();
        let queue = Arc::<ManualQueue>::default();
        *monitor.calls.own_callbacks.write() = Some(Arc::<ManualQueue>::clone(&queue));
        monitor.record_session();
        monitor.deliver();
        let recorded = Arc::clone(&seen);
        monitor.set_hook(Some(Arc::new(move |state| recorded.lock().push(state))));
        monitor.record_close();
        monitor.deliver();
        for _ in 0..2 {
            let work = queue.0.lock().pop_front();
            work.into_iter().for_each(|work| work());
        }
        assert_eq!(*seen.lock(), [ConnectionState::Closed]);
        assert_eq!(monitor.lock().scheduled, 0);
    }

    #[test]
    fn a_hook_may_dispatch_the_queue() {
        let (monitor, seen) = monitored();
        let queue = Arc::<ManualQueue>::default();
        *monitor.calls.own_callbacks.write() = Some(Arc::<ManualQueue>::clone(&queue));
        let (recorded, inner) = (Arc::clone(&seen), Arc::clone(&queue));
        monitor.set_hook(Some(Arc::new(move |state| {
            recorded.lock().push(state);
            let next = inner.0.lock().pop_front();
            next.into_iter().for_each(|work| work());
        })));
        monitor.record_session();
        monitor.record_end(ConnectionState::Lost);
        monitor.deliver();
        let work = queue.0.lock().pop_front().unwrap();
        work();
        assert_eq!(*seen.lock(), [ConnectionState::Connected, ConnectionState::Lost]);
        assert_eq!(monitor.lock().running_in_queue, 0);
    }
}
