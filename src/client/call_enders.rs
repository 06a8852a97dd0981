//! The queues that run calls of a client: they end them when it is closed.

use std::sync::{Arc, Weak};

use crate::sys::lock::Mutex;

/// Ends the calls of a client from outside, and lets their threads follow.
pub trait CallEnder: Send + Sync {
    /// Ends the calls of the client at this address, which was closed.
    fn end_calls(&self, client: usize);
}

/// The queues that run calls of one client.
#[derive(Default)]
pub struct CallEnders(Mutex<Vec<Weak<dyn CallEnder>>>);

impl CallEnders {
    pub fn add(&self, ender: &Arc<dyn CallEnder>) {
        let mut enders = self.0.lock();
        if !enders.iter().any(|known| std::ptr::addr_eq(known.as_ptr(), Arc::as_ptr(ender))) {
            enders.retain(|known| known.strong_count() > 0);
            enders.push(Arc::downgrade(ender));
        }
    }

    pub fn all(&self) -> Vec<Arc<dyn CallEnder>> {
        self.0.lock().iter().filter_map(Weak::upgrade).collect()
    }
}
