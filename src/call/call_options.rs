//! The options of one call.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::callback_runner::CallbackRunner;
use super::headers::HeaderSet;
use super::object;
use crate::error::Result;
use crate::sys::pollable_event::PollableEvent;
use crate::sys::wake_group::EndFlag;

/// Options of one call.
#[derive(Clone, Default)]
pub struct CallOptions {
    /// `None`: the client's timeout. Zero: no timeout.
    pub timeout_ms: Option<u64>,
    /// `None`: the client's idle timeout. Zero: no idle timeout.
    pub idle_ms: Option<u64>,
    pub cancel: Option<Arc<PollableEvent>>,
    pub extras: RequestExtras,
    /// What a queue adds; `None` for a blocking call.
    pub queued: Option<QueuedOptions>,
}

/// What a queue adds to the options of a call.
#[derive(Clone)]
pub struct QueuedOptions {
    /// Set when the call has ended in its queue.
    pub ended: Arc<EndFlag>,
    /// Runs the callbacks of the call.
    pub callbacks: Arc<dyn CallbackRunner>,
}

/// A time limit from the C interface, in milliseconds: zero means no limit.
pub fn limit(ms: u64) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms))
}

impl CallOptions {
    /// Sets the members of `_meta`, the text of a JSON object; `None` removes them.
    pub fn set_meta(&mut self, meta: Option<&str>) -> Result<()> {
        let meta = meta.map(|meta| object(meta, "the _meta")).transpose()?;
        self.extras.meta = meta.map(Arc::from);
        Ok(())
    }

    pub fn set_header(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let mut headers = self.extras.headers.as_deref().cloned().unwrap_or_default();
        headers.set_header(name, value)?;
        self.extras.headers = Some(Arc::new(headers));
        Ok(())
    }
}

/// What the caller adds to the requests of one call.
#[derive(Clone, Default)]
pub struct RequestExtras {
    /// Members of `_meta`: the text of a JSON object.
    pub meta: Option<Arc<str>>,
    pub headers: Option<Arc<HeaderSet>>,
    pub progress: Option<Arc<ProgressCallback>>,
    /// Not sent: for the callbacks that the call needs.
    pub data: Option<CallData>,
}

/// An object of the application, by which its callbacks recognize the call.
pub type CallData = Arc<dyn Any + Send + Sync>;

/// Called with the progress, the total if it is known, and the server's message if there is one. Returns whether the
/// call continues.
pub type ProgressCallback = dyn Fn(f64, Option<f64>, Option<&str>) -> bool + Send + Sync;
