//! A pool of threads, which are started when they are needed and end when they have had nothing to do for a while.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar};
use std::time::Duration;

use super::lock::{Mutex, MutexGuard, wait_timeout};
use super::panics::caught;
use super::process;
use super::thread::{self, Thread};

thread_local! {
    /// The work that this thread runs, if it is one of a pool.
    static CURRENT: Cell<Option<CurrentWork>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct CurrentWork {
    /// The address of its pool.
    pool: usize,
    is_counted: bool,
}

/// How long a thread waits for work before it ends.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// Work for a thread of a pool.
pub type Work = Box<dyn FnOnce() + Send>;

/// Threads that run work in parallel.
pub struct ThreadPool(Arc<PoolShared>);

struct PoolShared {
    name: &'static str,
    /// Of each thread, in bytes; `None` for the default.
    stack_size: Option<usize>,
    /// The process that created the pool. After a fork, its threads do not exist in the child.
    process: u32,
    state: Mutex<PoolState>,
    /// There is work, or the pool was stopped.
    changed: Condvar,
}

struct PoolState {
    /// Work that the next free thread takes.
    ready: VecDeque<Assignment>,
    /// Counted work that waits because `max_running` is reached.
    waiting: VecDeque<Work>,
    /// How much counted work runs or is ready.
    running: usize,
    max_running: usize,
    /// How many threads take the next work: they wait for it, or are about to look for it.
    free: usize,
    /// How many of the free threads wait.
    sleeping: usize,
    /// How many of the sleeping threads were woken, or will be when the lock is released.
    woken: usize,
    /// How many threads to wake when the lock is released: before, they would have to wait for it.
    to_wake: usize,
    threads: Vec<PoolThread>,
    is_stopped: bool,
}

struct Assignment {
    work: Work,
    is_counted: bool,
}

struct PoolThread {
    thread: Thread,
    is_busy: Arc<AtomicBool>,
}

impl PoolThread {
    fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

impl ThreadPool {
    pub fn new(name: &'static str, stack_size: Option<usize>, max_running: usize) -> ThreadPool {
        let state = PoolState {
            ready: VecDeque::new(),
            waiting: VecDeque::new(),
            running: 0,
            max_running,
            free: 0,
            sleeping: 0,
            woken: 0,
            to_wake: 0,
            threads: Vec::new(),
            is_stopped: false,
        };
        let shared =
            PoolShared { name, stack_size, process: process::id(), state: Mutex::new(state), changed: Condvar::new() };
        ThreadPool(Arc::new(shared))
    }

    /// Changes how much counted work may run at the same time.
    pub fn set_max_running(&self, max_running: usize) {
        let mut state = self.0.lock();
        state.max_running = max_running;
        self.0.start_waiting(&mut state);
        self.0.unlock(state);
    }

    /// Runs work that counts towards the maximum, or lets it wait until less work runs. Fails if no thread can be
    /// created and none exists. Returns true if the work waits.
    pub fn run_counted(&self, work: Work) -> io::Result<bool> {
        let mut state = self.0.lock();
        if state.is_stopped {
            drop(state);
            drop(work);
            return Ok(false);
        }
        if state.running >= state.max_running {
            state.waiting.push_back(work);
            return Ok(true);
        }
        state.running += 1;
        let started = self.0.start(&mut state, Assignment { work, is_counted: true });
        self.0.unlock(state);
        started.map(|()| false)
    }

    /// Runs work that does not count.
    pub fn run(&self, work: Work) -> io::Result<()> {
        let mut state = self.0.lock();
        if state.is_stopped {
            drop(state);
            drop(work);
            return Ok(());
        }
        let started = self.0.start(&mut state, Assignment { work, is_counted: false });
        self.0.unlock(state);
        started
    }

    /// The work of this thread is done, and what it still does takes no time: the thread is given the next work, which
    /// would otherwise have to wake another one.
    pub fn end_work(&self) {
        if let Some(current) = CURRENT.get().filter(|current| current.pool == self.0.address()) {
            CURRENT.set(None);
            let mut state = self.0.lock();
            self.0.set_free(&mut state, current);
            self.0.unlock(state);
        }
    }

    /// Runs `wait` on a thread of the pool. If the thread runs counted work, that does not count meanwhile.
    pub fn uncounted<T>(&self, wait: impl FnOnce() -> T) -> T {
        if !CURRENT.get().is_some_and(|current| current.pool == self.0.address() && current.is_counted) {
            return wait();
        }
        {
            let mut state = self.0.lock();
            state.running -= 1;
            self.0.start_waiting(&mut state);
            self.0.unlock(state);
        }
        // A drop guard, so that it counts again even after a panic.
        let _uncounted = Uncounted(&self.0);
        wait()
    }

    /// Drops the work that no thread has begun, and refuses new work.
    pub fn stop(&self) {
        let mut state = self.0.lock();
        state.is_stopped = true;
        let ready = std::mem::take(&mut state.ready);
        let waiting = std::mem::take(&mut state.waiting);
        state.running -= ready.iter().filter(|assignment| assignment.is_counted).count();
        self.0.changed.notify_all();
        drop(state);
        // Without the lock: dropping work may run code of the application.
        drop((ready, waiting));
    }

    /// Waits until all threads of a stopped pool have ended, except the current one.
    pub fn join(&self) {
        let threads = std::mem::take(&mut self.0.lock().threads);
        join_all(threads);
    }

    /// Waits until the threads of a stopped pool have ended that are not running any work.
    pub fn join_idle(&self) {
        let mut state = self.0.lock();
        let threads = std::mem::take(&mut state.threads);
        let (busy, idle) = threads.into_iter().partition(|thread| thread.is_busy.load(Ordering::Relaxed));
        state.threads = busy;
        drop(state);
        join_all(idle);
    }
}

/// Counts the work of this thread again when it is dropped.
struct Uncounted<'a>(&'a PoolShared);

impl Drop for Uncounted<'_> {
    fn drop(&mut self) {
        self.0.lock().running += 1;
    }
}

fn join_all(threads: Vec<PoolThread>) {
    threads.into_iter().filter(|own| !own.thread.is_current()).for_each(|own| own.thread.join());
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        if self.0.process != process::id() {
            // The threads do not exist in this process: neither their handles nor the lock may be used.
            let has_threads = Arc::get_mut(&mut self.0).is_none_or(|own| !own.state.get_mut().threads.is_empty());
            if has_threads {
                std::mem::forget(Arc::clone(&self.0));
            }
            return;
        }
        self.stop();
    }
}

impl PoolShared {
    /// Gives work to a free thread, or to a new one. The lock is then released by `unlock`.
    fn start(self: &Arc<Self>, state: &mut PoolState, assignment: Assignment) -> io::Result<()> {
        state.ready.push_back(assignment);
        // A thread that was woken still counts as free, and the work for it as ready.
        if state.free >= state.ready.len() {
            let asleep = state.sleeping - state.woken;
            if state.ready.len() > state.free - asleep {
                state.woken += 1;
                state.to_wake += 1;
            }
            return Ok(());
        }
        match self.add_thread(state) {
            Err(error) if state.threads.is_empty() => {
                let is_counted = state.ready.pop_back().is_some_and(|assignment| assignment.is_counted);
                state.running -= usize::from(is_counted);
                Err(error)
            }
            // Without a new thread, the next one that is free takes the work.
            _ => Ok(()),
        }
    }

    fn add_thread(self: &Arc<Self>, state: &mut PoolState) -> io::Result<()> {
        let (finished, threads) = std::mem::take(&mut state.threads).into_iter().partition(PoolThread::is_finished);
        state.threads = threads;
        // They have ended, or are about to.
        join_all(finished);
        let is_busy = Arc::new(AtomicBool::new(true));
        let (shared, busy) = (Arc::clone(self), Arc::clone(&is_busy));
        let work = move || shared.run_thread(&busy);
        let thread = match self.stack_size {
            Some(size) => thread::spawn_with_stack(self.name, size, work),
            None => thread::spawn(self.name, work),
        }?;
        state.threads.push(PoolThread { thread, is_busy });
        Ok(())
    }

    /// Starts waiting work, as much as may run.
    fn start_waiting(self: &Arc<Self>, state: &mut PoolState) {
        while state.running < state.max_running {
            let Some(work) = state.waiting.pop_front() else { return };
            state.running += 1;
            // There are threads: those that run the other work.
            let _ = self.start(state, Assignment { work, is_counted: true });
        }
    }

    /// The current thread takes the next work.
    fn set_free(self: &Arc<Self>, state: &mut PoolState, current: CurrentWork) {
        state.free += 1;
        if current.is_counted {
            state.running -= 1;
            self.start_waiting(state);
        }
    }

    fn run_thread(self: &Arc<Self>, is_busy: &AtomicBool) {
        let mut state = self.lock();
        loop {
            if let Some(Assignment { work, is_counted }) = state.ready.pop_front() {
                self.unlock(state);
                CURRENT.set(Some(CurrentWork { pool: self.address(), is_counted }));
                let _ = caught(work);
                state = self.lock();
                if let Some(current) = CURRENT.take() {
                    self.set_free(&mut state, current);
                }
                state.free -= 1;
                continue;
            }
            is_busy.store(false, Ordering::Relaxed);
            if state.is_stopped {
                return;
            }
            state.free += 1;
            state.sleeping += 1;
            let (guard, has_timed_out) = wait_timeout(&self.changed, state, IDLE_LIMIT);
            state = guard;
            state.free -= 1;
            state.sleeping -= 1;
            // Another thread may have been woken, but either of them takes the work.
            state.woken = state.woken.saturating_sub(1);
            if has_timed_out && state.ready.is_empty() {
                return;
            }
            is_busy.store(true, Ordering::Relaxed);
        }
    }

    fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// Releases the lock and wakes the threads that have been given work.
    fn unlock(&self, mut state: MutexGuard<'_, PoolState>) {
        let to_wake = std::mem::take(&mut state.to_wake);
        drop(state);
        (0..to_wake).for_each(|_| self.changed.notify_one());
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::mpsc::channel;

    use super::*;

    fn pool(max_running: usize) -> ThreadPool {
        ThreadPool::new("test-pool", Some(256 * 1024), max_running)
    }

    #[test]
    fn two_pieces_of_work_never_wait_for_the_same_free_thread() {
        let pool = pool(usize::MAX);
        for _ in 0..200 {
            // Each waits for the other.
            let both = Arc::new(Barrier::new(3));
            for _ in 0..2 {
                let both = Arc::clone(&both);
                let work = move || {
                    both.wait();
                };
                pool.run_counted(Box::new(work)).unwrap();
            }
            both.wait();
        }
    }

    #[test]
    fn work_above_the_maximum_waits_and_uncounted_work_does_not() {
        let pool = Arc::new(pool(1));
        let (send, receive) = channel();
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        let first = send.clone();
        let blocking = move || {
            begin.send(()).unwrap();
            ended.recv().unwrap();
            first.send("first").unwrap();
        };
        assert!(!pool.run_counted(Box::new(blocking)).unwrap());
        begun.recv().unwrap();
        let second = send.clone();
        assert!(pool.run_counted(Box::new(move || second.send("second").unwrap())).unwrap());
        pool.run(Box::new(move || send.send("uncounted").unwrap())).unwrap();
        assert_eq!(receive.recv().unwrap(), "uncounted");
        end.send(()).unwrap();
        assert_eq!([receive.recv().unwrap(), receive.recv().unwrap()], ["first", "second"]);
    }

    #[test]
    fn work_that_waits_for_a_person_leaves_its_place_to_other_work() {
        let pool = Arc::new(pool(1));
        let (send, receive) = channel();
        let (answer, answered) = channel::<()>();
        let (waiting_pool, asking) = (Arc::clone(&pool), send.clone());
        let work = move || {
            waiting_pool.uncounted(|| answered.recv().unwrap());
            asking.send("asked").unwrap();
        };
        pool.run_counted(Box::new(work)).unwrap();
        pool.run_counted(Box::new(move || send.send("other").unwrap())).unwrap();
        assert_eq!(receive.recv().unwrap(), "other");
        answer.send(()).unwrap();
        assert_eq!(receive.recv().unwrap(), "asked");
    }

    #[test]
    fn a_thread_whose_work_has_ended_takes_the_next_work() {
        let pool = Arc::new(pool(1));
        let (send, receive) = channel();
        let (resume, resumed) = channel::<()>();
        let (ending_pool, first) = (Arc::clone(&pool), send.clone());
        let work = move || {
            ending_pool.end_work();
            first.send(std::thread::current().id()).unwrap();
            resumed.recv().unwrap();
        };
        pool.run_counted(Box::new(work)).unwrap();
        let thread = receive.recv().unwrap();
        // The first work does not count any more.
        let work = move || send.send(std::thread::current().id()).unwrap();
        assert!(!pool.run_counted(Box::new(work)).unwrap());
        resume.send(()).unwrap();
        assert_eq!(receive.recv().unwrap(), thread);
        assert_eq!(pool.0.lock().threads.len(), 1);
    }

    #[test]
    fn a_stopped_pool_drops_the_work_that_has_not_begun() {
        let pool = pool(1);
        let (begin, begun) = channel();
        let (end, ended) = channel::<()>();
        let blocking = move || {
            begin.send(()).unwrap();
            ended.recv().unwrap();
        };
        pool.run_counted(Box::new(blocking)).unwrap();
        begun.recv().unwrap();
        let (send, receive) = channel();
        pool.run_counted(Box::new(move || send.send(()).unwrap())).unwrap();
        pool.stop();
        assert!(receive.recv().is_err());
        pool.join_idle();
        end.send(()).unwrap();
        pool.join();
        assert!(Arc::strong_count(&pool.0) == 1);
    }
}
