//! A request of the server for input, which the application's handler answers: at once, or later from any thread.

use std::sync::Arc;

use crate::call::call_options::CallData;
use crate::call::callback_runner::CallbackRunner;
use crate::call::object;
use crate::call::over_hook::{OverCallback, OverHook};
use crate::error::{Error, ErrorCause, Result};
use crate::protocol::elicitation;
use crate::protocol::incoming::InputKind;
use crate::protocol::json::Json;
use crate::status::*;
use crate::sys::lock::{Mutex, MutexGuard};
use crate::sys::pollable_event::{PollableEvent, SetOnDrop};

/// The server's request as a handler gets it, and the handler's response.
pub struct InputRequest {
    pub kind: InputKind,
    pub params: Json,
    /// The name of the client whose server asks.
    pub client_name: Arc<str>,
    /// Of the call that needs the input.
    pub call_data: Option<CallData>,
    state: Mutex<InputState>,
    /// Set when the response is final.
    pub(super) answered: Arc<PollableEvent>,
    over: Arc<OverHook>,
}

#[derive(Default)]
struct InputState {
    progress: InputProgress,
    /// The application keeps the request after the handler has returned.
    is_deferred: bool,
    response: Option<Result<String, HandlerFailure>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum InputProgress {
    #[default]
    Open,
    /// The response is final; there is none if the application gave none.
    Answered,
    /// The request ended before it was answered.
    Over(Status),
}

/// The JSON-RPC error that a handler responds with.
#[derive(Clone, Debug)]
pub struct HandlerFailure {
    pub code: i64,
    pub message: String,
    /// The application's object for the error of the call.
    pub cause: Option<ErrorCause>,
}

impl InputRequest {
    pub(super) fn new(
        kind: InputKind,
        params: Json,
        (client_name, call_data): (Arc<str>, Option<CallData>),
        callbacks: &Arc<dyn CallbackRunner>,
    ) -> Arc<InputRequest> {
        let (state, answered, over) = (Mutex::default(), Arc::default(), OverHook::new(callbacks));
        Arc::new(InputRequest { kind, params, client_name, call_data, state, answered, over })
    }

    /// Responds with the text of a result.
    pub fn respond(&self, result: &str) -> Result<()> {
        let refused = |why: String| Error::new(MCP_INVALID_ARGUMENT, why);
        let json =
            Json::parse(result.to_owned()).map_err(|why| refused(format!("the result is not valid JSON: {why}")))?;
        self.kind.check(&json).map_err(refused)?;
        self.answer(Ok(json.text().to_owned()))
    }

    /// Accepts an elicitation with the text of a content. Members that it leaves out get their defaults from the
    /// schema.
    pub fn accept(&self, content: Option<&str>) -> Result<()> {
        self.check_elicitation()?;
        let content = content.map(|content| object(content, "the content")).transpose()?;
        let schema = self.params.root().member("requestedSchema");
        let filled = match (content, schema) {
            (None, None) => None,
            (content, schema) => Some(elicitation::fill_defaults(content.unwrap_or("{}"), schema)),
        };
        let content = filled.map_or_else(String::new, |content| format!(r#","content":{content}"#));
        self.answer(Ok(format!(r#"{{"action":"accept"{content}}}"#)))
    }

    /// Responds to an elicitation with an action other than accepting.
    pub fn refuse(&self, action: &'static str) -> Result<()> {
        self.check_elicitation()?;
        self.answer(Ok(format!(r#"{{"action":"{action}"}}"#)))
    }

    pub fn fail(&self, code: i64, message: &str, cause: Option<ErrorCause>) -> Result<()> {
        self.answer(Err(HandlerFailure { code, message: message.into(), cause }))
    }

    /// Lets the application answer after the handler has returned. Fails if it was deferred before, or is over.
    pub fn defer(&self) -> Result<()> {
        let mut state = self.lock();
        if state.is_deferred {
            return Err(Error::new(MCP_MISUSE, "the request was deferred before"));
        }
        state.check_not_over()?;
        state.is_deferred = true;
        let is_answered = state.response.is_some();
        drop(state);
        if is_answered {
            drop(self.end_answered());
        }
        Ok(())
    }

    pub fn is_deferred(&self) -> bool {
        self.lock().is_deferred
    }

    /// Whether the request ended before it was answered.
    pub fn is_over(&self) -> bool {
        self.over.status().is_some()
    }

    /// Sets what to call if the request ends before it is answered. Called soon if that is the case already.
    pub fn set_over(&self, over: Option<Box<OverCallback>>) {
        self.over.set(over);
    }

    /// The application has released the request: if it gave no answer, it gives none. The call continues when the
    /// result is dropped: after the request, so that nothing of the application is in use when the call ends.
    pub fn release(&self) -> SetOnDrop {
        // Also if the request is over.
        self.over.release();
        self.end_answered()
    }

    /// The handler has returned: the last response counts, and the request is the application's only if it was
    /// deferred.
    pub(super) fn handler_returned(&self) -> SetOnDrop {
        if self.is_deferred() { SetOnDrop::default() } else { self.release() }
    }

    /// Ends the request without an answer, unless it was answered before.
    pub(super) fn end(&self, status: Status) {
        {
            let mut state = self.lock();
            if state.progress != InputProgress::Open {
                return;
            }
            state.progress = InputProgress::Over(status);
        }
        self.answered.set();
        self.over.end(status);
    }

    /// The response of a request that was answered; `None` if it ended before.
    pub(super) fn take_response(&self) -> Option<Option<Result<String, HandlerFailure>>> {
        let mut state = self.lock();
        (state.progress == InputProgress::Answered).then(|| state.response.take())
    }

    /// The first answer to a deferred request is final; while the handler runs, the last one counts.
    fn answer(&self, response: Result<String, HandlerFailure>) -> Result<()> {
        let mut state = self.lock();
        state.check_not_over()?;
        if state.progress == InputProgress::Answered {
            return Err(Error::new(MCP_MISUSE, "the request was answered before"));
        }
        let replaced = state.response.replace(response);
        let is_final = state.is_deferred;
        if is_final {
            state.progress = InputProgress::Answered;
        }
        drop(state);
        // Without the lock: dropping a cause runs code of the application.
        drop(replaced);
        if is_final {
            self.over.release();
            self.answered.set();
        }
        Ok(())
    }

    /// Makes the response final, unless the request has ended.
    fn end_answered(&self) -> SetOnDrop {
        {
            let mut state = self.lock();
            if state.progress != InputProgress::Open {
                return SetOnDrop::default();
            }
            state.progress = InputProgress::Answered;
        }
        self.over.release();
        SetOnDrop(Some(Arc::clone(&self.answered)))
    }

    fn check_elicitation(&self) -> Result<()> {
        if self.kind == InputKind::Elicitation {
            return Ok(());
        }
        let why = format!("this is not an elicitation; respond to {} with mcp_input_respond", self.kind.method());
        Err(Error::new(MCP_MISUSE, why))
    }

    fn lock(&self) -> MutexGuard<'_, InputState> {
        self.state.lock()
    }
}

impl InputState {
    /// Fails with the status by which the request ended.
    fn check_not_over(&self) -> Result<()> {
        match self.progress {
            InputProgress::Over(status) => {
                Err(Error::new(status, "the response is too late: the request for input has ended"))
            }
            _ => Ok(()),
        }
    }
}
