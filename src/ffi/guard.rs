//! The one gate between C and Rust: outputs are cleared, panics stop here, failures become an `mcp_error`.

use super::error::mcp_error;
use crate::error::{Error, Result};
use crate::status::*;
use crate::sys::panics::caught;

/// Runs the body of an export that returns a status.
///
/// # Safety `error` is NULL or may be written to.
pub unsafe fn guard(error: *mut *mut mcp_error, body: impl FnOnce() -> Result<()>) -> mcp_status {
    // SAFETY: as the caller promises.
    match unsafe { guard_value(error, body) } {
        Ok(()) => MCP_OK,
        Err(status) => status,
    }
}

/// Runs the body of an export that returns a new object: NULL stands for a failure.
///
/// # Safety `error` is NULL or may be written to.
pub unsafe fn guard_new<T>(error: *mut *mut mcp_error, body: impl FnOnce() -> Result<T>) -> *mut T {
    // SAFETY: as the caller promises.
    let made = unsafe { guard_value(error, || body().map(|value| Box::into_raw(Box::new(value)))) };
    made.unwrap_or(std::ptr::null_mut())
}

/// Runs the body of an export that cannot report a failure.
pub fn guard_quiet<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    caught(body).unwrap_or(otherwise)
}

/// # Safety `error` is NULL or may be written to.
unsafe fn guard_value<T>(error: *mut *mut mcp_error, body: impl FnOnce() -> Result<T>) -> Result<T, mcp_status> {
    // SAFETY: as the caller promises; NULL is no reference.
    let mut place = unsafe { error.as_mut() };
    if let Some(place) = &mut place {
        **place = std::ptr::null_mut();
    }
    let outcome = caught(body).unwrap_or_else(|place| {
        let why = format!("libmcp met a bug of its own (at {place}) and stopped the call; please report it");
        Err(Error::new(MCP_INTERNAL, why))
    });
    outcome.map_err(|failure| {
        let status = failure.status();
        if let Some(place) = place {
            *place = mcp_error::boxed(failure);
        }
        status
    })
}

/// The object behind a handle.
///
/// # Safety `handle` is NULL or a live object of its type.
pub unsafe fn live<'a, T>(handle: *const T, what: &str) -> Result<&'a T> {
    // SAFETY: as the caller promises; NULL is no reference.
    unsafe { handle.as_ref() }.ok_or_else(|| null(what))
}

/// As [`live`], for the few functions that change an object in place; nobody else uses it
/// meanwhile.
///
/// # Safety `handle` is NULL or a live object of its type that no other thread uses.
pub unsafe fn live_mut<'a, T>(handle: *mut T, what: &str) -> Result<&'a mut T> {
    // SAFETY: as the caller promises; NULL is no reference.
    unsafe { handle.as_mut() }.ok_or_else(|| null(what))
}

pub fn null(what: &str) -> Error {
    Error::new(MCP_INVALID_ARGUMENT, format!("{what} is NULL"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::error::{mcp_error_free, mcp_error_message, mcp_error_status};

    #[test]
    fn a_panic_becomes_an_error_that_names_its_place_and_nothing_else() {
        let mut error: *mut mcp_error = std::ptr::null_mut();
        // SAFETY: the place for the error is a live variable, and the error is freed once.
        unsafe {
            assert_eq!(guard(&raw mut error, || panic!("zqxw-token")), MCP_INTERNAL);
            assert_eq!(mcp_error_status(error), MCP_INTERNAL as i32);
            let message = std::ffi::CStr::from_ptr(mcp_error_message(error)).to_str().unwrap();
            assert!(message.contains("guard.rs:") && !message.contains("zqxw"), "{message}");
            mcp_error_free(error);
        }
        assert_eq!(guard_quiet(7, || panic!("again")), 7);
    }
}
