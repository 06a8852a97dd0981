//! The application's handlers for server requests: user input (elicitation), model output (sampling) and the roots.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::call::context::CallContext;
use crate::call::object;
use crate::error::{Error, Result};
use crate::protocol::elicitation;
use crate::protocol::incoming::InputKind;
use crate::protocol::json::Json;
use crate::protocol::messages::{ClientCapabilities, INTERNAL_ERROR};
use crate::status::*;
use crate::sys::pollable_event::PollableEvent;

/// Responds to a request of the server.
pub type Handler = dyn Fn(&mut InputRequest) + Send + Sync;

/// The server's request as a handler gets it, and the handler's response.
pub struct InputRequest {
    pub kind: InputKind,
    pub params: Json,
    outcome: Option<Result<String, HandlerFailure>>,
    /// The server has cancelled its request.
    is_cancelled: Option<Arc<AtomicBool>>,
    /// The events that end the call that waits for the response.
    call_ended: [Option<Arc<PollableEvent>>; 2],
}

/// The JSON-RPC error that a handler responds with.
#[derive(Clone, Debug)]
pub struct HandlerFailure {
    pub code: i64,
    pub message: String,
}

impl InputRequest {
    /// Whether the response is no longer needed.
    pub fn is_cancelled(&self) -> bool {
        let by_server = self.is_cancelled.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed));
        by_server || self.call_ended.iter().flatten().any(|event| event.is_set())
    }

    /// Responds with the text of a result.
    pub fn respond(&mut self, result: &str) -> Result<()> {
        let refused = |why: String| Error::new(MCP_INVALID_ARGUMENT, why);
        let json =
            Json::parse(result.to_owned()).map_err(|why| refused(format!("the result is not valid JSON: {why}")))?;
        self.kind.check(&json).map_err(refused)?;
        self.outcome = Some(Ok(json.text().to_owned()));
        Ok(())
    }

    /// Accepts an elicitation with the text of a content. Members that it leaves out get their defaults from the
    /// schema.
    pub fn accept(&mut self, content: Option<&str>) -> Result<()> {
        self.check_elicitation()?;
        let content = content.map(|content| object(content, "the content")).transpose()?;
        let schema = self.params.root().member("requestedSchema");
        let filled = match (content, schema) {
            (None, None) => None,
            (content, schema) => Some(elicitation::fill_defaults(content.unwrap_or("{}"), schema)),
        };
        let content = filled.map_or_else(String::new, |content| format!(r#","content":{content}"#));
        self.outcome = Some(Ok(format!(r#"{{"action":"accept"{content}}}"#)));
        Ok(())
    }

    /// Responds to an elicitation with an action other than accepting.
    pub fn refuse(&mut self, action: &'static str) -> Result<()> {
        self.check_elicitation()?;
        self.outcome = Some(Ok(format!(r#"{{"action":"{action}"}}"#)));
        Ok(())
    }

    pub fn fail(&mut self, code: i64, message: &str) {
        self.outcome = Some(Err(HandlerFailure { code, message: message.into() }));
    }

    fn check_elicitation(&self) -> Result<()> {
        if self.kind == InputKind::Elicitation {
            return Ok(());
        }
        let why = format!("this is not an elicitation; respond to {} with mcp_input_respond", self.kind.method());
        Err(Error::new(MCP_MISUSE, why))
    }
}

/// Runs a handler on this thread. Its time does not count against the timeout of the call. `is_cancelled` becomes true
/// when the server cancels its request, which a legacy server may do.
pub fn run_handler(
    call: &CallContext,
    kind: InputKind,
    handler: &Arc<Handler>,
    params: Option<&Json>,
    is_cancelled: Option<&Arc<AtomicBool>>,
) -> Result<String, HandlerFailure> {
    let nothing = || Json::parse("{}".into()).map_err(|message| HandlerFailure { code: INTERNAL_ERROR, message });
    let params = params.cloned().map_or_else(nothing, Ok)?;
    let call_ended = {
        let wait_context = call.wait_context();
        [wait_context.cancel.clone(), wait_context.closed.clone()]
    };
    let mut input = InputRequest { kind, params, outcome: None, is_cancelled: is_cancelled.cloned(), call_ended };
    call.paused(|clock| clock.during(|| handler(&mut input)));
    let without_response = || match kind {
        // Closing a dialog without a choice cancels it.
        InputKind::Elicitation => Ok(r#"{"action":"cancel"}"#.into()),
        _ => Err(HandlerFailure {
            code: INTERNAL_ERROR,
            message: format!("the handler of {} gave no response", kind.method()),
        }),
    };
    input.outcome.take().unwrap_or_else(without_response)
}

/// The handlers that are set.
#[derive(Clone, Default)]
pub struct Handlers {
    elicitation: Option<Arc<Handler>>,
    sampling: Option<Arc<Handler>>,
    roots: Option<Arc<Handler>>,
}

impl Handlers {
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
