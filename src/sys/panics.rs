//! Catches panics of the library, without printing them in the host process.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

static HOOK_INSTALLED: Once = Once::new();

thread_local! {
    /// This thread is inside the library.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// The source location of the last panic inside the library.
    static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `body` and catches a panic. Returns only the panic's source location: its message may contain secrets.
///
/// Every exported function contains a copy of this code: what runs rarely is in functions that are not inlined.
pub fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    if !HOOK_INSTALLED.is_completed() {
        install_hook();
    }
    let was_guarded = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(body));
    GUARDED.set(was_guarded);
    outcome.map_err(last_location)
}

/// Runs `body` like [`caught`], with less code in each caller, and about 25 instructions more.
pub fn caught_briefly<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    let was_guarded = enter();
    let outcome = catch_unwind(AssertUnwindSafe(body));
    leave(was_guarded);
    outcome.map_err(last_location)
}

/// This thread is inside the library from now on. Returns whether it already was.
#[inline(never)]
fn enter() -> bool {
    if !HOOK_INSTALLED.is_completed() {
        install_hook();
    }
    GUARDED.replace(true)
}

#[inline(never)]
fn leave(was_guarded: bool) {
    GUARDED.set(was_guarded);
}

/// The source location of the panic with this payload, which is dropped.
#[cold]
#[inline(never)]
fn last_location(_payload: Box<dyn Any + Send>) -> String {
    LOCATION.take()
}

/// Installs a panic hook that prints nothing for panics of the library. Other panics go to the previous hook: a host
/// process that is written in Rust may share the hook with this library.
#[cold]
#[inline(never)]
fn install_hook() {
    HOOK_INSTALLED.call_once(|| {
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
