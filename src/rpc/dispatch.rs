//! What a server sends beside answers: notifications go to whoever wants to know, and requests to the handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::handlers::{Failure, Handlers, ask};
use super::server_log::ServerLog;
use crate::call::context::Call;
use crate::log::Level;
use crate::protocol::ids;
use crate::protocol::incoming::{Asked, InputKind, Notice};
use crate::protocol::messages::{self, METHOD_NOT_FOUND};
use crate::protocol::part::Part;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::transport::host::Inbound;
use crate::transport::reply::ReplySlot;

/// Who is told of changes.
pub trait OnChange: Send + Sync {
    /// Forgets what the change makes stale.
    fn forget(&self, notice: &Notice);

    /// Tells who listens.
    fn tell(&self, notice: &Notice);
}

/// Hands on what comes for one client.
pub struct Dispatcher {
    handlers: Handlers,
    server_log: Arc<ServerLog>,
    on_change: Arc<dyn OnChange>,
    serving: Serving,
}

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
        let cancelled = all.iter().filter(|served| ids::is_same_id(&served.id, id));
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

impl Dispatcher {
    pub fn new(handlers: Handlers, server_log: Arc<ServerLog>, on_change: Arc<dyn OnChange>) -> Dispatcher {
        Dispatcher { handlers, server_log, on_change, serving: Serving::default() }
    }

    fn reply(&self, call: &Call, asked: &Asked, is_cancelled: &Arc<AtomicBool>) -> Result<String, Failure> {
        if asked.method == "ping" {
            return Ok("{}".into());
        }
        let handled = InputKind::of(&asked.method).and_then(|kind| Some((kind, self.handlers.of(kind)?)));
        match handled {
            Some((kind, handler)) => ask(call, kind, handler, asked.params.as_ref(), Some(is_cancelled)),
            None => Err(Failure { code: METHOD_NOT_FOUND, message: "Method not found".into() }),
        }
    }
}

impl Inbound for Dispatcher {
    fn has_handlers(&self) -> bool {
        self.handlers.abilities().any()
    }

    fn note_arrival(&self, notice: &Notice) {
        self.on_change.forget(notice);
    }

    fn notification(&self, call: &Call, notice: &Notice) {
        match notice.method.as_str() {
            method if notice.is_too_long() => {
                call.remark(Level::Warning, || format!("skipped {method}, whose parameters are longer than 1 MiB"));
            }
            "notifications/progress" if call.is_progress(notice) => tell_progress(call, notice),
            "notifications/message" if self.server_log.has_hook() => {
                call.paused(|clock| clock.during(|| self.server_log.tell(notice)));
            }
            "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed"
            | "notifications/resources/updated" => {
                self.on_change.forget(notice);
                self.on_change.tell(notice);
            }
            "notifications/cancelled" => {
                call.remark(Level::Debug, || "the server has cancelled a request of its own".into());
                notice.cancelled().into_iter().for_each(|id| self.serving.cancel(id));
            }
            method => call.remark(Level::Debug, || format!("the server sent {method}, which nobody waits for")),
        }
    }

    fn server_request(&self, call: &Call, asked: &Asked, slot: ReplySlot) {
        let Asked { id, method, .. } = asked;
        call.remark(Level::Debug, || format!("the server asked for {method}"));
        if !slot.is_answerable() {
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
        if let Err(error) = slot.answer(&reply) {
            call.remark(Level::Warning, || format!("the answer to the server's {method} was not accepted: {error}"));
        }
    }
}

/// The callback's time does not count against the timeout.
fn tell_progress(call: &Call, notice: &Notice) {
    let Some(progress) = notice.member("progress").and_then(Part::double) else { return };
    let total = notice.member("total").and_then(Part::double);
    let message = notice.member("message").and_then(Part::text);
    call.paused(|clock| clock.during(|| call.tell_progress(progress, total, message.as_deref())));
}
