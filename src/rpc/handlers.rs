//! The program's handlers of what servers ask: input of a person (elicitation), of a model (sampling), or the roots.

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

/// Answers what a server asks.
pub type Handler = dyn Fn(&mut InputRequest) + Send + Sync;

/// What a handler is asked, and the place for its answer.
pub struct InputRequest {
    pub kind: InputKind,
    pub params: Json,
    outcome: Option<Result<String, HandlerFailure>>,
    /// The server has cancelled its request.
    is_cancelled: Option<Arc<AtomicBool>>,
    /// What ends the call that waits for the answer.
    call_ended: [Option<Arc<PollableEvent>>; 2],
}

/// Why there is no input.
#[derive(Clone, Debug)]
pub struct HandlerFailure {
    pub code: i64,
    pub message: String,
}

impl InputRequest {
    /// Whether the answer is of no use any more.
    pub fn is_cancelled(&self) -> bool {
        let by_server = self.is_cancelled.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed));
        by_server || self.call_ended.iter().flatten().any(|signal| signal.is_set())
    }

    /// Answers with the text of a result.
    pub fn respond(&mut self, result: &str) -> Result<()> {
        let refused = |why: String| Error::new(MCP_INVALID_ARGUMENT, why);
        let json =
            Json::parse(result.to_owned()).map_err(|why| refused(format!("the result is not valid JSON: {why}")))?;
        self.kind.check(&json).map_err(refused)?;
        self.outcome = Some(Ok(json.text().to_owned()));
        Ok(())
    }

    /// Accepts an elicitation with the text of a content; defaults are filled in for what it leaves out.
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

    /// Answers an elicitation with another action than accepting.
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

/// Runs a handler on this thread; its time does not count against the timeout of the call. A legacy server may cancel its request.
pub fn ask(
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
    let silent = || match kind {
        // Whoever closes a dialog without a choice has cancelled it.
        InputKind::Elicitation => Ok(r#"{"action":"cancel"}"#.into()),
        _ => Err(HandlerFailure {
            code: INTERNAL_ERROR,
            message: format!("the handler of {} gave no response", kind.method()),
        }),
    };
    input.outcome.take().unwrap_or_else(silent)
}

/// Who answers what servers ask.
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

    /// What servers are told that they may ask for.
    pub fn client_capabilities(&self) -> ClientCapabilities {
        ClientCapabilities {
            elicitation: self.elicitation.is_some(),
            sampling: self.sampling.is_some(),
            roots: self.roots.is_some(),
            tasks: false,
        }
    }
}
