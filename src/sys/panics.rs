//! Catches panics of the library, without printing them in the host process.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// This thread is inside the library.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// The source location of the last panic inside the library.
    static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `body` and catches a panic. Returns only the panic's source location: its message may contain secrets.
pub fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let was_guarded = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(body));
    GUARDED.set(was_guarded);
    outcome.map_err(|_| LOCATION.take())
}

/// Installs a panic hook that prints nothing for panics of the library. Other panics go to the previous hook: a host
/// process that is written in Rust may share the hook with this library.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if GUARDED.get() {
                LOCATION.set(panic.location().map(ToString::to_string).unwrap_or_default());
            } else {
                previous(panic);
            }
        }));
    });
}
