//! What a server asks of the program: input of a person (elicitation), of a model (sampling), or the roots. Legacy servers send
//! requests of their own for that; modern ones answer that they need input, and the request is made again with it (2026-07-28,
//! "Multi Round-Trip Requests").

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Client;
use super::operation::Operation;
use crate::call::context::Call;
use crate::call::object;
use crate::error::{Error, Result};
use crate::log::Level;
use crate::protocol::elicitation;
use crate::protocol::incoming::InputKind;
use crate::protocol::json::Json;
use crate::protocol::jsonrpc::{Answered, ResultType};
use crate::protocol::messages::INTERNAL_ERROR;
use crate::protocol::part::Part;
use crate::status::*;
use crate::sys::signal::Signal;

/// So many rounds are made for one call; a server that wants still more will never have enough.
const MOST_ROUNDS: u32 = 32;

/// Answers what a server asks.
pub type Handler = dyn Fn(&mut Input) + Send + Sync;

/// What a handler is asked, and the place for its answer.
pub struct Input {
    pub kind: InputKind,
    pub params: Json,
    outcome: Option<Result<String, Failure>>,
    /// The server has cancelled its request.
    is_cancelled: Option<Arc<AtomicBool>>,
    /// What ends the call that waits for the answer.
    call_ended: [Option<Arc<Signal>>; 2],
}

/// Why there is no input.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: i64,
    pub message: String,
}

impl Input {
    /// Whether the answer is of no use any more.
    pub fn is_cancelled(&self) -> bool {
        let by_server = self.is_cancelled.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed));
        by_server || self.call_ended.iter().flatten().any(|signal| signal.is_raised())
    }

    /// Answers with the text of a result.
    pub fn respond(&mut self, result: &str) -> Result<()> {
        let refused = |why: String| Error::new(MCP_INVALID_ARGUMENT, why);
        let json = Json::parse(result.to_owned()).map_err(|why| refused(format!("the result is no JSON: {why}")))?;
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
            (content, schema) => Some(elicitation::filled(content.unwrap_or("{}"), schema)),
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
        self.outcome = Some(Err(Failure { code, message: message.into() }));
    }

    fn check_elicitation(&self) -> Result<()> {
        if self.kind == InputKind::Elicitation {
            return Ok(());
        }
        let why = format!("this is no elicitation; answer {} with mcp_input_respond", self.kind.method());
        Err(Error::new(MCP_MISUSE, why))
    }
}

/// Runs a handler on this thread; its time does not count against the timeout of the call. A legacy server may cancel its request.
pub fn ask(
    call: &Call,
    kind: InputKind,
    handler: &Arc<Handler>,
    params: Option<&Json>,
    is_cancelled: Option<&Arc<AtomicBool>>,
) -> Result<String, Failure> {
    let nothing = || Json::parse("{}".into()).map_err(|message| Failure { code: INTERNAL_ERROR, message });
    let params = params.cloned().map_or_else(nothing, Ok)?;
    let call_ended = {
        let budget = call.budget();
        [budget.cancel.clone(), budget.closed.clone()]
    };
    let mut input = Input { kind, params, outcome: None, is_cancelled: is_cancelled.cloned(), call_ended };
    call.paused(|clock| clock.during(|| handler(&mut input)));
    let silent = || match kind {
        // Whoever closes a dialog without a choice has cancelled it.
        InputKind::Elicitation => Ok(r#"{"action":"cancel"}"#.into()),
        _ => Err(Failure { code: INTERNAL_ERROR, message: format!("the handler of {} gave no answer", kind.method()) }),
    };
    input.outcome.take().unwrap_or_else(silent)
}

impl Client {
    /// Makes an operation again, with what the server asks for, until it is complete. Counts the rounds.
    pub(super) fn give_inputs(&self, call: &Call, operation: &mut Operation, first: Answered) -> Result<(Json, u32)> {
        let mut answered = first;
        for rounds in 0..MOST_ROUNDS {
            if answered.kind != ResultType::InputRequired {
                return Ok((answered.result, rounds));
            }
            call.remark(Level::Debug, || "the server needs input".into());
            self.gather(call, operation, &answered.result)?;
            answered = self.perform_round(call, operation)?;
        }
        Err(Error::new(MCP_ENDLESS, format!("the server asked for input {MOST_ROUNDS} times, and wants still more")))
    }

    /// Puts into `operation` what the server's answer asks for.
    fn gather(&self, call: &Call, operation: &mut Operation, result: &Json) -> Result<()> {
        let root = Part::of(result);
        let (requests, state) = (root.member("inputRequests"), root.member("requestState"));
        if requests.is_none() && state.is_none() {
            let why = "the server needs input, and says neither which nor in what state it is";
            return Err(Error::new(MCP_INVALID_MESSAGE, why));
        }
        let mut responses = Vec::new();
        for (key, request) in requests.into_iter().flat_map(Part::children) {
            responses.push(one_input(self, call, key, request)?);
        }
        operation.params.remove("inputResponses");
        operation.params.remove("requestState");
        if requests.is_some() {
            operation.params.set("inputResponses", format!("{{{}}}", responses.join(",")));
        }
        if let Some(state) = state {
            // As it came, byte for byte.
            operation.params.set("requestState", state.raw().to_owned());
        }
        Ok(())
    }
}

/// A member of `inputResponses`, for what is asked under `key`.
pub fn one_input(client: &Client, call: &Call, key: &str, request: Part) -> Result<String> {
    let invalid = |why: &str| Error::new(MCP_INVALID_MESSAGE, format!("the server asks for input, and {why}"));
    // As it came: the server looks for it.
    if key.is_empty() {
        return Err(invalid("it has no name"));
    }
    let method = request.member("method").and_then(Part::text).ok_or_else(|| invalid("does not say for which"))?;
    let Some(kind) = InputKind::of(&method) else {
        let why = format!("the server asks for {:?}, which no client can give", &*method);
        return Err(Error::new(MCP_INPUT_UNSUPPORTED, why));
    };
    let Some(handler) = client.settings.handler(kind) else {
        let why = format!("the server asks for {method}, and no handler is set for that: see {}", kind.setter());
        return Err(Error::new(MCP_INPUT_UNSUPPORTED, why));
    };
    let params = request.member("params").and_then(|params| Json::parse(params.raw().to_owned()).ok());
    let given = ask(call, kind, &handler, params.as_ref(), None);
    // Whoever has ended the call meanwhile knows why there is no input.
    call.budget().check().map_err(|stop| call.stopped_while(&stop, "while the program was asked for input"))?;
    let given = given.map_err(|failure| {
        Error::new(MCP_INPUT_FAILED, format!("the handler of {method} gave no input: {}", failure.message))
    })?;
    Ok(format!("{key}:{given}"))
}
