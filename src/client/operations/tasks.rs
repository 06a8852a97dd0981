//! Tasks: work that goes on while nobody waits for it. On modern servers the extension `io.modelcontextprotocol/tasks`, by which the
//! server decides what becomes a task; in 2025-11-25 a part of the core, by which the caller does ("Tasks").

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::input_rounds::one_input;
use super::lists::ListMethod;
use super::request::Request;
use super::tools::{tool_arguments, tool_call};
use crate::call::context::CallContext;
use crate::call::failure::rpc_failure;
use crate::call::object;
use crate::call::request::RequestPolicy;
use crate::client::Client;
use crate::client::tool_registry::TaskSupport;
use crate::error::{Error, Result, RpcError};
use crate::protocol::json::{Json, Kind, Value};
use crate::protocol::messages::{self, quoted};
use crate::protocol::params::Params;
use crate::protocol::raw_value::RawValue;
use crate::protocol::version::Era;
use crate::rpc::send_request::send_best_effort;
use crate::session::state::Session;
use crate::status::*;

/// How long to wait between two questions, where the server does not say.
const POLL: Duration = Duration::from_secs(1);
const SHORTEST_POLL: Duration = Duration::from_millis(20);
const LONGEST_POLL: Duration = Duration::from_secs(3600);

impl Client {
    /// Calls a tool; what comes is its result, or a task where the server makes one of it.
    pub fn start_tool(&self, call: &CallContext, name: &str, arguments: Option<&str>) -> Result<Json> {
        let arguments = tool_arguments(arguments)?;
        let (session, _) = self.session(call)?;
        let mut request = tool_call(name, arguments);
        let is_asked = match session.era {
            Era::Modern => {
                request.rules.may_be_task = true;
                false
            }
            Era::Legacy => self.task_support(call, &session, name)?.is_some(),
        };
        if is_asked {
            request.params.set("task", "{}");
        }
        let result = self.run_request(call, request)?;
        if is_asked && RawValue::of(&result).member("task").is_some() && id_of(&result).is_none() {
            let why = "the server created a task without a task id";
            return Err(Error::new(MCP_INVALID_MESSAGE, why));
        }
        Ok(result)
    }

    /// Calls a tool that has to be a task, and waits for its end.
    pub(in crate::client) fn call_as_task(
        &self,
        call: &CallContext,
        name: &str,
        arguments: Option<&str>,
    ) -> Result<Json> {
        let started = self.start_tool(call, name, arguments)?;
        let Some(id) = id_of(&started) else { return Ok(started) };
        self.wait_task(call, &id).inspect_err(|error| {
            // Nobody else knows of it.
            if matches!(error.status(), MCP_CANCELLED | MCP_TIMEOUT) {
                self.abandon_task(call, &id);
            }
        })
    }

    /// Asks for the end of a task, and waits for no answer.
    fn abandon_task(&self, call: &CallContext, id: &str) {
        // The session is there: only a caller that waits for one could be stopped here.
        if let Ok((session, _)) = self.session(call) {
            let request = about("tasks/cancel", id, RequestPolicy::REPEATABLE);
            let body = messages::request(self.calls.next_id(), "tasks/cancel", &request.params);
            send_best_effort(self.host(), &*session.transport, &session.peer_context(), &body);
        }
    }

    /// Whether a tool of a legacy server may or must be a task. The list is read once, and only where the server has such tasks.
    pub(in crate::client) fn task_support(
        &self,
        call: &CallContext,
        session: &Session,
        name: &str,
    ) -> Result<Option<TaskSupport>> {
        if !session.has_core_tasks {
            return Ok(None);
        }
        if let Some(known) = self.known.tools.task_support() {
            return Ok(known.get(name).copied());
        }
        let tools = self.all_pages(call, ListMethod::Tools)?;
        let list = RawValue::of(&tools).member(ListMethod::Tools.member());
        let known = list.into_iter().flat_map(RawValue::children).filter_map(|(_, tool)| {
            let support = match tool.at(&["execution", "taskSupport"]).and_then(RawValue::text).as_deref() {
                Some("required") => TaskSupport::Required,
                Some("optional") => TaskSupport::Optional,
                _ => return None,
            };
            Some((text(tool, "name")?, support))
        });
        let known: Arc<HashMap<_, _>> = Arc::new(known.collect());
        self.known.tools.record_task_support(Arc::clone(&known));
        Ok(known.get(name).copied())
    }

    /// How a task stands.
    pub fn get_task(&self, call: &CallContext, id: &str) -> Result<Json> {
        self.run_request(call, about("tasks/get", id, RequestPolicy::REPEATABLE))
    }

    /// Gives a modern task the inputs that it asks for: the text of an object.
    pub fn update_task(&self, call: &CallContext, id: &str, responses: &str) -> Result<()> {
        let mut request = about("tasks/update", id, RequestPolicy::REPEATABLE);
        request.params.set("inputResponses", object(responses, "the responses")?);
        self.run_request(call, request).map(|_| ())
    }

    pub fn cancel_task(&self, call: &CallContext, id: &str) -> Result<()> {
        self.run_request(call, about("tasks/cancel", id, RequestPolicy::REPEATABLE)).map(|_| ())
    }

    /// Waits for the end of a task, gives it what it asks for, and gives the result of what it was made for.
    pub fn wait_task(&self, call: &CallContext, id: &str) -> Result<Json> {
        let mut answered = HashSet::new();
        let (mut said, mut steps) = (None, 0.0);
        loop {
            let task = self.get_task(call, id)?;
            let root = RawValue::of(&task);
            let message = text(root, "statusMessage");
            if message.is_some() && message != said {
                steps += 1.0;
                call.paused(|clock| clock.during(|| call.report_progress(steps, None, message.as_deref())));
                said = message;
            }
            let (session, _) = self.session(call)?;
            match (text(root, "status").as_deref(), session.era) {
                (Some("completed"), Era::Modern) => return completed(&task),
                (Some("failed"), Era::Modern) => return Err(failed(call, root)),
                (Some("input_required"), Era::Modern) => self.answer_task(call, id, root, &mut answered)?,
                // The server's requests come with the answer to this one.
                (Some("completed" | "failed" | "input_required"), Era::Legacy) => {
                    return self.run_request(call, about("tasks/result", id, RequestPolicy::REPEATABLE));
                }
                (Some("cancelled"), _) => {
                    let why = said.map_or_else(String::new, |said| format!(": {said}"));
                    return Err(Error::new(MCP_TASK_CANCELLED, format!("the task was cancelled{why}")));
                }
                (Some("working"), _) => {}
                (status, _) => {
                    let why = format!("the server's task has the unexpected status {:?}", status.unwrap_or_default());
                    return Err(Error::new(MCP_INVALID_MESSAGE, why));
                }
            }
            let wait_context = call.wait_context().clone();
            let stopped = |stop| call.stopped_while(&stop, "while waiting for the task");
            wait_context.wait_any(&[], Some(poll_interval(root))).map_err(stopped)?;
        }
    }

    /// Gives what a task asks for and was not given yet.
    fn answer_task(&self, call: &CallContext, id: &str, task: RawValue, answered: &mut HashSet<String>) -> Result<()> {
        let mut responses = Vec::new();
        for (key, request) in task.member("inputRequests").into_iter().flat_map(RawValue::children) {
            if answered.insert(key.to_owned()) {
                responses.push(one_input(self, call, key, request)?);
            }
        }
        if responses.is_empty() {
            return Ok(());
        }
        self.update_task(call, id, &format!("{{{}}}", responses.join(",")))
    }
}

/// A request about a task, which declares the extension.
fn about<'a>(method: &'static str, id: &'a str, mut rules: RequestPolicy) -> Request<'a> {
    rules.may_be_task = true;
    Request::new(method, Params::new().with("taskId", quoted(id)), rules).named(id)
}

fn text(value: RawValue, name: &str) -> Option<String> {
    value.member(name)?.text().map(|text| text.into_owned())
}

fn completed(task: &Json) -> Result<Json> {
    let result = RawValue::of(task).member("result").filter(|result| result.kind() == Kind::Object);
    let result = result.map(|result| result.raw().to_owned());
    let result =
        result.ok_or_else(|| Error::new(MCP_INVALID_MESSAGE, "the server's task is completed but has no result"))?;
    Json::parse(result).map_err(|why| Error::new(MCP_INVALID_MESSAGE, why))
}

fn failed(call: &CallContext, task: RawValue) -> Error {
    let error = task.member("error");
    let code = error.and_then(|error| error.member("code")?.int64()).unwrap_or_default();
    let message = error.and_then(|error| text(error, "message")).unwrap_or_default();
    let data = error.and_then(|error| Some(error.member("data")?.raw().to_owned()));
    rpc_failure(call, RpcError { code, message, data })
}

fn poll_interval(task: RawValue) -> Duration {
    let ms = ["pollIntervalMs", "pollInterval"].iter().find_map(|name| task.member(name)?.uint64());
    ms.map_or(POLL, Duration::from_millis).clamp(SHORTEST_POLL, LONGEST_POLL)
}

/// The id of a task, where a result is one, found without an index of the result.
fn id_of(result: &Json) -> Option<String> {
    let root = RawValue::of(result);
    let is_modern = text(root, "resultType").as_deref() == Some("task");
    let id = if is_modern { root.member("taskId") } else { root.at(&["task", "taskId"]) };
    id?.text().map(Cow::into_owned)
}

/// The same as a place in the result.
pub fn task_id(result: Value<'_>) -> Option<Value<'_>> {
    let modern = result.member("resultType").and_then(Value::text).as_deref() == Some("task");
    let id = if modern { result.member("taskId") } else { result.at("/task/taskId") };
    id.filter(|id| id.text().is_some())
}
