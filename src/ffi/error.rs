//! What went wrong.

use std::ffi::{CString, c_char, c_void};

use super::c_types::{c_string, guard_quiet};
use super::document::{OwnedDocument, mcp_json};
use super::userdata::Userdata;
use crate::error::Error;
use crate::protocol::json::Json;
use crate::sanitize::one_line;

/// Why a call failed. Every function that can fail takes an `mcp_error **` as its last argument.
/// It may be NULL; if not, `*error` is set to NULL first, whatever it was, and on failure to an
/// error that the caller frees with `mcp_error_free`.
///
/// An error is immutable and may be read from many threads. It holds no token and no header value.
/// The functions below take NULL and then answer as for no error.
///
/// Since 0.1.0.
pub struct mcp_error {
    error: Error,
    message: CString,
    www_authenticate: Option<CString>,
    rpc_data: Option<OwnedDocument>,
}

impl mcp_error {
    pub(super) fn boxed(mut error: Error) -> *mut mcp_error {
        // Taken out: the document holds the text from here on.
        let rpc_data = error.report_mut().rpc.as_mut().and_then(|rpc| rpc.data.take());
        let report = error.report();
        Box::into_raw(Box::new(mcp_error {
            // Not every error comes from a call, which would have made its texts fit already.
            message: c_string(one_line(&report.message)),
            www_authenticate: report.www_authenticate.as_deref().map(|text| c_string(one_line(text))),
            rpc_data: rpc_data.map(|text| OwnedDocument::new(Json::from_validated(text))),
            error,
        }))
    }

    fn read<T>(error: Option<&mcp_error>, otherwise: T, read: impl FnOnce(&mcp_error) -> T) -> T {
        error.map_or(otherwise, read)
    }
}

/// The status, the same that the call returned; `MCP_OK` for NULL.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_status(error: Option<&mcp_error>) -> i32 {
    mcp_error::read(error, 0, |error| error.error.status() as i32)
}

/// What failed, where, why, and what to do about it, for people: one line of at most 2,048 bytes
/// without control characters. The URL in it lacks its query. Programs look at the status instead:
/// the wording may change.
///
/// Never NULL; "" for NULL. Lives as long as the error. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_message(error: Option<&mcp_error>) -> *const c_char {
    mcp_error::read(error, c"".as_ptr(), |error| error.message.as_ptr())
}

/// The HTTP status of the answer behind the error, such as 401; 0 where there was none.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_http_status(error: Option<&mcp_error>) -> i32 {
    mcp_error::read(error, 0, |error| i32::from(error.error.report().http_status))
}

/// Whether the server sent a JSON-RPC error.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_has_rpc_code(error: Option<&mcp_error>) -> bool {
    mcp_error::read(error, false, |error| error.error.report().rpc.is_some())
}

/// The code of the server's JSON-RPC error, such as -32601 (JSON-RPC 2.0, section 5.1); 0 where
/// there was none, but 0 is also a code: see `mcp_error_has_rpc_code`.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_rpc_code(error: Option<&mcp_error>) -> i64 {
    mcp_error::read(error, 0, |error| error.error.report().rpc.as_ref().map_or(0, |rpc| rpc.code))
}

/// The `data` of the server's JSON-RPC error; NULL where there was none. Lives as long as the
/// error: it is not freed by itself. Data in which the server has sent back a credential or the
/// session's id is left out; and so is data of more than 1 MiB, which is not searched, where there
/// is anything of the kind.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_rpc_data(error: Option<&mcp_error>) -> *const mcp_json {
    mcp_error::read(error, std::ptr::null(), |error| {
        error.rpc_data.as_ref().map_or(std::ptr::null(), OwnedDocument::pointer)
    })
}

/// The server's challenge, as in its `WWW-Authenticate` header (RFC 9110, section 11.6.1): what
/// kind of credentials it wants, and what was wrong with those that it got. NULL where it sent
/// none. Lives as long as the error.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_www_authenticate(error: Option<&mcp_error>) -> *const c_char {
    mcp_error::read(error, std::ptr::null(), |error| {
        error.www_authenticate.as_deref().map_or(std::ptr::null(), |text| text.as_ptr())
    })
}

/// How long the server asks to wait before the next try, in milliseconds, where its `Retry-After`
/// header says it in seconds (RFC 9110, section 10.2.3); -1 where it does not.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_retry_after_ms(error: Option<&mcp_error>) -> i64 {
    mcp_error::read(error, -1, |error| {
        error.error.report().retry_after_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(-1)
    })
}

/// What an auth callback gave as the cause of its failure (`mcp_auth_request_fail_with`); NULL where
/// it gave none. Lives as long as the error.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_cause(error: Option<&mcp_error>) -> *mut c_void {
    mcp_error::read(error, std::ptr::null_mut(), |error| {
        let cause = error.error.report().cause.as_ref().and_then(|cause| cause.downcast_ref::<Userdata>());
        cause.map_or(std::ptr::null_mut(), Userdata::pointer)
    })
}

/// Frees an error; NULL is ignored.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_error_free(error: Option<Box<mcp_error>>) {
    guard_quiet((), || drop(error));
}
