//! What a callback gets back.

use std::ffi::c_void;

use crate::sys::{callback, process};

/// Ends the life of a callback's `userdata`. Called exactly once, after the last call of the
/// callback, on whatever thread that happens; also when the registration fails. Not called in a
/// child process after `fork`.
pub type mcp_destroy_fn = Option<unsafe extern "C-unwind" fn(userdata: *mut c_void)>;

/// The caller's pointer, and what to do at its end.
pub(super) struct Userdata {
    userdata: *mut c_void,
    destroy: mcp_destroy_fn,
    process: u32,
}

// SAFETY: the header says that the callback, its userdata and destroy may be used from any thread.
unsafe impl Send for Userdata {}
// SAFETY: as above; several at once.
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
