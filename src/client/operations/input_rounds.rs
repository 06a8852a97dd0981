//! Input rounds: a modern server answers that it needs input, and the request is made again with it (2026-07-28, "Multi Round-Trip
//! Requests").

use super::request::Request;
use crate::call::context::CallContext;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::log::LogLevel;
use crate::protocol::incoming::InputKind;
use crate::protocol::json::Json;
use crate::protocol::jsonrpc::{ResultType, RpcResponse};
use crate::protocol::raw_value::RawValue;
use crate::rpc::handlers::run_handler;
use crate::status::*;

/// So many rounds are made for one call; a server that wants still more will never have enough.
const MAX_ROUNDS: u32 = 32;

impl Client {
    /// Makes an operation again, with what the server asks for, until it is complete. Counts the rounds.
    pub(in crate::client) fn give_inputs(
        &self,
        call: &CallContext,
        request: &mut Request,
        first: RpcResponse,
    ) -> Result<(Json, u32)> {
        let mut answered = first;
        for rounds in 0..MAX_ROUNDS {
            if answered.kind != ResultType::InputRequired {
                return Ok((answered.result, rounds));
            }
            call.log(LogLevel::Debug, || "the server requires input".into());
            self.gather(call, request, &answered.result)?;
            answered = self.request_with_session_recovery(call, request)?;
        }
        Err(Error::new(MCP_ENDLESS, format!("the server requested input more than {MAX_ROUNDS} times")))
    }

    /// Puts into `request` what the server's response asks for.
    fn gather(&self, call: &CallContext, request: &mut Request, result: &Json) -> Result<()> {
        let root = RawValue::of(result);
        let (requests, state) = (root.member("inputRequests"), root.member("requestState"));
        if requests.is_none() && state.is_none() {
            let why = "the server requires input, but sent neither inputRequests nor requestState";
            return Err(Error::new(MCP_INVALID_MESSAGE, why));
        }
        let mut responses = Vec::new();
        for (key, request) in requests.into_iter().flat_map(RawValue::children) {
            responses.push(one_input(self, call, key, request)?);
        }
        request.params.remove("inputResponses");
        request.params.remove("requestState");
        if requests.is_some() {
            request.params.set("inputResponses", format!("{{{}}}", responses.join(",")));
        }
        if let Some(state) = state {
            // As it came, byte for byte.
            request.params.set("requestState", state.raw().to_owned());
        }
        Ok(())
    }
}

/// A member of `inputResponses`, for what is asked under `key`.
pub fn one_input(client: &Client, call: &CallContext, key: &str, request: RawValue) -> Result<String> {
    let invalid = |why: &str| Error::new(MCP_INVALID_MESSAGE, format!("the server requires input, but {why}"));
    // As it came: the server looks for it.
    if key.is_empty() {
        return Err(invalid("it has no name"));
    }
    let method = request.member("method").and_then(RawValue::text).ok_or_else(|| invalid("does not say for which"))?;
    let Some(kind) = InputKind::of(&method) else {
        let why = format!("the server requested {:?}, which this client does not support", &*method);
        return Err(Error::new(MCP_INPUT_UNSUPPORTED, why));
    };
    let Some(handler) = client.settings.handler(kind) else {
        let why = format!("the server requested {method}, but no handler is set for it: see {}", kind.setter());
        return Err(Error::new(MCP_INPUT_UNSUPPORTED, why));
    };
    let params = request.member("params").and_then(|params| Json::parse(params.raw().to_owned()).ok());
    let given = run_handler(call, kind, &handler, params.as_ref(), None);
    // Whoever has ended the call meanwhile knows why there is no input.
    call.wait_context().check().map_err(|stop| call.stopped_while(&stop, "while the program was asked for input"))?;
    let given = given.map_err(|failure| {
        Error::new(MCP_INPUT_FAILED, format!("the handler of {method} gave no input: {}", failure.message))
    })?;
    Ok(format!("{key}:{given}"))
}
