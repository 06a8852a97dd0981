//! The `userdata` pointer of a callback.

use std::ffi::c_void;

use crate::sys::{callback, process};

/// Frees the `userdata` of a callback. It is called exactly once, after the last call of the
/// callback, on any thread: when the callback is replaced, or the client, the options or the
/// `mcp_oauth` that it was set on are freed, and no call uses it any more. If setting the callback
/// fails, or the callback is NULL, it is called immediately. It is not called in a child process
/// after `fork`.
///
/// It must not throw an exception or call longjmp.
///
/// Since 0.1.0.
pub type mcp_destroy_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void)>;

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
