//! Runs the bodies of exported functions: clears the outputs, catches panics, and turns errors into an `mcp_error`.

use std::ptr::null_mut;

use super::c_types::OutParam;
use super::document::mcp_json;
use super::error::mcp_error;
use crate::error::{Error, Result};
use crate::protocol::json::Json;
use crate::status::*;
use crate::sys::panics::caught_briefly;

/// Runs the body of an exported function that returns a status.
pub fn guard(error: OutParam<*mut mcp_error>, body: impl FnOnce() -> Result<()>) -> mcp_status {
    match guard_value(error, body) {
        Ok(()) => MCP_OK,
        Err(status) => status,
    }
}

/// Runs the body of an exported function that submits a call to a queue.
pub fn guard_pending(error: OutParam<*mut mcp_error>, body: impl FnOnce() -> Result<()>) -> mcp_status {
    match guard_value(error, body) {
        Ok(()) => MCP_PENDING,
        Err(status) => status,
    }
}

/// Runs the body of an exported function that returns a new object, or NULL on failure.
pub fn guard_new<T>(error: OutParam<*mut mcp_error>, body: impl FnOnce() -> Result<T>) -> Option<Box<T>> {
    guard_value(error, || body().map(Box::new)).ok()
}

/// Runs the body of an exported function that sets an output parameter to a document; `what` names
/// it in an error.
pub fn guard_json(
    mut output: OutParam<*mut mcp_json>,
    what: &str,
    error: OutParam<*mut mcp_error>,
    body: impl FnOnce() -> Result<Json>,
) -> mcp_status {
    guard(error, || {
        let output = output.required(what)?;
        output.write(null_mut());
        output.write(mcp_json::boxed(body()?));
        Ok(())
    })
}

fn guard_value<T>(mut error: OutParam<*mut mcp_error>, body: impl FnOnce() -> Result<T>) -> Result<T, mcp_status> {
    error.put(null_mut());
    match caught_briefly(body) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(report(failure, error)),
        Err(place) => Err(report_panic(place, error)),
    }
}

/// Sets the output parameter to the error, and returns its status. Not inlined, because every
/// exported function that can fail contains a copy of the code that calls it.
#[cold]
#[inline(never)]
fn report(failure: Error, mut error: OutParam<*mut mcp_error>) -> mcp_status {
    let status = failure.status();
    if let Some(output) = error.get() {
        output.write(mcp_error::boxed(failure));
    }
    status
}

#[cold]
#[inline(never)]
fn report_panic(place: String, error: OutParam<*mut mcp_error>) -> mcp_status {
    report(Error::of_panic(&place), error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::error::{mcp_error_free, mcp_error_message, mcp_error_status};

    #[test]
    fn a_panic_becomes_an_error_with_its_source_location_but_not_its_message() {
        let mut error = null_mut();
        // SAFETY: a valid variable that nothing else uses.
        let output = unsafe { OutParam::new(&raw mut error) };
        assert_eq!(guard(output, || panic!("zqxw-token")), MCP_INTERNAL);
        // SAFETY: the error was just created, and no other reference to it exists.
        let error = unsafe { Box::from_raw(error) };
        assert_eq!(mcp_error_status(Some(&error)), MCP_INTERNAL);
        // SAFETY: the message is a NUL-terminated text that is valid as long as the error.
        let message = unsafe { std::ffi::CStr::from_ptr(mcp_error_message(Some(&error))) }.to_str().unwrap();
        assert!(message.contains("guard.rs:") && !message.contains("zqxw"), "{message}");
        mcp_error_free(Some(error));
    }
}
