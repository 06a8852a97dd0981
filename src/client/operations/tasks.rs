//! Tasks: work that a server continues after its response. On modern servers they are the extension
//! `io.modelcontextprotocol/tasks`, and the server decides whether a tool call becomes a task. In 2025-11-25 they are
//! part of the core ("Tasks"), and the client decides.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::input_rounds::input_response;
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
use crate::protocol::progress::Progress;
use crate::protocol::raw_value::RawValue;
use crate::protocol::version::Era;
use crate::rpc::send_request::send_best_effort;
use crate::session::state::Session;
use crate::status::*;

/// The interval between two `tasks/get` if the server does not recommend one.
const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(1);
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(20);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(3600);

impl Client {
    /// Calls a tool. Returns its result, or a task if the call became one.
    pub fn call_tool_as_task(&self, call: &CallContext, name: &str, arguments: Option<&str>) -> Result<Json> {
        let arguments = tool_arguments(arguments)?;
        let (session, _) = self.session(call)?;
        let mut request = tool_call(name, arguments);
        let requests_task = match session.era {
            Era::Modern => {
                request.policy.may_be_task = true;
                false
            }
            Era::Legacy => self.task_support(call, &session, name)?.is_some(),
        };
        if requests_task {
            request.params.set("task", "{}");
        }
        let result = self.run_request(call, request)?;
        if requests_task && result.raw_member("task").is_some() && id_of(&result).is_none() {
            let why = "the server created a task without a task id";
            return Err(Error::new(MCP_INVALID_MESSAGE, why));
        }
        Ok(result)
    }

    /// Calls a tool that must be called as a task, and waits for its result.
    pub(in crate::client) fn call_as_task(
        &self,
        call: &CallContext,
        name: &str,
        arguments: Option<&str>,
    ) -> Result<Json> {
        let started = self.call_tool_as_task(call, name, arguments)?;
        let Some(id) = id_of(&started) else { return Ok(started) };
        self.wait_task(call, &id).inspect_err(|error| {
            // The caller does not know the task's id and cannot cancel it.
            if matches!(error.status(), MCP_CANCELLED | MCP_TIMEOUT) {
                self.cancel_task_best_effort(call, &id);
            }
        })
    }

    /// Sends `tasks/cancel` and does not wait for the response.
    fn cancel_task_best_effort(&self, call: &CallContext, id: &str) {
        // The call has ended, but an open session is returned without waiting.
        if let Ok((session, _)) = self.session(call) {
            let request = task_request("tasks/cancel", id, RequestPolicy::REPEATABLE);
            let body = messages::request(self.calls.next_id(), "tasks/cancel", &request.params);
            send_best_effort(self.transport_context(), &*session.transport, &session.peer_context(), &body);
        }
    }

    /// Whether a tool of a legacy server may or must be called as a task. The tool list is read once, and only if the
    /// server supports tasks.
    pub(in crate::client) fn task_support(
        &self,
        call: &CallContext,
        session: &Session,
        name: &str,
    ) -> Result<Option<TaskSupport>> {
        if !session.has_core_tasks {
            return Ok(None);
        }
        if let Some(support) = self.server_state.tools.task_support() {
            return Ok(support.get(name).copied());
        }
        let tools = self.all_pages(call, ListMethod::Tools)?;
        let list = tools.raw_member(ListMethod::Tools.member());
        let support = list.into_iter().flat_map(RawValue::children).filter_map(|(_, tool)| {
            let support = match tool.at(&["execution", "taskSupport"]).and_then(RawValue::text).as_deref() {
                Some("required") => TaskSupport::Required,
                Some("optional") => TaskSupport::Optional,
                _ => return None,
            };
            Some((text(tool, "name")?, support))
        });
        let support: Arc<HashMap<_, _>> = Arc::new(support.collect());
        self.server_state.tools.record_task_support(Arc::clone(&support));
        Ok(support.get(name).copied())
    }

    /// Gets the state of a task.
    pub fn get_task(&self, call: &CallContext, id: &str) -> Result<Json> {
        self.run_request(call, task_request("tasks/get", id, RequestPolicy::REPEATABLE))
    }

    /// Sends the input that a task of a modern server requires; `responses` is the JSON text of an object.
    pub fn update_task(&self, call: &CallContext, id: &str, responses: &str) -> Result<()> {
        let mut request = task_request("tasks/update", id, RequestPolicy::REPEATABLE);
        request.params.set("inputResponses", object(responses, "the responses")?);
        self.run_request(call, request).map(|_| ())
    }

    pub fn cancel_task(&self, call: &CallContext, id: &str) -> Result<()> {
        self.run_request(call, task_request("tasks/cancel", id, RequestPolicy::REPEATABLE)).map(|_| ())
    }

    /// Waits until a task ends, and provides the input that it requires. Returns the result of the request that became
    /// the task.
    pub fn wait_task(&self, call: &CallContext, id: &str) -> Result<Json> {
        let mut handled = HashSet::new();
        let (mut last_message, mut steps) = (None, 0.0);
        loop {
            let task = self.get_task(call, id)?;
            let root = RawValue::of(&task);
            let message = text(root, "statusMessage");
            if message.is_some() && message != last_message {
                steps += 1.0;
                let progress =
                    Progress { progress: steps, total: None, message: message.as_deref().map(str::to_owned) };
                call.report_progress(&[progress])
                    .map_err(|interrupt| call.interrupt_error_while(&interrupt, "while waiting for the task"))?;
                last_message = message;
            }
            let (session, _) = self.session(call)?;
            match (text(root, "status").as_deref(), session.era) {
                (Some("completed"), Era::Modern) => return task_result(&task),
                (Some("failed"), Era::Modern) => return Err(task_error(call, root)),
                (Some("input_required"), Era::Modern) => self.provide_task_inputs(call, id, root, &mut handled)?,
                // The server sends its input requests before the response to `tasks/result`.
                (Some("completed" | "failed" | "input_required"), Era::Legacy) => {
                    return self.run_request(call, task_request("tasks/result", id, RequestPolicy::REPEATABLE));
                }
                (Some("cancelled"), _) => {
                    let why = last_message.map_or_else(String::new, |message| format!(": {message}"));
                    return Err(Error::new(MCP_TASK_CANCELLED, format!("the task was cancelled{why}")));
                }
                (Some("working"), _) => {}
                (status, _) => {
                    let why = format!("the server's task has the unexpected status {:?}", status.unwrap_or_default());
                    return Err(Error::new(MCP_INVALID_MESSAGE, why));
                }
            }
            let wait_context = call.wait_context().clone();
            let error_for = |interrupt| call.interrupt_error_while(&interrupt, "while waiting for the task");
            wait_context.wait_any(&[], Some(poll_interval(root))).map_err(error_for)?;
        }
    }

    /// Provides the input that a task requires, except for requests whose keys are in `handled`.
    fn provide_task_inputs(
        &self,
        call: &CallContext,
        id: &str,
        task: RawValue,
        handled: &mut HashSet<String>,
    ) -> Result<()> {
        let mut responses = Vec::new();
        for (key, request) in task.member("inputRequests").into_iter().flat_map(RawValue::children) {
            if handled.insert(key.to_owned()) {
                responses.push(input_response(self, call, key, request)?);
            }
        }
        if responses.is_empty() {
            return Ok(());
        }
        self.update_task(call, id, &format!("{{{}}}", responses.join(",")))
    }
}

/// A request about a task. Its `_meta` declares the tasks extension.
fn task_request<'a>(method: &'static str, id: &'a str, mut policy: RequestPolicy) -> Request<'a> {
    policy.may_be_task = true;
    Request::new(method, Params::new().with("taskId", quoted(id)), policy).with_name(id)
}

fn text(value: RawValue, name: &str) -> Option<String> {
    value.member(name)?.text().map(|text| text.into_owned())
}

/// The result of a completed task.
fn task_result(task: &Json) -> Result<Json> {
    let result = task.raw_member("result").filter(|result| result.kind() == Kind::Object);
    let result = result.map(|result| result.raw().to_owned());
    let result =
        result.ok_or_else(|| Error::new(MCP_INVALID_MESSAGE, "the server's task is completed but has no result"))?;
    Json::parse(result).map_err(|why| Error::new(MCP_INVALID_MESSAGE, why))
}

/// The error of a failed task.
fn task_error(call: &CallContext, task: RawValue) -> Error {
    let error = task.member("error");
    let code = error.and_then(|error| error.member("code")?.int64()).unwrap_or_default();
    let message = error.and_then(|error| text(error, "message")).unwrap_or_default();
    let data = error.and_then(|error| Some(error.member("data")?.raw().to_owned()));
    rpc_failure(call, RpcError { code, message, data })
}

fn poll_interval(task: RawValue) -> Duration {
    let ms = ["pollIntervalMs", "pollInterval"].iter().find_map(|name| task.member(name)?.uint64());
    ms.map_or(DEFAULT_POLL_INTERVAL, Duration::from_millis).clamp(MIN_POLL_INTERVAL, MAX_POLL_INTERVAL)
}

/// The id of a task; `None` if the result is not a task. Scans the JSON text and does not build the result's index.
fn id_of(result: &Json) -> Option<String> {
    let root = RawValue::of(result);
    let is_modern = text(root, "resultType").as_deref() == Some("task");
    let id = if is_modern { root.member("taskId") } else { root.at(&["task", "taskId"]) };
    id?.text().map(Cow::into_owned)
}

/// The value of a task's id in a result; `None` if the result is not a task.
pub fn task_id(result: Value<'_>) -> Option<Value<'_>> {
    let modern = result.member("resultType").and_then(Value::text).as_deref() == Some("task");
    let id = if modern { result.member("taskId") } else { result.at("/task/taskId") };
    id.filter(|id| id.text().is_some())
}
