//! Which application callbacks this thread is running: a call that waits for a callback of the same thread would never
//! end.

use std::cell::RefCell;

use crate::sys::thread_pool::Work;

thread_local! {
    /// The owners of the callbacks that this thread is running, innermost last.
    static RUNNING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Runs a callback of `owner`, which is an address. Meanwhile [`is_in_callback_of`] is true on this thread.
pub fn run_callback<T>(owner: usize, callback: impl FnOnce() -> T) -> T {
    let _scope = CallbackScope::enter(&[owner]);
    callback()
}

/// Work for another thread, which this thread will wait for. There, too, [`is_in_callback_of`] is true for the owners
/// of the callbacks that this thread is running.
pub fn in_same_callbacks(work: Work) -> Work {
    let owners = RUNNING.with_borrow(Clone::clone);
    if owners.is_empty() {
        return work;
    }
    Box::new(move || {
        let _scope = CallbackScope::enter(&owners);
        work();
    })
}

pub fn is_in_callback_of(owner: usize) -> bool {
    RUNNING.with_borrow(|owners| owners.contains(&owner))
}

/// Ends when it is dropped, so also if the callback panics.
struct CallbackScope {
    /// How many callbacks this thread was running before.
    outer: usize,
}

impl CallbackScope {
    fn enter(owners: &[usize]) -> CallbackScope {
        RUNNING.with_borrow_mut(|running| {
            let outer = running.len();
            running.extend(owners);
            CallbackScope { outer }
        })
    }
}

impl Drop for CallbackScope {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(|running| running.truncate(self.outer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_threads_are_in_the_same_callbacks() {
        let work = run_callback(1, || {
            run_callback(2, || {
                in_same_callbacks(Box::new(|| assert_eq!([0, 1, 2].map(is_in_callback_of), [false, true, true])))
            })
        });
        assert!(!is_in_callback_of(1) && !is_in_callback_of(2));
        std::thread::spawn(work).join().unwrap();
    }
}
