//! Errors, as C sees them.

use std::ffi::{CString, c_char, c_void};

use super::c_types::{c_string, guard_quiet};
use super::document::{OwnedDocument, mcp_json};
use super::userdata::Userdata;
use crate::error::Error;
use crate::protocol::json::Json;
use crate::sanitize::one_line;
use crate::status::{MCP_OK, mcp_status};

/// Describes why a function failed. A function that can fail takes an `mcp_error **` as its last
/// argument, which may be NULL. If it is not NULL, `*error` is set to NULL first (its old value is
/// neither read nor freed), and on failure to a new error, which the caller frees with
/// `mcp_error_free`.
///
/// An error is immutable; several threads may read it at the same time. It contains no token and no
/// value of a header that the application set. The functions below accept NULL, which means that
/// there was no error.
///
/// Since 0.1.0.
#[derive(Clone)]
pub struct mcp_error {
    error: Error,
    message: CString,
    www_authenticate: Option<CString>,
    oauth_code: Option<CString>,
    rpc_data: Option<OwnedDocument>,
}

/// An error that is passed to a callback, and freed when this is dropped.
pub(super) struct OwnedError(*mut mcp_error);

impl OwnedError {
    pub fn new(error: Error) -> OwnedError {
        OwnedError(mcp_error::boxed(error))
    }

    pub fn pointer(&self) -> *const mcp_error {
        self.0
    }
}

impl Drop for OwnedError {
    fn drop(&mut self) {
        // SAFETY: created by `boxed`; C does not use it after the callback.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

impl mcp_error {
    pub(super) fn boxed(mut error: Error) -> *mut mcp_error {
        // Moved out of the report: the document owns the text from here on.
        let rpc_data = error.report_mut().rpc.as_mut().and_then(|rpc| rpc.data.take());
        let report = error.report();
        Box::into_raw(Box::new(mcp_error {
            // Errors of calls are already one line; others may not be.
            message: c_string(one_line(&report.message)),
            www_authenticate: report.www_authenticate.as_deref().map(|text| c_string(one_line(text))),
            oauth_code: report.oauth_code.as_deref().map(|code| c_string(one_line(code))),
            rpc_data: rpc_data.map(|text| OwnedDocument::new(Json::from_validated(text))),
            error,
        }))
    }

    fn read<T>(error: Option<&mcp_error>, default: T, read: impl FnOnce(&mcp_error) -> T) -> T {
        error.map_or(default, read)
    }
}

/// Returns the status, the same that the failed function returned; `MCP_OK` if `error` is NULL.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_status(error: Option<&mcp_error>) -> mcp_status {
    mcp_error::read(error, MCP_OK, |error| error.error.status())
}

/// Returns a message for people, as one line: what failed, where, why, and what to do. It has at
/// most 2,048 bytes and no control characters; the query of the URL is left out. The wording may
/// change: programs should check the status instead.
///
/// The result is never NULL, and "" if `error` is NULL. It is valid as long as the error exists.
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_message(error: Option<&mcp_error>) -> *const c_char {
    mcp_error::read(error, c"".as_ptr(), |error| error.message.as_ptr())
}

/// Returns the HTTP status of the response that caused the error, such as 401; 0 if there was none.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_http_status(error: Option<&mcp_error>) -> i32 {
    mcp_error::read(error, 0, |error| i32::from(error.error.report().http_status))
}

/// Returns whether the server sent a JSON-RPC error.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_has_rpc_code(error: Option<&mcp_error>) -> bool {
    mcp_error::read(error, false, |error| error.error.report().rpc.is_some())
}

/// Returns the code of the server's JSON-RPC error, such as -32601 (JSON-RPC 2.0, section 5.1); 0
/// if the server sent none. Because 0 is also a valid code, check `mcp_error_has_rpc_code`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_rpc_code(error: Option<&mcp_error>) -> i64 {
    mcp_error::read(error, 0, |error| error.error.report().rpc.as_ref().map_or(0, |rpc| rpc.code))
}

/// Returns the `data` of the server's JSON-RPC error; NULL if there was none. Data that repeats a
/// credential or the session id is left out. Data of more than 1 MiB is not searched, and is left
/// out if the call had any such secret.
///
/// The result is valid as long as the error exists, and must not be freed separately. Thread-safe.
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_rpc_data(error: Option<&mcp_error>) -> *const mcp_json {
    mcp_error::read(error, std::ptr::null(), |error| {
        error.rpc_data.as_ref().map_or(std::ptr::null(), OwnedDocument::pointer)
    })
}

/// Returns the server's challenge, the `WWW-Authenticate` header of its response (RFC 9110, section
/// 11.6.1): which credentials the server requires, and what was wrong with those it received. NULL
/// if there was none.
///
/// The result is valid as long as the error exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_challenge(error: Option<&mcp_error>) -> *const c_char {
    mcp_error::read(error, std::ptr::null(), |error| {
        error.www_authenticate.as_deref().map_or(std::ptr::null(), |text| text.as_ptr())
    })
}

/// Returns the error code that the authorization server returned, such as "access_denied" for a
/// login or "invalid_client" for a request of tokens (RFC 6749, sections 4.1.2.1 and 5.2); NULL if
/// there was none.
///
/// The result is valid as long as the error exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_oauth_code(error: Option<&mcp_error>) -> *const c_char {
    mcp_error::read(error, std::ptr::null(), |error| {
        error.oauth_code.as_deref().map_or(std::ptr::null(), |code| code.as_ptr())
    })
}

/// Returns how long to wait before the next attempt, in milliseconds, as the server's `Retry-After`
/// header requests (RFC 9110, section 10.2.3); -1 if the header is missing or invalid. A date in
/// the header is converted with the server's clock, if the response has a `Date` header.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_retry_after_ms(error: Option<&mcp_error>) -> i64 {
    mcp_error::read(error, -1, |error| {
        error.error.report().retry_after_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(-1)
    })
}

/// Returns the object that the application passed to `mcp_auth_request_fail_with`,
/// `mcp_oauth_request_fail_with` or `mcp_oauth_fail`; NULL if there was none.
///
/// The object is valid as long as the error exists. Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_cause(error: Option<&mcp_error>) -> *mut c_void {
    mcp_error::read(error, std::ptr::null_mut(), |error| Userdata::pointer_of(error.error.report().cause.as_ref()))
}

/// Returns a copy of an error, to keep a borrowed one; NULL for NULL. The caller frees it with
/// `mcp_error_free`. The copy has the same content, and shares the object that `mcp_error_cause`
/// returns.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_copy(error: Option<&mcp_error>) -> Option<Box<mcp_error>> {
    guard_quiet(None, || error.cloned().map(Box::new))
}

/// Frees an error; NULL is ignored.
///
/// No thread may use the error, or text and data borrowed from it, any more. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_free(error: Option<Box<mcp_error>>) {
    guard_quiet((), || drop(error));
}
