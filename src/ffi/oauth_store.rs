//! The store: where registrations and tokens are kept.

use std::ffi::{CString, c_char, c_void};
use std::path::Path;
use std::ptr::null;

use zeroize::Zeroizing;

use super::c_types::{BufferSize, CText, OutParam, SharedHandle, SizedText, c_string, guard_quiet, not_null};
use super::error::mcp_error;
use super::guard::guard;
use super::oauth::mcp_oauth;
use super::setter_error::SetterError;
use super::userdata::{Userdata, mcp_destroy_fn};
use crate::auth::oauth::record_store::{CustomStore, StoreRequest};
use crate::error::{Error, Result};
use crate::status::*;
use crate::sys::callback;

/// The argument of the callbacks of a store: a record, which is what the library keeps for one MCP
/// server. It is valid until the callback returns, and only on the callback's thread.
///
/// Since 0.1.0.
pub struct mcp_oauth_record<'a> {
    inner: &'a mut StoreRequest,
    key: CString,
    /// The text to save, with a NUL.
    saved_text: Option<Zeroizing<Vec<u8>>>,
    is_load: bool,
    setter_error: SetterError,
}

/// A callback of a store (`mcp_oauth_set_store`). `mcp_oauth_record_key` identifies the record;
/// what to do depends on the callback:
///
/// - `load` finds the record and passes its text to `mcp_oauth_record_set_text`. If there is none,
///   it does nothing.
/// - `save` stores `mcp_oauth_record_text` in place of the old text; if that is NULL, it removes
///   the record.
/// - `lock` waits until no other process has locked the record, and locks it. The library does this
///   before it changes tokens. Before a refresh it then calls `load` again, and uses the new token
///   if another process has stored one meanwhile: many authorization servers accept a refresh token
///   only once.
/// - `unlock` releases the lock. It may run on another thread than `lock`.
///
/// If one cannot do its work, it calls `mcp_oauth_record_fail`.
///
/// It runs on the thread of a call or on a thread of the library, with no lock of the library held,
/// and may run on several threads at the same time. Its time counts against the timeout of the
/// call. It may use the library, but must neither make a call on a client with the same `mcp_oauth`
/// nor wait for one on another thread. A cancel token and `mcp_client_close` do not interrupt it.
/// It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_oauth_record_fn =
    Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, record: *mut mcp_oauth_record)>;

/// The callbacks of a store, which share their userdata.
struct StoreCallbacks {
    load: mcp_oauth_record_fn,
    save: mcp_oauth_record_fn,
    lock: mcp_oauth_record_fn,
    unlock: mcp_oauth_record_fn,
    owner: Userdata,
}

/// Sets the callbacks that store registrations and tokens, for example in the keychain of the
/// system. `load` and `save` are required; `lock` and `unlock` may be NULL if no other process uses
/// the same records. If all four are NULL, the records are kept in memory and lost when the process
/// ends (the default). It takes the place of `mcp_oauth_use_folder`.
///
/// `userdata` is passed to all four callbacks, and to `destroy` (which may be NULL) once, when it
/// is no longer needed: see `mcp_destroy_fn`.
///
/// Returns `MCP_INVALID_ARGUMENT` if only one of `load` and `save` is NULL, only one of `lock` and
/// `unlock`, or only the first two; `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mcp_oauth_set_store(
    oauth: SharedHandle<mcp_oauth>,
    load: mcp_oauth_record_fn,
    save: mcp_oauth_record_fn,
    lock: mcp_oauth_record_fn,
    unlock: mcp_oauth_record_fn,
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    // Created first, so that `destroy` runs even if this function fails.
    let owner = Userdata::new(userdata, destroy);
    let store = match (load, save, lock, unlock) {
        (None, None, None, None) => Ok(None),
        (Some(_), Some(_), Some(_), Some(_)) | (Some(_), Some(_), None, None) => {
            let store: Box<dyn CustomStore> = Box::new(StoreCallbacks { load, save, lock, unlock, owner });
            Ok(Some(store))
        }
        _ => {
            let why = "a store needs both load and save, and lock only together with unlock";
            Err(Error::new(MCP_INVALID_ARGUMENT, why))
        }
    };
    mcp_oauth::set(oauth, error, |settings| Ok(settings.set_store(store?)))
}

impl StoreCallbacks {
    /// Calls one of the callbacks; `saved_text` is what `mcp_oauth_record_text` returns.
    fn call(
        &self,
        callback: mcp_oauth_record_fn,
        request: &mut StoreRequest,
        saved_text: Option<Zeroizing<Vec<u8>>>,
        is_load: bool,
    ) {
        let Some(callback) = callback else { return };
        let mut record = mcp_oauth_record {
            key: c_string(&request.key),
            inner: request,
            saved_text,
            is_load,
            setter_error: SetterError::default(),
        };
        let c_record = &raw mut record;
        // SAFETY: the header requires that the callback may be called with this userdata from any thread.
        callback::call(|| unsafe { callback(self.owner.pointer(), c_record) });
        if let Some(reason) = record.setter_error.reason() {
            record.inner.fail(&reason);
        }
    }
}

impl CustomStore for StoreCallbacks {
    fn load(&self, request: &mut StoreRequest) {
        self.call(self.load, request, None, true);
    }

    fn save(&self, request: &mut StoreRequest) {
        let saved_text = request.text.as_ref().map(|text| {
            // With its final capacity: growing would leave a copy in memory that is not wiped.
            let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
            bytes
        });
        self.call(self.save, request, saved_text, false);
    }

    fn lock(&self, request: &mut StoreRequest) {
        self.call(self.lock, request, None, false);
    }

    fn unlock(&self, request: &mut StoreRequest) {
        self.call(self.unlock, request, None, false);
    }
}

/// Stores registrations and tokens in a folder, one file for each MCP server, so that they are
/// still there when the program runs again. Several processes may use the same folder: they take
/// turns to refresh a token, and all use the result. All programs that use the folder share the
/// tokens of a server, unless they have different client ids; to keep the tokens of an application
/// separate, pass a folder for it. It takes the place of `mcp_oauth_set_store`.
///
/// `path` is the path of the folder; a relative one starts at the current working directory. NULL
/// means the folder "libmcp/oauth" in $XDG_STATE_HOME, or else in "~/.local/state" (on macOS
/// "~/Library/Application Support"). The folder is created when something is stored. Only the
/// current user can access the files, which contain tokens that are not encrypted; a folder that
/// others may write is refused. A call
/// that cannot read or write a file fails with `MCP_SYSTEM_ERROR`.
///
/// Returns `MCP_INVALID_ARGUMENT` for an empty path, or if `path` is NULL and neither
/// XDG_STATE_HOME nor HOME is an absolute path; `MCP_MISUSE` after `mcp_set_oauth`.
///
/// Thread-safe. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_use_folder(
    oauth: SharedHandle<mcp_oauth>,
    path: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    mcp_oauth::set(oauth, error, |settings| settings.use_folder(path.optional("path")?.map(Path::new)))
}

/// Returns the key of a record; NULL for NULL. It is the same in each run of the program, and
/// different for different MCP servers and client ids. It contains the URL of the server and a line
/// break: a store that uses file names or limits their length should use a hash of it.
///
/// The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_record_key(record: Option<&mcp_oauth_record>) -> *const c_char {
    guard_quiet(null(), || record.map_or(null(), |record| record.key.as_ptr()))
}

/// Returns the text to save; NULL if the record must be removed, in the other callbacks, and for
/// NULL. The text is NUL-terminated, and `*length`, if `length` is not NULL, is set to its length
/// in bytes. It contains tokens and other secrets, and its format may change.
///
/// The result is valid until the callback returns. Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_record_text(
    record: Option<&mcp_oauth_record>,
    mut length: OutParam<usize>,
) -> *const c_char {
    let text = guard_quiet(None, || record.and_then(|record| record.saved_text.as_ref()));
    length.put(text.map_or(0, |text| text.len() - 1));
    text.map_or(null(), |text| text.as_ptr().cast())
}

/// The record for a setter; NULL is an error.
fn checked<'r, 'a>(record: Option<&'r mut mcp_oauth_record<'a>>) -> Result<&'r mut mcp_oauth_record<'a>> {
    not_null(record, "record")
}

/// Sets the text that `load` found: exactly what `mcp_oauth_record_text` returned to `save`. `text`
/// has `length` bytes, or is NUL-terminated if `length` is `MCP_NUL_TERMINATED`; it is copied. NULL
/// means that there is no record. A text that is not a record has the same effect; one that a newer
/// version of the library has written makes the call fail with `MCP_OAUTH_FAILED`.
///
/// Returns `MCP_INVALID_ARGUMENT` if `text` is not UTF-8, and `MCP_MISUSE` in another callback than
/// `load`. If no later setter succeeds, the call then fails with `MCP_OAUTH_FAILED`.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_record_set_text(
    record: Option<&mut mcp_oauth_record>,
    text: SizedText,
    length: BufferSize,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let record = checked(record)?;
        let outcome = match record.is_load {
            true => text.optional(length, "text"),
            false => Err(Error::new(MCP_MISUSE, "only the load callback of a store may set the text of a record")),
        };
        let text = record.setter_error.note(outcome)?;
        record.inner.text = text.map(|text| Zeroizing::new(text.to_owned()));
        Ok(())
    })
}

/// Reports that a callback of a store cannot do its work: the call fails with `MCP_OAUTH_FAILED`,
/// and its message contains `reason`. In `unlock` there is no effect. If `save` fails, later calls
/// of this process use the new tokens nevertheless.
///
/// Returns `MCP_INVALID_ARGUMENT` if `reason` is NULL or not UTF-8; the callback has failed then,
/// too.
///
/// Only on the callback's thread. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn mcp_oauth_record_fail(
    record: Option<&mut mcp_oauth_record>,
    reason: CText,
    error: OutParam<*mut mcp_error>,
) -> mcp_status {
    guard(error, || {
        let record = checked(record)?;
        let reason = record.setter_error.note(reason.required("reason"))?;
        record.inner.fail(reason);
        Ok(())
    })
}
