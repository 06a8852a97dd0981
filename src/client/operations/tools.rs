//! Tool calls, and the headers that the tools' schemas require (2026-07-28, "Tools").

use std::sync::Arc;
use std::time::Instant;

use super::lists::{ListMethod, with_list};
use super::request::Request;
use super::unavailable_input;
use crate::call::context::CallContext;
use crate::call::object;
use crate::call::request::RequestPolicy;
use crate::client::Client;
use crate::client::cache::{CacheContext, Freshness};
use crate::client::tool_registry::{TaskSupport, ToolInfo};
use crate::error::Result;
use crate::log::LogLevel;
use crate::protocol::header_arguments::{HeaderArgument, find_header_arguments, may_have_marks};
use crate::protocol::json::{Json, Value};
use crate::protocol::messages::quoted;
use crate::protocol::params::Params;
use crate::protocol::version::Era;
use crate::status::*;

/// The largest input schema that is searched for header arguments, in bytes: the search cannot be cancelled.
const MAX_SCHEMA_SIZE: usize = 1024 * 1024;

/// Checks the JSON text of a caller's arguments, before a request is sent. `None` is an empty object.
pub(in crate::client) fn tool_arguments(arguments: Option<&str>) -> Result<&str> {
    arguments.map_or(Ok("{}"), |arguments| object(arguments, "the arguments"))
}

/// The request that calls a tool.
pub(in crate::client) fn tool_call<'a>(name: &'a str, arguments: &'a str) -> Request<'a> {
    let params = Params::new().with("name", quoted(name)).with("arguments", arguments);
    Request { arguments: Some(arguments), ..Request::new("tools/call", params, RequestPolicy::ONCE).with_name(name) }
}

impl Client {
    /// Calls a tool and waits for its result; `arguments` is the JSON text of an object.
    pub fn call_tool(&self, call: &CallContext, name: &str, arguments: Option<&str>) -> Result<Json> {
        let text = tool_arguments(arguments)?;
        let (session, _) = self.session(call)?;
        if self.task_support(call, &session, name)? == Some(TaskSupport::Required) {
            return self.call_as_task(call, name, arguments);
        }
        let outcome = self.run_request(call, tool_call(name, text));
        if session.era == Era::Legacy { outcome } else { unavailable_input::checked(call, outcome, session.version) }
    }

    /// The arguments of a tool that headers repeat. Reads the server's tool list if it is not known yet; without a
    /// list, there are none.
    pub(in crate::client) fn header_arguments(&self, call: &CallContext, name: &str) -> Result<Arc<[HeaderArgument]>> {
        if let Some(known) = self.server_state.tools.header_arguments(name, &CacheContext::of(self.auth())) {
            return Ok(known);
        }
        match self.all_pages(call, ListMethod::Tools) {
            Ok(_) => self.server_state.tools.record_complete(),
            Err(error) if error.status() == MCP_RPC_ERROR => {
                call.log(LogLevel::Debug, || format!("the server does not list its tools ({error})"));
            }
            Err(error) => return Err(error),
        }
        let known = self.server_state.tools.header_arguments(name, &CacheContext::of(self.auth()));
        Ok(known.unwrap_or_else(|| Arc::from([])))
    }

    /// A page of tools without those whose header marks are invalid, on modern servers over HTTP (2026-07-28,
    /// "Streamable HTTP": Schema Extension). The header arguments of the other tools are recorded for calls.
    pub(in crate::client) fn without_invalid_tools(&self, call: &CallContext, page: Json) -> Result<Json> {
        let (session, _) = self.session(call)?;
        if session.era == Era::Legacy || !session.transport.transport_kind().has_headers() {
            return Ok(page);
        }
        let context = CacheContext::of(self.auth());
        let freshness = Freshness::of(&page);
        let expiry = Instant::now().checked_add(freshness.ttl).filter(|_| !freshness.ttl.is_zero());
        let mut recorded = Vec::new();
        let mut valid = Vec::new();
        let mut count = 0;
        // Most servers mark no argument, and their schemas are not searched.
        let has_marks = may_have_marks(page.text());
        let list = page.root().member(ListMethod::Tools.member());
        for tool in list.into_iter().flat_map(Value::children) {
            call.wait_context().check().map_err(|interrupt| {
                call.interrupt_error_while(&interrupt, "while looking through the list of tools")
            })?;
            count += 1;
            let name = tool.member("name").and_then(Value::text).unwrap_or_default();
            match tool.member("inputSchema").map_or(Ok(Vec::new()), |schema| header_arguments_of(schema, has_marks)) {
                Ok(header_arguments) => {
                    let context = freshness.is_private.then(|| context.clone());
                    let header_arguments = header_arguments.into();
                    recorded.push((name.into_owned(), ToolInfo { header_arguments, expiry, context }));
                    valid.push(tool.raw());
                }
                Err(why) => {
                    call.log(LogLevel::Warning, || format!("the tool {name:?} is left out: {why}"));
                }
            }
        }
        self.server_state.tools.add(recorded);
        if valid.len() == count {
            return Ok(page);
        }
        with_list(&page, ListMethod::Tools, &format!("[{}]", valid.join(",")), None)
    }
}

/// The arguments that headers repeat, by the marks in a tool's input schema.
fn header_arguments_of(schema: Value, may_have_marks: bool) -> Result<Vec<HeaderArgument>, String> {
    if schema.raw().len() > MAX_SCHEMA_SIZE {
        return Err(format!("its schema is larger than {MAX_SCHEMA_SIZE} bytes"));
    }
    if may_have_marks { find_header_arguments(schema) } else { Ok(Vec::new()) }
}
