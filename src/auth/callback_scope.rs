//! Which application callbacks this thread is running: a call that waits for a callback of the same thread would never
//! end.

use std::cell::RefCell;

thread_local! {
    /// The owners of the callbacks that this thread is running, innermost last.
    static RUNNING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Runs a callback of `owner`, which is an address. Meanwhile [`is_in_callback_of`] is true on this thread.
pub fn run_callback<T>(owner: usize, callback: impl FnOnce() -> T) -> T {
    RUNNING.with_borrow_mut(|owners| owners.push(owner));
    // A drop guard, so that it ends even if the callback panics.
    let _scope = CallbackScope;
    callback()
}

pub fn is_in_callback_of(owner: usize) -> bool {
    RUNNING.with_borrow(|owners| owners.contains(&owner))
}

struct CallbackScope;

impl Drop for CallbackScope {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(Vec::pop);
    }
}
