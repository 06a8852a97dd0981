//! Panics of the library's own: they end where they are caught, and nothing is printed in somebody's process.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// This thread is inside the library.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic inside the library happened.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `body`; a panic ends here, and only its place is kept: what a panic says may hold anything.
pub fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    silence();
    let outer = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(body));
    GUARDED.set(outer);
    outcome.map_err(|_| PLACE.take())
}

/// Rust prints every panic, unless a hook says otherwise. Ours is quiet for the library's own and leaves the others alone: where
/// the host is written in Rust too, it may share the hook with us.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if GUARDED.get() {
                PLACE.set(panic.location().map(ToString::to_string).unwrap_or_default());
            } else {
                others(panic);
            }
        }));
    });
}
