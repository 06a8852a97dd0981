//! The application's handlers for server requests: user input (elicitation), model output (sampling), the roots, and
//! requests that the specification does not define.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use super::input_request::{HandlerFailure, InputRequest};
use crate::call::context::CallContext;
use crate::call::interrupt::status_of;
use crate::error::{Error, Result};
use crate::protocol::incoming::InputKind;
use crate::protocol::json::Json;
use crate::protocol::messages::{ClientCapabilities, INTERNAL_ERROR};
use crate::status::MCP_MISUSE;
use crate::sys::lock::RwLock;
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
    (handlers, kind): (&Handlers, &InputKind),
    params: Option<&Json>,
    ends: &[&PollableEvent],
    begun: impl FnOnce(&Arc<InputRequest>),
) -> HandlerOutcome {
    let failed =
        |message: String| HandlerOutcome::Failed(HandlerFailure { code: INTERNAL_ERROR, message, cause: None });
    // Kept until the request has ended: a handler that is replaced meanwhile is then still in use.
    let Some(kept) = handlers.of(kind) else {
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
    let input = InputRequest::new(kind.clone(), params, of_call, call.callbacks());
    begun(&input);
    let running =
        RunningHandler { input: Arc::clone(&input), _open: Arc::clone(&open), answered: SetOnDrop::default() };
    let handler = Arc::clone(&kept);
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
    let wait = || call.wait_for_callback(&input.answered, ends, handlers.input_limit());
    let waited = call.paused(|clock| clock.during(wait));
    if let Err(interrupt) = &waited {
        input.end(status_of(interrupt));
    }
    drop(kept);
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
fn without_response(kind: &InputKind) -> HandlerOutcome {
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

/// The handlers of one client. The application may replace them at any time.
#[derive(Default)]
pub struct Handlers {
    state: RwLock<HandlerState>,
    open_inputs: Arc<AtomicUsize>,
}

#[derive(Default)]
struct HandlerState {
    elicitation: Option<Arc<Handler>>,
    sampling: Option<Arc<Handler>>,
    roots: Option<Arc<Handler>>,
    /// By method.
    others: Vec<(Box<str>, Arc<Handler>)>,
    /// How long the application may take for a response; `None` for no limit.
    input_limit: Option<Duration>,
    /// What the server is told that this client supports; `None` before the first request.
    declared: Option<ClientCapabilities>,
}

impl Handlers {
    /// Counts one more open request. `None` if there are too many.
    fn begin_input(&self) -> Option<OpenInput> {
        let open = OpenInput(Arc::clone(&self.open_inputs));
        (self.open_inputs.fetch_add(1, Ordering::Relaxed) < MAX_OPEN_INPUTS).then_some(open)
    }

    pub fn of(&self, kind: &InputKind) -> Option<Arc<Handler>> {
        self.state.read().of(kind).map(Arc::clone)
    }

    pub fn has(&self, kind: &InputKind) -> bool {
        self.state.read().of(kind).is_some()
    }

    pub fn has_any(&self) -> bool {
        self.state.read().capabilities().any()
    }

    /// Sets, replaces or removes a handler. A request that is open keeps the old one. After the first request, fails
    /// for a kind without a handler at that time: the server was told that this client does not support it.
    pub fn set(&self, kind: InputKind, handler: Option<Arc<Handler>>) -> Result<()> {
        let mut state = self.state.write();
        if handler.is_some() && state.declared.is_some_and(|declared| !declares(declared, &kind)) {
            let why = format!(
                "the server was told that there is no handler for {}; call {} before the first call of the client, \
                 and again to replace that handler",
                kind.method(),
                kind.setter()
            );
            return Err(Error::new(MCP_MISUSE, why));
        }
        let replaced = state.replace(kind, handler);
        drop(state);
        // Without the lock: this may run code of the application.
        drop(replaced);
        Ok(())
    }

    /// Sets how long the application may take for a response; `None` for no limit.
    pub fn set_input_limit(&self, limit: Option<Duration>) {
        self.state.write().input_limit = limit;
    }

    fn input_limit(&self) -> Option<Duration> {
        self.state.read().input_limit
    }

    /// The first request begins: from now on, the declared capabilities stay the same.
    pub fn declare(&self) {
        let mut state = self.state.write();
        state.declared = Some(state.client_capabilities());
    }

    /// The client capabilities that the server is told.
    pub fn client_capabilities(&self) -> ClientCapabilities {
        self.state.read().client_capabilities()
    }

    /// Whether the server was told that this client supports such requests.
    pub fn is_declared(&self, kind: &InputKind) -> bool {
        declares(self.client_capabilities(), kind)
    }
}

fn declares(declared: ClientCapabilities, kind: &InputKind) -> bool {
    match kind {
        InputKind::Elicitation => declared.elicitation,
        InputKind::Sampling => declared.sampling,
        InputKind::Roots => declared.roots,
        // The client declares nothing for it.
        InputKind::Other(_) => true,
    }
}

impl HandlerState {
    fn of(&self, kind: &InputKind) -> Option<&Arc<Handler>> {
        match kind {
            InputKind::Elicitation => self.elicitation.as_ref(),
            InputKind::Sampling => self.sampling.as_ref(),
            InputKind::Roots => self.roots.as_ref(),
            InputKind::Other(method) => self.others.iter().find(|(known, _)| known == method).map(|(_, other)| other),
        }
    }

    /// Returns the previous handler.
    fn replace(&mut self, kind: InputKind, handler: Option<Arc<Handler>>) -> Option<Arc<Handler>> {
        match kind {
            InputKind::Elicitation => std::mem::replace(&mut self.elicitation, handler),
            InputKind::Sampling => std::mem::replace(&mut self.sampling, handler),
            InputKind::Roots => std::mem::replace(&mut self.roots, handler),
            InputKind::Other(method) => {
                // Nothing is kept for a removed handler: an application may use a new method for each task.
                let known = self.others.iter().position(|(known, _)| *known == method);
                let replaced = known.map(|at| self.others.swap_remove(at).1);
                self.others.extend(handler.map(|handler| (method, handler)));
                replaced
            }
        }
    }

    fn client_capabilities(&self) -> ClientCapabilities {
        self.declared.unwrap_or_else(|| self.capabilities())
    }

    /// The capabilities that follow from the handlers.
    fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities {
            elicitation: self.elicitation.is_some(),
            sampling: self.sampling.is_some(),
            roots: self.roots.is_some(),
            other_requests: !self.others.is_empty(),
            tasks: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_handler_of_another_method_is_forgotten() {
        let handlers = Handlers::default();
        let set = |method: &str, handler: Option<Arc<Handler>>| handlers.set(InputKind::of(method), handler).unwrap();
        let handler: Arc<Handler> = Arc::new(|_| ());
        set("x/unknown", None);
        assert!(handlers.state.read().others.is_empty());
        for _ in 0..2 {
            set("x/one", Some(Arc::clone(&handler)));
            set("x/two", Some(Arc::clone(&handler)));
        }
        assert_eq!((handlers.state.read().others.len(), Arc::strong_count(&handler)), (2, 3));
        set("x/one", None);
        assert!(!handlers.has(&InputKind::of("x/one")) && handlers.has(&InputKind::of("x/two")));
        set("x/two", None);
        assert_eq!((handlers.state.read().others.len(), Arc::strong_count(&handler)), (0, 1));
        assert!(!handlers.has_any());
    }
}
