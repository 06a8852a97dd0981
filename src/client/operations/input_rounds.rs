//! Input rounds: a modern server responds that it requires input, and the client repeats the request with the input
//! (2026-07-28, "Multi Round-Trip Requests").

use super::request::Request;
use crate::call::context::CallContext;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::incoming::InputKind;
use crate::protocol::json::Json;
use crate::protocol::jsonrpc::{ResultType, RpcResponse};
use crate::protocol::raw_value::RawValue;
use crate::rpc::handlers::{HandlerFailure, HandlerOutcome, run_handler};
use crate::status::*;
use crate::sys::wait::Interrupt;

/// The most input rounds of one call.
const MAX_ROUNDS: u32 = 32;

impl Client {
    /// Repeats a request with the input that the server requires, until the result is complete. Returns the result and
    /// the number of rounds.
    pub(in crate::client) fn provide_inputs(
        &self,
        call: &CallContext,
        request: &mut Request,
        first: RpcResponse,
    ) -> Result<(Json, u32)> {
        let mut response = first;
        for rounds in 0..MAX_ROUNDS {
            if response.kind != ResultType::InputRequired {
                return Ok((response.result, rounds));
            }
            call.log(LogLevel::Debug, || "the server requires input".into());
            self.add_input_responses(call, request, &response.result)?;
            response = self.request_with_session_recovery(call, request)?;
        }
        Err(Error::new(MCP_ENDLESS, format!("the server requested input more than {MAX_ROUNDS} times")))
    }

    /// Adds the input that `result` requires to `request`.
    fn add_input_responses(&self, call: &CallContext, request: &mut Request, result: &Json) -> Result<()> {
        let (requests, state) = (result.raw_member("inputRequests"), result.raw_member("requestState"));
        if requests.is_none() && state.is_none() {
            let why = "the server requires input, but sent neither inputRequests nor requestState";
            return Err(Error::new(MCP_INVALID_MESSAGE, why));
        }
        let mut responses = Vec::new();
        for (key, input_request) in requests.into_iter().flat_map(RawValue::children) {
            responses.push(input_response(self, call, key, input_request)?);
        }
        request.params.remove("inputResponses");
        request.params.remove("requestState");
        if requests.is_some() {
            request.params.set("inputResponses", format!("{{{}}}", responses.join(",")));
        }
        if let Some(state) = state {
            // Unchanged, byte for byte.
            request.params.set("requestState", state.raw().to_owned());
        }
        Ok(())
    }
}

/// Runs the handler for an input request. Returns a member of `inputResponses`, with the JSON text `key` as its name.
pub fn input_response(client: &Client, call: &CallContext, key: &str, request: RawValue) -> Result<String> {
    let invalid = |why: &str| Error::new(MCP_INVALID_MESSAGE, format!("the server requires input, but {why}"));
    if key.is_empty() {
        return Err(invalid("one of its requests has no key"));
    }
    let method = request
        .member("method")
        .and_then(RawValue::text)
        .ok_or_else(|| invalid("one of its requests has no method"))?;
    let Some(kind) = InputKind::of(&method) else {
        let why = format!("the server requested {:?}, which this client does not support", &*method);
        return Err(Error::new(MCP_INPUT_UNSUPPORTED, why));
    };
    let handlers = client.settings.handlers();
    if handlers.of(kind).is_none() {
        let why = format!("the server requested {method}, but no handler is set for it: see {}", kind.setter());
        return Err(Error::new(MCP_INPUT_UNSUPPORTED, why));
    }
    let params = request.member("params").and_then(|params| Json::parse(params.raw().to_owned()).ok());
    let ended = |interrupt: Interrupt| call.interrupt_error_while(&interrupt, "while the input handler was running");
    let input = match run_handler(call, (&handlers, kind), params.as_ref(), &[], |_| ()) {
        HandlerOutcome::Response(input) => input,
        HandlerOutcome::Failed(HandlerFailure { message, cause, .. }) => {
            let mut error = Error::new(MCP_INPUT_FAILED, format!("the handler of {method} gave no input: {message}"));
            error.report_mut().cause = cause;
            return Err(error);
        }
        HandlerOutcome::Over(interrupt) => return Err(ended(interrupt)),
    };
    // If the call has ended, report that.
    call.wait_context().check().map_err(ended)?;
    Ok(format!("{key}:{input}"))
}
