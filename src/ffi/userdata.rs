//! The `userdata` pointer of a callback.

use std::any::Any;
use std::ffi::c_void;
use std::sync::Arc;

use crate::call::over_hook::OverCallback;
use crate::status::mcp_status;
use crate::sys::{callback, process};

/// Frees the `userdata` of a callback. It is called exactly once, after the last call of the
/// callback, on any thread: when the callback is replaced, or the client, the options (and their
/// copies) or the `mcp_oauth` that it was set on are freed, and no call uses it any more; or when
/// the call ends that it was passed to (`mcp_listen`). If setting the callback fails, or the
/// callback is NULL, it is called immediately. It is not called in a child process after `fork`.
///
/// It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_destroy_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void)>;

/// Called if a request of a server, for credentials or for a login ends before the program has
/// answered it, for example to close a dialog. `status` is `MCP_CANCELLED` if the call or the server
/// cancelled it, `MCP_CLOSED` if the client was closed, `MCP_TIMEOUT` after the time limit for the
/// answer, or `MCP_DISCONNECTED` if the connection or the server process ended; and `MCP_OK` if a
/// login needs no answer, because the redirect or a failure was received elsewhere.
///
/// The request stays valid: free it in the callback or later. The callback runs at most once, and
/// never after an answer that was in time or after the request was freed: in `mcp_queue_dispatch` if
/// the call is queued, otherwise on the thread that notices the end, with no lock held. It must
/// return soon, and not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_over_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void, status: i32)>;

/// The callback for the end of a request.
pub(super) fn over_callback(over: unsafe extern "C-unwind" fn(*mut c_void, i32), owner: Userdata) -> Box<OverCallback> {
    Box::new(move |status: mcp_status| {
        let userdata = owner.pointer();
        // SAFETY: the header requires that the callback may be called with this userdata from any thread.
        callback::call(|| unsafe { over(userdata, status as i32) });
        drop(owner);
    })
}

/// The caller's pointer, and the function that frees it.
pub(super) struct Userdata {
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    process: u32,
}

// SAFETY: the header requires that the callback, its userdata and destroy may be used from any thread.
unsafe impl Send for Userdata {}
// SAFETY: as for Send; several threads may use them at the same time.
unsafe impl Sync for Userdata {}

impl Userdata {
    pub fn new(userdata: *mut c_void, destroy: mcp_destroy_fn) -> Userdata {
        Userdata { userdata, destroy, process: process::id() }
    }

    pub fn pointer(&self) -> *mut c_void {
        self.userdata
    }

    /// The pointer of a shared object, which is a `Userdata`; NULL if there is none.
    pub fn pointer_of(object: Option<&Arc<dyn Any + Send + Sync>>) -> *mut c_void {
        let userdata = object.and_then(|object| object.downcast_ref::<Userdata>());
        userdata.map_or(std::ptr::null_mut(), Userdata::pointer)
    }
}

impl Drop for Userdata {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy
            && self.process == process::id()
        {
            let userdata = self.userdata;
            // SAFETY: this is the last use of the userdata, and the only call of destroy.
            callback::call(|| unsafe { destroy(userdata) });
        }
    }
}
