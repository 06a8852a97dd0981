//! The application's handlers for server requests: user input (elicitation), model output (sampling) and the roots.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use super::input_request::{HandlerFailure, InputRequest};
use crate::call::context::CallContext;
use crate::call::interrupt::status_of;
use crate::protocol::incoming::InputKind;
use crate::protocol::json::Json;
use crate::protocol::messages::{ClientCapabilities, INTERNAL_ERROR};
use crate::sys::pollable_event::{PollableEvent, SetOnDrop};
use crate::sys::wait::Interrupt;

/// Responds to a request of the server, or defers it.
pub type Handler = dyn Fn(&Arc<InputRequest>) + Send + Sync;

/// The most requests for input of one client that are open at the same time.
const MAX_OPEN_INPUTS: usize = 32;

/// How a request for input ended.
pub enum HandlerOutcome {
    Response(String),
    Failed(HandlerFailure),
    /// It ended before the application responded.
    Over(Interrupt),
}

/// Lets a handler respond to a server request, and waits for the response. The handler runs on another thread, so that
/// this one notices when the call ends, or one of `ends` is set. The time does not count against the timeout of the
/// call. `begun` gets the request before the handler.
pub fn run_handler(
    call: &CallContext,
    (handlers, kind): (&Handlers, InputKind),
    params: Option<&Json>,
    ends: &[&PollableEvent],
    begun: impl FnOnce(&Arc<InputRequest>),
) -> HandlerOutcome {
    let failed =
        |message: String| HandlerOutcome::Failed(HandlerFailure { code: INTERNAL_ERROR, message, cause: None });
    let Some(handler) = handlers.of(kind).map(Arc::clone) else {
        return failed(format!("no handler is set for {}", kind.method()));
    };
    let params = match params.cloned().map_or_else(|| Json::parse("{}".into()), Ok) {
        Ok(params) => params,
        Err(why) => return failed(why),
    };
    let Some(open) = handlers.begin_input().map(Arc::new) else {
        return failed(format!("more than {MAX_OPEN_INPUTS} requests for input are open"));
    };
    let of_call = (call.client_name(), call.data().cloned());
    let input = InputRequest::new(kind, params, of_call, call.callbacks());
    begun(&input);
    let running =
        RunningHandler { input: Arc::clone(&input), _open: Arc::clone(&open), answered: SetOnDrop::default() };
    let callback = move || {
        handler(&running.input);
        // The call continues when `running` is dropped: nothing of the application may be in use then.
        drop(handler);
        drop(running);
    };
    let ending = Arc::clone(&input);
    call.callbacks().set_end_hook(Some(Arc::new(move |status| ending.end(status))));
    if let Err(error) = call.callbacks().run(Box::new(callback)) {
        call.callbacks().set_end_hook(None);
        return failed(error.to_string());
    }
    let wait = || call.wait_for_callback(&input.answered, ends, handlers.input_limit);
    let waited = call.paused(|clock| clock.during(wait));
    if let Err(interrupt) = &waited {
        input.end(status_of(interrupt));
    }
    match (input.take_response(), waited) {
        (Some(response), _) => response.map_or_else(|| without_response(kind), HandlerOutcome::from),
        // The input timeout.
        (None, Err(Interrupt::Idle)) => without_response(kind),
        (None, Err(interrupt)) => HandlerOutcome::Over(interrupt),
        // The server has cancelled its request.
        (None, Ok(())) => HandlerOutcome::Over(Interrupt::Cancelled),
    }
}

impl From<Result<String, HandlerFailure>> for HandlerOutcome {
    fn from(response: Result<String, HandlerFailure>) -> HandlerOutcome {
        response.map_or_else(HandlerOutcome::Failed, HandlerOutcome::Response)
    }
}

/// The response for an application that gave none.
fn without_response(kind: InputKind) -> HandlerOutcome {
    match kind {
        // Closing a dialog without a choice cancels it.
        InputKind::Elicitation => HandlerOutcome::Response(r#"{"action":"cancel"}"#.into()),
        _ => HandlerOutcome::Failed(HandlerFailure {
            code: INTERNAL_ERROR,
            message: format!("the handler of {} gave no response", kind.method()),
            cause: None,
        }),
    }
}

/// Notices the return of a handler, also if it panics or never runs.
struct RunningHandler {
    input: Arc<InputRequest>,
    /// A handler that has not returned counts, also if its request has ended: it has a thread, or waits in a queue.
    _open: Arc<OpenInput>,
    /// The last field: see [`InputRequest::release`].
    answered: SetOnDrop,
}

impl Drop for RunningHandler {
    fn drop(&mut self) {
        self.answered = self.input.handler_returned();
    }
}

/// Counts one open request until it is dropped.
struct OpenInput(Arc<AtomicUsize>);

impl Drop for OpenInput {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The handlers that are set.
#[derive(Clone, Default)]
pub struct Handlers {
    elicitation: Option<Arc<Handler>>,
    sampling: Option<Arc<Handler>>,
    roots: Option<Arc<Handler>>,
    /// How long the application may take for a response; `None` for no limit.
    pub input_limit: Option<Duration>,
    /// Shared by all copies.
    open_inputs: Arc<AtomicUsize>,
}

impl Handlers {
    /// Counts one more open request. `None` if there are too many.
    fn begin_input(&self) -> Option<OpenInput> {
        let open = OpenInput(Arc::clone(&self.open_inputs));
        (self.open_inputs.fetch_add(1, Ordering::Relaxed) < MAX_OPEN_INPUTS).then_some(open)
    }

    pub fn of(&self, kind: InputKind) -> Option<&Arc<Handler>> {
        match kind {
            InputKind::Elicitation => self.elicitation.as_ref(),
            InputKind::Sampling => self.sampling.as_ref(),
            InputKind::Roots => self.roots.as_ref(),
        }
    }

    pub fn of_mut(&mut self, kind: InputKind) -> &mut Option<Arc<Handler>> {
        match kind {
            InputKind::Elicitation => &mut self.elicitation,
            InputKind::Sampling => &mut self.sampling,
            InputKind::Roots => &mut self.roots,
        }
    }

    /// The client capabilities that follow from the handlers.
    pub fn client_capabilities(&self) -> ClientCapabilities {
        ClientCapabilities {
            elicitation: self.elicitation.is_some(),
            sampling: self.sampling.is_some(),
            roots: self.roots.is_some(),
            tasks: false,
        }
    }
}
