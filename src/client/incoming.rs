//! What a server sends beside answers: notifications, and, up to 2025-11-25, requests of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::http::Method;

use super::Client;
use super::exchange::Speaking;
use super::inputs::{self, Failure};
use crate::call::context::Call;
use crate::error::Result;
use crate::log::Level;
use crate::protocol::incoming::{Asked, InputKind, Notice};
use crate::protocol::jsonrpc;
use crate::protocol::messages::{self, INTERNAL_ERROR, METHOD_NOT_FOUND};
use crate::protocol::part::Part;
use crate::protocol::version::Era;
use crate::sys::lock::{Mutex, MutexGuard};

/// The longest that a reply to a server's own request may take on its way: the caller waits for something else.
const REPLY_LIMIT: Duration = Duration::from_secs(5);

/// The longest that refusals take together: others wait behind them.
const REFUSAL_LIMIT: Duration = Duration::from_millis(50);

/// The server's own requests that are being answered.
#[derive(Default)]
pub struct Serving(Mutex<Vec<Served>>);

struct Served {
    id: String,
    is_cancelled: Arc<AtomicBool>,
}

/// One of them; it ends when this is dropped.
struct InService<'a> {
    all: &'a Serving,
    is_cancelled: Arc<AtomicBool>,
}

impl Serving {
    fn begin(&self, id: &str) -> InService<'_> {
        let is_cancelled = Arc::new(AtomicBool::new(false));
        self.lock().push(Served { id: id.to_owned(), is_cancelled: Arc::clone(&is_cancelled) });
        InService { all: self, is_cancelled }
    }

    /// The server does not want an answer any more.
    fn cancel(&self, id: &str) {
        let all = self.lock();
        let cancelled = all.iter().filter(|served| jsonrpc::is_same_id(&served.id, id));
        cancelled.for_each(|served| served.is_cancelled.store(true, Ordering::Relaxed));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Served>> {
        self.0.lock()
    }
}

impl Drop for InService<'_> {
    fn drop(&mut self) {
        self.all.lock().retain(|served| !Arc::ptr_eq(&served.is_cancelled, &self.is_cancelled));
    }
}

impl Client {
    /// Hands a notification to whoever wants to know.
    pub(super) fn take_notice(&self, call: &Call, notice: &Notice) {
        match notice.method.as_str() {
            method if notice.is_too_long() => {
                call.remark(Level::Warning, || format!("skipped {method}, whose parameters are longer than 1 MiB"));
            }
            "notifications/progress" if call.is_progress(notice) => tell_progress(call, notice),
            "notifications/message" if self.logging.has_hook() => {
                call.paused(|clock| clock.during(|| self.logging.tell(notice)));
            }
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed"
            | "notifications/resources/updated" => self.note_change(notice),
            "notifications/cancelled" => {
                call.remark(Level::Debug, || "the server has cancelled a request of its own".into());
                notice.cancelled().into_iter().for_each(|id| self.serving.cancel(id));
            }
            method => call.remark(Level::Debug, || format!("the server sent {method}, which nobody waits for")),
        }
    }

    /// Something is not what it was: what is kept of it is stale, and listeners want to know.
    pub(super) fn note_change(&self, notice: &Notice) {
        self.forget_changed(notice);
        self.changes.tell(notice);
    }

    /// Forgets what a notification makes stale.
    pub(super) fn forget_changed(&self, notice: &Notice) {
        self.cache.invalidate(notice);
        if notice.method == "notifications/tools/list_changed" {
            self.tools.forget();
        }
    }

    /// Answers a legacy server's own request. A modern one must not send any, and is not answered.
    pub(super) fn serve(&self, call: &Call, speaking: &Speaking, asked: &Asked) {
        let Asked { id, method, .. } = asked;
        call.remark(Level::Debug, || format!("the server asked for {method}"));
        if speaking.era == Era::Modern {
            return;
        }
        let in_service = self.serving.begin(id);
        let reply = self.reply(call, asked, &in_service.is_cancelled);
        if in_service.is_cancelled.load(Ordering::Relaxed) {
            call.remark(Level::Debug, || format!("the server has cancelled its {method}: it gets no answer"));
            return;
        }
        let reply = match reply {
            Ok(result) => messages::result(id, &result),
            Err(Failure { code, message }) => messages::refusal(id, code, &message),
        };
        if let Err(error) = self.send_reply(call, speaking, &reply) {
            call.remark(Level::Warning, || format!("the answer to the server's {method} was not accepted: {error}"));
        }
    }

    /// Refuses requests of the server's own, by their ids, as far as that can be said in a moment.
    pub(super) fn refuse(&self, call: &Call, speaking: &Speaking, ids: &[String], why: &str) {
        if ids.is_empty() {
            return;
        }
        call.remark(Level::Warning, || format!("{} requests of the server are refused: {why}", ids.len()));
        let farewell = self.farewell(REFUSAL_LIMIT);
        for id in ids {
            let reply = messages::refusal(id, INTERNAL_ERROR, why).into();
            if self.leave_within(&farewell, speaking, Method::POST, &reply).is_err() {
                break;
            }
        }
    }

    fn reply(&self, call: &Call, asked: &Asked, is_cancelled: &Arc<AtomicBool>) -> Result<String, Failure> {
        if asked.method == "ping" {
            return Ok("{}".into());
        }
        let handled = InputKind::of(&asked.method).and_then(|kind| Some((kind, self.settings.handler(kind)?)));
        match handled {
            Some((kind, handler)) => inputs::ask(call, kind, &handler, asked.params.as_ref(), Some(is_cancelled)),
            None => Err(Failure { code: METHOD_NOT_FOUND, message: "Method not found".into() }),
        }
    }

    fn send_reply(&self, call: &Call, speaking: &Speaking, reply: &str) -> Result<()> {
        self.post(&call.within(REPLY_LIMIT), speaking, &reply.into())
    }
}

/// The callback's time does not count against the timeout.
fn tell_progress(call: &Call, notice: &Notice) {
    let Some(progress) = notice.member("progress").and_then(Part::double) else { return };
    let total = notice.member("total").and_then(Part::double);
    let message = notice.member("message").and_then(Part::text);
    call.paused(|clock| clock.during(|| call.tell_progress(progress, total, message.as_deref())));
}
